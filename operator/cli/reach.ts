import { display, idOf } from '../core/component/identity.ts'
import { impactLimits, makeImpact } from '../core/graph/impact.ts'
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
  const impactOf = makeImpact({ now })

  return (seed: Of<'Component'>, components: readonly Of<'Component'>[], unread: readonly string[]): Reached => {
    const view = graphOf(components, type)
    const id = idOf(seed)
    const { namespace = '' } = seed.metadata
    const shown = (one: string): string => display(one, namespace)
    const impact = impactOf(view, [{ id, outputs: 'all' }], impactLimits)
    const byId = new Map(components.map((component) => [idOf(component), component]))
    const inside = new Set([id])
    impact.each((reached) => void inside.add(reached))
    const invited = [...inside].flatMap((one) => byId.get(one)?.status?.committed?.allowedNamespaces ?? [])
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
          environment: byId.get(reached.id)?.spec.environment ?? '',
          distance: reached.distance,
          path,
        }
      }),
      references: [...inside].flatMap((from) =>
        (view.stateOf(from)?.edges ?? [])
          .filter(({ to }) => inside.has(to))
          .map(({ name, to }) => ({ from: shown(from), to: shown(to), name })),
      ),
      unread,
      ...(impact.truncated && { truncated: impact.truncated.message }),
    }
    return { reach, invited: [...new Set(invited)].sort() }
  }
}
