import { type Result, success } from '../api/result.ts'
import { display, keyOf } from '../core/component/identity.ts'
import type { VertexState } from '../ports/graph.ts'
import { count } from './count.ts'
import { type Drawing, dot, mermaid } from './drawing.ts'
import { makeGraphHistory } from './graph-history.ts'
import { atOption, environmentOf, type GraphFlags, versionAt, withEnvironment } from './graph-place.ts'
import { readNote } from './graph-port.ts'
import { type Since, sinceWhen } from './graph-since.ts'
import { outputOption, serialized } from './output.ts'
import { type Column, table } from './table.ts'
import type { Desk, Verb } from './verb.ts'

const formats = ['table', 'json', 'yaml', 'dot', 'mermaid'] as const

interface ShowFlags extends GraphFlags {
  readonly at?: string
  readonly output: (typeof formats)[number]
}

const help = `
Of a reference the outputs stand in brackets that are read; without them it is all of them. SINCE is the version since
which a Component stands there like this, and CHANGE the ChangeRequest that brought that about, or the Component itself,
where it was made then; - where that is not known any more. Since when each reference: kubectl karma graph diff 0 VERSION.

Examples:
  kubectl karma graph show -n dev
  kubectl karma graph show -n dev --environment prod --at 41
  kubectl karma graph show -n dev -o dot | dot -Tsvg > graph.svg
`

export const addShow: Verb = (program, run) => {
  const command = program
    .command('show')
    .description('list the Components of an environment and what they refer to, at a version')
    .addOption(atOption())
    .addOption(outputOption(formats))
    .addHelpText('after', help)
  withEnvironment(command).action((flags: ShowFlags) => run(flags, (desk) => show(flags, desk)))
}

const show = async (flags: ShowFlags, desk: Desk): Promise<Result<number>> => {
  const { session, namespace, terminal } = desk
  const at = versionAt(flags.at)
  if (!at.ok) return at
  const environment = await environmentOf(session.objects, namespace, flags.environment)
  if (!environment.ok) return environment
  const answer = await makeGraphHistory(environment.value, desk).states(at.value)
  if (!answer.ok) return answer
  const { version, head, from, states } = answer.value
  const key = keyOf(environment.value)
  const since = await sinceWhen(environment.value, answer.value, desk)
  const shown = shownOf(states, namespace, since)
  terminal.err(readNote(answer.value, environment.value))
  const title = `${key} at version ${version}: ${count(shown.length, 'Component')}`
  if (flags.output === 'dot') terminal.out(dot(drawingOf(shown, title)))
  else if (flags.output === 'mermaid') terminal.out(mermaid(drawingOf(shown, title)))
  else if (flags.output !== 'table')
    terminal.out(serialized({ environment: key, version, head, from, components: shown }, flags.output))
  else if (shown.length > 0) terminal.out(table(columns, shown, terminal))
  else terminal.err('nothing is committed there\n')
  return success(0)
}

/** One Component as people write it; names are as seen from the namespace. */
export interface Shown {
  readonly component: string
  readonly type: string
  /** absent: it is not known any more */
  readonly since?: Since
  readonly references: readonly {
    readonly name: string
    readonly component: string
    /** absent: all of them */
    readonly outputs?: readonly string[]
  }[]
}

export const shownOf = (
  states: readonly VertexState[],
  namespace: string,
  since: ReadonlyMap<string, Since> = new Map(),
): Shown[] =>
  states
    .flatMap((state) => (state.removed ? [] : [state]))
    .map(({ id, type, edges }) => ({
      component: display(id, namespace),
      type,
      ...(since.has(id) && { since: since.get(id)! }),
      references: edges
        .map(({ name, to, uses }) => ({ name, component: display(to, namespace), ...(uses && { outputs: uses }) }))
        .sort((a, b) => compare(a.name, b.name)),
    }))
    .sort((a, b) => compare(a.component, b.component))

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** `site -> s3-bucket/shared [arn]` */
export const referenceText = ({ name, component, outputs }: Shown['references'][number]): string =>
  `${name} -> ${component}${outputs ? ` [${outputs.join(' ')}]` : ''}`

const columns: Column<Shown>[] = [
  { title: 'COMPONENT', text: ({ component }) => component },
  { title: 'SINCE', text: ({ since }) => String(since?.version ?? '-') },
  { title: 'CHANGE', text: ({ since }) => since?.change ?? '-' },
  { title: 'REFERENCES', text: ({ references }) => references.map(referenceText).join(', ') || '-' },
]

const drawingOf = (shown: readonly Shown[], title: string): Drawing => {
  const references = shown.flatMap(({ component: from, references: all }) =>
    all.map(({ name, component: to }) => ({ from, to, name })),
  )
  return { title, nodes: nodesOf(shown, references), references }
}

/** What is referred to and not committed here is drawn too. */
const nodesOf = (shown: readonly Shown[], references: Drawing['references']): string[] => [
  ...new Set([...shown.map(({ component }) => component), ...references.map(({ to }) => to)]),
]
