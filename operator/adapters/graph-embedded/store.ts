import type { GraphStore } from '../../ports/graph.ts'
import { type EnvironmentGraph, makeEnvironmentGraph } from './environment-graph.ts'

export interface EmbeddedGraphOptions {
  /** A new text each time. */
  readonly newEpoch: () => string
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
export function makeEmbeddedGraph({ newEpoch, keep = 64 }: EmbeddedGraphOptions): GraphStore {
  const environments = new Map<string, EnvironmentGraph>()
  const epoch = newEpoch()

  const graphOf = (environment: string): EnvironmentGraph =>
    environments.get(environment) ?? makeEnvironmentGraph({ environment, epoch, version: 0, vertices: [], keep })

  return {
    head: async (environment) => ({ ok: true, value: graphOf(environment).head() }),
    async publish(environment, version, patch, changeId) {
      const graph = graphOf(environment)
      const published = graph.publish(version, patch, changeId)
      if (published.ok) environments.set(environment, graph)
      return published
    },
    view: async (environment, version) => graphOf(environment).view(version),
    async rebuild(environment, version, vertices, changeId) {
      const graph = makeEnvironmentGraph({ environment, epoch: newEpoch(), version, vertices, changeId, keep })
      environments.set(environment, graph)
      return { ok: true, value: graph.head() }
    },
  }
}
