import { rebuildAnnotation } from '../api/annotations.ts'
import type { Environment } from '../api/kinds.generated.ts'
import { isNewer } from '../api/resource-version.ts'
import type { Caches, Of } from '../ports/cluster.ts'
import type { GraphStore, Head } from '../ports/graph.ts'
import { again, done, type Outcome } from '../runtime/controller.ts'
import type { Logger } from '../runtime/log.ts'
import type { Gather } from './gather.ts'
import type { Graphs } from './graphs.ts'
import { changeIdOf } from './passage.ts'
import type { Repairs } from './repairs.ts'

export interface GraphCheckTimes {
  readonly everyMs: number
  /** older ones are compacted */
  readonly keepVersions: number
}

export interface GraphCheckDependencies {
  /** absent: the graph is in this process, and nobody else writes it */
  readonly times: GraphCheckTimes | undefined
  readonly caches: Pick<Caches, 'Component' | 'Environment'>
  readonly graph: Pick<GraphStore, 'head' | 'audit' | 'compact'>
  readonly graphs: Pick<Graphs, 'sum' | 'distrust' | 'isBuilt' | 'viewAt'>
  readonly isWhole: Gather['isWhole']
  /** it is known to differ, and is being set right */
  readonly isRepairing: Repairs['isNeeded']
}

/** When it cannot be told now, in milliseconds. */
const soonMs = 5_000

/** What somebody asks for it by. */
export const rebuildAsked = ({ metadata }: Pick<Environment, 'metadata'>): string | undefined =>
  metadata.annotations?.[rebuildAnnotation]?.slice(0, 64)

/**
 * Compares what is really in a graph store, element by element, with the committed Components: they are the truth. What
 * differs is set right by whoever holds the environment, and so is what somebody asks to be built anew. Old versions are
 * compacted on the way. A graph in this process, which nobody else writes, is loaded instead.
 */
export const makeGraphCheck = ({ caches, graph, graphs, isWhole, isRepairing, times }: GraphCheckDependencies) => {
  /** by environment: what was asked for last */
  const begun = new Map<string, string>()

  /** undefined: what is committed as of it cannot be told now */
  const versionOf = (environment: Of<'Environment'> | undefined): number | undefined => {
    if (!environment || !isWhole(environment)) return undefined
    const { version = 0, committedResourceVersion: highest = '0' } = environment.status ?? {}
    // Kinds are watched each by itself: what was committed last may not be known yet.
    return isNewer(highest, caches.Component.resourceVersion() || '0') ? undefined : version
  }

  /** Once for each value, although its end takes a while to be seen. */
  const isNewlyAsked = (key: string, environment: Of<'Environment'>): boolean => {
    const asked = rebuildAsked(environment)
    if (asked === undefined || asked === environment.status?.graphRebuilt || begun.get(key) === asked) return false
    begun.set(key, asked)
    return true
  }

  /** Whoever holds the environment knows that it differs, or has set it right while it was read. */
  const isLeftAlone = async (key: string, { epoch, version }: Head): Promise<boolean> => {
    if (isRepairing(key)) return true
    const now = await graph.head(key)
    return !now.ok || now.value.epoch !== epoch || now.value.version !== version
  }

  const compare = async (key: string, version: number, { everyMs, keepVersions }: GraphCheckTimes, log: Logger) => {
    const [head, found] = [await graph.head(key), await graph.audit(key)]
    if (!head.ok) return again(soonMs)
    if (!found.ok) {
      log.warn({ reason: found.failure.reason, message: found.failure.message }, 'the graph cannot be checked')
      return again(found.failure.retry ? soonMs : everyMs)
    }
    // While it was read changes may have passed.
    if (versionOf(caches.Environment.get(key)) !== version) return again(soonMs)
    const sum = graphs.sum(key)
    // What the head says of the content may be wrong by itself.
    if (found.value.version === version && found.value.sum === sum && head.value.sum === sum) {
      const compacted = await graph.compact(key, keepVersions)
      if (!compacted.ok) log.warn({ message: compacted.failure.message }, 'old versions are not compacted')
      return again(everyMs)
    }
    if (await isLeftAlone(key, head.value)) return again(soonMs)
    log.warn({ found: found.value, version }, 'the graph store is not what is committed')
    graphs.distrust(key)
    return again(everyMs)
  }

  /** A graph in this process, for those who read it before the first plan. */
  const isLoaded = async (key: string, { status }: Of<'Environment'>, version: number): Promise<boolean> =>
    (await graphs.viewAt(key, version, changeIdOf(status?.applying ?? []))).ok

  return async (key: string, log: Logger): Promise<Outcome> => {
    const environment = caches.Environment.get(key)
    if (!environment) return done
    if (isNewlyAsked(key, environment)) {
      graphs.distrust(key)
      return again(soonMs)
    }
    if (!times && graphs.isBuilt(key)) return done
    const version = versionOf(environment)
    if (version === undefined) return again(soonMs)
    if (times) return compare(key, version, times, log)
    return (await isLoaded(key, environment, version)) ? done : again(soonMs)
  }
}
