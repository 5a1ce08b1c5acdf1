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
  'cancel',
  'lock',
  'claim',
  'write ahead',
  'take back',
  'publish creation',
  'publish change',
  'publish removal',
  'spec',
  'committed creation',
  'committed change',
  'committed removal',
  'finish',
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
 *   their nature), reviews of callers, counts of a ComponentType;
 * - `unknown …`: a write that nobody has thought of.
 */
export type Written = Effect | 'other' | `unknown ${string}`

// biome-ignore lint/suspicious/noExplicitAny: patches and objects of every kind
type Body = any

/** What a request of the operator writes; undefined for reads. */
export const effectOf = (request: ProxiedRequest): Written | undefined => {
  const { verb, resource, subresource = '' } = request
  if (!['create', 'update', 'patch', 'delete'].includes(verb)) return undefined
  const body: Body = JSON.parse(request.body || '{}')
  const unknown = `unknown ${request.method} ${request.url.pathname} ${request.body.slice(0, 200)}` as const
  if (verb === 'delete') return unknown
  switch (`${resource}/${subresource}`) {
    case 'events/':
    case 'tokenreviews/':
    case 'subjectaccessreviews/':
    case 'componenttypes/status':
      return 'other'
    case 'leases/':
      return ofLease(request.name ?? body.metadata?.name, body.spec ?? {})
    case 'changeapprovals/status':
      return 'count approval'
    case 'configmaps/':
      return 'place'
    case 'environments/':
      return verb === 'create' ? 'create environment' : unknown
    case 'environments/status':
      return ofEnvironment(body.status ?? {}) ?? unknown
    case 'changerequests/':
      return ofFinalizers(body, 'let request go') ?? unknown
    case 'changerequests/status':
      return ofRequest(lastOf(body)) ?? unknown
    case 'components/':
      return body.spec ? 'spec' : (ofFinalizers(body, 'let component go') ?? unknown)
    case 'components/status':
      return ofComponent(lastOf(body)) ?? unknown
    default:
      return unknown
  }
}

const lastOf = (body: Body): { type?: string; reason?: string } => body.status?.history?.at(-1) ?? {}

/** A holder that is new has just acquired it. */
const ofLease = (name: string, { holderIdentity, acquireTime, renewTime }: Body): Written => {
  const leads = name === 'karma-leader'
  if (holderIdentity === '') return leads ? 'other' : 'release'
  if (acquireTime !== renewTime) return 'other'
  return leads ? 'lead' : 'lock'
}

const ofEnvironment = ({ history, version, applying, conditions, queued }: Body): Written | undefined => {
  const type = history?.at(-1).type
  if (type === 'environment.locked') return 'claim'
  if (type === 'environment.released') return 'clear'
  const kinds: Record<string, Effect> = {
    ChangeRequest: 'publish change',
    Creation: 'publish creation',
    Removal: 'publish removal',
  }
  if (type === 'graph.published' && version) return kinds[applying?.[0]?.kind]
  const tends = history === undefined && (conditions !== undefined || queued !== undefined)
  return tends ? 'environment status' : undefined
}

const ofRequest = ({ type = '', reason }: { type?: string; reason?: string }): Written | undefined => {
  const types: Record<string, Effect> = {
    'change.queued': 'queue',
    'change.awaiting-approval': 'await approval',
    'change.rejected': reason === 'Denied' ? 'deny' : 'reject',
    'change.planned': 'plan',
    'change.cancelled': 'cancel',
    'change.applying': 'write ahead',
    'change.withdrawn': 'take back',
    'change.applied': reason === 'Unchanged' ? 'unchanged' : 'finish',
  }
  return types[type]
}

const ofComponent = ({ type, reason }: { type?: string; reason?: string }): Written | undefined => {
  if (type === undefined) return 'component status'
  if (type === 'component.blocked') return 'hold back'
  if (['component.observed', 'component.drifted', 'component.converged'].includes(type)) return 'observe'
  if (type === 'component.removed') return 'committed removal'
  if (type !== 'component.committed') return undefined
  return reason === 'Created' ? 'committed creation' : 'committed change'
}

const ofFinalizers = ({ metadata }: Body, effect: Effect): Written | undefined =>
  metadata?.finalizers?.length === 0 ? effect : undefined
