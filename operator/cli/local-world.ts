import { failure, type Result, success } from '../api/result.ts'
import { inFlightOf } from '../core/change/in-flight.ts'
import type { LifeFacts } from '../core/change/life.ts'
import { isPlannable, type Lookups, namedBy } from '../core/change/named.ts'
import { planChange, vertexOf } from '../core/change/plan.ts'
import { changedNames, firstAhead, isWaiting } from '../core/change/queue.ts'
import { isWhole } from '../core/change/whole.ts'
import { knownOf } from '../core/component/committed.ts'
import { environmentKey, idOf } from '../core/component/identity.ts'
import { checkConfig, makeSchemaCache } from '../core/component/schema.ts'
import { makeGraph } from '../core/graph/graph.ts'
import { type Impact, impactLimits, makeImpact, type Seed } from '../core/graph/impact.ts'
import { type GraphView, makeView } from '../core/graph/view.ts'
import { makeGuards } from '../core/guard/expression.ts'
import type { World } from '../core/guard/facts.ts'
import type { Of } from '../ports/cluster.ts'

/** What was read of a namespace, all of it as of one moment. */
export interface Snapshot {
  readonly namespace: string
  readonly components: readonly Of<'Component'>[]
  readonly environments: readonly Of<'Environment'>[]
  readonly types: readonly Of<'ComponentType'>[]
  /** those that have not ended, and what is to be rolled back */
  readonly requests: readonly Of<'ChangeRequest'>[]
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
  const byId = new Map(snapshot.components.map((component) => [idOf(component), component]))
  const byName = new Map(snapshot.requests.map((one) => [one.metadata.name, one]))
  const lookups = { component: (id: string) => byId.get(id), changeRequest: (name: string) => byName.get(name) }
  const named = namedBy(request, lookups)
  const [place] = named.environments
  const environment = snapshot.environments.find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === place)
  const bare = { request, planned: undefined, world: undefined, named, now }
  if (!environment) return success(bare)
  if (!isWholeIn(environment, snapshot)) return beingWritten(environment)
  const waiting = snapshot.requests.filter(isWaiting)
  const ahead = (id: string) =>
    firstAhead(
      request,
      waiting.filter((other) => changedNames(other).some((name) => `${snapshot.namespace}/${name}` === id)),
    )
  const world = { ...worldOf(environment, snapshot, lookups, rules), ahead }
  const planned = isPlannable(named) ? planChange(request, world) : undefined
  return success({ ...bare, planned, world, underLock: true })
}

const worldOf = (
  environment: Of<'Environment'>,
  { namespace, components, types, requests }: Snapshot,
  { component, changeRequest }: Lookups,
  { guards, configFaults, impact }: Rules,
): World => {
  const { name } = environment.metadata
  const type = typesOf(types)
  const view = graphOf(
    components.filter(({ spec }) => spec.environment === name),
    type,
  )
  return {
    namespace,
    environment,
    environmentKey: environmentKey(namespace, name),
    version: environment.status?.version ?? 0,
    view,
    impact: (seeds) => impact(view, seeds),
    known: (id) => {
      const found = component(id)
      return found && knownOf(found)
    },
    isThere: (id) => component(id) !== undefined,
    type,
    changeRequest,
    inFlight: requests
      .filter(({ status }) => status?.phase === 'Applying' && status.environment === name)
      .map((request) => inFlightOf(request)),
    ahead: () => undefined,
    guards,
    configFaults,
  }
}

const isWholeIn = (environment: Of<'Environment'>, { components, requests }: Snapshot): boolean =>
  isWhole(environment, (kind, name) => {
    const objects = kind === 'Component' ? components : requests
    return objects.find(({ metadata }) => metadata.name === name)
  })

const beingWritten = ({ metadata }: Of<'Environment'>): Result<never> =>
  failure({
    reason: 'Unavailable',
    message: `Environment ${metadata.namespace}/${metadata.name}: a version is being written and cannot be planned on; try again`,
    retry: true,
  })
