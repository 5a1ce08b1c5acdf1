import type { Failure, Result } from '../api/result.ts'
import type { GraphPatch, VertexState } from '../core/graph/vertex.ts'
import type { GraphView } from '../core/graph/view.ts'

export type { Edge, GraphPatch, VertexState } from '../core/graph/vertex.ts'

/** The head of an environment. Restored or rebuilt stores use numbers again: hence epoch and content sum. */
export interface Head {
  readonly epoch: string
  readonly version: number
  readonly sum: string
}

/** What decided a version, and who brings it to the store. */
export interface Publisher {
  /** the same whoever completes it; empty: nobody asked for it, the store was set right */
  readonly changeId: string
  /** The claim on the Environment, which only grows: a displaced publisher's is older than what the store has seen. */
  readonly claim: string
}

/** Where a view is read: in this process, in this process as a copy of a store elsewhere, or in that store. */
export type Place = 'Process' | 'Mirror' | 'Store'

export interface Read {
  readonly view: GraphView
  readonly from: Place
}

/** One version as it was published. */
export interface Published {
  readonly version: number
  readonly changeId: string
  /** RFC 3339 */
  readonly at: string
  readonly sum: string
  readonly epoch: string
}

/** What a version made of Components: `before` and `after` stand in the same order, one entry for each that it changed. */
export interface GraphChange extends Published {
  readonly before: readonly VertexState[]
  readonly after: readonly VertexState[]
}

/**
 * Nothing can be told of a graph now: the store gives no answer, refuses this program (`GraphRefused`: an engine that is too old),
 * or would have to be read whole and is too large for that (`GraphTooLarge`).
 */
export const isUnreadable = ({ reason }: Failure): boolean =>
  ['GraphUnavailable', 'GraphRefused', 'GraphTooLarge'].includes(reason)

export interface GraphStore {
  /** Of an environment that nobody published to: version 0 and no Components. */
  head(environment: string): Promise<Result<Head>>
  /**
   * Makes `version` the head, for every reader at once. Repeated with the same version and changeId it changes nothing
   * and succeeds. Failures: `VersionGap` (a version was skipped), `VersionTaken` (another change has it), `Displaced`
   * (somebody with a newer claim publishes), `GraphUnavailable`.
   */
  publish(environment: string, version: number, patch: GraphPatch, by: Publisher): Promise<Result<Head>>
  /** The graph as of `version`. Failures: `VersionUnknown` (`retry`: it has yet to come), `VersionCompacted`. */
  view(environment: string, version: number): Promise<Result<Read>>
  /**
   * Takes in the committed Components as of `version`. A store in this process is built of them, under a new epoch;
   * one elsewhere is compared with them, and fails with `GraphDiffers` when it says something else. `changeId`: what
   * decided that version, where it is known, so that its publish is recognised when it is repeated.
   */
  load(environment: string, version: number, vertices: Iterable<VertexState>, changeId?: string): Promise<Result<Head>>
  /**
   * Makes the graph what these vertices are, as `version`, which is above the head, in one publish under a new epoch.
   * `onProgress`: elements written, of how many.
   */
  rebuild(
    environment: string,
    version: number,
    vertices: Iterable<VertexState>,
    by: Publisher,
    onProgress?: (done: number, total: number) => void,
  ): Promise<Result<Head>>
  /** The head with the sum of what is really held, element by element. */
  audit(environment: string): Promise<Result<Head>>
  /** Those that are held, newest first; at most `limit`. */
  versions(environment: string, limit: number): Promise<Result<readonly Published[]>>
  /** What came after `from`, up to `to`, oldest first. Failures as of `view`. */
  changes(environment: string, from: number, to: number): Promise<Result<readonly GraphChange[]>>
  /** Forgets all but the newest `keep` versions. */
  compact(environment: string, keep: number): Promise<Result<void>>
}
