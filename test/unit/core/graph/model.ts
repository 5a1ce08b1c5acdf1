import type { Seed } from '../../../../operator/core/graph/impact.ts'
import type { Edge, GraphPatch, VertexState } from '../../../../operator/core/graph/vertex.ts'

/** The plainest graph: a Map from id to committed state. */
export type Model = ReadonlyMap<string, Exclude<VertexState, { removed: true }>>

export function withPatch(model: Model, patch: GraphPatch): Model {
  const next = new Map(model)
  for (const state of patch) {
    if (state.removed) next.delete(state.id)
    else next.set(state.id, state)
  }
  return next
}

const all = '*'
const outputsOf = (names: readonly string[] | 'all' | undefined): Set<string> =>
  new Set(names === undefined || names === 'all' ? [all] : names)

const overlap = (a: Set<string>, b: Set<string>): boolean =>
  (a.has(all) && b.size > 0) || (b.has(all) && a.size > 0) || [...a].some((name) => b.has(name))

const covers = (a: Set<string>, b: Set<string>): boolean => a.has(all) || [...b].every((name) => a.has(name))

/** Whether a change of `changed` outputs passes the edge. */
export const passes = (changed: Set<string>, edge: Edge): boolean => overlap(changed, outputsOf(edge.uses))

/**
 * Distances by rounds: what changed within n references, for n = 0, 1, 2 … until a round adds nothing. Each round looks
 * at each edge of the graph.
 */
export function naiveImpact(model: Model, seeds: readonly Seed[]): Map<string, number> {
  let changed: Changed = new Map()
  for (const { id, outputs } of seeds) grow(changed, id, outputsOf(outputs))
  const distances = new Map<string, number>()
  for (let distance = 1; ; distance++) {
    const next: Changed = new Map([...changed].map(([id, outputs]) => [id, new Set(outputs)]))
    const grown = [...model.values()].flatMap(({ id, edges }) => edges.map((edge) => ({ id, edge }))).filter(carriesOn)
    if (grown.length === 0) break
    for (const { id, edge } of grown) {
      if (!changed.has(id)) distances.set(id, distance)
      grow(next, id, outputsOf(edge.feeds))
    }
    changed = next
  }
  return distances

  function carriesOn({ id, edge }: { id: string; edge: Edge }): boolean {
    const source = changed.get(edge.to)
    const known = changed.get(id)
    return source !== undefined && passes(source, edge) && !(known && covers(known, outputsOf(edge.feeds)))
  }
}

type Changed = Map<string, Set<string>>

function grow(changed: Changed, id: string, outputs: Set<string>): void {
  changed.set(id, new Set([...(changed.get(id) ?? []), ...outputs]))
}

/** Whether the change arrives along this way: each edge uses what the one before it altered. */
export function carries(model: Model, seeds: readonly Seed[], path: readonly string[]): boolean {
  const start = seeds.filter(({ id }) => id === path[0])
  let changed: Set<string>[] = start.map(({ outputs }) => outputsOf(outputs))
  for (let at = 1; at < path.length; at++) {
    const edges = model.get(path[at]!)?.edges.filter(({ to }) => to === path[at - 1]) ?? []
    changed = edges
      .filter((edge) => changed.some((source) => passes(source, edge)))
      .map(({ feeds }) => outputsOf(feeds))
  }
  return changed.length > 0
}
