/**
 * `npm run bench [name ...]`: runs the benches of this folder, each a file with a default export of type `Bench`, and
 * prints a table; with `-- --json` a line for each figure, `{name, value, unit, against, ratio, budget}`. Progress goes
 * to stderr. Ends with 1 when a budget was missed.
 */
import { readdirSync } from 'node:fs'
import { readFlags } from '../cluster/flags.ts'
import { asJson, asTable, type Bench, type Figure, isMet } from './support/figure.ts'

const known = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -'.ts'.length))
const { values, positionals } = readFlags('npm run bench', { json: { type: 'boolean' } }, { positionals: true })

const unknown = positionals.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  console.error(`bench: expected one of ${known.join(', ')}, found ${unknown.join(', ')}`)
  process.exit(2)
}

const figures: Figure[] = []
for (const name of positionals.length > 0 ? positionals : known) {
  const { default: bench } = (await import(`./${name}.ts`)) as { default: Bench }
  await bench({
    figure(figure) {
      figures.push(figure)
      if (values.json) console.log(asJson(figure))
    },
    progress: (text) => console.error(`${name}: ${text}`),
  })
}
if (!values.json) console.log(asTable(figures))
if (!figures.every(isMet)) process.exitCode = 1
