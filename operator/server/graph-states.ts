import { type Result, success } from '../api/result.ts'
import type { GraphView } from '../core/graph/view.ts'
import type { Access } from '../ports/access.ts'
import type { Head, Place as ReadFrom, VertexState } from '../ports/graph.ts'
import { makeGraphRoute, mostVersion, type ReadableGraph, tooLarge, withHeld } from './graph-query.ts'
import { numberIn } from './query.ts'

export interface StatesAnswer {
  readonly environment: string
  readonly version: number
  readonly head: Head
  readonly from: ReadFrom
  readonly states: readonly VertexState[]
}

/** What one answer holds at most: about 10 MB of JSON. */
const most = { components: 50_000, references: 100_000 } as const

/** `GET /api/v1/graph/states`: the Components and references of an environment as of `version`; default: the head. */
export const makeStatesRoute = ({ access, graph }: { access: Access; graph: ReadableGraph }) =>
  makeGraphRoute(access, { fields: ['version'], parse }, async ({ key }, asked): Promise<Result<StatesAnswer>> => {
    const head = await graph.head(key)
    if (!head.ok) return head
    const version = asked ?? head.value.version
    const read = await graph.view(key, version)
    if (!read.ok) return withHeld(graph, key, read.failure)
    const { view, from } = read.value
    const states = statesOf(view)
    if (states) return success({ environment: key, version, head: head.value, from, states })
    return tooLarge(
      `graph of environment ${key} at version ${version}: expected at most ${most.components} Components and ${most.references} references in one answer, found more (${view.size} Components); read the Components instead`,
    )
  })

/** In one go: a view is good until its version is forgotten. Undefined: there are too many. */
const statesOf = (view: GraphView): VertexState[] | undefined => {
  if (view.size > most.components) return undefined
  const states: VertexState[] = []
  let references = 0
  for (const id of view.ids()) {
    const state = view.stateOf(id)
    if (!state) continue
    references += state.edges.length
    if (references > most.references) return undefined
    states.push(state)
  }
  return states
}

const parse = ({ version }: { readonly version?: string }): Result<number | undefined> =>
  numberIn('version', version, { least: 0, most: mostVersion, preset: undefined })
