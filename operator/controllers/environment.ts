import type { Failure } from '../api/result.ts'
import { isDeciding, isMidway, newPass, nextEffects, resume, unwritten } from '../core/change/commit.ts'
import type { World } from '../core/guard/facts.ts'
import { tended } from '../core/lock/claim.ts'
import type { Clock } from '../ports/clock.ts'
import type { Caches, Cluster, Of } from '../ports/cluster.ts'
import type { Locks } from '../ports/lock.ts'
import { again, done, type Outcome, retry } from '../runtime/controller.ts'
import type { Logger } from '../runtime/log.ts'
import { type CrossingDependencies, makeCrossing } from './crossing.ts'
import type { Crossing } from './crossing-turn.ts'
import type { Delays } from './delays.ts'
import type { Outages } from './outages.ts'
import { makePassage, type PassageDependencies } from './passage.ts'
import { makeSessions, type Session } from './session.ts'

export interface EnvironmentTimes {
  /** A batch of changes ends after this, so that other holders get a turn. */
  readonly turnMs: number
  /** The environment is given free when nothing has come for so long. */
  readonly lingerMs: number
}

export interface EnvironmentDependencies extends Omit<PassageDependencies, 'onTakenOver' | 'queued'> {
  readonly cluster: Cluster
  readonly caches: Caches
  readonly locks: Locks
  readonly clock: Clock
  readonly sleep: (ms: number) => Promise<void>
  readonly times: EnvironmentTimes
  readonly guards: Pick<World['guards'], 'compile'>
  /** changes and Components that want to pass this environment's gate now */
  readonly hasWork: (environmentKey: string) => boolean
  /** which change over several environments is next, in the first of them */
  readonly crossing: (environmentKey: string) => Crossing | undefined
  readonly planCrossing: CrossingDependencies['plan']
  readonly lookAt: (environmentKey: string) => void
  readonly forgetGraph: (environmentKey: string) => void
  /** There is no such Environment: what is remembered of its graph counts for nothing. */
  readonly gone: (environmentKey: string) => void
  readonly delays: Delays
  readonly outages: Outages
  /** whether one more transition of this object may be told without losing one */
  readonly hasRoom: (environment: Of<'Environment'>) => boolean
}

/** How long an environment is left alone while a change in it waits for another one, in milliseconds. */
const awayMs = 250

/**
 * Steps 4 to 8 and 10 of a change: one look at an environment carries everything through that waits in it. The lock is
 * kept for a moment afterwards, so that changes that follow each other closely do not take it again and again.
 */
export const makeEnvironmentReconciler = (dependencies: EnvironmentDependencies) => {
  const { cluster, caches, clock, times, guards, hasWork, delays, outages } = dependencies
  const sessions = makeSessions({
    ...dependencies,
    passage: (key) => makePassage(key, { ...dependencies, onTakenOver: () => dependencies.forgetGraph(key), queued }),
  })
  const { hold, perform, close, mustLook, isStoring } = sessions
  const cross = makeCrossing({ ...dependencies, sessions, plan: dependencies.planCrossing })

  const queued = (key: string): number => {
    let count = 0
    for (const request of caches.ChangeRequest.byIndex('environment', key))
      if (request.status?.phase === 'Queued') count++
    return count
  }

  /** Something was written ahead there, and is to be carried through or taken back; with its namespace it just goes. */
  const isLeftIn = (key: string): boolean => {
    for (const { metadata } of caches.ChangeRequest.byIndex('applying', key))
      if (metadata.deletionTimestamp === undefined) return true
    return false
  }

  const hasUnfinished = (key: string, environment: Of<'Environment'>): boolean => {
    for (const _ of caches.ChangeRequest.byIndex('applying', key)) return true
    const { applying = [], prepared, lockedBy } = environment.status ?? {}
    // A claim that nobody carries on is given back too: people read LOCKED-BY, and the ledger tells of its release.
    return applying.length > 0 || prepared !== undefined || lockedBy !== undefined
  }

  /** Effects until the pass has ended, the turn is over or the lock is lost. */
  const run = async (key: string, session: Session, log: Logger): Promise<Outcome | undefined> => {
    const end = clock.monotonic() + times.turnMs
    for (;;) {
      if (nextEffects(session.pass).length === 0 || isOver(session, end)) return undefined
      if (session.pass.stage === 'Plan' && !mayTell(key)) return again(50)
      const stopped = (await hold(session)) ?? (await perform(session, log))
      if (stopped) return stopped
    }
  }

  /** What was planned waits no more. When the pass ends before anything was written of it, it must ask again. */
  const askAgain = ({ key, pass }: Session): void => {
    const [namespace = ''] = key.split('/')
    for (const { kind, name } of unwritten(pass))
      if (kind === 'ChangeRequest') dependencies.again(`${namespace}/${name}`)
  }

  /** A turn ends between two batches, also for a change over several environments that wants to pass here too. */
  const isOver = ({ pass, wantedUntil }: Session, end: number): boolean =>
    pass.stage === 'Plan' && (clock.monotonic() > end || wantedUntil > clock.monotonic())

  /** Every batch tells of itself; what is told already must be out first. */
  const mayTell = (key: string): boolean => {
    const environment = caches.Environment.get(key)
    return environment === undefined || dependencies.hasRoom(environment)
  }

  /** Why nothing may pass, as people are to read it. */
  const faultsOf = (
    key: string,
    environment: Of<'Environment'>,
    delayed: string | undefined,
  ): Pick<Failure, 'reason' | 'message'>[] => {
    const compiled = (environment.spec?.guards ?? []).map((guard) => guards.compile(guard, `Environment ${key}`))
    const away = outages.why(key)
    // Room that lacks for a moment, as in every long queue, is no fault.
    const isFull = delayed !== undefined && !dependencies.hasRoom(environment)
    return [
      ...compiled.flatMap((result) => (result.ok ? [] : [result.failure])),
      ...(away === undefined ? [] : [{ reason: 'GraphUnavailable' as const, message: away }]),
      ...(isFull ? [{ reason: 'EventsDelayed' as const, message: fullMessage(key, delayed) }] : []),
    ]
  }

  const tend = async (
    key: string,
    environment: Of<'Environment'>,
    session: Session,
    waiting: number,
  ): Promise<Outcome> => {
    const delayed = delays.why()
    const faults = faultsOf(key, environment, delayed)
    const next = tended(environment, { queued: waiting, faults, delayed, now: clock.now() })
    if (isTended(environment, next)) return done
    const written = await cluster.writeStatus('Environment', environment, next)
    // Our own claim stands on a resourceVersion that has just moved.
    session.pass = newPass()
    return written.ok || written.failure.reason === 'NotFound' ? done : retry(written.failure)
  }

  /** What holds up everybody here is said at once: nobody comes to rest before it is over. */
  const heldUp = async (key: string, session: Session, outcome: Outcome): Promise<Outcome> => {
    const environment = caches.Environment.get(key)
    // What is decided goes on from the resourceVersion that it was written with.
    if (!environment || isDeciding(session.pass)) return outcome
    // Their count goes on changing meanwhile, and each write would give the claim up.
    const told = await tend(key, environment, session, environment.status?.queued ?? 0)
    return told.kind === 'retry' ? told : outcome
  }

  const overSeveral = async (key: string, log: Logger): Promise<Outcome> => {
    // A graph that is not what is committed is set right first, by its own environment.
    const next = dependencies.repairs.isNeeded(key) ? undefined : dependencies.crossing(key)
    return next ? cross(next.request, next.environments, log) : done
  }

  /** First what waits for several environments: one at a time, and what waits for this one alone has its turn then. */
  const begin = async (
    key: string,
    environment: Of<'Environment'>,
    session: Session,
    log: Logger,
  ): Promise<Outcome> => {
    if (isStoring(session, environment)) return done
    const crossed = await overSeveral(key, log)
    if (crossed.kind !== 'retry')
      session.pass = resume(session.pass, mustLook(session, caches.Environment.get(key) ?? environment))
    return crossed
  }

  /** Somebody wants to pass, or is half through. */
  const carry = async (
    key: string,
    environment: Of<'Environment'>,
    session: Session,
    log: Logger,
  ): Promise<Outcome> => {
    if (!dependencies.hasRoom(environment)) return heldUp(key, session, again(50))
    const waiting = await hold(session)
    if (waiting) return waiting
    const began = clock.monotonic()
    const crossed = await begin(key, environment, session, log)
    if (crossed.kind === 'retry') return crossed
    const stopped = await run(key, session, log).finally(() => askAgain(session))
    session.lastWork = clock.monotonic()
    if (stopped) return outages.why(key) === undefined ? stopped : heldUp(key, session, stopped)
    if (!hasWork(key)) return again(times.lingerMs)
    // What is left waits for its events to be out, or the turn is over: then others come first.
    if (session.lastWork - began > times.turnMs) await close(session, log)
    return waitsElsewhere(crossed) ? again(awayMs) : again(50)
  }

  /** Nobody does: after a moment the lock is let go. */
  const rest = async (key: string, environment: Of<'Environment'>, session: Session, log: Logger): Promise<Outcome> => {
    if (session.held) {
      const left = session.lastWork + times.lingerMs - clock.monotonic()
      if (left > 0) return again(left)
      await close(session, log)
    }
    const current = caches.Environment.get(key) ?? environment
    // What was left half way is taken up again, by whoever has the lock then.
    return hasUnfinished(key, current) ? again(50) : tend(key, current, session, queued(key))
  }

  const reconcile = async (key: string, log: Logger): Promise<Outcome> => {
    const environment = caches.Environment.get(key)
    if (!environment) {
      dependencies.gone(key)
      if (!hasWork(key) && !isLeftIn(key)) return done
      const created = await cluster.createEnvironment(key)
      return created.ok ? done : retry(created.failure)
    }
    const session = sessions.of(key)
    // A change over several environments is at work here, or has the next turn.
    if (session.isTaken || session.wantedUntil > clock.monotonic()) return again(50)
    const isLeft = !session.held || isMidway(session.pass)
    const isBusy = hasWork(key) || (isLeft && hasUnfinished(key, environment))
    session.isTaken = true
    try {
      return await (isBusy ? carry(key, environment, session, log) : rest(key, environment, session, log))
    } finally {
      session.isTaken = false
    }
  }

  return {
    reconcile,
    /** Lets every lock go, on the way out. */
    async release(log: Logger): Promise<void> {
      await Promise.all([...sessions.all()].filter(({ held }) => held).map((session) => close(session, log)))
    },
  }
}

/** Others that wait here may pass meanwhile, and the Lease of another environment may take long to run out. */
const waitsElsewhere = (crossed: Outcome): boolean => crossed.kind === 'after' && crossed.ms > awayMs

const fullMessage = (key: string, delayed: string): string =>
  `changes wait: ${key} can remember no more that is not on the bus (${delayed}); they pass by themselves when it takes events again`

const isTended = (environment: Of<'Environment'>, next: NonNullable<Of<'Environment'>['status']>): boolean => {
  const { queued = 0, observedGeneration, conditions = [] } = environment.status ?? {}
  if (queued !== next.queued || observedGeneration !== next.observedGeneration) return false
  return (next.conditions ?? []).every((condition) =>
    conditions.some(
      ({ type, status, reason, message }) =>
        type === condition.type &&
        status === condition.status &&
        reason === condition.reason &&
        message === condition.message,
    ),
  )
}
