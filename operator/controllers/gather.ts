import { failure, type Result, success } from '../api/result.ts'
import type { LifeFacts } from '../core/change/life.ts'
import { isPlannable, type Named, namedBy } from '../core/change/named.ts'
import { planChange } from '../core/change/plan.ts'
import { firstAhead } from '../core/change/queue.ts'
import { isKnownWhole } from '../core/change/whole.ts'
import { knownOf } from '../core/component/committed.ts'
import { keyOf, keyOfId } from '../core/component/identity.ts'
import { type Impact, type ImpactLimits, impactLimits, type Seed } from '../core/graph/impact.ts'
import type { GraphView } from '../core/graph/view.ts'
import type { InFlight, World } from '../core/guard/facts.ts'
import type { Clock } from '../ports/clock.ts'
import type { Caches, Of } from '../ports/cluster.ts'
import type { GraphStore } from '../ports/graph.ts'
import type { Graphs } from './graphs.ts'
import { makeSurroundings, type Other } from './surroundings.ts'

export interface GatherDependencies {
  readonly caches: Caches
  readonly graph: GraphStore
  readonly impact: (view: GraphView, seeds: readonly Seed[], limits: ImpactLimits) => Impact
  readonly guards: World['guards']
  readonly configFaults: World['configFaults']
  readonly clock: Pick<Clock, 'now'>
  readonly graphs: Graphs
}

/** A version of an environment. `changeId`: what decided it. */
export interface At {
  readonly version: number
  readonly changeId: string
}

export interface Beside {
  readonly places: readonly (At & { readonly environment: Of<'Environment'> })[]
  readonly ids: readonly string[]
}

export interface Gather {
  /**
   * What is known of an environment at a graph version. The graph is rebuilt from the committed Components when the
   * store does not hold it. `beside`: the other environments that a change passes, and which of its Components are in
   * these, by full id.
   */
  world(
    environment: Of<'Environment'>,
    at: At & { readonly inFlight?: readonly InFlight[]; readonly beside?: Beside },
  ): Promise<Result<World>>
  /** What a request is about, as the caches have it. */
  named(request: Of<'ChangeRequest'>): Named
  /** All that decides what happens to a request, in that world. */
  life(request: Of<'ChangeRequest'>, world: World, about?: Named): LifeFacts
  /** Whether all that was decided in an environment is known to stand in its Components (core/change/whole.ts). */
  isWhole(environment: Of<'Environment'>): boolean
  /** The graph of this environment must be loaded before it is used again. */
  forget(environmentKey: string): void
}

export const makeGather = ({
  caches,
  graph,
  impact,
  guards,
  configFaults,
  clock,
  graphs,
}: GatherDependencies): Gather => {
  const type = (name: string) => caches.ComponentType.get(name)

  const componentAt = (id: string): Of<'Component'> | undefined => {
    const key = keyOfId(id)
    return key.ok ? caches.Component.get(key.value) : undefined
  }
  const lookups = ({ metadata: { namespace } }: Of<'ChangeRequest'>) => ({
    component: componentAt,
    changeRequest: (name: string) => caches.ChangeRequest.get(`${namespace}/${name}`),
  })
  const named = (request: Of<'ChangeRequest'>): Named => namedBy(request, lookups(request))

  /** The graphs of the environments that are passed together, each at its own version. */
  const viewsOf = async ({ places }: Beside): Promise<Result<Other[]>> => {
    const others: Other[] = []
    for (const { environment, version, changeId } of places) {
      const key = keyOf(environment)
      const view = await graphs.viewAt(key, version, changeId)
      if (!view.ok) return failure({ ...view.failure, message: `graph of ${key}: ${view.failure.message}` })
      others.push({ key, version, view: view.value.view })
    }
    return success(others)
  }

  const wholeNow = (environment: Of<'Environment'>): boolean =>
    isKnownWhole(
      environment,
      (kind, name) => caches[kind].get(`${environment.metadata.namespace}/${name}`),
      caches.Component.resourceVersion() || '0',
    )

  const surroundings = makeSurroundings({
    caches,
    graph,
    isBuilt: graphs.isBuilt,
    isWhole: wholeNow,
    viewAt: graphs.viewAt,
  })

  return {
    named,
    life(request, world, about = named(request)) {
      const ahead = (id: string) => firstAhead(request, caches.ChangeRequest.byIndex('waits', id))
      const planned = isPlannable(about) ? planChange(request, { ...world, ahead }) : undefined
      const approvals = [...caches.ChangeApproval.byIndex('changeRequest', keyOf(request))]
      return { request, planned, named: about, world, approvals, now: clock.now() }
    },
    isWhole: wholeNow,
    forget(environmentKey) {
      graphs.forget(environmentKey)
      surroundings.forget(environmentKey)
    },
    async world(environment, { version, changeId, inFlight = [], beside = nothingBeside }) {
      const { namespace = '' } = environment.metadata
      const environmentKey = keyOf(environment)
      const own = await graphs.viewAt(environmentKey, version, changeId)
      if (!own.ok) return failure({ ...own.failure, message: `graph of ${environmentKey}: ${own.failure.message}` })
      const passed = await viewsOf(beside)
      if (!passed.ok) return passed
      const surrounded = await surroundings.around(environmentKey, own.value.view, {
        passed: passed.value,
        ids: beside.ids,
      })
      if (!surrounded.ok) return surrounded
      const { view, otherVersions } = surrounded.value
      return success({
        namespace,
        environment,
        environmentKey,
        version,
        otherVersions,
        beside: new Map(beside.places.map((place) => [keyOf(place.environment), place])),
        view,
        readFrom: own.value.from,
        impact: (seeds) => impact(view, seeds, impactLimits),
        known: (id) => {
          const component = componentAt(id)
          return component && knownOf(component)
        },
        isThere: (id) => componentAt(id) !== undefined,
        type,
        changeRequest: (of) => caches.ChangeRequest.get(`${namespace}/${of}`),
        ahead: () => undefined,
        inFlight: [...inFlight, ...surroundings.inFlight(environmentKey, otherVersions)],
        guards,
        configFaults,
      })
    },
  }
}

const nothingBeside: Beside = { places: [], ids: [] }
