import { failure, type Result, success } from '../api/result.ts'
import type { LifeFacts } from '../core/change/life.ts'
import { isPlannable, type Named, namedBy } from '../core/change/named.ts'
import { planChange, vertexOf } from '../core/change/plan.ts'
import { firstAhead } from '../core/change/queue.ts'
import { isWhole } from '../core/change/whole.ts'
import { knownOf } from '../core/component/committed.ts'
import { keyOf, keyOfId } from '../core/component/identity.ts'
import { makeContentSum } from '../core/graph/content.ts'
import { type Impact, type ImpactLimits, impactLimits, type Seed } from '../core/graph/impact.ts'
import type { GraphView } from '../core/graph/view.ts'
import type { InFlight, World } from '../core/guard/facts.ts'
import type { Clock } from '../ports/clock.ts'
import type { Caches, Of } from '../ports/cluster.ts'
import type { GraphStore, Head, Publisher, Read, VertexState } from '../ports/graph.ts'
import type { Repairs } from './repairs.ts'
import { makeSurroundings, type Other } from './surroundings.ts'

export interface GatherDependencies {
  readonly caches: Caches
  readonly graph: GraphStore
  readonly impact: (view: GraphView, seeds: readonly Seed[], limits: ImpactLimits) => Impact
  readonly guards: World['guards']
  readonly configFaults: World['configFaults']
  readonly clock: Pick<Clock, 'now'>
  readonly repairs: Pick<Repairs, 'note' | 'settled' | 'mirrorBuilt' | 'advance'>
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
  /** Whether all that was decided in an environment stands in its Components (core/change/whole.ts). */
  isWhole(environment: Of<'Environment'>): boolean
  /** The graph of this environment must be loaded before it is used again. */
  forget(environmentKey: string): void
  /** What is really in the store was seen not to be what is committed: nothing is planned on it until it is rebuilt. */
  distrust(environmentKey: string): void
  /** The store gets what is committed. */
  rebuild(environmentKey: string, version: number, by: Publisher): Promise<Result<Head>>
  /** The content sum of what is committed. */
  sum(environmentKey: string): string
}

export const makeGather = ({
  caches,
  graph,
  impact,
  guards,
  configFaults,
  clock,
  repairs,
}: GatherDependencies): Gather => {
  /** environments whose graph is known to be what the Components say */
  const built = new Set<string>()
  /** environments whose graph is known not to be */
  const distrusted = new Set<string>()
  // Edges are made from ComponentTypes too.
  caches.ComponentType.onChange(({ before, after }) => {
    if (before?.metadata.generation !== after?.metadata.generation) built.clear()
  })

  const type = (name: string) => caches.ComponentType.get(name)

  function* vertices(environmentKey: string): Generator<VertexState> {
    for (const component of caches.Component.byIndex('environment', environmentKey)) {
      const found = knownOf(component)
      if (found) yield vertexOf(found, component.spec.type, { type })
    }
  }

  const componentAt = (id: string): Of<'Component'> | undefined => {
    const key = keyOfId(id)
    return key.ok ? caches.Component.get(key.value) : undefined
  }
  const lookups = ({ metadata: { namespace } }: Of<'ChangeRequest'>) => ({
    component: componentAt,
    changeRequest: (name: string) => caches.ChangeRequest.get(`${namespace}/${name}`),
  })
  const named = (request: Of<'ChangeRequest'>): Named => namedBy(request, lookups(request))

  /** undefined: it has to be loaded */
  const heldAt = async (key: string, version: number): Promise<Result<Read> | undefined> => {
    if (!built.has(key)) return undefined
    const read = await graph.view(key, version)
    if (read.ok || !isToBeLoaded(read.failure.reason)) return read
    if (read.failure.reason === 'MirrorDiffers') {
      const head = await graph.head(key)
      if (head.ok) repairs.mirrorBuilt(key, head.value)
    }
    return undefined
  }

  const load = async (key: string, version: number, changeId: string): Promise<Result<Head>> => {
    const loaded = await graph.load(key, version, vertices(key), changeId)
    if (loaded.ok) {
      built.add(key)
      repairs.settled(key)
      return loaded
    }
    built.delete(key)
    if (loaded.failure.reason === 'GraphDiffers') repairs.note(key)
    return loaded
  }

  const viewAt = async (key: string, version: number, changeId: string): Promise<Result<Read>> => {
    if (distrusted.has(key)) return differs(key)
    const held = await heldAt(key, version)
    if (held) return held
    const loaded = await load(key, version, changeId)
    return loaded.ok ? graph.view(key, version) : loaded
  }

  /** The graphs of the environments that are passed together, each at its own version. */
  const viewsOf = async ({ places }: Beside): Promise<Result<Other[]>> => {
    const others: Other[] = []
    for (const { environment, version, changeId } of places) {
      const key = keyOf(environment)
      const view = await viewAt(key, version, changeId)
      if (!view.ok) return failure({ ...view.failure, message: `graph of ${key}: ${view.failure.message}` })
      others.push({ key, version, view: view.value.view })
    }
    return success(others)
  }

  const wholeNow = (environment: Of<'Environment'>): boolean =>
    isWhole(environment, (kind, name) => caches[kind].get(`${environment.metadata.namespace}/${name}`))

  const surroundings = makeSurroundings({
    caches,
    graph,
    isBuilt: (key) => built.has(key),
    isWhole: wholeNow,
    viewAt,
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
      built.delete(environmentKey)
      surroundings.forget(environmentKey)
    },
    distrust(environmentKey) {
      distrusted.add(environmentKey)
      repairs.note(environmentKey)
    },
    async rebuild(environmentKey, version, by) {
      const advance = (done: number, total: number): void => repairs.advance(environmentKey, { done, total })
      const rebuilt = await graph.rebuild(environmentKey, version, vertices(environmentKey), by, advance)
      if (!rebuilt.ok) return rebuilt
      distrusted.delete(environmentKey)
      built.add(environmentKey)
      repairs.settled(environmentKey)
      return rebuilt
    },
    sum(environmentKey) {
      const sum = makeContentSum()
      for (const state of vertices(environmentKey)) sum.add(state)
      return sum.toString()
    },
    async world(environment, { version, changeId, inFlight = [], beside = nothingBeside }) {
      const { namespace = '' } = environment.metadata
      const environmentKey = keyOf(environment)
      const own = await viewAt(environmentKey, version, changeId)
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

const isToBeLoaded = (reason: string): boolean => reason === 'VersionUnknown' || reason === 'MirrorDiffers'

const differs = (key: string): Result<never> =>
  failure({
    reason: 'GraphDiffers',
    message: `graph of ${key}: expected what is committed, found something else in the store; it is set right`,
    retry: true,
  })

const nothingBeside: Beside = { places: [], ids: [] }
