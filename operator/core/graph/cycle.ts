import { type GraphArrays, neighbours } from './arrays.ts'
import type { GraphView } from './view.ts'

/**
 * The cycle that adding these references closes, shortest through the first that closes one: each Component of it
 * refers to the next, the last to the first. `undefined`: none. Ids need not be in the view, and references that are in
 * it already may be given too; cycles without any of the given references are not answered.
 */
export function closedCycle(
  view: GraphView,
  references: readonly { readonly from: string; readonly to: string }[],
): string[] | undefined {
  const graph = withReferences(view.arrays(), references)
  const component = components(graph, [...graph.added.keys()])
  for (const [from, added] of graph.added) {
    for (const to of added) {
      if (component.get(from) !== component.get(to)) continue
      const path = shortest(graph, to, from)
      if (path !== undefined) return [from, ...path.slice(0, -1)].map(graph.idOf)
    }
  }
  return undefined
}

interface Extended {
  /** new references by dependent */
  readonly added: ReadonlyMap<number, readonly number[]>
  idOf(vertex: number): string
  dependenciesOf(vertex: number): readonly number[]
}

function withReferences(graph: GraphArrays, references: readonly { from: string; to: string }[]): Extended {
  const ids: string[] = []
  const numbers = new Map<string, number>()
  const numberOf = (id: string): number => {
    const known = numbers.get(id) ?? graph.numberOf(id)
    if (known >= 0) return known
    numbers.set(id, graph.vertices + ids.length)
    return graph.vertices + ids.push(id) - 1
  }
  const added = new Map<number, number[]>()
  for (const { from, to } of references) {
    const list = added.get(numberOf(from)) ?? []
    added.set(numberOf(from), list)
    list.push(numberOf(to))
  }
  return {
    added,
    idOf: (vertex) => (vertex < graph.vertices ? graph.idOf(vertex) : ids[vertex - graph.vertices]!),
    dependenciesOf(vertex) {
      const known = vertex < graph.vertices ? neighbours(graph, 'dependencies', vertex) : []
      return known.concat(added.get(vertex) ?? [])
    },
  }
}

/** The path from `from` to `to` along references, both included; of one vertex when they are the same. */
function shortest(graph: Extended, from: number, to: number): number[] | undefined {
  const next = new Map<number, number>([[from, -1]])
  for (const vertex of next.keys()) {
    if (vertex === to) return backwards(next, to)
    for (const dependency of graph.dependenciesOf(vertex)) if (!next.has(dependency)) next.set(dependency, vertex)
  }
  return undefined
}

function backwards(cameFrom: ReadonlyMap<number, number>, end: number): number[] {
  const path: number[] = []
  for (let vertex = end; vertex >= 0; vertex = cameFrom.get(vertex)!) path.push(vertex)
  return path.reverse()
}

/**
 * Strongly connected components (Tarjan 1972, with a stack of its own, as chains may be long) of what the given
 * vertices refer to: two vertices lie on one cycle exactly when they have the same number here.
 */
function components(graph: Extended, roots: readonly number[]): ReadonlyMap<number, number> {
  const component = new Map<number, number>()
  const low = new Map<number, number>()
  const order = new Map<number, number>()
  const open: number[] = []
  const stack: { vertex: number; left: readonly number[]; next: number }[] = []

  const enter = (vertex: number): void => {
    order.set(vertex, order.size)
    low.set(vertex, order.get(vertex)!)
    open.push(vertex)
    stack.push({ vertex, left: graph.dependenciesOf(vertex), next: 0 })
  }
  const lower = (vertex: number, to: number): void => {
    if (to < low.get(vertex)!) low.set(vertex, to)
  }
  const leave = (vertex: number): void => {
    const parent = stack.at(-1)?.vertex
    if (parent !== undefined) lower(parent, low.get(vertex)!)
    if (low.get(vertex) !== order.get(vertex)) return
    let member: number
    do {
      member = open.pop()!
      component.set(member, vertex)
    } while (member !== vertex)
  }

  for (const root of roots) {
    if (!order.has(root)) enter(root)
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const dependency = frame.left[frame.next++]
      if (dependency === undefined) {
        stack.pop()
        leave(frame.vertex)
      } else if (!order.has(dependency)) enter(dependency)
      else if (!component.has(dependency)) lower(frame.vertex, order.get(dependency)!)
    }
  }
  return component
}
