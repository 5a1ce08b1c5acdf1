import type { GraphArrays } from './arrays.ts'
import type { Arrivals } from './arrivals.ts'

export interface ReachedComponent {
  readonly id: string
  /** references between it and the nearest seed */
  readonly distance: number
}

/** What a search reached. All of it is the caller's: later searches and publishes do not change it. */
export interface Reached {
  readonly count: number
  /** All, nearest first; within a distance in the order of the search, which differs between equal graphs. */
  each(visit: (id: string, distance: number) => void): void
  /** The same as a list, made when it is read. */
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

/** Lookups by id that go through all; a caller who asks more often gets an index. */
const scans = 4

/** For who asks for all paths: what is looked up again and again, close together. */
interface Table {
  /** by place */
  readonly ids: readonly string[]
  /** by index in `reached` */
  readonly places: Int32Array
  readonly distances: Int32Array
}

/** Takes the arrivals over; `count` of them reached a Component first. */
export function makeReached(graph: GraphArrays, arrivals: Arrivals, count: number): Reached {
  const { idOf, numberOf } = graph
  const { vertices, parents, names, levels } = arrivals
  let list: ReachedComponent[] | undefined
  let table: Table | undefined
  let index: Map<number, number> | undefined
  let lookups = 0

  const idAt = (place: number): string => idOf(vertices[place]!)
  const isFirst = (place: number): boolean => names[place]! >= 0 && parents[place]! >= 0
  const nameAt = (place: number): string => {
    const word = names[place]!
    return graph.names.nameOf(word >= 0 ? word : ~word)
  }

  const eachAt = (distance: number, visit: (id: string, distance: number) => void): void => {
    const end = levels[distance + 1] ?? vertices.length
    for (let place = levels[distance]!; place < end; place++) {
      if (isFirst(place)) visit(idAt(place), distance)
    }
  }

  const each = (visit: (id: string, distance: number) => void): void => {
    for (let distance = 1; distance < levels.length; distance++) eachAt(distance, visit)
  }

  const makeTable = (): Table => {
    const made = {
      ids: new Array<string>(vertices.length),
      places: new Int32Array(count),
      distances: new Int32Array(count),
    }
    let next = 0
    for (let distance = 0; distance < levels.length; distance++) {
      const end = levels[distance + 1] ?? vertices.length
      for (let place = levels[distance]!; place < end; place++) {
        made.ids[place] = idAt(place)
        if (!isFirst(place)) continue
        made.places[next] = place
        made.distances[next++] = distance
      }
    }
    return made
  }

  const makeIndex = (): Map<number, number> => {
    const made = new Map<number, number>()
    for (let place = vertices.length - 1; place >= 0; place--) made.set(vertices[place]!, place)
    return made
  }

  /** Where the Component was first reached. */
  const placeOf = (id: string): number | undefined => {
    if (index === undefined && lookups++ >= scans) index = makeIndex()
    const vertex = numberOf(id)
    const place = index === undefined ? vertices.indexOf(vertex) : index.get(vertex)
    return place !== undefined && place >= 0 && isFirst(place) ? place : undefined
  }

  const distanceAt = (place: number): number => {
    let distance = levels.length - 1
    while (levels[distance]! > place) distance--
    return distance
  }

  const path = (place: number): string[] => {
    const way: string[] = new Array(distanceAt(place) + 1)
    for (let at = place, left = way.length - 1; left >= 0; left--, at = parents[at]!) way[left] = idAt(at)
    return way
  }

  const tabledPath = ({ ids, places, distances }: Table, index: number): string[] => {
    const last = distances[index]!
    const way: string[] = new Array(last + 1)
    for (let at = places[index]!, left = last; left >= 0; left--, at = parents[at]!) way[left] = ids[at]!
    return way
  }

  const reasons = (place: number): string[] => {
    const way: string[] = []
    for (let at = place; parents[at]! >= 0; at = parents[at]!) way.push(nameAt(at))
    return way.reverse()
  }

  return {
    count,
    each,
    get reached() {
      if (list === undefined) {
        const made: ReachedComponent[] = new Array(count)
        let next = 0
        each((id, distance) => {
          made[next++] = { id, distance }
        })
        list = made
      }
      return list
    },
    nearest(limit) {
      const found: ReachedComponent[] = []
      for (let distance = 1; distance < levels.length && found.length < limit; distance++) {
        const ids: string[] = []
        eachAt(distance, (id) => ids.push(id))
        for (const id of ids.sort()) found.push({ id, distance })
      }
      return found.slice(0, limit)
    },
    distanceOf(id) {
      const place = placeOf(id)
      return place === undefined ? undefined : distanceAt(place)
    },
    pathTo(id) {
      const place = placeOf(id)
      return place === undefined ? undefined : path(place)
    },
    pathAt(index) {
      table ??= makeTable()
      return index < count ? tabledPath(table, index) : undefined
    },
    reasonFor(id) {
      const place = placeOf(id)
      return place === undefined ? undefined : reasons(place)
    },
  }
}
