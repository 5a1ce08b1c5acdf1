import { dependencyStride, dependentStride, type GraphArrays, writeEntry } from './arrays.ts'
import { makeLists } from './lists.ts'
import { makeNames } from './names.ts'
import { makeOutputs, outputsGroup } from './outputs.ts'
import type { Edge, VertexState } from './vertex.ts'

/** A graph that can be written. */
export interface Graph {
  /** The edges of a Component replace those it had. Takes time in proportion to their number. */
  put(state: VertexState): void
  /** Other arrays after each write, the same ones in between. */
  arrays(): GraphArrays
  /** Gives back room that was kept for growth. */
  compact(): void
}

export function makeGraph(): Graph {
  /**
   * What arrays handed out go on reading: a number is given to another id only in copies of both. So a vertex that is
   * gone keeps its number until many are.
   */
  let numbers = new Map<string, number>()
  let ids: string[] = []
  const gone = new Set<number>()
  const absent = new Set<number>()
  const free: number[] = []
  /** number of the type's name, -1 where no such Component is committed */
  const types: number[] = []
  const groups: number[] = []
  const dependents = makeLists(dependentStride)
  const dependencies = makeLists(dependencyStride)
  const kinds = makeNames()
  const names = makeNames()
  const outputs = makeOutputs()
  let present = 0
  let current: GraphArrays | undefined

  const vertexOf = (id: string): number => {
    const known = numbers.get(id)
    if (known !== undefined) {
      if (gone.size > 0) gone.delete(known)
      return known
    }
    const vertex = free.pop() ?? ids.length
    numbers.set(id, vertex)
    ids[vertex] = id
    types[vertex] = -1
    groups[vertex] = kinds.intern(outputsGroup(id))
    dependents.grow(vertex + 1)
    dependencies.grow(vertex + 1)
    return vertex
  }

  const dropUnused = (vertex: number): void => {
    if (types[vertex] !== -1 || dependents.count[vertex] !== 0) return
    dependents.release(vertex)
    dependencies.release(vertex)
    absent.delete(vertex)
    gone.add(vertex)
    if (gone.size > 1024 + numbers.size / 3) freeNumbers()
  }

  const freeNumbers = (): void => {
    numbers = new Map(numbers)
    ids = ids.slice()
    for (const vertex of gone) {
      numbers.delete(ids[vertex]!)
      free.push(vertex)
    }
    gone.clear()
  }

  const placeInDependencies = (dependent: number, dependency: number, mirror: number): number => {
    const { words } = dependencies
    let at = dependencies.start[dependent]!
    while (words[at] !== dependency || words[at + 4] !== mirror) at += dependencyStride
    return at
  }

  /** Takes the entry at `place` out of the dependents of `vertex`; the last one moves there. */
  const takeOut = (vertex: number, place: number): void => {
    const { words } = dependents
    const first = dependents.start[vertex]!
    const last = dependents.count[vertex]! - 1
    if (place !== last) {
      const moved = first + last * dependentStride
      dependencies.words[placeInDependencies(words[moved]!, vertex, last) + 4] = place
      words.copyWithin(first + place * dependentStride, moved, moved + dependentStride)
    }
    dependents.pop(vertex)
  }

  const clearEdges = (vertex: number): void => {
    for (let left = dependencies.count[vertex]! - 1; left >= 0; left--) {
      const at = dependencies.start[vertex]! + left * dependencyStride
      const dependency = dependencies.words[at]!
      takeOut(dependency, dependencies.words[at + 4]!)
      dependencies.pop(vertex)
      if (dependency !== vertex) dropUnused(dependency)
    }
  }

  const addEdge = (vertex: number, edge: Edge): void => {
    const dependency = vertexOf(edge.to)
    if (types[dependency] === -1) absent.add(dependency)
    const uses = outputs.encode(groups[dependency]!, edge.uses)
    const feeds = outputs.encode(groups[vertex]!, edge.feeds)
    const name = names.intern(edge.name)
    const there = dependents.append(dependency)
    writeEntry(dependents.words, there, vertex, uses, feeds, name)
    const here = dependencies.append(vertex)
    writeEntry(dependencies.words, here, dependency, uses, feeds, name)
    dependencies.words[here + 4] = dependents.count[dependency]! - 1
  }

  const remove = (id: string): void => {
    const vertex = numbers.get(id)
    if (vertex === undefined || types[vertex] === -1) return
    clearEdges(vertex)
    types[vertex] = -1
    present--
    absent.add(vertex)
    dropUnused(vertex)
  }

  const arrays = (knownNumbers: ReadonlyMap<string, number>, knownIds: readonly string[]): GraphArrays => ({
    vertices: knownIds.length,
    present,
    numberOf: (id) => knownNumbers.get(id) ?? -1,
    idOf: (vertex) => knownIds[vertex]!,
    isPresent: (vertex) => types[vertex] !== -1,
    typeOf: (vertex) => kinds.nameOf(types[vertex]!),
    groupOf: (vertex) => groups[vertex]!,
    groups: kinds,
    absent: () => absent,
    dependents: dependents.arrays(),
    dependencies: dependencies.arrays(),
    names,
    outputs,
  })

  return {
    put(state) {
      current = undefined
      if (state.removed) return remove(state.id)
      const vertex = vertexOf(state.id)
      clearEdges(vertex)
      if (types[vertex] === -1) present++
      absent.delete(vertex)
      types[vertex] = kinds.intern(state.type)
      dependencies.reserve(vertex, state.edges.length)
      for (const edge of state.edges) addEdge(vertex, edge)
    },
    arrays: () => {
      current ??= arrays(numbers, ids)
      return current
    },
    compact() {
      current = undefined
      dependents.compact()
      dependencies.compact()
    },
  }
}
