import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

// Part of npm run check: a file of operator/ is about one thing, which is said in 400 lines. What is generated is as long
// as its source.

const most = 400
const operator = resolve(import.meta.dirname, '../../operator')

const files = globSync('**/*.ts', { cwd: operator }).filter((file) => !file.endsWith('.generated.ts'))
const linesOf = (file: string): number => readFileSync(join(operator, file), 'utf8').split('\n').length - 1
const long = files.map((file) => ({ file, lines: linesOf(file) })).filter(({ lines }) => lines > most)
for (const { file, lines } of long) console.error(`operator/${file}: expected at most ${most} lines, found ${lines}`)
console.log(`${files.length} files of operator/, ${long.length} longer than ${most} lines`)
process.exitCode = long.length === 0 ? 0 : 1
