import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { readFlags } from './flags.ts'
import { askToStop, connectUp } from './up-channel.ts'

/** `npm run down`: ends what `npm run up` left running, and removes its data. Nothing running is no error. */
readFlags('npm run down', {})
const folder = resolve(import.meta.dirname, '../../.karma')
if (existsSync(folder)) process.chdir(folder)
const running = existsSync(folder) ? await connectUp() : undefined
if (running === undefined) {
  process.stderr.write('nothing is up\n')
} else {
  await askToStop(running)
  process.stderr.write(`down; the logs are in ${folder}\n`)
}
