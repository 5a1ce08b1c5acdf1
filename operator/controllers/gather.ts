import type { BlockedBy } from '../api/kinds.generated.ts'
import { emptyObject } from '../api/merge-patch.ts'
import { failure, type Result, success } from '../api/result.ts'
import { cut } from '../api/text.ts'
import { bounds } from '../core/change/bounds.ts'
import type { LifeFacts } from '../core/change/life.ts'
import { planChange, vertexOf } from '../core/change/plan.ts'
import { isFinished, phaseOf } from '../core/change/status.ts'
import { idOf, nameOfId, resolveId } from '../core/component/identity.ts'
import type { Impact, ImpactLimits, Seed } from '../core/graph/impact.ts'
import type { GraphView } from '../core/graph/view.ts'
import type { InFlight, Known, World } from '../core/guard/facts.ts'
import type { Caches, Of } from '../ports/cluster.ts'
import type { GraphStore, VertexState } from '../ports/graph.ts'

/** An impact beyond these is cut off, and said to be. */
const impactLimits: ImpactLimits = { maxReached: 100_000, maxDepth: 1_000, budgetMs: 500 }

export interface GatherDependencies {
  readonly caches: Caches
  readonly graph: GraphStore
  readonly impact: (view: GraphView, seeds: readonly Seed[], limits: ImpactLimits) => Impact
  readonly guards: World['guards']
  readonly configFaults: World['configFaults']
}

export interface Gather {
  /**
   * What is known of an environment at a graph version. `changeId`: what decided that version. The graph is rebuilt
   * from the committed Components when the store does not hold it.
   */
  world(
    environment: Of<'Environment'>,
    at: { version: number; changeId: string; inFlight?: readonly InFlight[] },
  ): Promise<Result<World>>
  /** All that decides what happens to a request, in that world. */
  life(request: Of<'ChangeRequest'>, world: World): LifeFacts
  /**
   * Whether all that was decided in an environment stands in its Components. While a version is being written they are
   * half there: then only the holder of the lock can tell what is committed, and nobody else may plan or build a graph.
   */
  isWhole(environment: Of<'Environment'>): boolean
  /** The graph of this environment must be rebuilt before it is used again. */
  forget(environmentKey: string): void
}

export const makeGather = ({ caches, graph, impact, guards, configFaults }: GatherDependencies): Gather => {
  /** environments whose graph is known to be what the Components say */
  const built = new Set<string>()
  // Edges are made from ComponentTypes too.
  caches.ComponentType.onChange(({ before, after }) => {
    if (before?.metadata.generation !== after?.metadata.generation) built.clear()
  })

  const known = (component: Of<'Component'> | undefined): Known | undefined => {
    const committed = component?.status?.committed
    if (!component || !committed) return undefined
    const { config = emptyObject(), references = [] } = committed
    return { id: idOf(component), component, config, references }
  }
  const type = (name: string) => caches.ComponentType.get(name)

  function* vertices(environmentKey: string): Generator<VertexState> {
    for (const component of caches.Component.byIndex('environment', environmentKey)) {
      const found = known(component)
      if (found) yield vertexOf(found, component.spec.type, { type })
    }
  }

  const viewAt = async (key: string, version: number, changeId: string): Promise<Result<GraphView>> => {
    if (built.has(key)) {
      const view = await graph.view(key, version)
      if (view.ok || view.failure.reason !== 'VersionUnknown') return view
    }
    const rebuilt = await graph.rebuild(key, version, vertices(key), changeId)
    if (!rebuilt.ok) return rebuilt
    built.add(key)
    return graph.view(key, version)
  }

  return {
    life(request, world) {
      const id = resolveId(request.spec.component, world.namespace)
      const at = id.ok ? nameOfId(id.value) : id
      const component = at.ok ? caches.Component.get(`${at.value.namespace}/${at.value.name}`) : undefined
      const uncommitted = component ? blockedBy(component) : null
      const planned = uncommitted === undefined ? planChange(request, world) : undefined
      return { request, planned, uncommitted, world }
    },
    isWhole: ({ metadata: { namespace }, status }) =>
      (status?.applying ?? []).every(({ kind, namespace: own = namespace, name, uid }) => {
        const of = kind === 'ChangeRequest' ? caches.ChangeRequest : caches.Component
        const object = of.get(`${own}/${name}`)
        if (object?.metadata.uid !== uid) return true
        if (object.kind === 'ChangeRequest') return isFinished(phaseOf(object.status))
        return (kind === 'Creation') === (object.status?.committed !== undefined)
      }),
    forget: (environmentKey) => void built.delete(environmentKey),
    async world(environment, { version, changeId, inFlight = [] }) {
      const { namespace = '', name } = environment.metadata
      const environmentKey = `${namespace}/${name}`
      const view = await viewAt(environmentKey, version, changeId)
      if (!view.ok) return failure({ ...view.failure, message: `graph of ${environmentKey}: ${view.failure.message}` })
      return success({
        namespace,
        environment,
        environmentKey,
        version,
        view: view.value,
        impact: (seeds) => impact(view.value, seeds, impactLimits),
        known: (id) => {
          const at = nameOfId(id)
          return at.ok ? known(caches.Component.get(`${at.value.namespace}/${at.value.name}`)) : undefined
        },
        type,
        inFlight,
        guards,
        configFaults,
      })
    },
  }
}

/** A Component that is not committed yet holds its changes back; undefined: it is committed. */
const blockedBy = ({ metadata, spec, status }: Of<'Component'>): BlockedBy | undefined => {
  if (status?.committed) return undefined
  const object = `${spec.type}/${spec.nickname}`
  const why = status?.conditions?.find(({ type }) => type === 'Committed')
  const because = why ? `: ${why.message}` : ''
  const message = `Component ${object}: expected to be committed before it is changed, found ${metadata.deletionTimestamp ? 'it is being deleted' : 'it is not yet'}${because}`
  return { reason: 'UnknownComponent', object, message: cut(message, bounds.entryMessage) }
}
