import { type Result, success } from '../api/result.ts'
import { environmentsAhead } from '../core/change/ahead.ts'
import { type LifeFacts, nextStep, type Step } from '../core/change/life.ts'
import { positionOf } from '../core/change/queue.ts'
import { stopped, waitsAsBefore } from '../core/change/request-status.ts'
import { isFinished, phaseOf } from '../core/change/status.ts'
import { environmentKey, nameOfId, resolveId } from '../core/component/identity.ts'
import type { InFlight, World } from '../core/guard/facts.ts'
import type { Clock } from '../ports/clock.ts'
import type { Caches, Cluster, Of } from '../ports/cluster.ts'
import { again, done, type Outcome, retry } from '../runtime/controller.ts'
import { hasFinalizer, withFinalizer, withoutFinalizer } from '../runtime/finalizer.ts'
import type { Gather } from './gather.ts'
import type { NoRoom } from './notices.ts'
import { changeIdOf } from './passage.ts'
import type { Relay } from './relay.ts'
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
}

/** Steps 1 to 3 of a change: what it would do, and whether it may try to pass its environment's gate. */
export const makeChangeRequestReconciler = (dependencies: ChangeRequestDependencies) => {
  const { cluster, caches, gather, waiting, relay, clock, lookAt, noRoom } = dependencies

  /** The Component it names: from the cache, or, before anything is concluded from its absence, from the server. */
  const componentOf = async (request: Of<'ChangeRequest'>) => {
    const id = resolveId(request.spec.component, request.metadata.namespace ?? '')
    const at = id.ok ? nameOfId(id.value) : id
    if (!at.ok) return { component: undefined }
    const key = `${at.value.namespace}/${at.value.name}`
    const cached = caches.Component.get(key)
    if (cached) return { component: cached }
    const read = await cluster.read('Component', key)
    return read.ok ? { component: caches.Component.get(key) ?? read.value } : { failure: read.failure }
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

  /** Keeps the object until its last event is out. */
  const end = async (request: Of<'ChangeRequest'>): Promise<Outcome> => {
    if (!request.metadata.deletionTimestamp) return done
    const drain = relay.drained(request)
    return drain.kind === 'Waiting' ? again(Math.min(drain.ms, 200)) : letGo(request)
  }

  const stop = async (
    request: Of<'ChangeRequest'>,
    step: Exclude<Step, { to: 'Stay' | 'Pass' }>,
    world?: World,
  ): Promise<Outcome> => {
    if (waitsAsBefore(request, step)) return done
    if (relay.room(request) < 3) return again(200)
    const key = world?.environmentKey
    const position = key ? positionOf(request, caches.ChangeRequest.byIndex('queued', key)) : 1
    const environment = world?.environment.metadata.name
    const status = stopped(request, step, { world, environment, position, now: clock.now() })
    const written = await cluster.writeStatus('ChangeRequest', request, status)
    if (written.ok || written.failure.reason === 'NotFound') return done
    if (written.failure.reason !== 'TooLarge') return retry(written.failure)
    noRoom(request, written.failure)
    return letGo(request)
  }

  /**
   * What is known around it, and where it stands in that. While its environment is not there, or is being written, that
   * is only what the request itself says: the rest can be told at the gate.
   */
  const factsOf = async (
    request: Of<'ChangeRequest'>,
    component: Of<'Component'> | undefined,
  ): Promise<Result<LifeFacts>> => {
    const bare = { request, planned: undefined, uncommitted: undefined, world: undefined }
    if (!component) return success({ ...bare, uncommitted: null })
    const place = placeOf(component)
    const environment = caches.Environment.get(place)
    if (!environment || !gather.isWhole(environment)) return success(bare)
    const { version = 0, applying = [] } = environment.status ?? {}
    const world = await gather.world(environment, {
      version,
      changeId: changeIdOf(applying),
      inFlight: inFlight(request, place),
    })
    return world.ok ? success(gather.life(request, world.value)) : world
  }

  /** Others that are being written this moment. */
  const inFlight = (request: Of<'ChangeRequest'>, place: string): InFlight[] =>
    [...caches.ChangeRequest.byIndex('applying', place)].flatMap(({ metadata, spec, status }) => {
      if (metadata.uid === request.metadata.uid) return []
      const names = [spec.component, ...(status?.affectedComponents ?? [])]
      const affected = new Set(names.map((name) => `${metadata.namespace}/${name}`))
      return [{ object: `changerequest/${metadata.name}`, affected }]
    })

  /** Half written: its environment carries it through. */
  const carried = async (request: Of<'ChangeRequest'>, component: Of<'Component'> | undefined): Promise<Outcome> => {
    const place = component && placeOf(component)
    const isLeft = place === undefined || !caches.Environment.get(place)
    // With its namespace its Environment goes too, and nobody can carry it through any more.
    if (isLeft && request.metadata.deletionTimestamp) return end(request)
    for (const environment of environmentsAhead(request)) lookAt(environment)
    return done
  }

  const live = async (request: Of<'ChangeRequest'>, key: string): Promise<Outcome> => {
    // 1. What it is about.
    const { component, failure } = await componentOf(request)
    if (failure) return retry(failure)
    // 2. What is under way goes on.
    if (phaseOf(request.status) === 'Applying') return carried(request, component)
    // 3. The next step of its life.
    const facts = await factsOf(request, component)
    if (!facts.ok) return retry(facts.failure)
    const step = nextStep(facts.value)
    if (step.to === 'Stay') return done
    const { world } = facts.value
    if (step.to !== 'Pass') return stop(request, step, world)
    waiting.enter(placeOf(component!), 'ChangeRequest', key)
    return done
  }

  return async (key: string): Promise<Outcome> => {
    const request = caches.ChangeRequest.get(key)
    if (!request) return done
    const { finalizers, deletionTimestamp } = request.metadata
    if (isFinished(phaseOf(request.status))) return end(request)
    if (deletionTimestamp || hasFinalizer(finalizers, changeFinalizer) || isTooLarge(request)) return live(request, key)
    const added = await cluster.writeFinalizers('ChangeRequest', request, withFinalizer(finalizers, changeFinalizer))
    return added.ok ? done : retry(added.failure)
  }
}

const placeOf = ({ metadata, spec }: Of<'Component'>): string =>
  environmentKey(metadata.namespace ?? '', spec.environment)

/** With a finalizer it could not even be deleted, when there is no room for the time of deletion. */
const isTooLarge = ({ faults }: Of<'ChangeRequest'>): boolean => faults.some(({ reason }) => reason === 'TooLarge')
