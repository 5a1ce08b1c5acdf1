import type { BlockedBy, ChangeApproval, ChangeRequest, DecidedBy, Phase } from '../../api/kinds.generated.ts'
import { type Fault, faultMessage, type Parsed } from '../../api/parse.ts'
import type { Result } from '../../api/result.ts'
import { cut } from '../../api/text.ts'
import type { World } from '../guard/facts.ts'
import { approvalWanted, type Considered, consider, decidedBy, deniedMessage } from './approval.ts'
import { bounds, sentences } from './bounds.ts'
import type { Plan } from './plan.ts'
import { isFinished, phaseOf } from './status.ts'

/** Everything that decides what happens to a request before its environment is locked, and again under the lock. */
export interface LifeFacts {
  readonly request: Parsed<ChangeRequest>
  /** undefined: it has not been planned, because its Component is not there (`missing` says why) */
  readonly planned: Result<Plan> | undefined
  /** what its Component waits for before anything of it can be changed; null when it is not there at all */
  readonly uncommitted: BlockedBy | null | undefined
  readonly world: World | undefined
  /** Nobody else writes in its environment at the moment, and those before it have had their turn. */
  readonly underLock?: boolean
  /** What others have decided about this request. Absent: nothing. */
  readonly decided?: Decided
}

export interface Decided {
  /** those that name the request, whether they count or not */
  readonly approvals: readonly ChangeApproval[]
  /** epoch milliseconds */
  readonly now: number
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
  | { readonly to: 'Applied'; readonly reason: 'Unchanged'; readonly plan: Plan }

type Rule = (facts: LifeFacts) => Step | undefined

/**
 * The life of a change up to its lock: phase x facts -> next step. The first rule with an answer decides.
 *
 * | phase           | facts                                  | next step |
 * |-----------------|----------------------------------------|-----------|
 * | an end          |                                        | Stay      |
 * | Applying        |                                        | Pass (somebody must carry it through) |
 * | Pending, Queued, AwaitingApproval | cancel, or being deleted | Cancelled |
 * |                 | a fault in what was written            | Rejected, the fault's reason |
 * |                 | nothing to change                      | Rejected, EmptyChange |
 * |                 | no such Component                      | Rejected, UnknownComponent |
 * |                 | Component not committed yet            | Queued, by the Component |
 * |                 | no plan can be made                    | Rejected, the plan's reason |
 * |                 | InFlight, mode Apply, onConflict Queue | Pass (it is judged again when the other has finished) |
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

const faulty: Rule = ({ request: { faults, metadata } }) => {
  const [first, ...others] = faults.filter(({ path }) => path.startsWith('spec.'))
  if (!first) return undefined
  const message = `${faultMessage(`ChangeRequest ${metadata.name}`, first)}${alsoOf(others)}`
  return { to: 'Rejected', reason: first.reason, message }
}

const alsoOf = (others: readonly Fault[]): string =>
  others.length === 0 ? '' : `; and ${others.length} more, at ${others.map(({ path }) => path).join(', ')}`

const empty: Rule = ({ request: { spec, metadata } }) => {
  if (Object.keys(spec.proposedChange ?? {}).length > 0 || (spec.remove ?? []).length > 0) return undefined
  const message = `ChangeRequest ${metadata.name}: spec: expected proposedChange or remove to name a change, found neither`
  return { to: 'Rejected', reason: 'EmptyChange', message }
}

const notThere: Rule = ({ request, uncommitted, world }) => {
  if (uncommitted === undefined) return undefined
  if (uncommitted) return blocked(onConflictOf(request, world), [uncommitted])
  const { spec, metadata } = request
  const where = metadata.namespace ? ` in namespace ${metadata.namespace}` : ''
  const message = `ChangeRequest ${metadata.name}: spec.component: expected a Component${where}, found none named ${spec.component}`
  return { to: 'Rejected', reason: 'UnknownComponent', message }
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
    object: object ?? waitsFor ?? request.spec.component,
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
    object: object ?? request.spec.component,
    message: cut(`${wanted}; ${message}`, bounds.entryMessage),
  }))
}

const consideredIn = ({ request, planned, decided }: LifeFacts): Considered => {
  if (!planned?.ok || !decided || decided.approvals.length === 0) return nothingConsidered
  return consider(decided.approvals, { request, hash: planned.value.hash, now: decided.now })
}

const nothingConsidered: Considered = { approvals: [], denials: [], others: [] }

const bounded = (blockedBy: readonly BlockedBy[]): BlockedBy[] => blockedBy.slice(0, bounds.blockedBy)

const onConflictOf = ({ spec }: ChangeRequest, world: World | undefined) =>
  spec.onConflict ?? world?.environment.spec?.onConflict

const blocked = (onConflict: 'Queue' | 'Reject' | undefined, blockedBy: readonly BlockedBy[]) => {
  if (onConflict !== 'Reject') return { to: 'Queued', blockedBy: bounded(blockedBy) } as const
  const message = `onConflict is Reject, and it would have to wait: ${messageOf(blockedBy)}`
  return { to: 'Rejected', reason: blockedBy[0]!.reason, message } as const
}

/** Before the lock this is not for sure: a change that came before may still be on its way. */
const unchanged: Rule = ({ planned, underLock }) =>
  underLock && planned?.ok && planned.value.changedPaths.length === 0
    ? { to: 'Applied', reason: 'Unchanged', plan: planned.value }
    : undefined

const rules: readonly Rule[] = [
  ended,
  applying,
  cancelled,
  faulty,
  empty,
  notThere,
  unplannable,
  overlapping,
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
