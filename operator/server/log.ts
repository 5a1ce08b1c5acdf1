import type { Event } from '../api/envelope.ts'
import { failure, type Result, success } from '../api/result.ts'
import { entityIdOf } from '../core/component/identity.ts'
import type { Access, Caller, Right } from '../ports/access.ts'
import type { Ledger } from '../ports/ledger.ts'
import { identified, permitted } from './caller.ts'
import { type LogQuery, parseLogQuery } from './log-query.ts'
import type { Query } from './query.ts'

/** `truncated`: there are more; ask for a higher limit. */
export interface LogAnswer {
  readonly events: readonly Event[]
  readonly truncated: boolean
}

export interface LogDependencies {
  readonly access: Access
  readonly ledger: Pick<Ledger, 'query'>
}

/**
 * `GET /api/v1/log`: a change's story in order of happening, or the latest events, newest first. The caller must be
 * allowed to `get` the ChangeRequest, or to `list` ChangeRequests in the namespace, or everywhere.
 */
export const makeLogRoute =
  ({ access, ledger }: LogDependencies) =>
  async (token: string | undefined, query: Query): Promise<Result<LogAnswer>> => {
    const caller = await identified(access, token)
    if (!caller.ok) return caller
    const asked = parseLogQuery(query)
    if (!asked.ok) return asked
    return asked.value.of === 'correlation'
      ? ofCorrelation({ access, ledger }, caller.value, asked.value)
      : ofNames({ access, ledger }, caller.value, asked.value)
  }

type ByCorrelation = Extract<LogQuery, { of: 'correlation' }>
type ByName = Exclude<LogQuery, ByCorrelation>

/** What the uid stands for shows only in its events, so the right is looked for afterwards, and both ways out look alike. */
const ofCorrelation = async (
  { access, ledger }: LogDependencies,
  caller: Caller,
  { correlation, limit }: ByCorrelation,
): Promise<Result<LogAnswer>> => {
  const events = await ledger.query({ correlationId: correlation, limit: limit + 1 })
  const namespaces = new Set(events.map((event) => event.entity_id.split('/')[0] ?? ''))
  const readable = new Set<string>()
  for (const namespace of namespaces) {
    const allowed = await access.may(caller, { verb: 'list', namespace })
    if (!allowed.ok) return allowed
    if (allowed.value) readable.add(namespace)
  }
  const shown = events.filter((event) => readable.has(event.entity_id.split('/')[0] ?? ''))
  if (shown.length > 0) return answer(shown, limit)
  return failure({
    reason: 'NotFound',
    message: `correlation ${correlation}: the ledger has no events of it that ${caller.username} may read`,
    retry: false,
  })
}

const ofNames = async (
  { access, ledger }: LogDependencies,
  caller: Caller,
  asked: ByName,
): Promise<Result<LogAnswer>> => {
  const allowed = await permitted(access, caller, rightFor(asked))
  if (!allowed.ok) return allowed
  if (asked.of === 'change') return ofChange(ledger, asked)
  const scope = asked.of === 'namespace' ? { namespace: asked.namespace } : {}
  return answer(await ledger.query({ ...scope, limit: asked.limit + 1 }), asked.limit)
}

/** The ledger knows changes that are deleted by now; of several of one name the latest is meant. */
const ofChange = async (
  ledger: Pick<Ledger, 'query'>,
  { namespace, name, limit }: Extract<LogQuery, { of: 'change' }>,
): Promise<Result<LogAnswer>> => {
  const entityId = entityIdOf({ kind: 'ChangeRequest', metadata: { namespace, name } })
  // Others may tell of it too, as often as they like, and a Component of a type called changerequest has the same id.
  const [latest] = await ledger.query({ entityId, tags: { kind: 'ChangeRequest' }, limit: 1 })
  if (latest) return answer(await ledger.query({ correlationId: latest.correlation_id, limit: limit + 1 }), limit)
  return failure({
    reason: 'NotFound',
    message: `ChangeRequest ${namespace}/${name}: the ledger has no events of it; see kubectl get changerequests -n ${namespace}`,
    retry: false,
  })
}

const rightFor = (asked: ByName): Right => {
  if (asked.of === 'change') return { verb: 'get', namespace: asked.namespace, name: asked.name }
  return asked.of === 'namespace' ? { verb: 'list', namespace: asked.namespace } : { verb: 'list' }
}

const answer = (events: readonly Event[], limit: number): Result<LogAnswer> =>
  success({ events: events.slice(0, limit), truncated: events.length > limit })
