import { rebuildAnnotation } from '../api/annotations.ts'
import type { Environment } from '../api/kinds.generated.ts'
import type { Caches, Of } from '../ports/cluster.ts'
import type { GraphStore, Head } from '../ports/graph.ts'
import { again, done, type Outcome } from '../runtime/controller.ts'
import type { Logger } from '../runtime/log.ts'
import type { Gather } from './gather.ts'
import type { Graphs } from './graphs.ts'
import type { Outages } from './outages.ts'
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
  readonly caches: Pick<Caches, 'Environment'>
  readonly graph: Pick<GraphStore, 'head' | 'audit' | 'compact'>
  readonly graphs: Pick<Graphs, 'sum' | 'distrust' | 'isBuilt' | 'viewAt'>
  readonly isWhole: Gather['isWhole']
  /** it is known to differ, and is being set right */
  readonly isRepairing: Repairs['isNeeded']
  readonly outages: Pick<Outages, 'asked'>
}

/** When it cannot be told now, in milliseconds; longer each time where changes pass all the time. */
const soonMs = 5_000

/** What somebody asks for it by. */
export const rebuildAsked = ({ metadata }: Pick<Environment, 'metadata'>): string | undefined =>
  metadata.annotations?.[rebuildAnnotation]?.slice(0, 64)

export interface GraphCheck {
  /**
   * What somebody asks for is noted at once: an environment that is large is read for long, and nobody should wait for that
   * of another one.
   */
  heed(environmentKey: string): boolean
  check(environmentKey: string, log: Logger): Promise<Outcome>
}

/**
 * Compares what is really in a graph store, element by element, with the committed Components: they are the truth. What
 * differs is set right by whoever holds the environment, and so is what somebody asks to be built anew. Old versions are
 * compacted on the way, whether or not it can be compared: in an environment where changes pass all the time they are
 * most. A graph in this process, which nobody else writes, is loaded instead.
 */
export const makeGraphCheck = (dependencies: GraphCheckDependencies): GraphCheck => {
  const { caches, graph, graphs, isWhole, isRepairing, outages, times } = dependencies
  /** by environment: what was asked for last */
  const begun = new Map<string, string>()
  /** by environment: how often it could not be compared, since it was or was given up */
  const tries = new Map<string, number>()

  /** undefined: what is committed as of it cannot be told now */
  const versionOf = (environment: Of<'Environment'> | undefined): number | undefined =>
    environment && isWhole(environment) ? (environment.status?.version ?? 0) : undefined

  /** Once for each value, although its end takes a while to be seen. */
  const isNewlyAsked = (key: string, environment: Of<'Environment'>): boolean => {
    const asked = rebuildAsked(environment)
    if (asked === undefined || asked === environment.status?.graphRebuilt || begun.get(key) === asked) return false
    begun.set(key, asked)
    return true
  }

  const heed = (key: string): boolean => {
    const environment = caches.Environment.get(key)
    if (!environment || !isNewlyAsked(key, environment)) return false
    graphs.distrust(key)
    return true
  }

  /** Whoever holds the environment knows that it differs, or has set it right while it was read. */
  const isLeftAlone = async (key: string, { epoch, version }: Head): Promise<boolean> => {
    if (isRepairing(key)) return true
    const now = await graph.head(key)
    return !now.ok || now.value.epoch !== epoch || now.value.version !== version
  }

  /** Each time twice as late, for it is read whole for nothing; in the end as seldom as any other. */
  const later = (key: string, { everyMs }: GraphCheckTimes): Outcome => {
    const tried = tries.get(key) ?? 0
    const ms = soonMs * 2 ** tried
    if (ms < everyMs) tries.set(key, tried + 1)
    else tries.delete(key)
    return again(Math.max(soonMs, Math.min(ms, everyMs)))
  }

  const ended = (key: string, { everyMs }: GraphCheckTimes): Outcome => {
    tries.delete(key)
    return again(everyMs)
  }

  /** Once for each time that it is to be compared. Not by a head that somebody else has written: it may be any number. */
  const compact = async (key: string, head: Head, { keepVersions }: GraphCheckTimes, log: Logger): Promise<void> => {
    if (tries.has(key) || head.version > (caches.Environment.get(key)?.status?.version ?? 0)) return
    const compacted = await graph.compact(key, keepVersions)
    if (!compacted.ok) log.warn({ message: compacted.failure.message }, 'old versions are not compacted')
  }

  const compare = async (key: string, times: GraphCheckTimes, log: Logger): Promise<Outcome> => {
    const head = await graph.head(key)
    if (!head.ok) {
      outages.asked(key, head)
      return again(soonMs)
    }
    await compact(key, head.value, times, log)
    const version = versionOf(caches.Environment.get(key))
    if (version === undefined) return later(key, times)
    if (isRepairing(key)) return again(soonMs)
    const found = await graph.audit(key)
    outages.asked(key, found)
    if (!found.ok) {
      log.warn({ reason: found.failure.reason, message: found.failure.message }, 'the graph cannot be checked')
      return found.failure.retry ? again(soonMs) : ended(key, times)
    }
    // While it was read changes may have passed.
    if (versionOf(caches.Environment.get(key)) !== version) return later(key, times)
    const sum = graphs.sum(key)
    // What the head says of the content may be wrong by itself.
    if (found.value.version === version && found.value.sum === sum && head.value.sum === sum) return ended(key, times)
    if (await isLeftAlone(key, head.value)) return later(key, times)
    log.warn({ found: found.value, version }, 'the graph store is not what is committed')
    graphs.distrust(key)
    return ended(key, times)
  }

  /** A graph in this process, for those who read it before the first plan. */
  const load = async (key: string, environment: Of<'Environment'>): Promise<Outcome> => {
    if (graphs.isBuilt(key)) return done
    const version = versionOf(environment)
    if (version === undefined) return again(soonMs)
    const loaded = await graphs.viewAt(key, version, changeIdOf(environment.status?.applying ?? []))
    return loaded.ok ? done : again(soonMs)
  }

  return {
    heed,
    async check(key, log) {
      const environment = caches.Environment.get(key)
      if (!environment) {
        for (const known of [begun, tries]) known.delete(key)
        return done
      }
      if (heed(key)) return again(soonMs)
      return times ? compare(key, times, log) : load(key, environment)
    },
  }
}
