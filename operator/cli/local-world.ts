import { failure, type Result, success } from '../api/result.ts'
import { bounds } from '../core/change/bounds.ts'
import { inFlightOf } from '../core/change/in-flight.ts'
import type { LifeFacts } from '../core/change/life.ts'
import { isPlannable, type Lookups, namedBy } from '../core/change/named.ts'
import { planChange, vertexOf } from '../core/change/plan.ts'
import { changedNames, firstAhead, isWaiting } from '../core/change/queue.ts'
import { isWhole } from '../core/change/whole.ts'
import { knownOf } from '../core/component/committed.ts'
import { environmentKey, idOf, keyOf, placeOf } from '../core/component/identity.ts'
import { checkConfig, makeSchemaCache } from '../core/component/schema.ts'
import { joined } from '../core/graph/across.ts'
import { makeGraph } from '../core/graph/graph.ts'
import { type Impact, impactLimits, makeImpact, type Seed } from '../core/graph/impact.ts'
import { type GraphView, makeView } from '../core/graph/view.ts'
import { makeGuards } from '../core/guard/expression.ts'
import type { World } from '../core/guard/facts.ts'
import type { Of } from '../ports/cluster.ts'
import type { Elsewhere } from './elsewhere.ts'

/** What was read of a namespace, all of it as of one moment. */
export interface Snapshot {
  readonly namespace: string
  readonly components: readonly Of<'Component'>[]
  readonly environments: readonly Of<'Environment'>[]
  readonly types: readonly Of<'ComponentType'>[]
  /** those that have not ended, and what is to be rolled back */
  readonly requests: readonly Of<'ChangeRequest'>[]
  readonly elsewhere: Elsewhere
}

/** The rules by which the operator judges. What they compile serves all requests that are planned. */
export interface Rules extends Pick<World, 'guards' | 'configFaults'> {
  impact(view: GraphView, seeds: readonly Seed[]): Impact
}

/** `now`: monotonic milliseconds. */
export const makeRules = (now: () => number): Rules => {
  const schemas = makeSchemaCache()
  const impact = makeImpact({ now })
  return {
    guards: makeGuards({ now }),
    configFaults: (type, config) => checkConfig(type, config, schemas),
    impact: (view, seeds) => impact(view, seeds, impactLimits),
  }
}

/** The graph of the committed ones among these Components. */
export const graphOf = (components: Iterable<Of<'Component'>>, type: World['type']): GraphView => {
  const graph = makeGraph()
  for (const component of components) {
    const known = knownOf(component)
    if (known) graph.put(vertexOf(known, component.spec.type, { type }))
  }
  return makeView(graph.arrays)
}

/** ComponentTypes by name. */
export const typesOf = (types: readonly Of<'ComponentType'>[]): World['type'] => {
  const byName = new Map(types.map((type) => [type.metadata.name, type]))
  return (name) => byName.get(name)
}

/**
 * What decides about a request, put together as the operator would (controllers/gather.ts), from what was read. Fails
 * (Unavailable) while a version is being written: what is committed stands half in one version and half in another.
 */
export const lifeFactsOf = (
  request: Of<'ChangeRequest'>,
  snapshot: Snapshot,
  { rules, now }: { rules: Rules; now: number },
): Result<LifeFacts> => {
  const byId = new Map(
    [...snapshot.components, ...snapshot.elsewhere.components].map((component) => [idOf(component), component]),
  )
  const byName = new Map(snapshot.requests.map((one) => [one.metadata.name, one]))
  const lookups = { component: (id: string) => byId.get(id), changeRequest: (name: string) => byName.get(name) }
  const named = namedBy(request, lookups)
  const [place] = named.environments
  const environment = snapshot.environments.find((one) => keyOf(one) === place)
  const bare = { request, planned: undefined, world: undefined, named, now }
  if (!environment) return success(bare)
  if (!isWholeIn(environment, snapshot)) return beingWritten(environment)
  const waiting = snapshot.requests.filter(isWaiting)
  const ahead = (id: string) =>
    firstAhead(
      request,
      waiting.filter((other) => changedNames(other).some((name) => `${snapshot.namespace}/${name}` === id)),
    )
  const passed = named.environments.slice(1, bounds.environments)
  const beside = snapshot.environments.filter((one) => passed.includes(keyOf(one)))
  const busy = beside.find((one) => !isWholeIn(one, snapshot))
  if (busy) return beingWritten(busy)
  const elsewhere = named.present.filter((component) => placeOf(component) !== place)
  const around = aroundOf(environment, snapshot, elsewhere.map(idOf))
  if (!around.ok) return around
  const places = new Map(beside.map((one) => [keyOf(one), { environment: one, version: one.status?.version ?? 0 }]))
  const world = { ...worldOf(environment, snapshot, around.value, lookups, rules), beside: places, ahead }
  const planned = isPlannable(named) ? planChange(request, world) : undefined
  return success({ ...bare, planned, world, underLock: true })
}

/** The graph of the environment with what depends on it elsewhere, as in the operator (controllers/surroundings.ts). */
const aroundOf = (
  environment: Of<'Environment'>,
  snapshot: Snapshot,
  coming: readonly string[],
): Result<Pick<World, 'view' | 'otherVersions'>> => {
  const { components, environments, elsewhere } = snapshot
  const type = typesOf(snapshot.types)
  const byPlace = Map.groupBy([...components, ...elsewhere.components], placeOf)
  const own = keyOf(environment)
  const views = new Map([...byPlace].map(([key, some]) => [key, graphOf(some, type)]))
  const base = views.get(own) ?? graphOf([], type)
  views.delete(own)
  const { view, parts } = joined(base, [...views.values()], coming)
  const others = [...environments, ...elsewhere.environments].filter((one) => parts.has(views.get(keyOf(one))!))
  const unfinished = others.find((one) => !isWholeIn(one, snapshot))
  if (unfinished) return beingWritten(unfinished)
  const versions = others.map((one) => [keyOf(one), one.status?.version ?? 0])
  return success({ view, otherVersions: Object.fromEntries(versions) })
}

/** Requests that are being written here, or may touch the same from elsewhere. */
const writtenAround = ({ requests, elsewhere }: Snapshot, own: string, otherVersions: World['otherVersions']) => {
  const places = new Set([own, ...Object.keys(otherVersions ?? {})])
  return [...requests, ...elsewhere.requests].filter(({ metadata, status }) => {
    const reached = Object.keys(status?.plan?.graphVersions ?? {})
    const place = environmentKey(metadata.namespace ?? '', status?.environment ?? '')
    return status?.phase === 'Applying' && (places.has(place) || reached.includes(own))
  })
}

const worldOf = (
  environment: Of<'Environment'>,
  snapshot: Snapshot,
  { view, otherVersions }: Pick<World, 'view' | 'otherVersions'>,
  { component, changeRequest }: Lookups,
  { guards, configFaults, impact }: Rules,
): World => {
  const { name } = environment.metadata
  const { namespace, types } = snapshot
  const type = typesOf(types)
  return {
    namespace,
    environment,
    environmentKey: environmentKey(namespace, name),
    version: environment.status?.version ?? 0,
    otherVersions,
    view,
    impact: (seeds) => impact(view, seeds),
    known: (id) => {
      const found = component(id)
      return found && knownOf(found)
    },
    isThere: (id) => component(id) !== undefined,
    type,
    changeRequest,
    inFlight: writtenAround(snapshot, keyOf(environment), otherVersions).map((request) =>
      inFlightOf(request, namespace),
    ),
    ahead: () => undefined,
    guards,
    configFaults,
  }
}

/** Whether no version of it is half written. */
export const isWholeIn = (environment: Of<'Environment'>, { components, requests, elsewhere }: Snapshot): boolean =>
  isWhole(environment, (kind, name) => {
    const objects =
      kind === 'Component' ? [...components, ...elsewhere.components] : [...requests, ...elsewhere.requests]
    return objects.find(
      ({ metadata }) => metadata.name === name && metadata.namespace === environment.metadata.namespace,
    )
  })

export const beingWritten = ({ metadata }: Of<'Environment'>): Result<never> =>
  failure({
    reason: 'Unavailable',
    message: `Environment ${metadata.namespace}/${metadata.name}: a version is being written and cannot be planned on; try again`,
    retry: true,
  })
