import type { Failure, Result } from '../api/result.ts'
import { type Answer, resume } from '../core/change/commit.ts'
import {
  abandoned,
  advanced,
  type Lane,
  newSpanning,
  nextSpanningEffects,
  type Spanned,
  type Spanning,
  type SpanningAnswer,
  type SpanningEffect,
  tookSpanning,
} from '../core/change/spanning.ts'
import type { Clock } from '../ports/clock.ts'
import type { Caches, Cluster, Of } from '../ports/cluster.ts'
import { again, done, type Outcome, retry } from '../runtime/controller.ts'
import type { Logger } from '../runtime/log.ts'
import { answerOfFailure } from './component-effects.ts'
import { type Content, changeIdOf } from './passage.ts'
import { makeRequestEffects, type RequestEffects } from './request-effects.ts'
import { noAnswer, type Session, type Sessions } from './session.ts'

/** One of the environments that a change passes, held and looked at. */
export interface Gathered {
  readonly environment: Of<'Environment'>
  /** of the graph, and what decided it */
  readonly version: number
  readonly changeId: string
  /** a plan must have seen Components at least as new as this resourceVersion */
  readonly seen: string
}

export interface CrossingDependencies {
  readonly cluster: Cluster
  readonly caches: Pick<Caches, 'ChangeRequest' | 'Environment'>
  readonly clock: Clock
  readonly holder: string
  readonly sessions: Sessions
  /** undefined: it does not pass now, and nothing is to be written for it */
  readonly plan: (requestKey: string, gathered: readonly Gathered[]) => Promise<Result<Spanned<Content> | undefined>>
  /** This request is to be looked at again: what was planned for it did not come to pass. */
  readonly again: (requestKey: string) => void
  readonly lookAt: (environmentKey: string) => void
  /** whether one more transition of this object may be told without losing one */
  readonly hasRoom: (environment: Of<'Environment'>) => boolean
}

interface Step {
  readonly spanning: Spanning<Content>
  readonly effect: SpanningEffect<Content>
  readonly requestKey: string
  readonly effects: RequestEffects
}

interface Walked {
  readonly spanning: Spanning<Content>
  readonly stopped: Outcome | undefined
}

type Failing = Pick<Session, 'failures'>

/** How long an environment is kept for a change that waits for its turn there, in milliseconds. */
const turnKeptMs = 500

/**
 * Leads one change over several environments through all of them (core/change/spanning.ts; docs/decisions/0040). It
 * begins in its home, the first of them, whose reconciler is at work; the sessions of the others are lent, all or none.
 */
export const makeCrossing = (dependencies: CrossingDependencies) => {
  const { cluster, caches, clock, holder, sessions, plan, lookAt, hasRoom } = dependencies

  /** All of them, or why not now. An environment that is at work ends its turn for it. */
  const borrow = (others: readonly Session[]): Outcome | undefined => {
    const busy = others.filter(({ isTaken }) => isTaken)
    for (const session of busy) session.wantedUntil = clock.monotonic() + turnKeptMs
    if (busy.length > 0) return again(20)
    for (const session of others) {
      session.isTaken = true
      session.wantedUntil = 0
    }
    return undefined
  }

  const giveBack = (others: readonly Session[]): void => {
    for (const session of others) {
      session.isTaken = false
      session.lastWork = clock.monotonic()
      lookAt(session.key)
    }
  }

  const environmentsOf = async (keys: readonly string[]): Promise<Result<readonly Of<'Environment'>[]> | undefined> => {
    const found: Of<'Environment'>[] = []
    for (const key of keys) {
      const environment = caches.Environment.get(key)
      if (environment) found.push(environment)
      else {
        const created = await cluster.createEnvironment(key)
        return created.ok ? undefined : created
      }
    }
    return { ok: true, value: found }
  }

  const gathered = ({ lanes }: Spanning<Content>): Gathered[] =>
    lanes.map(({ environment: key, pass }) => {
      const { passage } = sessions.of(key)
      const { version, applying } = pass.held!
      return { environment: passage.environment(), version, changeId: changeIdOf(applying), seen: passage.seen() }
    })

  const holdAll = async (all: readonly Session[]): Promise<Outcome | undefined> => {
    for (const session of all) {
      const stopped = await sessions.hold(session)
      if (stopped) return stopped
    }
    return undefined
  }

  /** On the request: what all environments see. */
  const onRequest = async (
    spanning: Spanning<Content>,
    effect: Exclude<SpanningEffect<Content>, { do: 'Pass' | 'Plan' }>,
    effects: RequestEffects,
  ): Promise<Answer<Content>> => {
    const { change } = effect
    const [home = ''] = spanning.lanes.map(({ environment }) => environment)
    switch (effect.do) {
      case 'Settle':
        return effects.settle(change, home.slice(home.indexOf('/') + 1))
      case 'WriteAhead':
        return effects.writeAhead(change, { holder, environments: wonIn(change, spanning) })
      case 'Decide':
        return effects.decide(change)
      case 'Finish':
        return effects.finish(change, 0)
    }
  }

  /** One effect that concerns all of them, or the preparation of one. */
  const carriedOut = async (
    { spanning, effect, requestKey, effects }: Step,
    all: readonly Session[],
  ): Promise<SpanningAnswer<Content>> => {
    if (effect.do === 'Pass')
      return sessions.of(effect.lane.environment).passage.carryOut(effect.lane.pass, effect.effect)
    if (effect.do === 'Plan') {
      const planned = await plan(requestKey, gathered(spanning))
      return planned.ok ? { is: 'Change', change: planned.value } : answerOfFailure(planned.failure)
    }
    const answer = await onRequest(spanning, effect, effects)
    const request = effects.current(effect.change)
    if (answer.is === 'Written' && request) for (const { passage } of all) passage.carry(request)
    return answer
  }

  /** All that a pass may do by itself now. */
  const inLane = async (spanning: Spanning<Content>, lane: Lane<Content>, log: Logger): Promise<Walked> => {
    const session = sessions.of(lane.environment)
    session.pass = lane.pass
    const stopped = (await sessions.hold(session)) ?? (await sessions.perform(session, log))
    return { spanning: advanced(spanning, lane, session.pass), stopped }
  }

  const overAll = async (step: Step, all: readonly Session[], failing: Failing, log: Logger): Promise<Walked> => {
    const { spanning, effect } = step
    const stopped = await holdAll(all)
    if (stopped) return { spanning, stopped }
    // What is told of them already must be out before more is.
    const isFull = effect.do === 'Plan' && !gathered(spanning).every(({ environment }) => hasRoom(environment))
    if (isFull) return { spanning, stopped: again(50) }
    const answer = await carriedOut(step, all)
    if (answer.is !== 'Written') log.debug({ effect: effect.do, answer: answer.is }, 'effect over all')
    const failures: Failure[] = answer.is === 'Unknown' ? [answer.failure ?? noAnswer(spanning.stage)] : []
    const failed = await sessions.afterAnswers(failing, spanning.stage, failures, log)
    return { spanning: tookSpanning(spanning, effect, answer), stopped: failed }
  }

  /** `all` are the sessions of its lanes. Ends with the lanes as they are left. */
  const walk = async (requestKey: string, all: readonly Session[], begun: Spanning<Content>, log: Logger) => {
    const [namespace = ''] = requestKey.split('/')
    const effects = makeRequestEffects(namespace, { cluster, clock, again: dependencies.again })
    const failing = { failures: 0 }
    let spanning = begun
    for (;;) {
      const [effect] = nextSpanningEffects(spanning)
      if (!effect) return { lanes: spanning.lanes, outcome: undefined }
      const isOwn = effect.do === 'Pass' && effect.effect.do !== 'Prepare'
      const walked = isOwn
        ? await inLane(spanning, effect.lane, log)
        : await overAll({ spanning, effect, requestKey, effects }, all, failing, log)
      if (walked.stopped) {
        // It waits no more, and nothing was written of it that would tell.
        if (walked.spanning.stage === 'WriteAhead') dependencies.again(requestKey)
        return { lanes: abandoned(walked.spanning), outcome: walked.stopped }
      }
      spanning = walked.spanning
    }
  }

  /** `home`: the session of the first of these environments, at work. `keys`: sorted */
  return async (requestKey: string, keys: readonly string[], log: Logger): Promise<Outcome> => {
    const environments = await environmentsOf(keys)
    if (!environments?.ok) return environments ? retry(environments.failure) : again(50)
    const all = keys.map(sessions.of)
    const others = all.slice(1)
    const waiting = borrow(others)
    if (waiting) return waiting
    try {
      const lanes = all.map((session, i) => {
        const environment = environments.value[i]!
        return { environment: session.key, pass: resume(session.pass, sessions.mustLook(session, environment)) }
      })
      const { lanes: left, outcome } = await walk(requestKey, all, newSpanning(lanes), log)
      for (const lane of left) sessions.of(lane.environment).pass = lane.pass
      return outcome ?? done
    } finally {
      giveBack(others)
    }
  }
}

/** Claim and version to win in each environment that has a part in it. */
const wonIn = ({ parts }: Spanned<Content>, { lanes }: Spanning<Content>) =>
  parts.map(({ environment }) => {
    const { claim, version } = lanes.find((lane) => lane.environment === environment)!.pass.held!
    return { environment, claim, version: version + 1 }
  })
