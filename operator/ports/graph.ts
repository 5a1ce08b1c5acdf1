import type { Result } from '../api/result.ts'
import type { GraphPatch, VertexState } from '../core/graph/vertex.ts'
import type { GraphView } from '../core/graph/view.ts'

export type { Edge, GraphPatch, VertexState } from '../core/graph/vertex.ts'

/** The head of an environment. Restored or rebuilt stores use numbers again: hence epoch and content sum. */
export interface Head {
  readonly epoch: string
  readonly version: number
  readonly sum: string
}

export interface GraphStore {
  head(environment: string): Promise<Result<Head>>
  /** Makes `version` the head. Repeated with the same version and changeId it changes nothing and succeeds. */
  publish(environment: string, version: number, patch: GraphPatch, changeId: string): Promise<Result<Head>>
  /** The graph as of `version`; reason `VersionUnknown` when it is not held (any more). */
  view(environment: string, version: number): Promise<Result<GraphView>>
  /**
   * Begins an environment anew from its committed Components as of `version`, under a new epoch. `changeId`: what
   * decided that version, where it is known, so that its publish is recognised when it is repeated.
   */
  rebuild(
    environment: string,
    version: number,
    vertices: Iterable<VertexState>,
    changeId?: string,
  ): Promise<Result<Head>>
}
