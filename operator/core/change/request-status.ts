import type {
  BlockedBy,
  ChangeRequest,
  ChangeRequestStatus,
  DecidedBy,
  Json,
  JsonObject,
  Phase,
  WriteAhead,
} from '../../api/kinds.generated.ts'
import { deepEqual } from '../../api/merge-patch.ts'
import { cut } from '../../api/text.ts'
import { display } from '../component/identity.ts'
import { eventOf } from '../event/envelope.ts'
import { append, type Transition } from '../event/outbox.ts'
import type { EventType } from '../event/types.ts'
import { strongestFirst, type World } from '../guard/facts.ts'
import { subjectOf } from './asked.ts'
import { bounds, sentences } from './bounds.ts'
import type { Step } from './life.ts'
import { type Plan, summaryOf } from './plan.ts'
import { conditionsOf, phaseOf, type Why } from './status.ts'

/*
 * The status of a request after each of its transitions. State and event go into one status write: every function here
 * appends what happened to the history. `now` is epoch milliseconds.
 */

type Stop = Exclude<Step, { to: 'Stay' | 'Pass' }>

const eventTypeOf = {
  Cancelled: 'change.cancelled',
  Rejected: 'change.rejected',
  Queued: 'change.queued',
  AwaitingApproval: 'change.awaiting-approval',
  Planned: 'change.planned',
  Applied: 'change.applied',
  Expired: 'change.expired',
  Superseded: 'change.superseded',
} as const satisfies Record<Stop['to'], EventType>

/** The request stops here, for now (Queued, AwaitingApproval) or for good. `position`: its place in the queue. */
export const stopped = (
  request: ChangeRequest,
  step: Stop,
  {
    world,
    environment,
    position,
    now,
  }: { world?: World | undefined; environment?: string | undefined; position: number; now: number },
): ChangeRequestStatus => {
  const why = whyOf(step)
  const plan = 'plan' in step ? step.plan : undefined
  const attrs = { ...(environment && { environment }), ...planAttrs(plan, world), ...blockedAttrs(step) }
  const transition = { type: eventTypeOf[step.to], ...why, attrs }
  const against = 'approvals' in step && step.approvals ? step.approvals : []
  const denial = { type: 'change.denied', ...why, attrs: { ...attrs, ...approvalAttrs(against) } } as const
  const rest = withoutLast(request.status, plan !== undefined)
  const since = request.status?.queue?.since ?? new Date(now).toISOString()
  return {
    ...moved({ ...request, status: rest }, step.to, why, against.length > 0 ? [denial, transition] : [transition], now),
    ...(environment && { environment }),
    ...(plan && world ? planned(plan, world) : {}),
    ...('blockedBy' in step && { blockedBy: [...step.blockedBy] }),
    ...(step.to === 'Queued' && { queue: { position, since } }),
    ...(against.length > 0 && { approvals: [...against] }),
  }
}

/** It waits already, and nothing that people would want to read of it has changed. */
export const waitsAsBefore = ({ status }: ChangeRequest, step: Step): boolean =>
  'blockedBy' in step &&
  status?.phase === step.to &&
  deepEqual(status.blockedBy as unknown as Json, step.blockedBy as unknown as Json) &&
  (step.plan === undefined || step.plan.hash === status.plan?.hash)

const whyOf = (step: Stop): Why => {
  switch (step.to) {
    case 'Queued':
      return { reason: step.blockedBy[0]!.reason, message: sentences(step.blockedBy.map(({ message }) => message)) }
    case 'AwaitingApproval':
      return { reason: 'ApprovalRequired', message: step.message }
    case 'Planned':
      return { reason: 'Planned', message: plannedMessage(step.plan) }
    default:
      return step
  }
}

/** What Apply would do: the decision, and what stands against it. */
const plannedMessage = ({ decision, verdicts, impact }: Plan): string => {
  const wouldBe = [
    ...(decision === 'Queue' ? ['would wait'] : []),
    ...(verdicts.some(({ verdict }) => verdict === 'RequireApproval') ? ['would need an approval'] : []),
  ]
  const said = verdicts.filter(({ verdict }) => verdict !== 'Allow').map(({ message }) => message)
  return sentences([
    `the change ${wouldBe.join(' and ') || 'would be applied'}, affecting ${impact.count} Components`,
    ...said,
  ])
}

/** Step 6: enough on the request for anybody to finish it or take it back. */
export const writtenAhead = (
  request: ChangeRequest,
  {
    plan,
    world,
    approvals = [],
    writeAhead,
    now,
  }: {
    plan: Plan
    world: World
    approvals?: readonly DecidedBy[] | undefined
    writeAhead: WriteAhead
    now: number
  },
): ChangeRequestStatus => {
  const { holder } = writeAhead
  const parts = partsOf(writeAhead, world.environmentKey)
  const why = { reason: 'Applying', message: `is being written as ${listed(parts, '')}` }
  const environment = world.environment.metadata.name
  const rest = withoutLast(request.status, true)
  const transitions: Transition[] = [
    { type: 'change.planned', attrs: { environment, ...planAttrs(plan, world) } },
    ...approvedBy(approvals, { environment, hash: plan.hash }),
    { type: 'change.applying', ...why, attrs: { environment, ...versionAttrs(parts), holder } },
  ]
  return {
    ...moved({ ...request, status: rest }, 'Applying', why, transitions, now),
    ...planned(plan, world),
    environment,
    writeAhead,
    images: [...plan.images],
    ...(approvals.length > 0 && { approvals: [...approvals] }),
  }
}

const approvedBy = (approvals: readonly DecidedBy[], attrs: JsonObject): Transition[] => {
  if (approvals.length === 0) return []
  const message = `approved by ${approvals.map(({ username, name }) => `${username} (ChangeApproval ${name})`).join(', ')}`
  return [{ type: 'change.approved', reason: 'Approved', message, attrs: { ...attrs, ...approvalAttrs(approvals) } }]
}

const approvalAttrs = (approvals: readonly DecidedBy[]): JsonObject => ({
  approvals: approvals.map(({ name, uid, decision, username }) => ({ name, uid, decision, username })),
})

/** It is decided, and goes on when something has moved that is no part of it: the same phase, and why it stays there. */
export const heldUp = (request: ChangeRequest, blocker: BlockedBy, now: number): ChangeRequestStatus => {
  const { status, metadata } = request
  const why = { reason: blocker.reason, message: blocker.message }
  const at = { previous: status?.conditions, generation: metadata.generation ?? 1, at: new Date(now).toISOString() }
  return { ...status, blockedBy: [blocker], conditions: conditionsOf(phaseOf(status), why, at) }
}

/** Written ahead by a holder that was displaced before it published: nothing has happened. */
export const takenBack = (request: ChangeRequest, now: number): ChangeRequestStatus => {
  const { writeAhead: _, approvals: __, images: ___, blockedBy: ____, ...rest } = request.status ?? {}
  const why = { reason: 'TakenOver', message: 'written ahead, but not decided; it begins again' }
  const environment = request.status?.environment
  const transition = { type: 'change.withdrawn', ...why, ...(environment && { attrs: { environment } }) } as const
  return moved({ ...request, status: rest }, 'Pending', why, [transition], now)
}

type Won = { readonly environment: string; readonly version: number }

/** The versions that a change has, in each of its environments. */
const partsOf = ({ version = 0, environments }: WriteAhead, own: string): readonly Won[] =>
  environments ?? [{ environment: own, version }]

const listed = (parts: readonly Won[], what: string): string =>
  parts.map(({ environment, version }) => `version ${version} of ${what}${environment}`).join(' and ')

/** `version` as ever; of several environments the version that it has in each. */
const versionAttrs = (parts: readonly Won[]): JsonObject => {
  if (parts.length === 1) return { version: parts[0]!.version }
  return { versions: Object.fromEntries(parts.map(({ environment, version }) => [environment, version])) }
}

/**
 * Step 10. `version`: of the environment that it passed, when that was one alone. `logEntryId` names the event of this
 * transition in the ledger.
 */
export const finished = (
  request: ChangeRequest,
  { version, now }: { version: number; now: number },
): ChangeRequestStatus => {
  const { writeAhead, blockedBy: _, ...rest } = request.status ?? {}
  const { affectedCount = 0, environment = '' } = rest
  const own = { claim: '', holder: '', version }
  const parts = partsOf(writeAhead?.environments ? writeAhead : own, environment)
  const message = `applied as ${listed(parts, 'environment ')}, affecting ${affectedCount} Components`
  const why = { reason: 'Applied', message }
  const attrs = { environment, ...versionAttrs(parts), affected: affectedCount }
  const status = moved({ ...request, status: rest }, 'Applied', why, [{ type: 'change.applied', ...why, attrs }], now)
  const event = eventOf(request, status.history!.at(-1)!)
  return event.ok ? { ...status, logEntryId: `log-${event.value.id.slice(0, 7)}` } : status
}

/** Another request has undone it: it stays Applied, and says so. */
export const rolledBack = (request: ChangeRequest, by: ChangeRequest, now: number): ChangeRequestStatus => {
  const { name, uid = '' } = by.metadata
  const environment = request.status?.environment
  const attrs = { rollback: uid, ...(environment && { environment }) }
  const transition = { type: 'change.rolled-back', reason: 'RolledBack', message: `by ${name}`, attrs } as const
  return { ...request.status, ...append(request.status, [transition], now), rolledBackBy: name }
}

const planned = (plan: Plan, world: World): ChangeRequestStatus => ({
  plan: summaryOf(plan, world),
  affectedComponents: fitting(plan.impact.nearest(bounds.affected).map(({ id }) => display(id, world.namespace))),
  affectedCount: plan.impact.count,
  ...(plan.warnings.length > 0 && {
    warnings: plan.warnings.slice(0, bounds.warnings).map((warning) => cut(warning, bounds.entryMessage)),
  }),
})

/** What the last step left and this one does not take over. */
const withoutLast = (status: ChangeRequestStatus | undefined, replanned: boolean): ChangeRequestStatus => {
  const { queue: _, blockedBy: __, writeAhead: ___, approvals: ____, warnings, ...rest } = status ?? {}
  return { ...rest, ...(warnings && !replanned && { warnings }) }
}

/** As many of the names, from the first, as fit. */
const fitting = (names: readonly string[]): string[] => {
  let bytes = 0
  return names.filter((name) => {
    bytes += name.length + 3
    return bytes <= bounds.affectedBytes
  })
}

const planAttrs = (plan: Plan | undefined, world: World | undefined): JsonObject => {
  if (!plan || !world) return {}
  const verdicts = strongestFirst(plan.verdicts, bounds.verdicts)
    .filter(({ verdict }) => verdict !== 'Allow')
    .map(({ guard, verdict, object = '' }) => ({ guard, verdict, object }))
  const affected = plan.impact.nearest(bounds.warnings).map(({ id }) => display(id, world.namespace))
  return { hash: plan.hash, version: plan.version, affected: plan.impact.count, nearest: affected, verdicts }
}

const blockedAttrs = (step: Stop): JsonObject =>
  'blockedBy' in step ? { blockedBy: step.blockedBy.map(({ reason, object }) => ({ reason, object })) } : {}

const moved = (
  request: ChangeRequest,
  phase: Phase,
  why: Why,
  transitions: readonly Transition[],
  now: number,
): ChangeRequestStatus => {
  const { status, metadata } = request
  const first: Transition[] = status?.seq === undefined ? [{ type: 'change.requested' }] : []
  const generation = metadata.generation ?? 1
  const at = new Date(now).toISOString()
  return {
    ...status,
    ...append(status, [...first, ...transitions], now),
    phase,
    subject: cut(subjectOf(request.spec), bounds.entryMessage),
    observedGeneration: generation,
    conditions: conditionsOf(phase, why, { previous: status?.conditions, generation, at }),
  }
}
