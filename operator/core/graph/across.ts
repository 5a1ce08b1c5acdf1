import type { GraphPatch, VertexState } from './vertex.ts'
import { type GraphView, overlay } from './view.ts'

/**
 * The graph of one environment together with all of others that depends on it, transitively and by whatever way, also
 * one that leads through `base` again. `from`: further Components of other environments, which change together with
 * those of `base`; they and all that depends on them are in it too.
 *
 * What is not in it, no search can need: an impact follows dependents, and a circle that a new reference closes lies
 * among the dependents of the one that got it. `base` itself when nothing refers in, which takes no time: the graphs
 * tell what they name and do not have.
 */
export function across(base: GraphView, others: readonly GraphView[], from: Iterable<string> = []): GraphView {
  return joined(base, others, from).view
}

/** The same, and those of `others` from which something is in it. */
export function joined(base: GraphView, others: readonly GraphView[], from: Iterable<string> = []): Joined {
  const included = new Map<string, VertexState>()
  const parts = new Set<GraphView>()
  const naming = namedAbroad(others)
  const open: string[] = []

  const isIn = (id: string): boolean => base.has(id) || included.has(id)
  const include = (id: string, view: GraphView): void => {
    const state = isIn(id) ? undefined : view.stateOf(id)
    if (!state) return
    included.set(id, state)
    parts.add(view)
    open.push(id)
  }

  for (const id of naming.keys()) if (base.has(id)) open.push(id)
  for (const id of from) {
    const home = others.find((view) => view.has(id))
    if (home) include(id, home)
    else open.push(id)
  }
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const abroad = naming.get(id) ?? []
    const home = others.filter((view) => !abroad.includes(view) && view.has(id!))
    for (const view of [...abroad, ...home]) for (const dependent of view.dependentsOf(id)) include(dependent, view)
  }
  const patch: GraphPatch = [...included.values()]
  return { view: patch.length === 0 ? base : overlay(base, patch), parts }
}

export interface Joined {
  readonly view: GraphView
  readonly parts: ReadonlySet<GraphView>
}

/** By id: the graphs in which references name it, and which do not have it. */
function namedAbroad(views: readonly GraphView[]): ReadonlyMap<string, readonly GraphView[]> {
  const naming = new Map<string, GraphView[]>()
  for (const view of views) {
    const graph = view.arrays()
    for (const vertex of graph.absent()) {
      const id = graph.idOf(vertex)
      const list = naming.get(id)
      if (list) list.push(view)
      else naming.set(id, [view])
    }
  }
  return naming
}
