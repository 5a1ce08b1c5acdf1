import type { BlockedBy, ChangeRequest, Phase } from '../../api/kinds.generated.ts'
import { type Fault, faultMessage, type Parsed } from '../../api/parse.ts'
import type { Failure, Result } from '../../api/result.ts'
import type { Verdict, World } from '../guard/facts.ts'
import { bounds, cut } from './bounds.ts'
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
}

/** What happens next. `Pass`: it may go through, under the lock of its environment. */
export type Step =
  | { readonly to: 'Stay' }
  | { readonly to: 'Pass'; readonly plan?: Plan }
  | { readonly to: 'Cancelled'; readonly reason: 'Cancelled'; readonly message: string }
  | { readonly to: 'Rejected'; readonly reason: string; readonly message: string; readonly plan?: Plan }
  | { readonly to: 'Queued'; readonly blockedBy: readonly BlockedBy[]; readonly plan?: Plan }
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
 * | Pending, Queued | cancel, or being deleted               | Cancelled |
 * |                 | a fault in what was written            | Rejected, the fault's reason |
 * |                 | nothing to change                      | Rejected, EmptyChange |
 * |                 | no such Component                      | Rejected, UnknownComponent |
 * |                 | Component not committed yet            | Queued, by the Component |
 * |                 | no plan can be made                    | Rejected, the plan's reason |
 * |                 | a verdict Reject                       | Rejected, the guard's reason |
 * |                 | mode Plan                              | Planned, whatever would be waited for |
 * |                 | a verdict Queue                        | Queued, or Rejected with onConflict Reject |
 * |                 | InFlight alone, onConflict Queue       | Pass (its turn comes under the lock) |
 * |                 | the plan changes nothing               | Applied, Unchanged |
 * |                 | otherwise                              | Pass |
 */
export const nextStep = (facts: LifeFacts): Step => {
  for (const rule of rules) {
    const step = rule(facts)
    if (step) return step
  }
  return { to: 'Pass', ...planIn(facts) }
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

const notThere: Rule = ({ request: { spec, metadata }, uncommitted }) => {
  if (uncommitted === undefined) return undefined
  if (uncommitted) return blocked(spec.onConflict, [uncommitted])
  const where = metadata.namespace ? ` in namespace ${metadata.namespace}` : ''
  const message = `ChangeRequest ${metadata.name}: spec.component: expected a Component${where}, found none named ${spec.component}`
  return { to: 'Rejected', reason: 'UnknownComponent', message }
}

const unplannable: Rule = ({ request: { metadata }, planned }) => {
  if (!planned || planned.ok) return undefined
  const { reason, message } = planned.failure
  return { to: 'Rejected', reason, message: `ChangeRequest ${metadata.name}: ${message}` }
}

const rejected: Rule = ({ planned }) => {
  if (!planned?.ok || planned.value.decision !== 'Reject') return undefined
  const against = planned.value.verdicts.filter(({ verdict }) => verdict === 'Reject')
  return { to: 'Rejected', reason: against[0]!.reason, message: messagesOf(against), plan: planned.value }
}

const planOnly: Rule = ({ request, planned }) =>
  planned?.ok && request.spec.mode === 'Plan' ? { to: 'Planned', plan: planned.value } : undefined

const queued: Rule = ({ request, planned, world }) => {
  if (!planned?.ok || planned.value.decision !== 'Queue') return undefined
  const holding = planned.value.verdicts.filter(({ verdict }) => verdict === 'Queue')
  const onConflict = request.spec.onConflict ?? world?.environment.spec?.onConflict
  // What is being written this moment is waited for at the lock, not in the queue.
  if (onConflict !== 'Reject' && holding.every(({ guard }) => guard === 'InFlight')) return undefined
  const blockedBy = holding.map(({ reason, object, waitsFor, message }) => ({
    reason,
    object: object ?? waitsFor ?? request.spec.component,
    message: cut(message, bounds.entryMessage),
  }))
  return { ...blocked(onConflict, blockedBy), plan: planned.value }
}

const blocked = (onConflict: 'Queue' | 'Reject' | undefined, blockedBy: readonly BlockedBy[]) => {
  if (onConflict !== 'Reject') return { to: 'Queued', blockedBy: blockedBy.slice(0, bounds.blockedBy) } as const
  const message = `onConflict is Reject, and it would have to wait: ${messagesOf(blockedBy)}`
  return { to: 'Rejected', reason: blockedBy[0]!.reason, message } as const
}

const unchanged: Rule = ({ planned }) =>
  planned?.ok && planned.value.changedPaths.length === 0
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
  rejected,
  planOnly,
  queued,
  unchanged,
]

const messagesOf = (said: readonly (Pick<Verdict, 'message'> | Failure)[]): string =>
  [...new Set(said.map(({ message }) => message))].join('; ')

const planIn = ({ planned }: LifeFacts): { plan?: Plan } => (planned?.ok ? { plan: planned.value } : {})

/** Phases in which a request may still be taken back by its owner. */
export const isOpen = (phase: Phase): boolean => phase === 'Pending' || phase === 'Queued'
