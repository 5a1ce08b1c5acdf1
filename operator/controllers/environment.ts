import type { Held } from '../api/lease.ts'
import type { Failure } from '../api/result.ts'
import {
  type Answer,
  closing,
  type Effect,
  effectKey,
  isMidway,
  newPass,
  nextEffects,
  nextEffectsOf,
  type Pass,
  resume,
  took,
} from '../core/change/commit.ts'
import { tended } from '../core/lock/claim.ts'
import type { Clock } from '../ports/clock.ts'
import type { Caches, Cluster, Of } from '../ports/cluster.ts'
import type { Lock, Locks } from '../ports/lock.ts'
import { again, done, type Outcome, retry } from '../runtime/controller.ts'
import type { Logger } from '../runtime/log.ts'
import { type Content, makePassage, type Passage, type PassageDependencies } from './passage.ts'

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
  /** changes and Components that want to pass this environment's gate now */
  readonly hasWork: (environmentKey: string) => boolean
  readonly forgetGraph: (environmentKey: string) => void
  /** why events cannot be published at the moment */
  readonly delayed: () => string | undefined
  /** whether one more transition of this object may be told without losing one */
  readonly hasRoom: (environment: Of<'Environment'>) => boolean
}

/** What this process remembers of an environment between two looks. All of it may be forgotten. */
interface Session {
  pass: Pass<Content>
  readonly passage: Passage
  readonly lock: Lock
  held?: Held | undefined
  /** monotonic ms */
  lastWork: number
  failures: number
}

/**
 * Writes of one environment that are under way together. More do not make an API server on two cores faster, but its
 * watches late: what is written is seen seconds afterwards (docs/decisions/0071-the-release-of-a-queue.md). Everything
 * else that asks it, the renewal of the lead too, would stand in line behind a batch of hundreds.
 */
const sideBySide = 16

/**
 * Steps 4 to 8 and 10 of a change: one look at an environment carries everything through that waits in it. The lock is
 * kept for a moment afterwards, so that changes that follow each other closely do not take it again and again.
 */
export const makeEnvironmentReconciler = (dependencies: EnvironmentDependencies) => {
  const { cluster, caches, locks, clock, sleep, times, hasWork, delayed } = dependencies
  const sessions = new Map<string, Session>()

  const sessionOf = (key: string): Session => {
    let session = sessions.get(key)
    if (!session) {
      const onTakenOver = (): void => dependencies.forgetGraph(key)
      const passage = makePassage(key, { ...dependencies, onTakenOver, queued })
      session = { pass: newPass(), passage, lock: locks(key), lastWork: clock.monotonic(), failures: 0 }
      sessions.set(key, session)
    }
    return session
  }

  const queued = (key: string): number => {
    let count = 0
    for (const request of caches.ChangeRequest.byIndex('environment', key))
      if (request.status?.phase === 'Queued') count++
    return count
  }

  /** Something in phase Applying that this holder does not carry, or decided work that may be unfinished. */
  const mustLook = (key: string, environment: Of<'Environment'>, { pass }: Session): boolean => {
    if (!pass.held) return true
    if (environment.metadata.resourceVersion !== pass.held.resourceVersion) return true
    for (const _ of caches.ChangeRequest.byIndex('applying', key)) return true
    return false
  }

  const hasUnfinished = (key: string, environment: Of<'Environment'>): boolean => {
    for (const _ of caches.ChangeRequest.byIndex('applying', key)) return true
    const { applying = [], lockedBy } = environment.status ?? {}
    // A claim that nobody carries on is given back too: people read LOCKED-BY, and the ledger tells of its release.
    return applying.length > 0 || lockedBy !== undefined
  }

  const hold = async (session: Session): Promise<Outcome | undefined> => {
    const { held, lock } = session
    const now = clock.monotonic()
    if (held && now < held.validUntil && now - held.sentAt < (held.validUntil - held.sentAt) / 2) return undefined
    const result = held && now < held.validUntil ? await lock.renew(held) : await lock.acquire()
    if (result.ok) {
      session.held = result.value
      return undefined
    }
    session.held = undefined
    const { waitMs } = result.failure as { waitMs?: number }
    return waitMs === undefined ? retry(result.failure) : again(Math.max(waitMs, 10))
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

  /** A turn ends between two batches. */
  const isOver = ({ pass }: Session, end: number): boolean => pass.stage === 'Plan' && clock.monotonic() > end

  /** Every batch tells of itself; what is told already must be out first. */
  const mayTell = (key: string): boolean => {
    const environment = caches.Environment.get(key)
    return environment === undefined || dependencies.hasRoom(environment)
  }

  /** All effects that may be done now, side by side; what they make possible follows at once. */
  const perform = async (session: Session, log: Logger): Promise<Outcome | undefined> => {
    const { stage } = session.pass
    const failures: Failure[] = []
    const under = new Set<string>()
    const idle = Promise.withResolvers<void>()

    const next: Effect<Content>[] = []
    let running = 0

    const launch = (effects: readonly Effect<Content>[]): void => {
      const fresh = effects.filter((effect) => !under.has(effectKey(effect)))
      for (const effect of fresh) under.add(effectKey(effect))
      next.push(...fresh)
      while (running < sideBySide && next.length > 0) start(next.shift()!)
    }
    const start = (effect: Effect<Content>): void => {
      running++
      session.passage(session.pass, effect).then((answer) => {
        running--
        under.delete(effectKey(effect))
        settle(effect, answer)
        // After a failure, or when the pass has moved on, what has not begun is not done.
        if (session.pass.stage !== stage || failures.length > 0) next.length = 0
        launch([])
        if (running === 0) idle.resolve()
      }, idle.reject)
    }
    const settle = (effect: Effect<Content>, answer: Answer<Content>): void => {
      if (answer.is !== 'Written') log.debug({ effect: effectKey(effect), answer: answer.is }, 'effect')
      if (answer.is === 'Unknown') failures.push(answer.failure ?? noAnswer(stage))
      // What came of an effect of an earlier stage says nothing any more.
      if (session.pass.stage !== stage) return
      session.pass = took(session.pass, effect, answer)
      if (session.pass.stage !== stage || failures.length > 0 || !('member' in effect)) return
      launch(nextEffectsOf(session.pass, effect.member.applying.uid))
    }
    launch(nextEffects(session.pass))
    await idle.promise
    return afterFailures(session, failures, log)
  }

  /** A pause that grows; after a while the queue's own backoff takes over. */
  const afterFailures = async (
    session: Session,
    [failure]: readonly Failure[],
    log: Logger,
  ): Promise<Outcome | undefined> => {
    if (!failure) {
      session.failures = 0
      return undefined
    }
    session.failures++
    log.warn({ stage: session.pass.stage, reason: failure.reason, message: failure.message }, 'no answer to an effect')
    if (session.failures > patience) return retry(failure)
    await sleep(Math.min(20 * 2 ** session.failures, 1_000))
    return undefined
  }

  /** Gives the environment free: what is finished is cleared away, the lock is let go. */
  const close = async (session: Session, log: Logger): Promise<void> => {
    session.pass = closing(session.pass)
    if (session.pass.stage === 'Clear') await perform(session, log)
    const { held, lock } = session
    session.held = undefined
    if (held) await lock.release(held)
  }

  const tend = async (key: string, environment: Of<'Environment'>, session: Session): Promise<Outcome> => {
    const next = tended(environment, { queued: queued(key), delayed: delayed(), now: clock.now() })
    if (isTended(environment, next)) return done
    const written = await cluster.writeStatus('Environment', environment, next)
    // Our own claim stands on a resourceVersion that has just moved.
    session.pass = newPass()
    return written.ok || written.failure.reason === 'NotFound' ? done : retry(written.failure)
  }

  /** Somebody wants to pass, or is half through. */
  const carry = async (
    key: string,
    environment: Of<'Environment'>,
    session: Session,
    log: Logger,
  ): Promise<Outcome> => {
    if (!dependencies.hasRoom(environment)) return again(50)
    const waiting = await hold(session)
    if (waiting) return waiting
    session.pass = resume(session.pass, mustLook(key, environment, session))
    const began = clock.monotonic()
    const stopped = await run(key, session, log)
    session.lastWork = clock.monotonic()
    if (stopped) return stopped
    if (!hasWork(key)) return again(times.lingerMs)
    // What is left waits for its events to be out, or the turn is over: then others come first.
    if (session.lastWork - began > times.turnMs) await close(session, log)
    return again(50)
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
    return hasUnfinished(key, current) ? again(50) : tend(key, current, session)
  }

  const reconcile = async (key: string, log: Logger): Promise<Outcome> => {
    const environment = caches.Environment.get(key)
    if (!environment) {
      if (!hasWork(key)) return done
      const [namespace = '', name = ''] = key.split('/')
      const created = await cluster.createEnvironment(namespace, name)
      return created.ok ? done : retry(created.failure)
    }
    const session = sessionOf(key)
    const isLeft = !session.held || isMidway(session.pass)
    const isBusy = hasWork(key) || (isLeft && hasUnfinished(key, environment))
    return isBusy ? carry(key, environment, session, log) : rest(key, environment, session, log)
  }

  return {
    reconcile,
    /** Lets every lock go, on the way out. */
    async release(log: Logger): Promise<void> {
      await Promise.all([...sessions.values()].filter(({ held }) => held).map((session) => close(session, log)))
    },
  }
}

const noAnswer = (stage: string): Failure => ({
  reason: 'Unavailable',
  message: `no answer in stage ${stage}`,
  retry: true,
})

/** Failures in a row. */
const patience = 8

const isTended = (environment: Of<'Environment'>, next: NonNullable<Of<'Environment'>['status']>): boolean => {
  const { queued = 0, conditions = [] } = environment.status ?? {}
  if (queued !== next.queued) return false
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
