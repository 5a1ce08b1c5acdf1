import { dependencyStride, dependentStride, entries, type GraphArrays, neighbours, writeEntry } from './arrays.ts'
import { makeNames } from './names.ts'
import { makeOutputs, outputsGroup } from './outputs.ts'
import { type Edge, type GraphPatch, latest, type VertexState } from './vertex.ts'

/**
 * The graph as the patch would make it. Only lists that the patch touches are copied; the rest, and the numbers of
 * vertices, are those of `below`, which is not written to.
 */
export function patched(below: GraphArrays, patch: GraphPatch): GraphArrays {
  const states = latest(patch)
  const names = makeNames(below.names)
  const outputs = makeOutputs(below.outputs)
  const { groups, vertexOf, idOf, numberOf, groupOf, vertices } = numbering(below)
  /** type by vertex, undefined: no longer committed */
  const types = new Map<number, string | undefined>()
  const dependencies = new Map(below.replaced?.dependencies)
  const dependents = new Map(below.replaced?.dependents)
  /** new entries by dependency */
  const added = new Map<number, number[]>()

  const touched = (dependency: number): number[] => {
    const list = added.get(dependency) ?? []
    added.set(dependency, list)
    return list
  }

  const rewrite = (vertex: number, edges: readonly Edge[]): void => {
    const list = new Int32Array(edges.length * dependencyStride)
    edges.forEach((edge, index) => {
      const dependency = vertexOf(edge.to)
      const uses = outputs.encode(groupOf(dependency), edge.uses)
      const feeds = outputs.encode(groupOf(vertex), edge.feeds)
      const name = names.intern(edge.name)
      writeEntry(list, index * dependencyStride, dependency, uses, feeds, name)
      touched(dependency).push(vertex, uses, feeds, name)
    })
    dependencies.set(vertex, list)
  }

  const touch = (state: VertexState): void => {
    const vertex = vertexOf(state.id)
    types.set(vertex, state.removed ? undefined : state.type)
    if (vertex < below.vertices) neighbours(below, 'dependencies', vertex).forEach(touched)
    rewrite(vertex, state.removed ? [] : state.edges)
  }

  for (const state of states.values()) touch(state)
  for (const [dependency, entriesAdded] of added) {
    const kept = dependency < below.vertices ? keep(below, dependency, (dependent) => !types.has(dependent)) : []
    dependents.set(dependency, Int32Array.from(kept.concat(entriesAdded)))
  }
  for (let vertex = below.vertices; vertex < vertices(); vertex++) {
    if (!dependents.has(vertex)) dependents.set(vertex, new Int32Array())
    if (!dependencies.has(vertex)) dependencies.set(vertex, new Int32Array())
  }

  const wasPresent = (vertex: number): boolean => vertex < below.vertices && below.isPresent(vertex)
  let present = below.present
  for (const [vertex, type] of types) present += Number(type !== undefined) - Number(wasPresent(vertex))

  const isPresent = (vertex: number): boolean =>
    types.has(vertex) ? types.get(vertex) !== undefined : wasPresent(vertex)

  const hasDependents = (vertex: number): boolean => (dependents.get(vertex)?.length ?? entriesBelow(below, vertex)) > 0

  return {
    vertices: vertices(),
    present,
    numberOf,
    idOf,
    isPresent,
    *absent() {
      const touchedHere = new Set([...types.keys(), ...added.keys()])
      for (const vertex of below.absent()) if (!touchedHere.has(vertex)) yield vertex
      for (const vertex of touchedHere) if (!isPresent(vertex) && hasDependents(vertex)) yield vertex
    },
    typeOf: (vertex) => types.get(vertex) ?? below.typeOf(vertex),
    groupOf,
    groups,
    dependents: below.dependents,
    dependencies: below.dependencies,
    replaced: { dependents, dependencies },
    names,
    outputs,
  }
}

/** Numbers from `below.vertices` on for ids that have none there. */
function numbering(below: GraphArrays) {
  const groups = makeNames(below.groups)
  const numbers = new Map<string, number>()
  const ids: string[] = []
  const groupNumbers: number[] = []
  const numberOf = (id: string): number => numbers.get(id) ?? below.numberOf(id)

  return {
    groups,
    numberOf,
    vertexOf(id: string): number {
      const known = numberOf(id)
      if (known >= 0) return known
      groupNumbers.push(groups.intern(outputsGroup(id)))
      numbers.set(id, below.vertices + ids.length)
      return below.vertices + ids.push(id) - 1
    },
    idOf: (vertex: number): string => (vertex < below.vertices ? below.idOf(vertex) : ids[vertex - below.vertices]!),
    groupOf: (vertex: number): number =>
      vertex < below.vertices ? below.groupOf(vertex) : groupNumbers[vertex - below.vertices]!,
    vertices: () => below.vertices + ids.length,
  }
}

const entriesBelow = (below: GraphArrays, vertex: number): number => {
  const { from, to } = entries(below, 'dependents', vertex)
  return to - from
}

/** The words of those entries among the dependents of `vertex` whose dependent passes. */
function keep(arrays: GraphArrays, vertex: number, passes: (dependent: number) => boolean): number[] {
  const { words, from, to } = entries(arrays, 'dependents', vertex)
  const kept: number[] = []
  for (let at = from; at < to; at += dependentStride) {
    if (passes(words[at]!)) kept.push(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!)
  }
  return kept
}
