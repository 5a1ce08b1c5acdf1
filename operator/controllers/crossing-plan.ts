import { newestOf } from '../api/resource-version.ts'
import { failure, type Result, success } from '../api/result.ts'
import { bounds } from '../core/change/bounds.ts'
import { nextStep, type Step } from '../core/change/life.ts'
import type { Named } from '../core/change/named.ts'
import type { Plan } from '../core/change/plan.ts'
import { newlyReferred } from '../core/change/pledge.ts'
import { abroad } from '../core/change/promise.ts'
import type { Part, Spanned } from '../core/change/spanning.ts'
import { display, idOf, keyOf, placeOf } from '../core/component/identity.ts'
import type { World } from '../core/guard/facts.ts'
import type { Of } from '../ports/cluster.ts'
import { type BatchDependencies, isHeldUp } from './batch.ts'
import { makeCaughtUp } from './caught-up.ts'
import type { Gathered } from './crossing.ts'
import { requestMember, settledMember, targetsOf } from './member.ts'
import type { Content } from './passage.ts'
import { promisedIn } from './sight.ts'

type Passing = Extract<Step, { to: 'Pass' }> & { readonly plan: Plan }

/**
 * Plans a change over several environments, which are all held, on what is committed in all of them. Undefined: it does
 * not pass now, and nothing is to be written for it.
 */
export const makeCrossingPlan = (dependencies: BatchDependencies) => {
  const { caches, gather, waiting, hasRoom, again } = dependencies
  const caughtUp = makeCaughtUp(dependencies)

  const worldOf = ({ present }: Named, [home, ...places]: readonly Gathered[]): Promise<Result<World>> => {
    const elsewhere = present.filter((component) => placeOf(component) !== keyOf(home!.environment))
    const beside = { places, ids: elsewhere.map(idOf) }
    return gather.world(home!.environment, { version: home!.version, changeId: home!.changeId, beside })
  }

  /**
   * In each environment what it writes there. One that it newly refers to has a part too, if an empty one: nobody may
   * take away there what it refers to.
   */
  const partsOf = (
    { plan }: Passing,
    request: Of<'ChangeRequest'>,
    gathered: readonly Gathered[],
    world: World,
  ): Part<Content>[] => {
    const referred = placesReferred(plan, world)
    return gathered.flatMap((place) => {
      const key = keyOf(place.environment)
      const items = plan.items.filter((item) => item.changedPaths.length > 0 && placeOf(item.component) === key)
      const ids = new Set(items.map(({ id }) => id))
      const targets = targetsOf(items, request)
      const patch = plan.patch.filter(({ id }) => ids.has(id))
      const isPart = items.length > 0 || referred.has(key)
      return isPart ? [{ environment: key, targets, content: { request, plan, patch } }] : []
    })
  }

  const settled = (request: Of<'ChangeRequest'>, step: Step, world: World): Spanned<Content> | undefined => {
    const member = settledMember(request, step, world, caches)
    return member && { ...member, parts: [] }
  }

  const stepOf = (request: Of<'ChangeRequest'>, named: Named, gathered: readonly Gathered[], world: World): Step => {
    const promised = gathered.flatMap(({ environment }) => promisedIn(environment, caches))
    const facts = gather.life(request, { ...world, inFlight: [...world.inFlight, ...promised] }, named)
    const step = nextStep({ ...facts, underLock: true })
    return (isPassing(step) && refersFurther(request, step.plan, gathered, world)) || step
  }

  return async (requestKey: string, gathered: readonly Gathered[]): Promise<Result<Spanned<Content> | undefined>> => {
    const home = keyOf(gathered[0]!.environment)
    const late = await caughtUp(newestOf(gathered.map(({ seen }) => seen)))
    if (late) return failure(late)
    const request = caches.ChangeRequest.get(requestKey)
    // What it is about may have come or gone since it began to wait.
    const named = request && gather.named(request)
    const environments = named?.environments.slice(0, bounds.environments) ?? []
    if (!request || !named || environments.join() !== gathered.map(({ environment }) => keyOf(environment)).join()) {
      waiting.leave(home, 'Crossing', requestKey)
      again(requestKey)
      return success(undefined)
    }
    const world = await worldOf(named, gathered)
    if (!world.ok) return world
    const step = stepOf(request, named, gathered, world.value)
    if (isPassing(step) && isHeldUp(request, step.plan, hasRoom)) return success(undefined)
    waiting.leave(home, 'Crossing', requestKey)
    if (!isPassing(step)) return success(settled(request, step, world.value))
    const { plan, approvals = [] } = step
    const content = { request, plan, approvals, world: world.value }
    const member = requestMember(request, 'WriteAhead', [], content)
    return success({ ...member, parts: partsOf(step, request, gathered, world.value) })
  }
}

const isPassing = (step: Step): step is Passing => step.to === 'Pass' && step.plan !== undefined

/**
 * It is prepared in all that it passes, and nothing else knows of it. So what it newly refers to has to be in one of
 * these (docs/decisions/0047 is how a change of one environment goes about it).
 */
const refersFurther = (
  { metadata }: Of<'ChangeRequest'>,
  { items, ...plan }: Plan,
  gathered: readonly Gathered[],
  world: World,
): Step | undefined => {
  const passed = new Set(gathered.map(({ environment }) => keyOf(environment)))
  const further = [...placesReferred({ items }, world)].find(([place]) => !passed.has(place))
  if (!further) return undefined
  const [place, [id = '']] = further
  const found = `${display(id, world.namespace)} of environment ${place}`
  const expected = `new references into environments that it passes (${[...passed].join(', ')})`
  return {
    to: 'Rejected',
    reason: 'ForeignReference',
    message: `ChangeRequest ${metadata.name}: spec.changes: expected ${expected}, found one to ${found}; ask for that in a change of its own`,
    plan: { items, ...plan },
  }
}

/** By environment: what is newly referred to there, by full id. */
const placesReferred = ({ items }: Pick<Plan, 'items'>, world: World): Map<string, string[]> => {
  const ids = items.flatMap(({ before, after }) => newlyReferred(before, after, world.namespace))
  return abroad([...new Set(ids)], '', world.known)
}
