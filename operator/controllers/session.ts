import type { Held } from '../api/lease.ts'
import type { Failure } from '../api/result.ts'
import {
  type Answer,
  closing,
  type Effect,
  effectKey,
  newPass,
  nextEffects,
  nextEffectsOf,
  type Pass,
  took,
} from '../core/change/commit.ts'
import type { Clock } from '../ports/clock.ts'
import type { Caches, Of } from '../ports/cluster.ts'
import { isUnreadable } from '../ports/graph.ts'
import type { Lock, Locks } from '../ports/lock.ts'
import { again, type Outcome, retry } from '../runtime/controller.ts'
import type { Logger } from '../runtime/log.ts'
import type { Content, Passage } from './passage.ts'

/** What this process remembers of an environment between two looks. All of it may be forgotten. */
export interface Session {
  /** of the environment */
  readonly key: string
  pass: Pass<Content>
  readonly passage: Passage
  readonly lock: Lock
  held?: Held | undefined
  /** monotonic ms */
  lastWork: number
  failures: number
  /** Somebody is at work in it: its own reconciler, or a change over several environments that passes it too. */
  isTaken: boolean
  /** monotonic ms: until then such a change has the next turn */
  wantedUntil: number
}

export interface SessionsDependencies {
  readonly caches: Pick<Caches, 'ChangeRequest'>
  readonly locks: Locks
  readonly clock: Clock
  readonly sleep: (ms: number) => Promise<void>
  readonly passage: (environmentKey: string) => Passage
}

/**
 * Writes of one environment that are under way together. More do not make an API server on two cores faster, but its
 * watches late: what is written is seen seconds afterwards (docs/decisions/0071-the-release-of-a-queue.md). Everything
 * else that asks it, the renewal of the lead too, would stand in line behind a batch of hundreds.
 */
const sideBySide = 16

/** Failures in a row. */
const patience = 8

/** What waits for a graph store asks it again so often, in milliseconds, however long that lasts. */
export const blindMs = 2_000

/** One session for each environment, and what is done in one: hold its lock, carry out what may be done now, give it free. */
export const makeSessions = ({ caches, locks, clock, sleep, passage }: SessionsDependencies) => {
  const sessions = new Map<string, Session>()

  const of = (key: string): Session => {
    let session = sessions.get(key)
    if (!session) {
      const lastWork = clock.monotonic()
      const free = { isTaken: false, wantedUntil: 0, failures: 0, lastWork }
      session = { key, pass: newPass(), passage: passage(key), lock: locks(key), ...free }
      sessions.set(key, session)
    }
    return session
  }

  /** Something in phase Applying that this holder does not carry, or decided work that may be unfinished. */
  const mustLook = ({ key, pass }: Session, environment: Of<'Environment'>): boolean => {
    if (!pass.held) return true
    if (environment.metadata.resourceVersion !== pass.held.resourceVersion) return true
    for (const _ of caches.ChangeRequest.byIndex('applying', key)) return true
    return false
  }

  /** It is decided, and the store has yet to take it: whoever found it anew would know less of it than this pass does. */
  const isStoring = ({ pass }: Session, environment: Of<'Environment'>): boolean =>
    pass.stage === 'Store' && pass.held?.resourceVersion === environment.metadata.resourceVersion

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
      const answered = (answer: Answer<Content>): void => {
        running--
        under.delete(effectKey(effect))
        settle(effect, answer)
        // After a failure, or when the pass has moved on, what has not begun is not done.
        if (session.pass.stage !== stage || failures.length > 0) next.length = 0
        launch([])
        if (running === 0) idle.resolve()
      }
      session.passage.carryOut(session.pass, effect).then(answered).catch(idle.reject)
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
    return afterAnswers(session, stage, failures, log)
  }

  /**
   * A pause that grows with failures in a row; after a while the queue's own backoff takes over. Not where the graph store is
   * away: others who wait for it ask it as often.
   */
  const afterAnswers = async (
    session: Pick<Session, 'failures'>,
    stage: string,
    [failure]: readonly Failure[],
    log: Logger,
  ): Promise<Outcome | undefined> => {
    if (!failure) {
      session.failures = 0
      return undefined
    }
    session.failures++
    log.warn({ stage, reason: failure.reason, message: failure.message }, 'no answer to an effect')
    if (session.failures > patience) return isUnreadable(failure) ? again(blindMs) : retry(failure)
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

  return { of, all: () => sessions.values(), mustLook, isStoring, hold, perform, afterAnswers, close }
}

export type Sessions = ReturnType<typeof makeSessions>

export const noAnswer = (stage: string): Failure => ({
  reason: 'Unavailable',
  message: `no answer in stage ${stage}`,
  retry: true,
})
