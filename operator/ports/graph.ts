import type { Result } from '../api/result.ts'
import type { GraphView } from '../core/graph/view.ts'

/** The head of an environment. Restored or rebuilt stores use numbers again: hence epoch and content sum. */
export interface Head {
  readonly epoch: string
  readonly version: number
  readonly sum: string
}

/** The new state of one Component in the graph, or its end. References are edges dependent -> dependency. */
export type VertexState =
  | { readonly id: string; readonly removed: true }
  | { readonly id: string; readonly type: string; readonly removed?: false; readonly edges: readonly Edge[] }

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

export type GraphPatch = readonly VertexState[]

export interface GraphStore {
  head(environment: string): Promise<Result<Head>>
  /** Makes `version` the head. Repeated with the same version and changeId it changes nothing and succeeds. */
  publish(environment: string, version: number, patch: GraphPatch, changeId: string): Promise<Result<Head>>
  /** The graph as of `version`; reason `VersionUnknown` when it is not held (any more). */
  view(environment: string, version: number): Promise<Result<GraphView>>
}
