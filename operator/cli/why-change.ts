import type { ChangeApproval, VerdictEntry } from '../api/kinds.generated.ts'
import { subjectOf as subjectIn } from '../core/change/asked.ts'
import { isOpen } from '../core/change/life.ts'
import { byArrival } from '../core/change/queue.ts'
import { isFinished, phaseOf } from '../core/change/status.ts'
import type { Of } from '../ports/cluster.ts'
import { ageOf } from './age.ts'
import { standingOf } from './change.ts'
import { count } from './count.ts'
import { environmentGates } from './environment-gate.ts'
import { type Explained, type Gate, graphAgain, graphAway } from './explained.ts'
import { sinceOf } from './queue.ts'
import { subjectOf } from './subject.ts'

export interface ChangeFacts {
  readonly request: Of<'ChangeRequest'>
  /** the name of its environment; undefined: nobody can tell */
  readonly place: string | undefined
  readonly environment?: Of<'Environment'> | undefined
  /** names of the guards that are asked, where they may be read: built-in and declared ones */
  readonly guards: readonly string[]
  /** others of its environment that have not ended */
  readonly others: readonly Of<'ChangeRequest'>[]
  /** about this request */
  readonly approvals: readonly ChangeApproval[]
  readonly holders: Explained['holders']
  /** epoch milliseconds */
  readonly now: number
}

/** Every gate of a change, from its status and from what stands around it. */
export const explainChange = (facts: ChangeFacts): Explained => {
  const { request, holders } = facts
  const { metadata, status } = request
  const phase = phaseOf(status)
  const { reason, message } = standingOf(request)
  const isWaiting = !isFinished(phase)
  return {
    kind: 'ChangeRequest',
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    standing: phase,
    reason,
    message,
    since: sinceOf(request),
    notes: notesOf(facts),
    gates: [
      ...requestGates(request),
      ...guardGates(facts),
      ...approvalGates(facts),
      ...(isWaiting ? [...queueGate(facts), ...environmentGates(facts.environment, facts.place, metadata.name)] : []),
    ],
    holders: isWaiting || phase === 'Rejected' ? holders : [],
    next: nextOf(facts),
  }
}

const notesOf = ({ request, now }: ChangeFacts): string[] => {
  const { metadata, spec, status } = request
  const why = spec.reason === undefined ? '' : `: ${JSON.stringify(spec.reason)}`
  const { hash, graphVersions = {} } = status?.plan ?? {}
  const versions = Object.entries(graphVersions).map(([environment, version]) => `${environment} at version ${version}`)
  return [
    `asked ${ageOf(metadata.creationTimestamp, now)} ago by ${spec.requestedBy?.username}, to change ${subjectOf(request)}${why}`,
    ...(hash === undefined
      ? []
      : [`plan ${hash}, on ${versions.join(', ')}, reaching ${count(status?.affectedCount ?? 0, 'Component')}`]),
  ]
}

/** Whether it can be read, and is about something that is there: what comes before any plan. */
const requestGates = ({ status, spec }: Of<'ChangeRequest'>): Gate[] => {
  const { plan, blockedBy = [] } = status ?? {}
  const phase = phaseOf(status)
  const { reason, message } = standingOf({ status } as Of<'ChangeRequest'>)
  if (status?.phase === undefined) {
    return [{ gate: 'request', verdict: 'Pending', message: 'Karma has written nothing of it yet' }]
  }
  if (plan) return [{ gate: 'request', verdict: 'Allow', message: 'it can be planned' }]
  if (phase === 'Queued') {
    return blockedBy.map(({ reason, object, message }) => ({
      gate: reason === graphAway ? 'graph' : 'component',
      verdict: 'Queue',
      object,
      message,
    }))
  }
  if (phase !== 'Rejected') return []
  return [{ gate: 'request', verdict: 'Reject', object: subjectIn(spec), message: `${reason}: ${message}` }]
}

const guardGates = ({ request: { status }, guards }: ChangeFacts): Gate[] => {
  const { plan, blockedBy = [] } = status ?? {}
  if (!plan) return [{ gate: 'guards', verdict: 'Pending', message: 'there is no plan that they could be asked about' }]
  const { verdicts = [] } = plan
  const against = verdicts.filter(({ verdict }) => verdict !== 'Allow').map(guardGate)
  // A request may wait for what was no verdict of its plan.
  const others = blockedBy
    .filter((by) => !verdicts.some((said) => said.message === by.message))
    .map(
      (by): Gate => ({
        gate: by.reason === graphAway ? 'graph' : by.reason,
        verdict: 'Queue',
        object: by.object,
        message: by.message,
      }),
    )
  const silent = guards.filter((name) => !verdicts.some(({ guard }) => guard === name))
  const rest: Gate[] = silent.length > 0 ? [{ gate: 'guards', verdict: 'Allow', message: silent.join(', ') }] : []
  return [...against, ...others, ...rest]
}

const guardGate = ({ guard, verdict, object, message }: VerdictEntry): Gate => ({
  gate: `guard ${guard}`,
  verdict,
  ...(object !== undefined && { object }),
  message,
})

const approvalGates = ({ request, approvals, now }: ChangeFacts): Gate[] => {
  const { plan, phase } = request.status ?? {}
  const given = approvals.map(({ metadata, spec }): Gate => {
    const isThis = spec.planHash === plan?.hash
    const why = spec.reason ? `: ${JSON.stringify(spec.reason)}` : ''
    const word = spec.decision === 'Approve' ? 'approved' : 'denied'
    const of = isThis ? '' : ` another plan, ${spec.planHash}, which does not count`
    return {
      gate: 'approval',
      verdict: isThis ? (spec.decision === 'Approve' ? 'Allow' : 'Reject') : 'Pending',
      object: `changeapproval/${metadata.name}`,
      message: `${spec.approver?.username} ${word}${of} ${ageOf(metadata.creationTimestamp, now)} ago${why}`,
    }
  })
  const isAsked = (phase as string) === 'AwaitingApproval'
  if (isAsked)
    return [...given, { gate: 'approval', verdict: 'RequireApproval', message: 'not enough agree to this plan' }]
  return given.length > 0 || !plan ? given : [{ gate: 'approval', verdict: 'Allow', message: 'none is needed' }]
}

const named = 5

const queueGate = ({ request, others }: ChangeFacts): Gate[] => {
  const { environment } = request.status ?? {}
  if (environment === undefined) return []
  const ahead = others.filter((other) => byArrival(other, request) < 0).sort(byArrival)
  const names = ahead.slice(0, named).map(({ metadata }) => metadata.name)
  const more = ahead.length > named ? ` and ${ahead.length - named} more` : ''
  const before = ahead.length === 0 ? 'it is the first' : `before it: ${names.join(', ')}${more}`
  const verdict = phaseOf(request.status) === 'Queued' ? 'Queue' : 'Pending'
  const message = `${ahead.length + 1} of ${others.length + 1}; ${before}`
  return [{ gate: `queue of ${environment}`, verdict, message }]
}

/** Longer than any operator that runs takes to look. */
const unnoticed = 15_000

const waitsForGraph = ({ status }: Of<'ChangeRequest'>): boolean => status?.blockedBy?.[0]?.reason === graphAway

/** Nothing is written of a request that waits at the gate of its environment. */
const nextOfPending = ({ request, environment, place, now }: ChangeFacts): string => {
  const [gate, events] = environmentGates(environment, place, request.metadata.name)
  if (gate?.verdict === 'Queue') return `it goes on by itself when ${gate.object} lets it pass`
  if (events) return 'it goes on by itself, at the latest when events can be published again'
  const age = now - Date.parse(request.metadata.creationTimestamp ?? '')
  return age > unnoticed
    ? 'it should have been looked at within seconds: is the operator running?'
    : 'it is looked at within seconds'
}

const nextOf = (facts: ChangeFacts): string => {
  const { request, holders } = facts
  const { metadata, status } = request
  const phase: string = phaseOf(status)
  const at = `${metadata.name} -n ${metadata.namespace}`
  const takeBack = isOpen(phaseOf(status)) ? `; kubectl karma cancel ${at} takes it back` : ''
  switch (phase) {
    case 'Pending':
      return `${nextOfPending(facts)}${takeBack}`
    case 'Queued': {
      if (waitsForGraph(request)) return `it goes on by itself when ${graphAgain}${takeBack}`
      const objects = [...new Set(holders.map(({ object }) => object))].join(', ') || 'what holds it'
      return `it goes on by itself when ${objects} moves${takeBack}`
    }
    case 'AwaitingApproval':
      return `kubectl karma approve ${at}, by somebody who may${takeBack}`
    case 'Held':
      return `decide with spec.resume: Retry, Continue or Rollback (kubectl explain changerequest.spec.resume)`
    case 'Applied':
      return `nothing; kubectl karma rollback ${at} undoes it`
    case 'Planned':
      return 'nothing; the same with mode: Apply carries it out'
    case 'Rejected':
      return 'a request that was rejected stays so: when what is against it has gone, create another one'
    case 'Applying':
      return waitsForGraph(request)
        ? `it is decided, and is carried through when ${graphAgain}`
        : 'it is carried through; kubectl karma log shows how far it is'
    default:
      return 'nothing; it has ended'
  }
}
