import { Option } from 'commander'
import type { BlockedBy, ChangeRequest, Phase } from '../api/kinds.generated.ts'
import { failure, type Result, success } from '../api/result.ts'
import { askedBy } from '../core/change/asked.ts'
import { byArrival } from '../core/change/queue.ts'
import { phaseOf } from '../core/change/status.ts'
import { environmentKey, idOf, resolveId } from '../core/component/identity.ts'
import type { Of } from '../ports/cluster.ts'
import type { Objects } from '../ports/objects.ts'
import { ageOf } from './age.ts'
import { type Format, outputOption, serialized, withConnection } from './output.ts'
import { subjectOf, unfinished } from './subject.ts'
import { type Column, table, yellow } from './table.ts'
import type { CommonFlags, Desk, Verb } from './verb.ts'

interface QueueFlags extends CommonFlags {
  readonly allNamespaces?: boolean
  readonly output: Format
}

const help = `
Requests are looked at by the time they were created, then by name. One waits only for what stands under WAITS-FOR,
or for those before it that touch the same Components; it does not wait for the others.

Examples:
  kubectl karma queue -n dev
  kubectl karma queue production -n shop
  kubectl karma queue -A -o json
`

export const addQueue: Verb = (program, run) => {
  const command = program
    .command('queue')
    .description('list who waits, in order, for what, and since when')
    .argument('[environment]', 'NAME of an Environment; default: all of the namespace')
    .addOption(new Option('-A, --all-namespaces', 'of all namespaces').conflicts('namespace'))
    .addOption(outputOption())
    .addHelpText('after', help)
  withConnection(command).action((environment: string | undefined, flags: QueueFlags) =>
    run(flags, (desk) => showQueue(environment, flags, desk)),
  )
}

/** One request that has not ended. `position`: absent for one that is being written already. */
export interface QueueEntry {
  readonly namespace: string
  /** empty: Karma has not looked at it, and its Component is not there */
  readonly environment: string
  readonly position?: number
  readonly changeRequest: string
  readonly subject: string
  readonly phase: Phase
  readonly since: string
  readonly waitsFor: readonly BlockedBy[]
}

/** `environmentOf`: by full id of a Component, for requests that Karma has not looked at. */
export const queueOf = (
  requests: readonly ChangeRequest[],
  environmentOf: (id: string) => string | undefined,
): QueueEntry[] => {
  const positions = new Map<string, number>()
  return requests
    .map((request) => ({ request, environment: environmentIn(request, environmentOf) }))
    .sort(
      (a, b) => compare(placeOf(a), placeOf(b)) || rank(a.request) - rank(b.request) || byArrival(a.request, b.request),
    )
    .map(({ request, environment }) => {
      const { metadata, status } = request
      const place = placeOf({ request, environment })
      const phase = phaseOf(status)
      const position = (positions.get(place) ?? 0) + 1
      if (rank(request) > 0) positions.set(place, position)
      return {
        namespace: metadata.namespace ?? '',
        environment,
        ...(rank(request) > 0 && { position }),
        changeRequest: metadata.name,
        subject: subjectOf(request),
        phase,
        since: sinceOf(request),
        waitsFor: status?.blockedBy ?? [],
      }
    })
}

interface Placed {
  readonly request: ChangeRequest
  readonly environment: string
}

const placeOf = ({ request, environment }: Placed): string =>
  environmentKey(request.metadata.namespace ?? '', environment)

/** Those that are being written do not wait any more. */
const rank = ({ status }: ChangeRequest): number => (phaseOf(status) === 'Applying' ? 0 : 1)

const environmentIn = (
  { metadata, spec, status }: ChangeRequest,
  environmentOf: (id: string) => string | undefined,
): string => {
  if (status?.environment !== undefined) return status.environment
  const id = resolveId(askedBy(spec)[0]?.component ?? '', metadata.namespace ?? '')
  return (id.ok ? environmentOf(id.value) : undefined) ?? ''
}

/** When it came to where it is. */
export const sinceOf = ({ metadata, status }: ChangeRequest): string =>
  status?.queue?.since ?? status?.history?.at(-1)?.at ?? metadata.creationTimestamp ?? ''

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const columnsFor = (now: number, withNamespace: boolean): Column<QueueEntry>[] => [
  ...(withNamespace ? [{ title: 'NAMESPACE', text: ({ namespace }: QueueEntry) => namespace }] : []),
  { title: 'ENV', text: ({ environment }) => environment || '<none>' },
  { title: 'POSITION', text: ({ position }) => String(position ?? '-') },
  { title: 'CHANGE', text: ({ changeRequest }) => changeRequest },
  { title: 'COMPONENT', text: ({ subject }) => subject },
  { title: 'PHASE', text: ({ phase }) => phase, colour: ({ phase }) => (phase === 'Queued' ? yellow : undefined) },
  { title: 'SINCE', text: ({ since }) => ageOf(since, now) },
  {
    title: 'WAITS-FOR',
    text: ({ waitsFor }) => waitsFor.map(({ object, reason }) => `${object} (${reason})`).join(', '),
  },
]

const showQueue = async (
  environment: string | undefined,
  flags: QueueFlags,
  { session: { objects }, namespace, terminal }: Desk,
): Promise<Result<number>> => {
  const where = flags.allNamespaces ? {} : { namespace }
  const known = environment === undefined ? success(true) : await isThere(objects, where, environment)
  if (!known.ok) return known
  const open = await objects.list('ChangeRequest', { ...where, fields: unfinished })
  if (!open.ok) return open
  const environments = await environmentsOf(open.value.items, objects, where)
  if (!environments.ok) return environments
  const entries = queueOf(open.value.items, environments.value).filter(
    (entry) => environment === undefined || entry.environment === environment,
  )
  if (flags.output !== 'table') terminal.out(serialized({ queue: entries }, flags.output))
  else if (entries.length === 0) terminal.err(`nothing waits in ${placeText(environment, where.namespace)}\n`)
  else terminal.out(table(columnsFor(terminal.now(), flags.allNamespaces === true), entries, terminal))
  return success(0)
}

const placeText = (environment: string | undefined, namespace: string | undefined): string => {
  const space = namespace === undefined ? 'any namespace' : `namespace ${namespace}`
  return environment === undefined ? space : `environment ${environment} of ${space}`
}

const isThere = async (
  objects: Objects,
  where: { namespace?: string },
  environment: string,
): Promise<Result<boolean>> => {
  const listed = await objects.list('Environment', where)
  if (!listed.ok) return listed
  const names = [...new Set(listed.value.items.map(({ metadata }) => metadata.name))].sort()
  if (names.includes(environment)) return success(true)
  return failure({
    reason: 'NotFound',
    message: `expected an Environment of ${placeText(undefined, where.namespace)} (${names.join(', ') || 'there are none'}), found ${JSON.stringify(environment)}`,
    retry: false,
  })
}

/** Looked for only when some request does not say. */
const environmentsOf = async (
  requests: readonly Of<'ChangeRequest'>[],
  objects: Objects,
  where: { namespace?: string },
): Promise<Result<(id: string) => string | undefined>> => {
  if (requests.every(({ status }) => status?.environment !== undefined)) return success(() => undefined)
  const components = await objects.list('Component', where)
  if (!components.ok) return components
  const byId = new Map(components.value.items.map((component) => [idOf(component), component.spec.environment]))
  return success((id) => byId.get(id))
}
