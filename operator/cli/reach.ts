import { display, idOf, namespaceOf } from '../core/component/identity.ts'
import { makeGraph } from '../core/graph/graph.ts'
import { impactLimits, makeImpact } from '../core/graph/impact.ts'
import type { VertexState } from '../core/graph/vertex.ts'
import { type GraphView, makeView } from '../core/graph/view.ts'
import type { Of } from '../ports/cluster.ts'
import { graphOf, typesOf } from './local-world.ts'

/** Whom a change of a Component can reach. Names are as seen from its namespace. */
export interface Reach {
  readonly component: string
  /** nearest first. `by`: the reference by which the step before is read */
  readonly affected: readonly {
    readonly component: string
    readonly environment: string
    readonly distance: number
    readonly path: readonly { readonly component: string; readonly by?: string }[]
  }[]
  /** all references among these, from dependent to dependency */
  readonly references: readonly { readonly from: string; readonly to: string; readonly name: string }[]
  /** namespaces whose Components might refer to some of these and may not be read */
  readonly unread: readonly string[]
  /** why there may be more */
  readonly truncated?: string
}

export interface Reached {
  readonly reach: Reach
  /** namespaces that some of these let refer to them: more dependents may be there */
  readonly invited: readonly string[]
}

/** `now`: monotonic milliseconds. */
export const makeReach = (types: readonly Of<'ComponentType'>[], now: () => number) => {
  const type = typesOf(types)
  const reachIn = makeReachIn(now)

  return (seed: Of<'Component'>, components: readonly Of<'Component'>[], unread: readonly string[]): Reached => {
    const byId = new Map(components.map((component) => [idOf(component), component]))
    const environmentOf = (one: string): string => byId.get(one)?.spec.environment ?? ''
    const { reach, inside } = reachIn(graphOf(components, type), idOf(seed), environmentOf)
    const invited = inside.flatMap((one) => byId.get(one)?.status?.committed?.allowedNamespaces ?? [])
    return { reach: { ...reach, unread }, invited: [...new Set(invited)].sort() }
  }
}

/** Of the Component with this id in these states of one environment; undefined: it is not among them. */
export const reachAmong = (
  states: readonly VertexState[],
  { id, environment, now }: { id: string; environment: string; now: () => number },
): Reach | undefined => {
  const graph = makeGraph()
  for (const state of states) graph.put(state)
  const view = makeView(graph.arrays)
  return view.has(id) ? makeReachIn(now)(view, id, () => environment).reach : undefined
}

const makeReachIn = (now: () => number) => {
  const impactOf = makeImpact({ now })

  return (
    view: GraphView,
    id: string,
    environmentOf: (id: string) => string,
  ): { reach: Reach; inside: readonly string[] } => {
    const shown = (one: string): string => display(one, namespaceOf(id))
    const impact = impactOf(view, [{ id, outputs: 'all' }], impactLimits)
    const inside = new Set([id])
    impact.each((reached) => void inside.add(reached))
    const reach: Reach = {
      component: shown(id),
      affected: impact.nearest(impact.count).map((reached) => {
        const names = impact.reasonFor(reached.id) ?? []
        const path = (impact.pathTo(reached.id) ?? []).map((passed, i) => ({
          component: shown(passed),
          ...(i > 0 && { by: names[i - 1]! }),
        }))
        return {
          component: shown(reached.id),
          environment: environmentOf(reached.id),
          distance: reached.distance,
          path,
        }
      }),
      references: [...inside].flatMap((from) =>
        (view.stateOf(from)?.edges ?? [])
          .filter(({ to }) => inside.has(to))
          .map(({ name, to }) => ({ from: shown(from), to: shown(to), name })),
      ),
      unread: [],
      ...(impact.truncated && { truncated: impact.truncated.message }),
    }
    return { reach, inside: [...inside] }
  }
}
