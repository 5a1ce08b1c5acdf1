import { edgesOf, type GraphArrays, neighbours } from './arrays.ts'
import { patched } from './patched.ts'
import type { GraphPatch, VertexState } from './vertex.ts'

/**
 * The graph of one version, read only. Ids are full: `namespace/type/nickname`.
 *
 * A view answers for its version for as long as the store that handed it out holds that version, whatever is published
 * meanwhile; afterwards every use throws. What a view answered (an impact, a path) is the caller's and stays good.
 */
export interface GraphView {
  /** How many Components are committed. */
  readonly size: number
  /** Whether such a Component is committed; one that references name in vain is not. */
  has(id: string): boolean
  ids(): Iterable<string>
  /** Type and references of a committed Component; edges in the order, output names in any order. */
  stateOf(id: string): Exclude<VertexState, { removed: true }> | undefined
  /** Those which refer to it, each once, in any order; also known of an id that is not committed. */
  dependentsOf(id: string): string[]
  /** Those to which it refers, committed or not, each once. */
  dependenciesOf(id: string): string[]
  /** For the searches in this room: good until the next publish, so never kept across a wait. */
  arrays(): GraphArrays
}

/** `arrays` answers the same object until the graph below has been written to. */
export function makeView(arrays: () => GraphArrays): GraphView {
  const list = (direction: 'dependents' | 'dependencies', id: string): string[] => {
    const graph = arrays()
    const vertex = graph.numberOf(id)
    return vertex < 0 ? [] : neighbours(graph, direction, vertex).map(graph.idOf)
  }

  return {
    get size() {
      return arrays().present
    },
    has(id) {
      const graph = arrays()
      const vertex = graph.numberOf(id)
      return vertex >= 0 && graph.isPresent(vertex)
    },
    *ids() {
      const graph = arrays()
      for (let vertex = 0; vertex < graph.vertices; vertex++) if (graph.isPresent(vertex)) yield graph.idOf(vertex)
    },
    stateOf(id) {
      const graph = arrays()
      const vertex = graph.numberOf(id)
      if (vertex < 0 || !graph.isPresent(vertex)) return undefined
      return { id, type: graph.typeOf(vertex), edges: edgesOf(graph, vertex) }
    },
    dependentsOf: (id) => list('dependents', id),
    dependenciesOf: (id) => list('dependencies', id),
    arrays,
  }
}

/** What if: the view as the patch would make it, without touching what is below. Overlays may lie on overlays. */
export function overlay(view: GraphView, patch: GraphPatch): GraphView {
  return makeView(following(view.arrays, (below) => patched(below, patch)))
}

/** Derives anew whenever the graph below has changed. */
export function following(below: () => GraphArrays, derive: (below: GraphArrays) => GraphArrays): () => GraphArrays {
  let source: GraphArrays | undefined
  let derived: GraphArrays | undefined
  return () => {
    const now = below()
    if (derived === undefined || now !== source) {
      derived = derive(now)
      source = now
    }
    return derived
  }
}
