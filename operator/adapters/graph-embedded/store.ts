import { type Result, success } from '../../api/result.ts'
import type { GraphStore, Head, VertexState } from '../../ports/graph.ts'
import { type EnvironmentGraph, makeEnvironmentGraph } from './environment-graph.ts'

export interface EmbeddedGraphOptions {
  /** A new text each time. */
  readonly newEpoch: () => string
  /** epoch ms */
  readonly now: () => number
  /** Versions before the head that are held. */
  readonly keep?: number
}

/**
 * The graph store in process, rebuilt from the committed Components at each start. References to Components that are
 * not committed are kept. A rebuilt environment holds no earlier versions. One that nobody rebuilt or published to has version 0 and no Components. Failures: `VersionGap` (a version was skipped), `VersionTaken` (another
 * change has it), `VersionUnknown` (not held; `retry` when it has yet to come).
 *
 * A view answers for its version as long as that is held (the head and `keep` before it), whatever is published.
 */
export function makeEmbeddedGraph({ newEpoch, now, keep = 64 }: EmbeddedGraphOptions): GraphStore {
  const environments = new Map<string, EnvironmentGraph>()
  const epoch = newEpoch()

  const graphOf = (environment: string): EnvironmentGraph =>
    environments.get(environment) ?? makeEnvironmentGraph({ environment, epoch, version: 0, vertices: [], keep, now })

  const begin = (
    environment: string,
    version: number,
    vertices: Iterable<VertexState>,
    changeId: string | undefined,
  ): Result<Head> => {
    const graph = makeEnvironmentGraph({ environment, epoch: newEpoch(), version, vertices, changeId, keep, now })
    environments.set(environment, graph)
    return success(graph.head())
  }

  return {
    head: async (environment) => success(graphOf(environment).head()),
    async publish(environment, version, patch, { changeId }) {
      const graph = graphOf(environment)
      const published = graph.publish(version, patch, changeId)
      if (published.ok) environments.set(environment, graph)
      return published
    },
    async view(environment, version) {
      const view = graphOf(environment).view(version)
      return view.ok ? success({ view: view.value, from: 'Process' }) : view
    },
    load: async (environment, version, vertices, changeId) => begin(environment, version, vertices, changeId),
    rebuild: async (environment, version, vertices, { changeId }) => begin(environment, version, vertices, changeId),
    audit: async (environment) => success(graphOf(environment).audit()),
    versions: async (environment, limit) => success(graphOf(environment).versions(limit)),
    changes: async (environment, from, to) => graphOf(environment).changes(from, to),
    async compact(environment, kept) {
      graphOf(environment).compact(kept)
      return success(undefined)
    },
  }
}
