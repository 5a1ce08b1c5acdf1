import type { ChangeRequest, Component } from '../api/kinds.generated.ts'
import { failure, type Result, success } from '../api/result.ts'
import type { Held, Member } from '../core/change/commit.ts'
import { admit } from '../core/change/creation.ts'
import { nextStep, type Step } from '../core/change/life.ts'
import type { Plan } from '../core/change/plan.ts'
import { newlyReferred, type Pledge } from '../core/change/pledge.ts'
import { abroad, pledgeFor } from '../core/change/promise.ts'
import { byArrival } from '../core/change/queue.ts'
import { display, idOf, keyOf, keyOfId, placeOf } from '../core/component/identity.ts'
import { refersTo } from '../core/component/reference.ts'
import type { Wanted } from '../core/component/wanted.ts'
import type { InFlight, Verdict, World } from '../core/guard/facts.ts'
import { targetOf as dependencyOf } from '../core/guard/missing-reference.ts'
import type { Clock } from '../ports/clock.ts'
import type { Caches, Of } from '../ports/cluster.ts'
import { isUnreadable } from '../ports/graph.ts'
import { makeCaughtUp } from './caught-up.ts'
import type { Gather } from './gather.ts'
import { bounded, creationOf, isFull, removalOf, requestMember, settledMember, targetsOf } from './member.ts'
import { type Content, changeIdOf } from './passage.ts'
import { promisedIn, sightOf } from './sight.ts'
import type { Waiting } from './waiting.ts'

export interface BatchDependencies {
  readonly caches: Caches
  readonly gather: Gather
  readonly waiting: Waiting
  readonly clock: Pick<Clock, 'monotonic'>
  readonly sleep: (ms: number) => Promise<void>
  /** This request is to be looked at again: it is about something else than it waits for, or nothing can be told now. */
  readonly again: (requestKey: string) => void
  /** whether what a change does to this object can be told without losing what is not told yet */
  readonly hasRoom: (object: ChangeRequest | Component) => boolean
}

/**
 * Plans what passes next, under the lock: first the Components that come and go, all in one version; then, of the
 * requests in their order, those that do not touch each other. What may not pass is settled with its verdict.
 */
export const makeBatch = ({ caches, gather, waiting, clock, sleep, again, hasRoom }: BatchDependencies) => {
  const sight = sightOf(caches)

  const caughtUp = makeCaughtUp({ caches, clock, sleep })

  const componentsOf = (key: string): Of<'Component'>[] =>
    [...waiting.of(key, 'Component')].flatMap((name) => {
      const component = caches.Component.get(name)
      if (!component) waiting.leave(key, 'Component', name)
      return component ? [component] : []
    })

  const requestsOf = (key: string): Of<'ChangeRequest'>[] =>
    [...waiting.of(key, 'ChangeRequest')].flatMap((name) => {
      const request = caches.ChangeRequest.get(name)
      if (!request) waiting.leave(key, 'ChangeRequest', name)
      return request ? [request] : []
    })

  /**
   * Who comes now may be what others were held back for, and these may be what it needs: it is judged with all new
   * Components that it leads to, so that none of a circle is told that the next one is missing.
   */
  const withNewDependencies = (coming: readonly Of<'Component'>[], { namespace }: World): Of<'Component'>[] => {
    const found = new Map(coming.map((component) => [component.metadata.name, component]))
    // What is added on the way is visited too.
    for (const { spec } of found.values()) {
      for (const reference of spec.references ?? []) {
        const at = keyOfId(dependencyOf(reference, namespace) ?? '')
        const dependency = at.ok ? caches.Component.get(at.value) : undefined
        const joins = dependency?.metadata.namespace === namespace && dependency.spec.environment === spec.environment
        if (joins && isNew(dependency) && !found.has(dependency.metadata.name))
          found.set(dependency.metadata.name, dependency)
      }
    }
    return [...found.values()]
  }

  const creations = (components: readonly Of<'Component'>[], world: World): Member<Content>[] => {
    const { admitted, heldBack } = admit(withNewDependencies(components.filter(isNew), world), world)
    for (const { component, verdicts } of heldBack) holdBack(world.environmentKey, component, verdicts)
    const held = new Set<string>()
    return bounded(
      admitted.flatMap((one) => {
        const { id, wanted } = one
        const needs = (wanted.references ?? []).map((reference) => dependencyOf(reference, world.namespace) ?? '')
        const refers = needs.some((need) => held.has(need))
          ? undefined
          : pledges([{ before: null, after: wanted }], world)
        if (refers) return [{ ...creationOf(one, world), ...(refers.length > 0 && { refers }) }]
        // It waits for the next round, and so does what refers to it.
        held.add(id)
        return []
      }),
    )
  }

  /** What is to be promised elsewhere before these may pass. Undefined: they have to wait. */
  const pledges = (
    items: readonly { readonly before: Wanted | null; readonly after: Wanted | null }[],
    world: World,
  ): Pledge[] | undefined => {
    const ids = new Set(items.flatMap(({ before, after }) => newlyReferred(before, after, world.namespace)))
    const found: Pledge[] = []
    for (const [place, there] of abroad([...ids], world.environmentKey, world.known)) {
      const pledge = pledgeFor(there, place, { environment: world.environment, sight })
      if (!pledge) {
        const { component } = world.known(there[0]!)!
        // An Environment that was deleted is made again for who wants to pass it.
        if (!caches.Environment.get(place) && !waiting.has(place)) waiting.enter(place, 'Component', keyOf(component))
        return undefined
      }
      found.push(pledge)
    }
    return found
  }

  const removals = (
    components: readonly Of<'Component'>[],
    promised: readonly InFlight[],
    world: World,
  ): Member<Content>[] => {
    const leaving = components.filter(
      (component) =>
        component.status?.committed &&
        component.metadata.deletionTimestamp &&
        !promised.some(({ affected }) => affected.has(idOf(component))),
    )
    return bounded(
      leaving.flatMap((component) => {
        const staying = world.view.dependentsOf(idOf(component)).filter((id) => staysWith(component, id, world))
        if (staying.length === 0) return [removalOf(component)]
        holdBack(world.environmentKey, component, [inUse(component, staying.sort(), world)])
        return []
      }),
    )
  }

  const holdBack = (environmentKey: string, component: Component, verdicts: readonly Verdict[]): void => {
    const key = keyOf(component)
    waiting.leave(environmentKey, 'Component', key)
    waiting.holdBack(key, verdicts)
  }

  /** undefined: nothing is to be written for it. In phase Applying it is found by looking. */
  const memberOf = (request: Of<'ChangeRequest'>, step: Step, world: World): Member<Content> | undefined => {
    if (step.to !== 'Pass') return settledMember(request, step, world, caches)
    if (!step.plan) return undefined
    const { plan, approvals = [] } = step
    const refers = pledges(plan.items, world)
    const content = { request, plan, approvals, patch: plan.patch, world }
    const member = requestMember(request, 'WriteAhead', targetsOf(plan.items, request), content)
    return { ...member, ...(refers?.length && { refers }) }
  }

  /** For the next round: until what it overlaps has finished, or what is told of it already is out. */
  const hasToWait = (request: Of<'ChangeRequest'>, plan: Plan, world: World): boolean =>
    isHeldUp(request, plan, hasRoom) || pledges(plan.items, world) === undefined

  const requests = (key: string, promised: readonly InFlight[], world: World): Member<Content>[] => {
    const inFlight = [...world.inFlight, ...promised]
    const crosses = makeCrossing(world.namespace)
    const members: Member<Content>[] = []
    for (const request of requestsOf(key).sort(byArrival)) {
      const step = nextStep({ ...gather.life(request, { ...world, inFlight }), underLock: true })
      const plan = passing(step)
      const isCrossed = crosses(plan)
      // What it touches is its own from here on, also when it has to wait for the next round.
      if (plan) inFlight.push({ object: `changerequest/${request.metadata.name}`, affected: touched(plan, world) })
      if (isCrossed || (plan && hasToWait(request, plan, world))) continue
      waiting.leave(key, 'ChangeRequest', keyOf(request))
      const member = memberOf(request, step, world)
      if (member) members.push(member)
      if (isFull(members)) break
    }
    return members
  }

  /** The graph cannot be read: each request says itself that it waits for that. */
  const askAgain = (key: string): void => {
    for (const request of requestsOf(key)) if (request.status?.phase !== 'Queued') again(keyOf(request))
  }

  return async (environment: Of<'Environment'>, held: Held, seen: string): Promise<Result<Member<Content>[]>> => {
    const key = keyOf(environment)
    // 1. Nothing older than what was committed last.
    const late = await caughtUp(seen)
    if (late) return failure(late)
    // 2. What is known at the version that this holder holds. What does not count as promised any more shows in it.
    const promised = promisedIn(environment, caches)
    const world = await gather.world(environment, { version: held.version, changeId: changeIdOf(held.applying) })
    if (!world.ok) {
      if (isUnreadable(world.failure)) askAgain(key)
      return world
    }
    // 3. Components that come and go, then requests.
    const components = componentsOf(key)
    for (const component of components) {
      const isLeaving = component.metadata.deletionTimestamp !== undefined
      const isCommitted = component.status?.committed !== undefined
      if (isLeaving !== isCommitted) waiting.leave(key, 'Component', keyOf(component))
    }
    const coming = creations(components, world.value)
    const moving = [...coming, ...removals(components, [...promised, neededBy(coming, world.value)], world.value)]
    return success(moving.length > 0 ? moving : requests(key, promised, world.value))
  }
}

/** Until what it overlaps has finished, or what is told already of it and what it writes is out. */
export const isHeldUp = (
  request: Of<'ChangeRequest'>,
  { verdicts, items }: Plan,
  hasRoom: BatchDependencies['hasRoom'],
): boolean =>
  verdicts.some(({ guard }) => guard === 'InFlight') ||
  !hasRoom(request) ||
  items.some(({ component }) => !hasRoom(component))

const passing = (step: Step): Plan | undefined => (step.to === 'Pass' ? step.plan : undefined)

const isNew = ({ metadata, status }: Component): boolean => !status?.committed && !metadata.deletionTimestamp

/** What new ones of this batch refer to stays until they are seen to do so. */
const neededBy = (coming: readonly Member<Content>[], { namespace }: World): InFlight => ({
  object: 'creations',
  affected: new Set(coming.flatMap(({ content }) => newlyReferred(null, content.wanted ?? null, namespace))),
})

/**
 * Whether a change newly refers to what one before it in this batch changes, or changes what that one newly refers to.
 * Neither shows in what the other is judged on.
 */
const makeCrossing = (namespace: string) => {
  const changed = new Set<string>()
  const referred = new Set<string>()
  return (plan: Plan | undefined): boolean => {
    const { items } = plan ?? { items: [] }
    const refers = items.flatMap(({ before, after }) => newlyReferred(before, after, namespace))
    const isCrossed = refers.some((id) => changed.has(id)) || items.some(({ id }) => referred.has(id))
    for (const { id } of items) changed.add(id)
    for (const id of refers) referred.add(id)
    return isCrossed
  }
}

/** Those of the same environment leave together; others have to be gone first. */
const staysWith = (component: Of<'Component'>, dependent: string, world: World): boolean => {
  const other = world.known(dependent)?.component
  if (!other || !refersTo(other, component)) return false
  const isNear = placeOf(other) === world.environmentKey
  return !isNear || other.metadata.deletionTimestamp === undefined
}

const inUse = (component: Of<'Component'>, dependents: readonly string[], { namespace }: World): Verdict => {
  const object = display(idOf(component), namespace)
  const names = dependents.slice(0, 5).map((id) => display(id, namespace))
  const more = dependents.length > names.length ? ` and ${dependents.length - names.length} more` : ''
  const message = `Component ${object}: is being deleted, but ${names.join(', ')}${more} refer to it; delete them first`
  return { guard: 'OutputInUse', verdict: 'Reject', reason: 'OutputInUse', object, message }
}

/** The changed Component, all that it affects, and who may read it: another change of these must wait for this one. */
const touched = ({ items, impact }: Plan, { view }: World): Set<string> => {
  const changed = items.flatMap(({ id }) => [id, ...view.dependentsOf(id)])
  const all = new Set(changed)
  impact.each((id) => all.add(id))
  return all
}
