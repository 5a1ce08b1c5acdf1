import { type Failure, failure, type Result, success } from '../api/result.ts'
import { environmentsAhead } from '../core/change/ahead.ts'
import { bounds } from '../core/change/bounds.ts'
import { inFlightOf } from '../core/change/in-flight.ts'
import { deadlineOf, type LifeFacts, nextStep, type Step } from '../core/change/life.ts'
import type { Named } from '../core/change/named.ts'
import { byArrival, positionOf } from '../core/change/queue.ts'
import { heldUp, rolledBack, stopped, waitsAsBefore } from '../core/change/request-status.ts'
import { isFinished, phaseOf } from '../core/change/status.ts'
import { environmentKey, idOf, keyOf, keyOfId, placeOf } from '../core/component/identity.ts'
import type { InFlight, World } from '../core/guard/facts.ts'
import type { Clock } from '../ports/clock.ts'
import type { Caches, Cluster, Of } from '../ports/cluster.ts'
import { isUnreadable } from '../ports/graph.ts'
import { again, done, type Outcome, retry } from '../runtime/controller.ts'
import { hasFinalizer, withFinalizer, withoutFinalizer } from '../runtime/finalizer.ts'
import type { Gather } from './gather.ts'
import type { NoRoom } from './notices.ts'
import { type Outages, unreadMessage } from './outages.ts'
import { changeIdOf } from './passage.ts'
import type { Relay } from './relay.ts'
import { blindMs } from './session.ts'
import type { Waiting } from './waiting.ts'

export const changeFinalizer = 'usekarma.dev/change'

export interface ChangeRequestDependencies {
  readonly cluster: Cluster
  readonly caches: Caches
  readonly gather: Gather
  readonly waiting: Waiting
  readonly relay: Pick<Relay, 'drained' | 'room'>
  readonly clock: Pick<Clock, 'now'>
  /** the environment is to be looked at: something in it is half done */
  readonly lookAt: (environmentKey: string) => void
  readonly noRoom: NoRoom
  readonly outages: Pick<Outages, 'why' | 'asked'>
}

/** Steps 1 to 3 of a change: what it would do, and whether it may try to pass its environment's gate. */
export const makeChangeRequestReconciler = (dependencies: ChangeRequestDependencies) => {
  const { cluster, caches, gather, waiting, relay, clock, lookAt, noRoom, outages } = dependencies

  /** Before anything is concluded from the absence of an object it is read from the server; then the cache has it too. */
  const namedBy = async (request: Of<'ChangeRequest'>): Promise<Result<Named>> => {
    const { namespace = '' } = request.metadata
    const { rollbackOf } = request.spec
    if (rollbackOf !== undefined && !caches.ChangeRequest.get(`${namespace}/${rollbackOf}`)) {
      const read = await cluster.read('ChangeRequest', `${namespace}/${rollbackOf}`)
      if (!read.ok) return read
    }
    for (const id of gather.named(request).absent) {
      const key = keyOfId(id)
      if (!key.ok) continue
      const read = await cluster.read('Component', key.value)
      if (!read.ok) return read
    }
    return success(gather.named(request))
  }

  /** The caches are behind with a Component that it is about. What is read of it they have at once. */
  const behind = async ({ present }: Named): Promise<Outcome | undefined> => {
    for (const { metadata } of present) {
      const read = await cluster.read('Component', `${metadata.namespace}/${metadata.name}`)
      if (!read.ok) return retry(read.failure)
      if (read.value?.metadata.resourceVersion !== metadata.resourceVersion) return again(behindMs)
    }
    return undefined
  }

  const letGo = async (request: Of<'ChangeRequest'>): Promise<Outcome> => {
    const { finalizers } = request.metadata
    if (!hasFinalizer(finalizers, changeFinalizer)) return done
    const written = await cluster.writeFinalizers(
      'ChangeRequest',
      request,
      withoutFinalizer(finalizers, changeFinalizer),
    )
    // An object that fills the last byte cannot be written at all, by nobody.
    const isOver = written.ok || written.failure.reason === 'NotFound' || written.failure.reason === 'TooLarge'
    return isOver ? done : retry(written.failure)
  }

  /** It was applied, and another request has undone it since. */
  const tellUndone = async (request: Of<'ChangeRequest'>): Promise<Outcome | undefined> => {
    const by = [...caches.ChangeRequest.byIndex('undoes', keyOf(request))].sort(byArrival).at(-1)
    if (!by || request.status?.rolledBackBy === by.metadata.name) return undefined
    if (relay.room(request) < 1) return again(200)
    const written = await cluster.writeStatus('ChangeRequest', request, rolledBack(request, by, clock.now()))
    return written.ok || written.failure.reason === 'NotFound' ? undefined : retry(written.failure)
  }

  /** Keeps the object until its last event is out. */
  const end = async (request: Of<'ChangeRequest'>): Promise<Outcome> => {
    if (!request.metadata.deletionTimestamp) return done
    const drain = relay.drained(request)
    return drain.kind === 'Waiting' ? again(Math.min(drain.ms, 200)) : letGo(request)
  }

  /** What it waits for wakes it; only time does not. */
  const untilDeadline = (request: Of<'ChangeRequest'>): Outcome => {
    const deadline = deadlineOf(request)
    return deadline === undefined ? done : again(Math.max(deadline - clock.now(), 1))
  }

  const stop = async (
    request: Of<'ChangeRequest'>,
    step: Exclude<Step, { to: 'Stay' | 'Pass' }>,
    named: Named,
    world?: World,
  ): Promise<Outcome> => {
    if (waitsAsBefore(request, step)) return untilDeadline(request)
    if (relay.room(request) < 3) return again(200)
    const news = isForGood(step) ? await behind(named) : undefined
    return news ?? conclude(request, step, named, world)
  }

  const conclude = async (
    request: Of<'ChangeRequest'>,
    step: Exclude<Step, { to: 'Stay' | 'Pass' }>,
    named: Named,
    world: World | undefined,
  ): Promise<Outcome> => {
    // Also while nothing can be told of its graph.
    const [key = ''] = named.environments
    const environment = caches.Environment.get(key)?.metadata.name
    const position = environment ? positionOf(request, caches.ChangeRequest.byIndex('queued', key)) : 1
    const status = stopped(request, step, { world, environment, position, now: clock.now() })
    const written = await cluster.writeStatus('ChangeRequest', request, status)
    if (written.ok) return 'blockedBy' in step ? untilDeadline(request) : done
    if (written.failure.reason === 'NotFound') return done
    if (written.failure.reason !== 'TooLarge') return retry(written.failure)
    noRoom(request, written.failure)
    return letGo(request)
  }

  /**
   * What is known around it, and where it stands in that. While its environment is not there, or is being written, that
   * is only what the request itself says: the rest can be told at the gate. Where that waits for the graph store, so does
   * this.
   */
  const factsOf = async (request: Of<'ChangeRequest'>, named: Named): Promise<Result<LifeFacts>> => {
    const [place, ...others] = named.environments.slice(0, bounds.environments)
    const bare = (): Result<LifeFacts> => {
      const why = named.environments.flatMap((key) => outages.why(key) ?? [])[0]
      if (why !== undefined) return failure({ reason: 'GraphUnavailable', message: why, retry: true })
      return success({ request, planned: undefined, world: undefined, named, now: clock.now() })
    }
    const environment = place === undefined ? undefined : caches.Environment.get(place)
    if (place === undefined || !environment || !gather.isWhole(environment)) return bare()
    const places = others.flatMap((key) => caches.Environment.get(key) ?? [])
    if (places.length < others.length || !places.every(gather.isWhole)) return bare()
    const elsewhere = named.present.filter((component) => placeOf(component) !== place)
    const world = await gather.world(environment, {
      ...atOf(environment),
      inFlight: [place, ...others].flatMap((key) => inFlight(request, key)),
      beside: { places: places.map((one) => ({ environment: one, ...atOf(one) })), ids: elsewhere.map(idOf) },
    })
    outages.asked(place, world)
    if (world.ok) return success(gather.life(request, world.value, named))
    // What has to be set right is, by whoever holds the environment.
    if (world.failure.reason === 'GraphDiffers') return bare()
    return failure({ ...world.failure, message: unreadMessage(place, world.failure) })
  }

  /**
   * What it would do cannot be told now. What needs no graph goes on: it may be cancelled, or expire. Else it waits for
   * the graph, and asks again by itself.
   */
  const unknowable = async (request: Of<'ChangeRequest'>, named: Named, why: Failure): Promise<Outcome> => {
    const [place] = named.environments
    if (!isUnreadable(why) || place === undefined) return retry(why)
    const early = earlyStep(request, named)
    if (early) return stop(request, early, named)
    const blockedBy = [{ reason: 'GraphUnavailable', object: objectOf(place), message: why.message } as const]
    const outcome = await stop(request, { to: 'Queued', blockedBy }, named)
    if (outcome.kind === 'retry') return outcome
    return again(outcome.kind === 'after' ? Math.min(outcome.ms, blindMs) : blindMs)
  }

  /** What becomes of it whatever the graph says: it was cancelled, or has expired. */
  const earlyStep = (request: Of<'ChangeRequest'>, named: Named) => {
    const step = nextStep({ request, planned: undefined, world: undefined, named, now: clock.now() })
    return step.to === 'Pass' || step.to === 'Stay' ? undefined : step
  }

  /** Others that are being written this moment. */
  const inFlight = (request: Of<'ChangeRequest'>, place: string): InFlight[] =>
    [...caches.ChangeRequest.byIndex('applying', place)].flatMap((other) =>
      other.metadata.uid === request.metadata.uid ? [] : [inFlightOf(other)],
    )

  /** Half written: its environment carries it through. */
  const carried = async (request: Of<'ChangeRequest'>): Promise<Outcome> => {
    const { environment } = request.status ?? {}
    const place = environment && environmentKey(request.metadata.namespace ?? '', environment)
    const isLeft = place === undefined || !caches.Environment.get(place)
    // With its namespace its Environment goes too, and nobody can carry it through any more.
    if (isLeft && request.metadata.deletionTimestamp) return end(request)
    for (const environment of environmentsAhead(request)) lookAt(environment)
    return tellHeldUp(request)
  }

  /** It is decided, and the graph store has yet to take it. That it goes on is told when it has ended. */
  const tellHeldUp = async (request: Of<'ChangeRequest'>): Promise<Outcome> => {
    const place = environmentsAhead(request).find((key) => outages.why(key) !== undefined)
    if (place === undefined) return done
    const blocker = { reason: 'GraphUnavailable', object: objectOf(place), message: outages.why(place)! } as const
    if (request.status?.blockedBy?.[0]?.message === blocker.message) return done
    const written = await cluster.writeStatus('ChangeRequest', request, heldUp(request, blocker, clock.now()))
    return written.ok || written.failure.reason === 'NotFound' ? done : retry(written.failure)
  }

  const enter = (place: string | undefined, kind: 'Crossing' | 'ChangeRequest', key: string): Outcome => {
    if (place !== undefined) waiting.enter(place, kind, key)
    return done
  }

  const live = async (request: Of<'ChangeRequest'>, key: string): Promise<Outcome> => {
    // 1. What is under way goes on.
    if (phaseOf(request.status) === 'Applying') return carried(request)
    // 2. What it is about.
    const named = await namedBy(request)
    if (!named.ok) return retry(named.failure)
    const [place] = named.value.environments
    // 3. What needs no graph, where that could not be read before.
    const early = isBlind(request) && earlyStep(request, named.value)
    if (early) return stop(request, early, named.value)
    // 4. The next step of its life.
    const facts = await factsOf(request, named.value)
    if (!facts.ok) return unknowable(request, named.value, facts.failure)
    const step = nextStep(facts.value)
    if (step.to === 'Stay') return done
    const { world } = facts.value
    if (step.to !== 'Pass') return stop(request, step, named.value, world)
    const isCrossing = named.value.environments.length > 1
    return enter(place, isCrossing ? 'Crossing' : 'ChangeRequest', key)
  }

  return async (key: string): Promise<Outcome> => {
    const request = caches.ChangeRequest.get(key)
    if (!request) return done
    const { finalizers, deletionTimestamp } = request.metadata
    if (isFinished(phaseOf(request.status))) return (await tellUndone(request)) ?? end(request)
    if (deletionTimestamp || hasFinalizer(finalizers, changeFinalizer) || isTooLarge(request)) return live(request, key)
    const added = await cluster.writeFinalizers('ChangeRequest', request, withFinalizer(finalizers, changeFinalizer))
    return added.ok ? done : retry(added.failure)
  }
}

/** It ends by what its Components say: of an edit that a watch has yet to show it would be said that it was taken back. */
const isForGood = ({ to }: Step): boolean => to === 'Rejected' || to === 'Superseded' || to === 'Applied'

/** When a request is looked at again for which the caches were behind, in milliseconds. */
const behindMs = 50

/** How a request of its namespace names an environment. */
const objectOf = (environmentKey: string): string =>
  `environment/${environmentKey.slice(environmentKey.indexOf('/') + 1)}`

const atOf = ({ status }: Of<'Environment'>) => ({
  version: status?.version ?? 0,
  changeId: changeIdOf(status?.applying ?? []),
})

const isBlind = ({ status }: Of<'ChangeRequest'>): boolean =>
  (status?.blockedBy ?? []).some(({ reason }) => reason === 'GraphUnavailable')

/** With a finalizer it could not even be deleted, when there is no room for the time of deletion. */
const isTooLarge = ({ faults }: Of<'ChangeRequest'>): boolean => faults.some(({ reason }) => reason === 'TooLarge')
