import type { BlockedBy, ChangeApproval, ChangeRequest, DecidedBy, Phase } from '../../api/kinds.generated.ts'
import { type Fault, faultMessage, type Parsed } from '../../api/parse.ts'
import type { Result } from '../../api/result.ts'
import { cut } from '../../api/text.ts'
import { hashOf, wantedOf } from '../component/wanted.ts'
import type { World } from '../guard/facts.ts'
import { approvalWanted, type Considered, consider, decidedBy, deniedMessage } from './approval.ts'
import { askedBy, isEmpty, subjectOf } from './asked.ts'
import { bounds, sentences } from './bounds.ts'
import { blockersAmong, type Named } from './named.ts'
import { isUnchanged, type Plan } from './plan.ts'
import { isFinished, phaseOf } from './status.ts'

/** Everything that decides what happens to a request before its environment is locked, and again under the lock. */
export interface LifeFacts {
  readonly request: Parsed<ChangeRequest>
  /** undefined: it has not been planned, because its Components are not all there and committed */
  readonly planned: Result<Plan> | undefined
  readonly named: Named
  /** epoch milliseconds */
  readonly now: number
  readonly world: World | undefined
  /** Nobody else writes in its environment at the moment, and those before it have had their turn. */
  readonly underLock?: boolean
  /** those that name the request, whether they count or not */
  readonly approvals?: readonly ChangeApproval[]
}

/** What happens next. `Pass`: it may go through, under the lock of its environment. */
export type Step =
  | { readonly to: 'Stay' }
  | { readonly to: 'Pass'; readonly plan?: Plan; readonly approvals?: readonly DecidedBy[] }
  | { readonly to: 'Cancelled'; readonly reason: 'Cancelled'; readonly message: string }
  | {
      readonly to: 'Rejected'
      readonly reason: string
      readonly message: string
      readonly plan?: Plan
      /** those who denied it */
      readonly approvals?: readonly DecidedBy[]
    }
  | { readonly to: 'Queued'; readonly blockedBy: readonly BlockedBy[]; readonly plan?: Plan }
  | {
      readonly to: 'AwaitingApproval'
      readonly message: string
      readonly blockedBy: readonly BlockedBy[]
      readonly plan: Plan
    }
  | { readonly to: 'Planned'; readonly plan: Plan }
  | {
      readonly to: 'Applied'
      readonly reason: 'Unchanged' | 'AlreadyApplied'
      readonly message: string
      readonly plan?: Plan
    }
  | { readonly to: 'Expired' | 'Superseded'; readonly reason: 'Expired' | 'Superseded'; readonly message: string }

type Rule = (facts: LifeFacts) => Step | undefined

/**
 * The life of a change up to its lock: phase x facts -> next step. The first rule with an answer decides.
 *
 * | phase           | facts                                  | next step |
 * |-----------------|----------------------------------------|-----------|
 * | an end          |                                        | Stay      |
 * | Applying        |                                        | Pass (somebody must carry it through) |
 * | Pending, Queued, AwaitingApproval | cancel, or being deleted | Cancelled |
 * |                 | an edit, and spec has moved on         | Superseded |
 * |                 | a fault in what was written            | Rejected, the fault's reason |
 * |                 | nothing to change                      | Rejected, EmptyChange |
 * |                 | applied before, by name and content    | Applied, AlreadyApplied |
 * |                 | its deadline has passed                | Expired |
 * |                 | no such Component                      | Rejected, UnknownComponent; Applied, Unchanged if all shall go |
 * |                 | a rollback of what cannot be undone    | Rejected, UnknownRequest, NotApplied, LaterChange |
 * |                 | Component not committed yet            | Queued, by the Component |
 * |                 | no plan can be made                    | Rejected, the plan's reason |
 * |                 | InFlight, mode Apply, onConflict Queue | Pass (it is judged again when the other has finished) |
 * |                 | another plan than planHash             | Rejected, PlanStale |
 * |                 | a verdict Reject                       | Rejected, the guard's reason |
 * |                 | somebody denied this plan              | Rejected, Denied |
 * |                 | mode Plan                              | Planned, whatever would be waited for |
 * |                 | a verdict Queue                        | Queued, or Rejected with onConflict Reject |
 * |                 | RequireApproval, and none counts       | AwaitingApproval |
 * |                 | under the lock, nothing would change   | Applied, Unchanged |
 * |                 | otherwise                              | Pass, with the approvals that count |
 */
export const nextStep = (facts: LifeFacts): Step => {
  for (const rule of rules) {
    const step = rule(facts)
    if (step) return step
  }
  const { approvals } = consideredIn(facts)
  return { to: 'Pass', ...planIn(facts), ...(approvals.length > 0 && { approvals: decidedBy(approvals) }) }
}

const ended: Rule = ({ request }) => (isFinished(phaseOf(request.status)) ? { to: 'Stay' } : undefined)

const applying: Rule = ({ request }) => (phaseOf(request.status) === 'Applying' ? { to: 'Pass' } : undefined)

const cancelled: Rule = ({ request: { spec, metadata } }) => {
  const cancel = (why: string): Step => ({
    to: 'Cancelled',
    reason: 'Cancelled',
    message: `${why} before the change was applied`,
  })
  if (spec.cancel === true) return cancel('spec.cancel was set')
  return metadata.deletionTimestamp === undefined ? undefined : cancel('the request was deleted')
}

/** The spec of the Component has moved on since somebody edited it. */
const superseded: Rule = ({ request: { spec, metadata }, named: { present } }) => {
  const [component] = present
  if (spec.origin !== 'Edit' || !component) return undefined
  const wanted = hashOf(wantedOf(component.spec))
  if (wanted === spec.wantedHash) return undefined
  const isBack = wanted === component.status?.committed?.hash
  const by = isBack ? 'it was set back to what is committed' : 'it was edited again, and a newer request asks for that'
  const message = `ChangeRequest ${metadata.name}: spec of Component ${spec.component}: expected what this request asks for, found that ${by}`
  return { to: 'Superseded', reason: 'Superseded', message }
}

const faulty: Rule = ({ request: { faults, metadata } }) => {
  const [first, ...others] = faults.filter(({ path }) => path.startsWith('spec.'))
  if (!first) return undefined
  const message = `${faultMessage(`ChangeRequest ${metadata.name}`, first)}${alsoOf(others)}`
  return { to: 'Rejected', reason: first.reason, message }
}

const alsoOf = (others: readonly Fault[]): string =>
  others.length === 0 ? '' : `; and ${others.length} more, at ${others.map(({ path }) => path).join(', ')}`

const empty: Rule = ({ request: { spec, metadata } }) => {
  const asked = askedBy(spec)
  const nothing = spec.origin === 'Edit' ? undefined : asked.find(isEmpty)
  if (!nothing && (asked.length > 0 || spec.rollbackOf !== undefined)) return undefined
  const expected = 'proposedChange, remove, proposedReferences or operation Delete to name a change'
  const message = `ChangeRequest ${metadata.name}: ${nothing?.field ?? 'spec'}: expected ${expected}, found none of them`
  return { to: 'Rejected', reason: 'EmptyChange', message }
}

/** GitOps brings back what was pruned: it must not happen again. */
const alreadyApplied: Rule = ({ request: { metadata, spec }, named }) => {
  if (!named.applied || spec.mode === 'Plan' || spec.origin === 'Edit') return undefined
  const message = `a ChangeRequest ${metadata.name} with the same content was applied before; nothing was done again`
  return { to: 'Applied', reason: 'AlreadyApplied', message }
}

/** The thing waited for may never come. */
const expired: Rule = ({ request, now }) => {
  const deadline = deadlineOf(request)
  if (deadline === undefined || now < deadline) return undefined
  const { queueDeadlineSeconds } = request.spec
  const waited = request.status?.blockedBy?.[0]
  const forWhat = waited ? `; it waited for ${waited.object} (${waited.reason})` : ''
  const message = `ChangeRequest ${request.metadata.name}: spec.queueDeadlineSeconds: expected to be applied within ${queueDeadlineSeconds} s, found that they have passed${forWhat}`
  return { to: 'Expired', reason: 'Expired', message }
}

/** Epoch milliseconds; undefined: it may wait for ever. A plan does not wait. */
export const deadlineOf = ({ spec, metadata }: ChangeRequest): number | undefined => {
  const { queueDeadlineSeconds: seconds, mode } = spec
  if (seconds === undefined || mode === 'Plan') return undefined
  const from = Date.parse(metadata.creationTimestamp ?? '')
  return Number.isNaN(from) ? undefined : from + seconds * 1_000
}

const notThere: Rule = ({ request: { metadata, spec }, named: { missing } }) => {
  const needed = missing.find(({ operation }) => operation === 'Patch')
  if (needed) {
    const where = metadata.namespace ? ` in namespace ${metadata.namespace}` : ''
    const message = `ChangeRequest ${metadata.name}: ${needed.field}.component: expected a Component${where}, found none named ${needed.component}`
    return { to: 'Rejected', reason: 'UnknownComponent', message }
  }
  if (missing.length === 0 || missing.length < askedBy(spec).length) return undefined
  const names = missing.map(({ component }) => component).join(', ')
  return { to: 'Applied', reason: 'Unchanged', message: `nothing was deleted: there is no Component ${names}` }
}

const notUndoable: Rule = ({ request: { metadata, spec }, named: { undone, environments } }) => {
  if (!undone) return undefined
  const reject = (reason: string, message: string): Step => ({
    to: 'Rejected',
    reason,
    message: `ChangeRequest ${metadata.name}: ${message}`,
  })
  if (!undone.ok) return reject(undone.failure.reason, undone.failure.message)
  if (environments.length > 0) return undefined
  const found = `found that all of them are gone; roll back what deleted them first`
  return reject('LaterChange', `spec.rollbackOf: expected the Components that ${spec.rollbackOf} changed, ${found}`)
}

const notCommitted: Rule = ({ request, named, world }) => {
  const uncommitted = blockersAmong(named)
  return uncommitted.length > 0 ? blocked(onConflictOf(request, world), uncommitted) : undefined
}

const unplannable: Rule = ({ request: { metadata }, planned }) => {
  if (!planned || planned.ok) return undefined
  const { reason, message } = planned.failure
  return { to: 'Rejected', reason, message: `ChangeRequest ${metadata.name}: ${message}` }
}

/** Those before it are being written, and what it would meet is another state than the one at hand. */
const overlapping: Rule = ({ request, planned, world }) => {
  if (!planned?.ok || !planned.value.verdicts.some(({ guard }) => guard === 'InFlight')) return undefined
  if (request.spec.mode === 'Plan' || onConflictOf(request, world) === 'Reject') return undefined
  return { to: 'Pass', plan: planned.value }
}

const rejected: Rule = ({ planned }) => {
  if (!planned?.ok || planned.value.decision !== 'Reject') return undefined
  const against = planned.value.verdicts.filter(({ verdict }) => verdict === 'Reject')
  return { to: 'Rejected', reason: against[0]!.reason, message: messageOf(against), plan: planned.value }
}

/** Whether or not a guard asks for an approval: who may decide has spoken. */
const denied: Rule = (facts) => {
  const { denials } = consideredIn(facts)
  if (denials.length === 0) return undefined
  const message = sentences(denials.map(deniedMessage))
  return { to: 'Rejected', reason: 'Denied', message, ...planIn(facts), approvals: decidedBy(denials) }
}

const planOnly: Rule = ({ request, planned }) =>
  planned?.ok && request.spec.mode === 'Plan' ? { to: 'Planned', plan: planned.value } : undefined

const queued: Rule = (facts) => {
  const { request, planned, world } = facts
  if (!planned?.ok || planned.value.decision !== 'Queue') return undefined
  const holding = planned.value.verdicts.filter(({ verdict }) => verdict === 'Queue')
  const blockedBy = holding.map(({ reason, object, waitsFor, message }) => ({
    reason,
    object: object ?? waitsFor ?? subjectOf(request.spec),
    message: cut(message, bounds.entryMessage),
  }))
  const step = blocked(onConflictOf(request, world), blockedBy)
  if (step.to === 'Rejected') return { ...step, plan: planned.value }
  // Who has to agree may do so while it waits.
  return { ...step, blockedBy: bounded([...step.blockedBy, ...approvalsWanted(facts)]), plan: planned.value }
}

const awaiting: Rule = (facts) => {
  const { request, planned } = facts
  if (!planned?.ok) return undefined
  const blockedBy = approvalsWanted(facts)
  if (blockedBy.length === 0) return undefined
  const plan = planned.value
  const wanted = approvalWanted(request, plan.hash, consideredIn(facts))
  const because = plan.verdicts.filter(({ verdict }) => verdict === 'RequireApproval')
  return { to: 'AwaitingApproval', message: `${wanted}; ${messageOf(because)}`, blockedBy: bounded(blockedBy), plan }
}

/** What guards ask an approval for, while there is none. One is enough for all of them. */
const approvalsWanted = (facts: LifeFacts): BlockedBy[] => {
  const { request, planned } = facts
  const asking = planned?.ok ? planned.value.verdicts.filter(({ verdict }) => verdict === 'RequireApproval') : []
  if (!planned?.ok || asking.length === 0) return []
  const considered = consideredIn(facts)
  if (considered.approvals.length > 0) return []
  const wanted = approvalWanted(request, planned.value.hash, considered)
  return asking.map(({ reason, object, message }) => ({
    reason,
    object: object ?? subjectOf(request.spec),
    message: cut(`${wanted}; ${message}`, bounds.entryMessage),
  }))
}

const consideredIn = ({ request, planned, approvals = [], now }: LifeFacts): Considered => {
  if (!planned?.ok || approvals.length === 0) return nothingConsidered
  return consider(approvals, { request, hash: planned.value.hash, now })
}

const nothingConsidered: Considered = { approvals: [], denials: [], others: [] }

const bounded = (blockedBy: readonly BlockedBy[]): BlockedBy[] => blockedBy.slice(0, bounds.blockedBy)

/** What one of its environments does not want to wait for, none of them waits for. */
const onConflictOf = ({ spec }: ChangeRequest, world: World | undefined): 'Queue' | 'Reject' | undefined => {
  if (spec.onConflict || !world) return spec.onConflict
  const wanted = [world, ...(world.beside?.values() ?? [])].map(({ environment }) => environment.spec?.onConflict)
  return wanted.includes('Reject') ? 'Reject' : wanted[0]
}

const blocked = (onConflict: 'Queue' | 'Reject' | undefined, blockedBy: readonly BlockedBy[]) => {
  if (onConflict !== 'Reject') return { to: 'Queued', blockedBy: bounded(blockedBy) } as const
  const message = `onConflict is Reject, and it would have to wait: ${messageOf(blockedBy)}`
  return { to: 'Rejected', reason: blockedBy[0]!.reason, message } as const
}

/** Before the lock this is not for sure: a change that came before may still be on its way. */
const unchanged: Rule = ({ request, planned, underLock }) => {
  if (!underLock || !planned?.ok || !isUnchanged(planned.value)) return undefined
  const message = `${subjectOf(request.spec)} is committed like this already; nothing was written`
  return { to: 'Applied', reason: 'Unchanged', message, plan: planned.value }
}

/** What was agreed to is applied, or nothing. */
const stale: Rule = ({ request: { spec, metadata }, planned }) => {
  if (!planned?.ok || spec.planHash === undefined || spec.planHash === planned.value.hash) return undefined
  const found = `${planned.value.hash}; look at the new plan, and ask again with its hash`
  const message = `ChangeRequest ${metadata.name}: spec.planHash: expected the plan to be ${spec.planHash}, found ${found}`
  return { to: 'Rejected', reason: 'PlanStale', message, plan: planned.value }
}

const rules: readonly Rule[] = [
  ended,
  applying,
  cancelled,
  superseded,
  faulty,
  empty,
  alreadyApplied,
  expired,
  notThere,
  notUndoable,
  notCommitted,
  unplannable,
  overlapping,
  stale,
  rejected,
  denied,
  planOnly,
  queued,
  awaiting,
  unchanged,
]

const messageOf = (said: readonly { readonly message: string }[]): string =>
  sentences(said.map(({ message }) => message))

const planIn = ({ planned }: LifeFacts): { plan?: Plan } => (planned?.ok ? { plan: planned.value } : {})

/** Phases in which a request may still be taken back by its owner. */
export const isOpen = (phase: Phase): boolean =>
  phase === 'Pending' || phase === 'Queued' || phase === 'AwaitingApproval'
