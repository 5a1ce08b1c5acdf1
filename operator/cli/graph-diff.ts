import { Option } from 'commander'
import { type Result, success } from '../api/result.ts'
import { display, keyOf } from '../core/component/identity.ts'
import type { Edge } from '../ports/graph.ts'
import { count } from './count.ts'
import { type Drawing, dot, type Mark, mermaid } from './drawing.ts'
import { type Difference, differencesOf, withoutEqual } from './graph-difference.ts'
import { makeGraphHistory } from './graph-history.ts'
import { type Author, type AuthorsOf, authorsText, readAuthors } from './graph-names.ts'
import { environmentOf, type GraphFlags, withEnvironment } from './graph-place.ts'
import type { VersionChange } from './graph-port.ts'
import { referenceText } from './graph-show.ts'
import { type Ends, readSpan, spanIn } from './graph-span.ts'
import { outputOption, serialized } from './output.ts'
import { type Column, green, red, table, yellow } from './table.ts'
import type { Desk, Verb } from './verb.ts'

const formats = ['table', 'json', 'yaml', 'dot', 'mermaid'] as const

interface DiffFlags extends GraphFlags {
  readonly since?: string
  readonly output: (typeof formats)[number]
}

const help = `
+ was added, - was removed, ~ was changed: a Component, or one of its references. The graph holds references, not
config: of a Component with ~ alone kubectl karma log says what was changed. One that was changed and is what it was is no
difference, as far as the ledger says so. VERSION, AT and CHANGE are of the last version that made it so. Drawings show what was added in green, removed in red, changed in orange.

Exit code: 0 there is no difference, 2 there are some, 1 it cannot be told.

Examples:
  kubectl karma graph diff 38 41 -n dev
  kubectl karma graph diff 38            # up to the newest
  kubectl karma graph diff --since 24h -n dev -o json
  kubectl karma graph diff 38 41 -o mermaid
`

export const addDiff: Verb = (program, run) => {
  const command = program
    .command('diff')
    .description('list what was added, removed and changed between two versions, and by which change')
    .argument('[from]', 'the older version')
    .argument('[to]', 'the newer version; default: the newest')
    .addOption(new Option('--since <duration>', 'from what was there so long ago, such as 24h or 1h30m'))
    .addOption(outputOption(formats))
    .addHelpText('after', help)
  withEnvironment(command).action((from: string | undefined, to: string | undefined, flags: DiffFlags) =>
    run(flags, (desk) => showDiff({ from, to }, flags, desk)),
  )
}

const showDiff = async (ends: Ends, flags: DiffFlags, desk: Desk): Promise<Result<number>> => {
  const { session, namespace, terminal } = desk
  const span = spanIn(ends, flags.since)
  if (!span.ok) return span
  const environment = await environmentOf(session.objects, namespace, flags.environment)
  if (!environment.ok) return environment
  const history = makeGraphHistory(environment.value, desk)
  const read = await readSpan(history, span.value, terminal)
  if (!read.ok) return read
  const { from, to, changes } = read.value
  const differences = await withoutEqual(differencesOf(changes), { from, to, history: history.history })
  const key = keyOf(environment.value)
  terminal.err(`${key} from version ${from} to ${to}: ${count(differences.length, 'difference')}\n`)
  const title = `${key} from version ${from} to ${to}`
  if (flags.output === 'dot') terminal.out(dot(drawingOf(differences, changes, { namespace, title })))
  else if (flags.output === 'mermaid') terminal.out(mermaid(drawingOf(differences, changes, { namespace, title })))
  else {
    const versions = differences.map(({ by }) => by)
    const authorsOf = await readAuthors(session.objects, namespace, { versions, history: history.history })
    const rows = differences.map((one) => rowOf(one, namespace, authorsOf))
    if (flags.output !== 'table')
      terminal.out(serialized({ environment: key, from, to, differences: rows }, flags.output))
    else if (rows.length > 0) terminal.out(table(columns, rows, terminal))
  }
  return success(differences.length === 0 ? 0 : 2)
}

/** A difference for people and machines. */
interface Row {
  readonly mark: Mark
  readonly component: string
  readonly reference?: string
  readonly before?: Edge
  readonly after?: Edge
  readonly version: number
  readonly at: string
  readonly changes: readonly Author[]
}

export const rowOf = (
  { mark, component, before, after, by }: Difference,
  namespace: string,
  authorsOf: AuthorsOf,
): Row => {
  const name = (after ?? before)?.name
  const near = (edge: Edge): Edge => ({ ...edge, to: display(edge.to, namespace) })
  return {
    mark,
    component: display(component, namespace),
    ...(name !== undefined && { reference: name }),
    ...(before && { before: near(before) }),
    ...(after && { after: near(after) }),
    version: by.version,
    at: by.at,
    changes: authorsOf(by.changeId, component),
  }
}

const signs: Readonly<Record<Mark, string>> = { added: '+', removed: '-', changed: '~' }
const colours: Readonly<Record<Mark, number>> = { added: green, removed: red, changed: yellow }

const columns: Column<Row>[] = [
  { title: 'DIFF', text: ({ mark }) => signs[mark], colour: ({ mark }) => colours[mark] },
  { title: 'COMPONENT', text: ({ component }) => component },
  { title: 'REFERENCE', text: (row) => referenceIn(row), colour: ({ mark }) => colours[mark] },
  { title: 'VERSION', text: ({ version }) => String(version) },
  { title: 'AT', text: ({ at }) => at },
  { title: 'CHANGE', text: ({ changes }) => authorsText(changes) },
]

const referenceIn = ({ before, after }: Row): string => {
  const text = ({ name, to, uses }: Edge): string =>
    referenceText({ name, component: to, ...(uses && { outputs: uses }) })
  if (!before || !after) return after ? text(after) : before ? text(before) : '-'
  const was = text(before)
  return was === text(after) ? `${was} (what it feeds)` : `${text(after)} (was ${was.slice(before.name.length + 4)})`
}

/** All references of what was touched, those that came or went marked. */
const drawingOf = (
  differences: readonly Difference[],
  changes: readonly VersionChange[],
  { namespace, title }: { namespace: string; title: string },
): Drawing => {
  const shown = (id: string): string => display(id, namespace)
  const about = differences.filter(({ before, after }) => !before && !after)
  const marks = new Map(about.map(({ component, mark }) => [shown(component), mark]))
  const edge = (from: string, { name, to }: Edge, mark?: Mark): Drawing['references'][number] => ({
    from: shown(from),
    to: shown(to),
    name,
    mark,
  })
  const differing = differences.filter(({ before, after }) => before || after)
  const isSame = (from: string, { name }: Edge): boolean =>
    !differing.some(({ component, before, after }) => component === from && (after ?? before)?.name === name)
  const latest = new Map(changes.flatMap(({ after }) => after.map((state) => [state.id, state] as const)))
  const kept = [...latest.values()].flatMap((state) =>
    state.removed ? [] : state.edges.filter((one) => isSame(state.id, one)).map((one) => edge(state.id, one)),
  )
  const moved = differing.flatMap(({ component, before, after }) => {
    if (before && after && before.to === after.to) return [edge(component, after, 'changed')]
    return [
      ...(before ? [edge(component, before, 'removed')] : []),
      ...(after ? [edge(component, after, 'added')] : []),
    ]
  })
  const references = [...kept, ...moved]
  return { title, nodes: [...new Set([...marks.keys(), ...references.map(({ to }) => to)])], references, marks }
}
