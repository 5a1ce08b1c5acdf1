import type { GraphArrays } from './arrays.ts'

/**
 * Words of an arrival in the queue of a search: vertex, outputs that change with it, place of the arrival it came from
 * (-1: a seed), number of the reference's name; that number's complement when the vertex had been reached before.
 */
export const arrivalStride = 4

export interface ReachedComponent {
  readonly id: string
  /** references between it and the nearest seed */
  readonly distance: number
}

/** What a search reached. All of it is the caller's: later searches and publishes do not change it. */
export interface Reached {
  readonly count: number
  /** Nearest first; within a distance in the order of the search, which differs between equal graphs. Made when read. */
  readonly reached: readonly ReachedComponent[]
  /** The first of all by distance, then id: the same for equal graphs. */
  nearest(limit: number): ReachedComponent[]
  /** undefined: not reached, or a seed */
  distanceOf(id: string): number | undefined
  /**
   * One of the shortest ways on which the change arrives, seed first, `id` last. Where references form a cycle it may
   * pass a Component twice.
   */
  pathTo(id: string): string[] | undefined
  /** The same for `reached[index]`, without looking the id up. */
  pathAt(index: number): string[] | undefined
  /** The names of the references along `pathTo(id)`: the first belongs to the second Component of the path. */
  reasonFor(id: string): string[] | undefined
}

/** Lookups by id that scan; a caller who asks more often gets an index. */
const scans = 4

/** `queue`: the arrivals, seeds first. `levels`: where in it each distance begins. Takes both over. */
export function makeReached(graph: GraphArrays, queue: Int32Array, levels: readonly number[], count: number): Reached {
  const { names } = graph
  // Read at once: the vertices may have other ids after the next publish.
  const ids: string[] = []
  for (let at = 0; at < queue.length; at += arrivalStride) ids.push(graph.idOf(queue[at]!))
  let firsts: Int32Array | undefined
  let list: ReachedComponent[] | undefined
  let index: Map<string, number> | undefined
  let lookups = 0

  const isFirst = (place: number): boolean => queue[place * arrivalStride + 3]! >= 0 && parentOf(place) >= 0
  const parentOf = (place: number): number => queue[place * arrivalStride + 2]!

  const placesAt = (distance: number): number[] => {
    const end = (levels[distance + 1] ?? queue.length) / arrivalStride
    const places: number[] = []
    for (let place = levels[distance]! / arrivalStride; place < end; place++) if (isFirst(place)) places.push(place)
    return places
  }

  const makeList = (): ReachedComponent[] => {
    const made: ReachedComponent[] = []
    for (let distance = 1; distance < levels.length; distance++) {
      for (const place of placesAt(distance)) made.push({ id: ids[place]!, distance })
    }
    return made
  }

  const makeFirsts = (): Int32Array => {
    const places = new Int32Array(count)
    let next = 0
    for (let place = 0; place < ids.length; place++) if (isFirst(place)) places[next++] = place
    return places
  }

  /** Where the Component was first reached. */
  const placeOf = (id: string): number | undefined => {
    if (index === undefined && lookups++ >= scans) {
      index = new Map()
      for (let place = ids.length - 1; place >= 0; place--) index.set(ids[place]!, place)
    }
    const place = index?.get(id) ?? ids.indexOf(id)
    return place >= 0 && isFirst(place) ? place : undefined
  }

  const distanceAt = (place: number): number => {
    let distance = levels.length - 1
    while (levels[distance]! > place * arrivalStride) distance--
    return distance
  }

  /** What `read` says of each arrival on the way to `place`, that of the seed first. */
  const along = (place: number, read: (place: number) => string): string[] => {
    const path: string[] = new Array(distanceAt(place) + 1)
    for (let at = place, left = path.length - 1; left >= 0; left--, at = parentOf(at)) path[left] = read(at)
    return path
  }

  const nameAt = (place: number): string => {
    const word = queue[place * arrivalStride + 3]!
    return names.nameOf(word >= 0 ? word : ~word)
  }

  const path = (place: number | undefined): string[] | undefined =>
    place === undefined ? undefined : along(place, (at) => ids[at]!)

  return {
    count,
    get reached() {
      list ??= makeList()
      return list
    },
    nearest(limit) {
      const found: ReachedComponent[] = []
      for (let distance = 1; distance < levels.length && found.length < limit; distance++) {
        const level = placesAt(distance).map((place) => ids[place]!)
        for (const id of level.sort()) found.push({ id, distance })
      }
      return found.slice(0, limit)
    },
    distanceOf(id) {
      const place = placeOf(id)
      return place === undefined ? undefined : distanceAt(place)
    },
    pathTo: (id) => path(placeOf(id)),
    pathAt(index) {
      firsts ??= makeFirsts()
      return path(firsts[index])
    },
    reasonFor(id) {
      const place = placeOf(id)
      return place === undefined ? undefined : along(place, (at) => (parentOf(at) < 0 ? '' : nameAt(at))).slice(1)
    },
  }
}
