import type { Lists } from './lists.ts'
import type { Names } from './names.ts'
import type { Outputs } from './outputs.ts'
import type { Edge } from './vertex.ts'

/** Words of an entry in `dependents`: the other vertex, uses, feeds, the reference's name. */
export const dependentStride = 4
/** Words of an entry in `dependencies`: as above, then the place of the same edge in the other's list of dependents. */
export const dependencyStride = 5

/**
 * A graph as dense vertex numbers 0 .. vertices - 1, good until the next write to the graph below it; only
 * `numberOf`, `idOf` and `names` stay good for ever. A vertex that is not present is what a reference names although no such
 * Component is committed.
 */
export interface GraphArrays {
  readonly vertices: number
  readonly present: number
  /** -1 for an id without a vertex */
  numberOf(id: string): number
  idOf(vertex: number): string
  isPresent(vertex: number): boolean
  typeOf(vertex: number): string
  /** which numbering of outputs the vertex shares, as a number of `groups` */
  groupOf(vertex: number): number
  readonly groups: Names
  /** the vertices that are not present and have dependents */
  absent(): Iterable<number>
  readonly dependents: Lists
  readonly dependencies: Lists
  /** Lists that count instead of those above, by vertex, as entries of the same stride. */
  readonly replaced?: {
    readonly dependents: ReadonlyMap<number, Int32Array>
    readonly dependencies: ReadonlyMap<number, Int32Array>
  }
  readonly names: Names
  readonly outputs: Outputs
}

type Direction = 'dependents' | 'dependencies'

/** The entries of one list: `words` from `from` up to, not including, `to`. */
export function entries(arrays: GraphArrays, direction: Direction, vertex: number) {
  const replacement = arrays.replaced?.[direction].get(vertex)
  if (replacement !== undefined) return { words: replacement, from: 0, to: replacement.length }
  const { words, start, count, stride } = arrays[direction]
  return { words, from: start[vertex]!, to: start[vertex]! + count[vertex]! * stride }
}

/** The vertices at the other ends, in the order of the list, each once. */
export function neighbours(arrays: GraphArrays, direction: Direction, vertex: number): number[] {
  const { words, from, to } = entries(arrays, direction, vertex)
  const { stride } = arrays[direction]
  const found = new Set<number>()
  for (let at = from; at < to; at += stride) found.add(words[at]!)
  return [...found]
}

/** The references of a Component, in the order in which they were put. */
export function edgesOf(arrays: GraphArrays, vertex: number): Edge[] {
  const { words, from, to } = entries(arrays, 'dependencies', vertex)
  const edges: Edge[] = []
  for (let at = from; at < to; at += dependencyStride) {
    const dependency = words[at]!
    const uses = arrays.outputs.decode(arrays.groupOf(dependency), words[at + 1]!)
    const feeds = arrays.outputs.decode(arrays.groupOf(vertex), words[at + 2]!)
    edges.push({
      name: arrays.names.nameOf(words[at + 3]!),
      to: arrays.idOf(dependency),
      ...(uses && { uses }),
      ...(feeds && { feeds }),
    })
  }
  return edges
}

/** Writes the words that entries of both directions begin with. */
export function writeEntry(words: Int32Array, at: number, other: number, uses: number, feeds: number, name: number) {
  words[at] = other
  words[at + 1] = uses
  words[at + 2] = feeds
  words[at + 3] = name
}
