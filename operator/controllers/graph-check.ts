import type { Caches, Of } from '../ports/cluster.ts'
import type { GraphStore } from '../ports/graph.ts'
import { again, done, type Outcome } from '../runtime/controller.ts'
import type { Logger } from '../runtime/log.ts'
import type { Gather } from './gather.ts'

export interface GraphCheckTimes {
  readonly everyMs: number
  /** older ones are compacted */
  readonly keepVersions: number
}

export interface GraphCheckDependencies extends GraphCheckTimes {
  readonly caches: Pick<Caches, 'Environment'>
  readonly graph: Pick<GraphStore, 'audit' | 'compact'>
  readonly gather: Pick<Gather, 'isWhole' | 'sum' | 'distrust'>
}

/** When it cannot be told now, in milliseconds. */
const soonMs = 5_000

/**
 * Compares what is really in a graph store, element by element, with the committed Components: they are the truth. What
 * differs is set right by whoever holds the environment. Old versions are compacted on the way.
 */
export const makeGraphCheck = (dependencies: GraphCheckDependencies) => {
  const { caches, graph, gather, everyMs, keepVersions } = dependencies

  const versionOf = (environment: Of<'Environment'> | undefined): number | undefined =>
    environment && gather.isWhole(environment) ? (environment.status?.version ?? 0) : undefined

  return async (key: string, log: Logger): Promise<Outcome> => {
    const environment = caches.Environment.get(key)
    if (!environment) return done
    const version = versionOf(environment)
    if (version === undefined) return again(soonMs)
    const found = await graph.audit(key)
    if (!found.ok) {
      log.warn({ reason: found.failure.reason, message: found.failure.message }, 'the graph cannot be checked')
      return again(soonMs)
    }
    // While it was read changes may have passed.
    if (versionOf(caches.Environment.get(key)) !== version) return again(soonMs)
    if (found.value.version === version && found.value.sum === gather.sum(key)) {
      const compacted = await graph.compact(key, keepVersions)
      if (!compacted.ok) log.warn({ message: compacted.failure.message }, 'old versions are not compacted')
      return again(everyMs)
    }
    log.warn({ found: found.value, version }, 'the graph store is not what is committed')
    gather.distrust(key)
    return again(everyMs)
  }
}
