import { enlarged } from './lists.ts'

/**
 * The arrivals of a search, in order: nearest first, the seeds before all. Arrays of their own, as the search goes
 * through the vertices again while it writes the rest.
 */
export interface Arrivals {
  readonly vertices: Int32Array
  /** the arrival from which the change came, -1 for a seed */
  readonly parents: Int32Array
  /** number of the name of the reference that it passed; its complement when the vertex had been reached before */
  readonly names: Int32Array
  /** where each distance begins */
  readonly levels: readonly number[]
}

/** What a search goes on writing; the first `length` entries are in use. */
export interface ArrivalQueue {
  vertices: Int32Array
  parents: Int32Array
  names: Int32Array
  /** outputs that change with this arrival */
  deltas: Int32Array
  length: number
  levels: number[]
}

export const makeArrivalQueue = (): ArrivalQueue => ({
  vertices: new Int32Array(1024),
  parents: new Int32Array(1024),
  names: new Int32Array(1024),
  deltas: new Int32Array(1024),
  length: 0,
  levels: [0],
})

export function makeRoom(queue: ArrivalQueue, arrivals: number): void {
  if (arrivals <= queue.vertices.length) return
  const wanted = Math.max(arrivals, queue.vertices.length * 2)
  queue.vertices = enlarged(queue.vertices, wanted)
  queue.parents = enlarged(queue.parents, wanted)
  queue.names = enlarged(queue.names, wanted)
  queue.deltas = enlarged(queue.deltas, wanted)
}

export function addSeed(queue: ArrivalQueue, vertex: number, delta: number): void {
  makeRoom(queue, queue.length + 1)
  queue.vertices[queue.length] = vertex
  queue.deltas[queue.length] = delta
  queue.parents[queue.length] = -1
  queue.length++
}

/** For good: the queue may be written anew. */
export const copyArrivals = ({ vertices, parents, names, length, levels }: ArrivalQueue): Arrivals => ({
  vertices: vertices.slice(0, length),
  parents: parents.slice(0, length),
  names: names.slice(0, length),
  levels: levels.slice(),
})
