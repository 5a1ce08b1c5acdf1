import { failure, type Result, success } from '../api/result.ts'
import { identityOf, idOf } from '../core/component/identity.ts'
import type { Of } from '../ports/cluster.ts'
import type { Objects } from '../ports/objects.ts'
import { count } from './count.ts'
import { type Drawing, dot, mermaid } from './drawing.ts'
import { outputOption, serialized, withConnection } from './output.ts'
import type { Reach } from './reach.ts'
import { type Column, table } from './table.ts'
import { componentOf } from './target.ts'
import type { CommonFlags, Desk, Verb } from './verb.ts'

export const impactFormats = ['table', 'wide', 'json', 'yaml', 'dot', 'mermaid'] as const

interface ImpactFlags extends CommonFlags {
  readonly output: (typeof impactFormats)[number]
}

const help = `
Worked out here, from the Components that you may read. -o wide adds the way on which a change comes to each: the names
between the arrows are those of the references. What one change of fields would reach is said by kubectl karma plan.

Examples:
  kubectl karma impact s3-bucket/shared -n dev
  kubectl karma impact component/s3-bucket.shared -o wide
  kubectl karma impact vpc-subnet/apps -o dot | dot -Tsvg > impact.svg
`

export const addImpact: Verb = (program, run) => {
  const command = program
    .command('impact')
    .description('list the committed dependents, transitively, that a change of a Component can reach')
    .argument('<component>', 'TYPE/NICKNAME, or component/NAME')
    .addOption(outputOption(impactFormats))
    .addHelpText('after', help)
  withConnection(command).action((component: string, flags: ImpactFlags) =>
    run(flags, (desk) => showImpact(component, flags, desk)),
  )
}

const showImpact = async (text: string, { output }: ImpactFlags, desk: Desk): Promise<Result<number>> => {
  const { session, namespace, terminal } = desk
  const target = componentOf(text, namespace)
  if (!target.ok) return target
  const reach = await reachOf(target.value.id, session.objects, terminal.monotonic)
  if (!reach.ok) return reach
  printReach(reach.value, output, terminal)
  return success(0)
}

/** `about`: what else stands in the answer for machines. */
export const printReach = (
  reach: Reach,
  output: ImpactFlags['output'],
  terminal: Desk['terminal'],
  about: object = {},
): void => {
  terminal.err(notesOf(reach))
  if (output === 'json' || output === 'yaml') terminal.out(serialized({ ...about, ...answerOf(reach) }, output))
  else if (output === 'dot') terminal.out(dot(drawingOf(reach)))
  else if (output === 'mermaid') terminal.out(mermaid(drawingOf(reach)))
  else if (reach.affected.length === 0) terminal.err(`nothing depends on ${reach.component}\n`)
  else terminal.out(table(columnsFor(output === 'wide'), reach.affected, terminal))
}

/**
 * Reads the namespace, and those that what is reached lets refer to it, until nothing more can be reached. A namespace
 * that cannot be read is named in `unread`.
 */
const reachOf = async (id: string, objects: Objects, monotonic: () => number): Promise<Result<Reach>> => {
  const identity = identityOf(id)
  if (!identity.ok) return identity
  const types = await objects.list('ComponentType')
  if (!types.ok) return types
  // Loaded when needed: the graph is a good part of the program.
  const { makeReach } = await import('./reach.ts')
  const reachIn = makeReach(types.value.items, monotonic)
  const read = new Map<string, readonly Of<'Component'>[]>()
  const unread: string[] = []
  for (let next: string[] = [identity.value.namespace]; ; ) {
    for (const namespace of next) {
      const listed = await objects.list('Component', { namespace })
      if (listed.ok) read.set(namespace, listed.value.items)
      else if (namespace === identity.value.namespace || listed.failure.reason !== 'Forbidden') return listed
      else unread.push(namespace)
    }
    const components = [...read.values()].flat()
    const seed = components.find((component) => idOf(component) === id)
    if (!seed?.status?.committed) return notCommitted(id, seed)
    const { reach, invited } = reachIn(seed, components, unread)
    next = invited.filter((namespace) => !read.has(namespace) && !unread.includes(namespace))
    if (next.length === 0) return success(reach)
  }
}

const notCommitted = (id: string, component: Of<'Component'> | undefined): Result<never> => {
  const found = component ? 'one that has not passed the gate (kubectl karma why says why)' : 'none of that name'
  return failure({
    reason: 'UnknownComponent',
    message: `Component ${id}: expected one that is committed, found ${found}`,
    retry: false,
  })
}

const notesOf = ({ unread, truncated }: Reach): string =>
  [
    ...(unread.length > 0 ? [`warning: not whole: you may not list components in ${unread.join(', ')}\n`] : []),
    ...(truncated === undefined ? [] : [`warning: not whole: ${truncated}\n`]),
  ].join('')

const answerOf = ({ component, affected, unread, truncated }: Reach) => ({
  component,
  affectedCount: affected.length,
  affected: affected.map((one) => ({ ...one, path: one.path.map(({ component: passed }) => passed) })),
  ...(unread.length > 0 && { unread }),
  ...(truncated !== undefined && { truncated }),
})

const drawingOf = ({ component, affected, references }: Reach): Drawing => ({
  title: `impact of ${component}: ${count(affected.length, 'Component')}`,
  first: component,
  nodes: [component, ...affected.map((one) => one.component)],
  references,
})

type Row = Reach['affected'][number]

const columnsFor = (wide: boolean): Column<Row>[] => [
  { title: 'DISTANCE', text: ({ distance }) => String(distance) },
  { title: 'COMPONENT', text: ({ component }) => component },
  { title: 'ENV', text: ({ environment }) => environment },
  ...(wide ? [{ title: 'PATH', text: ({ path }: Row) => pathText(path) }] : []),
]

/** `a <-site- b`: b refers to a by its reference site. */
const pathText = (path: Row['path']): string =>
  path.map(({ component, by }) => (by === undefined ? component : `<-${by}- ${component}`)).join(' ')
