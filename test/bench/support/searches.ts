import { DirectedGraph } from 'graphology'
import type { GraphArrays } from '../../../operator/core/graph/arrays.ts'
import { dependenciesOf, idOf, type References } from './graphs.ts'

/**
 * The ceiling: a breadth-first search over the typed arrays of a view, for numbers of vertices and distances, and
 * nothing else - no outputs, limits, ids, paths. Answers how many it reached.
 */
export function makeBareSearch({ vertices, dependents }: GraphArrays): (seed: number) => number {
  const { words, start, count, stride } = dependents
  const seen = new Int32Array(vertices)
  const distances = new Int32Array(vertices)
  const queue = new Int32Array(vertices)
  let run = 0

  return (seed) => {
    run++
    seen[seed] = run
    distances[seed] = 0
    queue[0] = seed
    let tail = 1
    for (let head = 0; head < tail; head++) {
      const vertex = queue[head]!
      const distance = distances[vertex]! + 1
      const end = start[vertex]! + count[vertex]! * stride
      for (let at = start[vertex]!; at < end; at += stride) {
        const dependent = words[at]!
        if (seen[dependent] === run) continue
        seen[dependent] = run
        distances[dependent] = distance
        queue[tail++] = dependent
      }
    }
    return tail - 1
  }
}

/** The peer: graphology, the common graph library of the platform. Ids with their distances. */
export function makeGraphologySearch(references: References): (seed: string) => Map<string, number> {
  const graph = new DirectedGraph()
  for (let n = 0; n < references.components; n++) {
    graph.addNode(idOf(n))
    for (const dependency of dependenciesOf(references, n)) graph.addDirectedEdge(idOf(n), idOf(dependency))
  }

  return (seed) => {
    const distances = new Map([[seed, 0]])
    // A Map gives what is added while it is gone through, in order: it is its own queue.
    for (const [id, distance] of distances) {
      graph.forEachInNeighbor(id, (dependent) => {
        if (!distances.has(dependent)) distances.set(dependent, distance + 1)
      })
    }
    return distances
  }
}
