/**
 * `uses`: outputs of the dependency that the dependent reads (`undefined`: all of it).
 * `feeds`: outputs of the dependent that this reference can alter (`undefined`: all of them).
 */
export interface Edge {
  readonly name: string
  readonly to: string
  readonly uses?: readonly string[]
  readonly feeds?: readonly string[]
}

/** The new state of one Component in the graph, or its end. Edges go from dependent to dependency. */
export type VertexState =
  | { readonly id: string; readonly removed: true }
  | { readonly id: string; readonly type: string; readonly removed?: false; readonly edges: readonly Edge[] }

/** States that take effect together. Where an id stands twice, the later state counts. */
export type GraphPatch = readonly VertexState[]

/** What a patch says last about each Component. */
export function latest(patch: GraphPatch): ReadonlyMap<string, VertexState> {
  return new Map(patch.map((state) => [state.id, state]))
}
