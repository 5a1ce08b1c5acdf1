import type { ChangeRequest, Decision, Image, JsonObject, PlanSummary, Reference } from '../../api/kinds.generated.ts'
import { emptyObject } from '../../api/merge-patch.ts'
import type { Reason } from '../../api/reasons.ts'
import { failure, type Result, success } from '../../api/result.ts'
import { cut } from '../../api/text.ts'
import { display, placeOf } from '../component/identity.ts'
import { edgesFor, type TypeLookup } from '../graph/edges.ts'
import type { Impact } from '../graph/impact.ts'
import type { GraphPatch, VertexState } from '../graph/vertex.ts'
import { overlay } from '../graph/view.ts'
import { type Facts, type Known, strongest, strongestFirst, type Verdict, type World } from '../guard/facts.ts'
import { judge } from '../guard/list.ts'
import { bounds } from './bounds.ts'
import { planHash } from './hash.ts'
import { type Item, imageOf, seedOf } from './item.ts'
import { type Wished, wishedBy } from './wished.ts'

/** What a change would do, worked out at one graph version. */
export interface Plan {
  readonly hash: string
  readonly version: number
  readonly items: readonly Item[]
  readonly images: readonly Image[]
  readonly impact: Impact
  readonly verdicts: readonly Verdict[]
  readonly decision: Decision
  readonly patch: GraphPatch
  readonly warnings: readonly string[]
}

/** Fails when the request makes no sense on what is committed; the reason is the one it is rejected with. */
export const planChange = (request: ChangeRequest, world: World): Result<Plan> => {
  const wished = wishedBy(request, world)
  if (!wished.ok) return wished
  return tooFar(wished.value.items, world) ?? success(planOf(request, wished.value, world))
}

const tooFar = (items: readonly Item[], world: World): Result<never> | undefined => {
  const places = new Set(items.map(({ component }) => placeOf(component)))
  if ([...places].every((place) => place === world.environmentKey || world.beside?.has(place))) return undefined
  const expected = `Components of at most ${bounds.environments} environments`
  return refuse(
    'TooManyEnvironments',
    `spec.changes: expected ${expected}, found ${places.size}; ask for several changes`,
  )
}

const planOf = (request: ChangeRequest, { items, warnings }: Wished, world: World): Plan => {
  const changing = items.filter(({ changedPaths }) => changedPaths.length > 0)
  const impact = world.impact(changing.map((item) => seedOf(item, world)))
  const patch = changing.map((item) => vertexAfter(item, world))
  const images = changing.map((item) => imageOf(item, world.namespace))
  const together = afterwards(world, items, patch)
  const facts = items.map((item) => factsOf(item, request, together, impact))
  const linked = changing.filter(({ changedPaths }) => changedPaths.some(isReference)).map(referring)
  const verdicts = judge(facts, { world, after: together.view, items, linked, impact, images })
  const said = verdicts.filter(({ verdict }) => verdict === 'Warn').map(({ message }) => message)
  let hash: string | undefined
  return {
    // When it is asked for: what waits for others to finish is planned each time one has, and thousands may be affected.
    get hash() {
      hash ??= planHash({
        request: request.spec,
        changes: items,
        affected: impact.reached.map(({ id }) => id),
        verdicts,
      })
      return hash
    },
    version: world.version,
    items,
    images,
    impact,
    verdicts,
    decision: strongest(verdicts),
    patch,
    warnings: [...said, ...warnings],
  }
}

/** Nothing would be written. */
export const isUnchanged = ({ items }: Plan): boolean => items.every(({ changedPaths }) => changedPaths.length === 0)

/**
 * The world as guards shall see it: what changes together is there already, so that an entry may need what another one
 * brings, and nothing may need what another one takes away.
 */
const afterwards = (world: World, items: readonly Item[], patch: GraphPatch): World => {
  const isSimple = items.length === 1 && items.every(({ after, before }) => after !== null && before !== null)
  const later = new Map(items.map((item) => [item.id, knownAfter(item)]))
  const known = (id: string): Known | undefined => (later.has(id) ? later.get(id) : world.known(id))
  // One that stays refers to others, and these do not change for it: the graph below says who depends on it.
  return { ...world, known, view: isSimple ? world.view : overlay(world.view, patch) }
}

const isReference = (path: string): boolean => path === '' || path.startsWith('references.')
const referring = ({ id, after }: Item) => ({ id, references: after?.references ?? [] })

const knownAfter = ({ id, component, after }: Item): Known | undefined =>
  after === null
    ? undefined
    : {
        id,
        component,
        config: after.config ?? emptyObject(),
        references: after.references ?? [],
        allowedNamespaces: after.allowedNamespaces,
      }

/** Each Component is judged by the guards of its own environment. */
const inPlaceOf = (item: Item, world: World): World => {
  const key = placeOf(item.component)
  const place = world.beside?.get(key)
  return place ? { ...world, ...place, environmentKey: key } : world
}

const factsOf = (item: Item, { metadata, spec }: ChangeRequest, together: World, impact: Impact): Facts => {
  const { id, component, before, after, changedPaths } = item
  const world = inPlaceOf(item, together)
  const { requestedBy = { username: '' }, reason = '' } = spec
  return {
    world,
    id,
    type: world.type(component.spec.type),
    typeName: component.spec.type,
    component,
    before: before && (before.config ?? emptyObject()),
    after: after && (after.config ?? emptyObject()),
    references: after?.references ?? [],
    changedPaths,
    impact,
    request: { name: metadata.name, reason, requestedBy, isEdit: spec.origin === 'Edit' },
  }
}

const vertexAfter = ({ id, component, after }: Item, world: World): VertexState =>
  after === null
    ? { id, removed: true }
    : vertexOf(
        { id, config: after.config ?? emptyObject(), references: after.references ?? [] },
        component.spec.type,
        world,
      )

/** A Component's place in the graph. A reference that names nothing is left out; a guard refuses it. */
export const vertexOf = (
  referring: { id: string; config: JsonObject; references: readonly Reference[] },
  type: string,
  world: Pick<World, 'type'>,
): VertexState => {
  const typeOf: TypeLookup = (name) => world.type(name)?.spec
  const edges = edgesFor(referring, typeOf)
  return { id: referring.id, type, edges: edges.ok ? edges.value : [] }
}

/** The plan as it stands in status: strongest verdicts first, lists bounded. */
export const summaryOf = (plan: Plan, world: World): PlanSummary => {
  const { namespace } = world
  const named = (is: (item: Item) => boolean): string[] =>
    plan.items
      .filter((item) => item.changedPaths.length > 0 && is(item))
      .slice(0, bounds.warnings)
      .map(({ id }) => display(id, namespace))
  const [added, removed] = [named(({ before }) => before === null), named(({ after }) => after === null)]
  return {
    hash: plan.hash,
    graphVersions: versionsOf(plan, world),
    ...(world.readFrom && { readFrom: world.readFrom }),
    ...(added.length > 0 && { added }),
    changed: named(({ before, after }) => before !== null && after !== null),
    ...(removed.length > 0 && { removed }),
    verdicts: strongestFirst(plan.verdicts, bounds.verdicts).map(({ guard, verdict, object, message }) => ({
      guard,
      verdict,
      ...(object === undefined ? {} : { object }),
      message: cut(message, bounds.entryMessage),
    })),
  }
}

/** Of every environment that has a part in the plan: those that it passes, and those from which something refers in. */
export const versionsOf = (
  { version }: Plan,
  { environmentKey: key, beside = new Map(), otherVersions = {} }: World,
): Record<string, number> => {
  const passed = [...beside].map(([other, place]) => [other, place.version] as const)
  const others = Object.entries(otherVersions).filter(([other]) => !beside.has(other))
  const sorted = [passed, others].flatMap((list) => list.sort(([a], [b]) => (a < b ? -1 : 1)))
  return { [key]: version, ...Object.fromEntries(sorted.slice(0, bounds.graphVersions - 1)) }
}

const refuse = (reason: Reason, message: string): Result<never> => failure({ reason, message, retry: false })
