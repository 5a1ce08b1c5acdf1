import type { ProxiedRequest } from './proxy.ts'

/** Everything that Karma writes in the life of a change, in the words of the protocol, in the order of its steps. */
export const effects = [
  'lead',
  'create environment',
  'queue',
  'await approval',
  'count approval',
  'deny',
  'reject',
  'plan',
  'unchanged',
  'already applied',
  'cancel',
  'expire',
  'lock',
  'claim',
  'promise',
  'write ahead',
  'prepare',
  'decide',
  'take back',
  'publish creation',
  'publish change',
  'publish removal',
  'spec',
  'delete component',
  'create component',
  'committed creation',
  'committed change',
  'committed removal',
  'committed deletion',
  'committed anew',
  'finish',
  'rolled back',
  'clear',
  'release',
  'hold back',
  'observe',
  'component status',
  'environment status',
  'place',
  'let component go',
  'let request go',
] as const
export type Effect = (typeof effects)[number]

/**
 * - `other`: a write that is no part of a change: a Lease renewed, the lead given back, Kubernetes Events (best effort by
 *   their nature), reviews of callers, counts of a ComponentType, a version by which nothing changes but the graph
 *   store, that a change waits for that, and a patch that changes nothing, which asks whether the
 *   object is still as it was (a promise that stands there already);
 * - `unknown …`: a write that nobody has thought of.
 */
export type Written = Effect | 'other' | `unknown ${string}`

// biome-ignore lint/suspicious/noExplicitAny: patches and objects of every kind; of a request its whole status
type Body = any

/** What a request of the operator writes; undefined for reads. */
export const effectOf = (request: ProxiedRequest): Written | undefined => {
  const { verb, resource, subresource = '' } = request
  if (!['create', 'update', 'patch', 'delete'].includes(verb)) return undefined
  const body: Body = JSON.parse(request.body || '{}')
  if (subresource === 'status' && body.status && Object.keys(body.status).length === 0) return 'other'
  const written = writers[`${resource}/${subresource}`]?.(body, request)
  return written ?? `unknown ${request.method} ${request.url.pathname} ${request.body.slice(0, 200)}`
}

const writers: Readonly<Record<string, (body: Body, request: ProxiedRequest) => Written | undefined>> = {
  'events/': () => 'other',
  'tokenreviews/': () => 'other',
  'subjectaccessreviews/': () => 'other',
  'componenttypes/status': () => 'other',
  'leases/': (body, { name }) => ofLease(name ?? body.metadata?.name, body.spec ?? {}),
  'changeapprovals/status': () => 'count approval',
  'configmaps/': () => 'place',
  'environments/': (_, { verb }) => (verb === 'create' ? 'create environment' : undefined),
  'environments/status': (body) => ofEnvironment(body.status ?? {}),
  'changerequests/': (body) => ofFinalizers(body, 'let request go'),
  'changerequests/status': (body) => (isHeldUp(body) ? 'other' : isDecision(body) ? 'decide' : ofRequest(lastOf(body))),
  'components/': (body, { verb }) => {
    if (verb === 'create') return 'create component'
    if (verb === 'delete') return 'delete component'
    return body.spec ? 'spec' : ofFinalizers(body, 'let component go')
  },
  'components/status': (body) => ofComponent(body, lastOf(body)),
}

interface Entry {
  readonly type?: string
  readonly reason?: string
  /** JSON */
  readonly attrs?: string
}

const lastOf = (body: Body): Entry => body.status?.history?.at(-1) ?? {}

/** A holder that is new has just acquired it. */
const ofLease = (name: string, { holderIdentity, acquireTime, renewTime }: Body): Written => {
  const leads = name === 'karma-leader'
  if (holderIdentity === '') return leads ? 'other' : 'release'
  if (acquireTime !== renewTime) return 'other'
  return leads ? 'lead' : 'lock'
}

/** Of a change over several environments. Nothing is told of it. */
const isDecision = ({ status }: Body): boolean => status.writeAhead?.decided === true

/** Decided, and its graph store has yet to take it. Nothing is told of it. */
const isHeldUp = ({ status }: Body): boolean =>
  status.phase === 'Applying' && status.blockedBy?.[0]?.reason === 'GraphUnavailable'

const ofEnvironment = ({
  history,
  version,
  applying,
  prepared,
  promised,
  conditions,
  queued,
  lockedBy,
}: Body): Written | undefined => {
  const last = history?.at(-1).type
  // That a graph store was set right is told with whatever is written next.
  const type = last === 'graph.repaired' ? undefined : last
  if (type === 'environment.locked') return 'claim'
  if (type === 'environment.released' || (last === 'graph.repaired' && lockedBy === null)) return 'clear'
  const kinds: Record<string, Effect> = {
    ChangeRequest: 'publish change',
    Creation: 'publish creation',
    Removal: 'publish removal',
  }
  // A version by which nothing changes but the store.
  if (type === 'graph.published' && version) return applying?.length === 0 ? 'other' : kinds[applying?.[0]?.kind]
  if (type === undefined && promised) return 'promise'
  if (type === undefined && prepared) return 'prepare'
  const tends = type === undefined && (conditions !== undefined || queued !== undefined)
  return tends ? 'environment status' : undefined
}

const applied: Readonly<Record<string, Effect>> = { Unchanged: 'unchanged', AlreadyApplied: 'already applied' }

const ofRequest = ({ type = '', reason = '' }: Entry): Written | undefined => {
  const types: Record<string, Effect> = {
    'change.queued': 'queue',
    'change.awaiting-approval': 'await approval',
    'change.rejected': reason === 'Denied' ? 'deny' : 'reject',
    'change.planned': 'plan',
    'change.cancelled': 'cancel',
    'change.applying': 'write ahead',
    'change.withdrawn': 'take back',
    'change.applied': applied[reason] ?? 'finish',
    'change.expired': 'expire',
    'change.rolled-back': 'rolled back',
  }
  return types[type]
}

/** One that a request brings back begins its history with that. */
const ofComponent = ({ status }: Body, { type, reason, attrs = '{}' }: Entry): Written | undefined => {
  if (type === undefined) return 'component status'
  if (type === 'component.blocked') return 'hold back'
  if (['component.observed', 'component.drifted', 'component.converged'].includes(type)) return 'observe'
  if (type === 'component.removed')
    return JSON.parse(attrs).request === undefined ? 'committed removal' : 'committed deletion'
  if (type !== 'component.committed') return undefined
  if (reason === 'Created') return 'committed creation'
  return status.history.length === 1 ? 'committed anew' : 'committed change'
}

const ofFinalizers = ({ metadata }: Body, effect: Effect): Written | undefined =>
  metadata?.finalizers?.length === 0 ? effect : undefined
