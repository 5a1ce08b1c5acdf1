import { existsSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { generated } from './generated.ts'

// Part of npm run check: what is generated is what its sources say.

const files = generated()
const stale = files.filter(({ file, text }) => !existsSync(file) || readFileSync(file, 'utf8') !== text)
for (const { file, from } of stale) {
  console.error(`${relative('.', file)} is not what ${from} say: run "npm run generate" and commit the result`)
}
console.log(`${files.length} generated files, ${stale.length} stale`)
process.exitCode = stale.length === 0 ? 0 : 1
