import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { delimiter, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findBinaries } from './binaries.ts'
import { readFlags } from './flags.ts'
import { connectUp, readState, type UpState } from './up-channel.ts'

/**
 * `npm run up`: a control plane with Karma's kinds, and the operator, left running until `npm run down`. Prints lines
 * `export NAME=value` on standard output, for `eval`, and everything else on standard error. `--no-operator` leaves
 * the operator to be started by hand, as with a debugger.
 */
const folder = resolve(import.meta.dirname, '../../.karma')
const say = (line: string): boolean => process.stderr.write(`${line}\n`)

async function main(): Promise<number> {
  const { values } = readFlags('npm run up', { 'no-operator': { type: 'boolean' } })
  mkdirSync(folder, { recursive: true })
  process.chdir(folder)
  const running = await connectUp()
  if (running === undefined) {
    // Here, where the user sees the progress of a build.
    await findBinaries()
    say(values['no-operator'] ? 'starting the control plane' : 'starting the control plane and the operator')
  }
  const state = await readState(running ?? (await startInBackground()))
  if (state === undefined || state.failed !== undefined) {
    say(state?.failed ?? `it ended while it started; the end of its log:\n${endOfLog()}`)
    say(`the logs are in ${folder}`)
    return 1
  }
  say(running === undefined ? 'up; it runs until `npm run down`' : 'it is up already, until `npm run down`')
  if (state.metrics !== undefined) say(`its metrics: ${state.metrics}`)
  printExports(state)
  return 0
}

/** In a session of its own, so that it outlives this terminal. */
async function startInBackground(): Promise<Socket> {
  const log = openSync('up.log', 'w')
  const args = [join(import.meta.dirname, 'up-background.ts'), ...process.argv.slice(2)]
  const background = spawn(process.execPath, args, { detached: true, stdio: ['ignore', log, log], cwd: folder })
  closeSync(log)
  background.unref()
  while (background.exitCode === null && background.signalCode === null) {
    const socket = await connectUp()
    if (socket !== undefined) return socket
    await sleep(50)
  }
  // It yields when another `up` was faster, and that one answers.
  const other = await connectUp()
  if (other !== undefined) return other
  throw new Error(`it did not start; the end of its log:\n${endOfLog()}`)
}

const endOfLog = (): string => readFileSync('up.log', 'utf8').trim().split('\n').slice(-8).join('\n')

function printExports({ kubeconfig, api }: UpState): void {
  const bin = join(folder, 'bin')
  const path = process.env.PATH ?? ''
  const already = path.split(delimiter).includes(bin)
  const lines = {
    KUBECONFIG: quoted(kubeconfig),
    KUBECACHEDIR: quoted(join(dirname(kubeconfig), 'kubectl-cache')),
    ...(api === undefined ? {} : { KARMA_API: quoted(api) }),
    ...(already ? {} : { PATH: `${quoted(bin)}${delimiter}"$PATH"` }),
  }
  for (const [name, value] of Object.entries(lines)) process.stdout.write(`export ${name}=${value}\n`)
}

/** For a POSIX shell; plain where it can be. */
const quoted = (text: string): string => (/^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)

try {
  process.exit(await main())
} catch (cause) {
  say((cause as Error).message)
  process.exit(1)
}
