import type { ChangeRequest, ComponentStatus } from '../api/kinds.generated.ts'
import { type Result, success } from '../api/result.ts'
import { isFinished, phaseOf } from '../core/change/status.ts'
import { driftOf } from '../core/component/drift.ts'
import { editOf, requestOfEdit, standingOfEdit } from '../core/component/edit.ts'
import { environmentKey, idOf, keyOfId } from '../core/component/identity.ts'
import { refersTo } from '../core/component/reference.ts'
import { unresolvedOf } from '../core/component/resolution.ts'
import { standingStatus, standsAsBefore } from '../core/component/standing.ts'
import { removedStatus } from '../core/component/status.ts'
import { hashOf, wantedOf } from '../core/component/wanted.ts'
import type { Verdict } from '../core/guard/facts.ts'
import type { Clock } from '../ports/clock.ts'
import type { Caches, Cluster, Of } from '../ports/cluster.ts'
import { again, done, type Outcome, retry } from '../runtime/controller.ts'
import { hasFinalizer, withFinalizer, withoutFinalizer } from '../runtime/finalizer.ts'
import type { NoRoom } from './notices.ts'
import type { Outages } from './outages.ts'
import type { Relay } from './relay.ts'
import type { Waiting } from './waiting.ts'

export const componentFinalizer = 'usekarma.dev/component'
/** on a Component: uid of the request that wrote its spec last */
export const changeAnnotation = 'usekarma.dev/change'

/** Full ids of the Components that a request is writing. */
export const writtenBy = ({ metadata, status }: ChangeRequest): string[] =>
  status?.phase === 'Applying' ? (status.images ?? []).map(({ component }) => `${metadata.namespace}/${component}`) : []

export interface ComponentDependencies {
  readonly cluster: Cluster
  readonly caches: Caches
  readonly waiting: Waiting
  readonly relay: Pick<Relay, 'drained' | 'room'>
  readonly clock: Pick<Clock, 'now'>
  readonly noRoom: NoRoom
  readonly outages: Pick<Outages, 'why'>
}

/** Brings Components to their environment's gate when they come and go, and says in their status how they stand. */
export const makeComponentReconciler = (dependencies: ComponentDependencies) => {
  const { cluster, caches, waiting, relay, clock, noRoom, outages } = dependencies

  const writeFinalizers = async (component: Of<'Component'>, finalizers: readonly string[]): Promise<Outcome> => {
    const written = await cluster.writeFinalizers('Component', component, finalizers)
    return written.ok || written.failure.reason === 'NotFound' ? done : retry(written.failure)
  }

  const letGo = async (component: Of<'Component'>): Promise<Outcome> => {
    const { finalizers } = component.metadata
    if (!hasFinalizer(finalizers, componentFinalizer)) return done
    return writeFinalizers(component, withoutFinalizer(finalizers, componentFinalizer))
  }

  /** It has left the graph, or never was in it: it may go once its last event is out. */
  const end = async (component: Of<'Component'>): Promise<Outcome> => {
    const drain = relay.drained(component)
    if (drain.kind === 'Waiting') return again(Math.min(drain.ms, 200))
    return letGo(component)
  }

  /** How many committed Components refer to it, wherever they are. */
  const dependentsOf = (component: Of<'Component'>): number => {
    let count = 0
    for (const other of caches.Component.byIndex('refersTo', idOf(component))) if (refersTo(other, component)) count++
    return count
  }

  const standing = (component: Of<'Component'>, heldBack: readonly Verdict[]): ComponentStatus => {
    const { namespace = '' } = component.metadata
    const known = (id: string) => {
      const key = keyOfId(id)
      return key.ok ? caches.Component.get(key.value) : undefined
    }
    const type = (name: string) => caches.ComponentType.get(name)
    return standingStatus(
      component,
      {
        unresolved: unresolvedOf(component, known),
        heldBack,
        blind: blindness(component),
        edit: standingOfEdit(component, (name) => caches.ChangeRequest.get(`${namespace}/${name}`)),
        drift: driftOf(component, { known, type }),
        dependents: dependentsOf(component),
      },
      clock.now(),
    )
  }

  const hasGate = ({ metadata, spec }: Of<'Component'>): boolean =>
    caches.Environment.get(environmentKey(metadata.namespace ?? '', spec.environment)) !== undefined

  /** Its Environment is gone. In a namespace that is being deleted there will be none: it goes without a gate. */
  const leaveWithout = async (component: Of<'Component'>, key: string): Promise<Outcome> => {
    const terminating = await cluster.isTerminating(component.metadata.namespace ?? '')
    if (!terminating.ok) return retry(terminating.failure)
    if (!terminating.value) {
      enter(component, key)
      return done
    }
    const version = component.status?.committed?.graphVersion ?? 0
    const written = await cluster.writeStatus(
      'Component',
      component,
      removedStatus(component, { version, now: clock.now() }),
    )
    return written.ok || written.failure.reason === 'NotFound' ? done : retry(written.failure)
  }

  /** The graph of its environment is away, and it wants to pass there. */
  const blindness = (component: Of<'Component'>): string | undefined => {
    const { metadata, spec } = component
    return isMoving(component) ? outages.why(environmentKey(metadata.namespace ?? '', spec.environment)) : undefined
  }

  /** What comes and goes passes the gate, unless something holds it back. */
  const enter = (component: Of<'Component'>, key: string): void => {
    const { metadata, spec } = component
    if (!isMoving(component) || waiting.heldBack(key).length > 0) return
    waiting.enter(environmentKey(metadata.namespace ?? '', spec.environment), 'Component', key)
  }

  /** Between the two writes of a commit spec is ahead of what is committed, and that is no edit. */
  const isBeingWritten = (component: Of<'Component'>): boolean => {
    const { spec, status } = component
    if (hashOf(wantedOf(spec)) === status?.committed?.hash) return false
    for (const _ of caches.ChangeRequest.byIndex('writes', idOf(component))) return true
    return false
  }

  /** As the server has it: the cache of requests may be older than that of Components. */
  const isBeingWrittenNow = async (component: Of<'Component'>): Promise<Result<boolean>> => {
    const { namespace = '' } = component.metadata
    const environment = await cluster.read('Environment', environmentKey(namespace, component.spec.environment))
    if (!environment.ok) return environment
    for (const { kind, name } of environment.value?.status?.applying ?? []) {
      const key = `${namespace}/${name}`
      if (kind !== 'ChangeRequest' || isFinished(phaseOf(caches.ChangeRequest.get(key)?.status))) continue
      const request = await cluster.read('ChangeRequest', key)
      if (!request.ok) return request
      if (request.value && writtenBy(request.value).includes(idOf(component))) return success(true)
    }
    return success(false)
  }

  /** A direct edit of spec becomes a request, in the name of who edited. */
  const bringThrough = async (component: Of<'Component'>): Promise<Outcome | undefined> => {
    const edit = editOf(component)
    if (!edit || component.faults.some(({ path }) => path.startsWith('spec.'))) return undefined
    if (caches.ChangeRequest.get(`${component.metadata.namespace}/${edit.name}`)) return undefined
    const written = await isBeingWrittenNow(component)
    if (!written.ok) return retry(written.failure)
    if (written.value) return again(200)
    const created = await cluster.createChangeRequest(requestOfEdit(component, edit), component)
    return created.ok ? undefined : retry(created.failure)
  }

  /** How it stands, for people. While it may pass at any moment there is no news. */
  const tell = async (component: Of<'Component'>, key: string): Promise<Outcome> => {
    const { status } = component
    const heldBack = waiting.heldBack(key)
    const isBlind = blindness(component) !== undefined
    if (!status?.committed && heldBack.length === 0 && status?.conditions && !isBlind) return done
    const next = standing(component, heldBack)
    if (standsAsBefore(status, next)) return done
    if (relay.room(component) < (next.seq ?? 0) - (status?.seq ?? 0)) return again(200)
    const written = await cluster.writeStatus('Component', component, next)
    if (written.ok || written.failure.reason === 'NotFound') return done
    if (written.failure.reason !== 'TooLarge') return retry(written.failure)
    noRoom(component, written.failure)
    return letGo(component)
  }

  return async (key: string): Promise<Outcome> => {
    const component = caches.Component.get(key)
    if (!component) {
      waiting.holdBack(key, [])
      return done
    }
    // 1. It may not vanish before it has passed the gate.
    const { finalizers, deletionTimestamp } = component.metadata
    if (!hasFinalizer(finalizers, componentFinalizer) && !isTooLarge(component)) {
      return deletionTimestamp ? done : writeFinalizers(component, withFinalizer(finalizers, componentFinalizer))
    }
    if (deletionTimestamp && !component.status?.committed) return end(component)
    if (deletionTimestamp && !hasGate(component)) return leaveWithout(component, key)
    // 2. The gate.
    enter(component, key)
    if (isBeingWritten(component)) return done
    // 3. What was edited past the gate.
    const asked = await bringThrough(component)
    if (asked) return asked
    // 4. Its status.
    return tell(component, key)
  }
}

const isMoving = ({ metadata, status }: Of<'Component'>): boolean =>
  metadata.deletionTimestamp !== undefined || !status?.committed

/** With a finalizer it could not even be deleted, when there is no room for the time of deletion. */
const isTooLarge = ({ faults, status }: Of<'Component'>): boolean =>
  !status?.committed && faults.some(({ reason }) => reason === 'TooLarge')
