import type { Event } from '../../operator/api/envelope.ts'
import type {
  Applying,
  ChangeRequest,
  ChangeRequestStatus,
  Component,
  ComponentStatus,
  DecidedBy,
  Environment,
} from '../../operator/api/kinds.generated.ts'
import type { Parsed } from '../../operator/api/parse.ts'
import { makeRepairs } from '../../operator/controllers/repairs.ts'
import type { Step } from '../../operator/core/change/life.ts'
import { type Plan, planChange } from '../../operator/core/change/plan.ts'
import { finished, rolledBack, stopped, takenBack, writtenAhead } from '../../operator/core/change/request-status.ts'
import { driftOf } from '../../operator/core/component/drift.ts'
import { standingStatus } from '../../operator/core/component/standing.ts'
import { committedStatus, removedStatus } from '../../operator/core/component/status.ts'
import { wantedOf } from '../../operator/core/component/wanted.ts'
import { eventOf, type Teller } from '../../operator/core/event/envelope.ts'
import { append } from '../../operator/core/event/outbox.ts'
import { claimed, cleared, published } from '../../operator/core/lock/claim.ts'
import { aChangeRequest, aComponent, anEnvironment, at, aWorld, noon } from './builders.ts'

/*
 * An event of each type and of each form that it can have, told by the functions that tell them in the operator. The
 * same on every machine: docs/events.md shows them.
 */

const holder = 'karma-0_5f0c9d1e'
const bucket = aComponent('bucket/logs', { config: { name: 'logs', versioned: false } })
const site = aComponent('site/main', { config: { size: 1 }, references: [{ name: 'logs', component: 'bucket/logs' }] })
const guards = [
  {
    name: 'two-people',
    expression: 'false',
    verdict: 'RequireApproval' as const,
    message: 'somebody else has to agree',
  },
]
const world = aWorld({ components: [bucket, site], environment: { guards }, version: 4 })
const asked = (name: string): Parsed<ChangeRequest> =>
  aChangeRequest({
    name,
    component: 'bucket/logs',
    proposedChange: { versioned: true },
    reason: 'keep what is deleted',
    requestedBy: { username: 'jo', uid: '7', groups: ['platform'] },
  })
const yes: DecidedBy = { name: 'yes', uid: 'uid-yes', decision: 'Approve', username: 'al' }

const eventsOf = (object: Teller): Event[] =>
  (object.status?.history ?? []).map((entry) => {
    const event = eventOf(object, entry)
    if (!event.ok) throw new Error(event.failure.message)
    return event.value
  })

/** What became of it, one thing after the other. */
const told = <T extends Teller>(object: T, ...steps: ((object: T, now: number) => T['status'])[]): Event[] => {
  let current: T = object
  for (const [i, step] of steps.entries()) current = { ...current, status: step(current, noon + i * 1000) }
  return eventsOf(current)
}

type Stop = Exclude<Step, { to: 'Stay' | 'Pass' }>

const requests = (): Event[] => {
  const made = planChange(asked('keep'), world)
  if (!made.ok) throw new Error(made.failure.message)
  const plan: Plan = made.value
  const there = { world, environment: 'dev' }
  const stop =
    (step: Stop, where: Partial<typeof there> = there) =>
    (request: ChangeRequest, now: number): ChangeRequestStatus =>
      stopped(request, step, { ...where, position: 1, now })
  /** before anything is known of where it is */
  const nowhere = {}
  const waits = { reason: 'ApprovalRequired', object: 'bucket/logs', message: 'somebody else has to agree' }
  const awaiting: Stop = { to: 'AwaitingApproval', message: waits.message, blockedBy: [waits], plan }
  const queued: Stop = {
    to: 'Queued',
    blockedBy: [{ reason: 'OutputsUnavailable', object: 'bucket/logs', message: 'its output arn is not there yet' }],
    plan,
  }
  const ahead =
    (approvals: readonly DecidedBy[], environments?: { environment: string; claim: string; version: number }[]) =>
    (request: ChangeRequest, now: number): ChangeRequestStatus =>
      writtenAhead(request, {
        plan,
        world,
        approvals,
        writeAhead: environments ? { claim: '7', holder, environments } : { claim: '7', holder, version: 5 },
        now,
      })
  const done = (request: ChangeRequest, now: number): ChangeRequestStatus => finished(request, { version: 5, now })
  const undone = (request: ChangeRequest, now: number): ChangeRequestStatus =>
    rolledBack(request, asked('keep-not'), now)
  const says = (to: 'Cancelled' | 'Expired' | 'Superseded' | 'Applied', reason: string, message: string): Stop =>
    ({ to, reason, message }) as Stop
  const both = ['dev/dev', 'dev/edge'].map((environment, i) => ({ environment, claim: `${i}`, version: 5 + i }))
  const no = { ...yes, name: 'no', uid: 'uid-no', decision: 'Deny' } as const
  const denied: Stop = { to: 'Rejected', reason: 'Denied', message: 'al denied it', plan, approvals: [no] }
  return [
    ...told(asked('keep'), stop(queued), stop(awaiting), ahead([yes]), done, undone),
    ...told(asked('keep-again'), ahead([]), (request, now) => takenBack(request, now), ahead([], both), done),
    ...told(asked('keep-plan'), stop({ to: 'Planned', plan })),
    ...told(asked('keep-denied'), stop(denied)),
    ...told(
      asked('keep-faulty'),
      stop({ to: 'Rejected', reason: 'EmptyChange', message: 'it names no change' }, nowhere),
    ),
    ...told(asked('keep-late'), stop(queued), stop(says('Expired', 'Expired', 'it has waited for 3600 s'))),
    ...told(asked('keep-less'), stop(queued), stop(says('Cancelled', 'Cancelled', 'spec.cancel was set'))),
    ...told(asked('keep-edit'), stop(says('Superseded', 'Superseded', 'the Component was edited again'))),
    ...told(asked('keep-known'), stop(says('Applied', 'AlreadyApplied', 'applied before'), nowhere)),
    ...told(asked('keep-same'), stop({ to: 'Applied', reason: 'Unchanged', message: 'it is like this already', plan })),
  ]
}

const alone = { known: () => undefined, type: () => undefined }

const components = (): Event[] => {
  const created: Component = aComponent('bucket/logs', { committed: false, config: { name: 'logs', versioned: false } })
  const change = { name: 'keep', uid: 'uid-keep', hash: 'sha256:1' }
  const source = { repository: 'https://git.example/infra', path: 'logs.yaml', revision: '4f2a9c1' }
  const wanted = (versioned: boolean) => wantedOf({ config: { name: 'logs', versioned }, ...(versioned && { source }) })
  const reports =
    (report: Partial<ComponentStatus>) =>
    (component: Component, now: number): ComponentStatus => {
      const reported = { ...component, status: { ...component.status, ...report } as ComponentStatus, faults: [] }
      const drift = driftOf(reported, alone)
      return standingStatus(reported, { unresolved: [], heldBack: [], dependents: 1, drift }, now)
    }
  const held = (component: Component, now: number): ComponentStatus => {
    const heldBack = [{ reason: 'InvalidConfig', message: 'config.name: expected a string, found 7' } as const]
    return standingStatus(component, { unresolved: [], heldBack, dependents: 0 }, now)
  }
  const looked = at(noon + 60_000)
  const config = { name: 'logs', versioned: true }
  return [
    ...told<Component>(
      created,
      held,
      (component, now) => committedStatus(component, { wanted: wanted(false), version: 4, now }),
      (component, now) => committedStatus(component, { wanted: wanted(true), version: 5, change, now }),
      reports({
        outputs: { arn: 'arn:aws:s3:::logs' },
        runtime: { state: 'running', config: { ...config, versioned: false }, observedAt: looked },
      }),
      reports({ runtime: { state: 'running', config, observedAt: looked } }),
      (component, now) =>
        removedStatus(component, { version: 6, now, change: { ...change, name: 'drop', uid: 'uid-drop' } }),
    ),
    ...told<Component>(site, reports({ runtime: { config: { size: 2 }, observedAt: looked } })),
    ...told<Component>(bucket, (component, now) => removedStatus(component, { version: 7, now })),
  ]
}

const environments = (): Event[] => {
  const applying = (kind: Applying['kind'], name: string): Applying => ({ kind, name, uid: `uid-${name}` })
  const publish =
    (version: number, ...list: Applying[]) =>
    (environment: Environment, now: number) =>
      published(environment, { holder, version, applying: list, highest: '99', now })
  const repairs = makeRepairs({ holder, onNeeded: () => {} })
  const [found, made] = [
    { epoch: 'e1', version: 4, sum: '77aa' },
    { epoch: 'e2', version: 6, sum: '91bc' },
  ]
  repairs.storeBuilt('dev/dev', { found, made })
  repairs.mirrorBuilt('dev/dev', found)
  const asked = makeRepairs({ holder, onNeeded: () => {} })
  asked.storeBuilt('dev/dev', { found, made, asked: '2026-01-31T12:00:00Z' })
  const repaired = [...repairs.untold('dev/dev'), ...asked.untold('dev/dev')]
  return told<Environment>(
    anEnvironment({}, { version: 4 }),
    (environment, now) => claimed(environment, holder, now),
    publish(5, applying('ChangeRequest', 'keep')),
    publish(6, applying('Creation', 'site.main'), applying('Removal', 'site.old')),
    (environment, now) => cleared(environment, { highest: '99', queued: 0, now }),
    (environment, now) => ({ ...environment.status, ...append(environment.status, repaired, now) }),
  )
}

export const everyEvent = (): readonly Event[] => [...requests(), ...components(), ...environments()]
