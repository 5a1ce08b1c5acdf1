import { type BackoffLimits, backoffMs } from './backoff.ts'
import { type Clock, sleep } from './clock.ts'
import { described, type Logger } from './log.ts'
import { identityOf, namespacedName, type ObjectIdentity } from './object.ts'
import { makeReflector, type Step } from './reflector.ts'
import type { Source } from './source.ts'
import { type Change, type Entry, type Indexes, makeStore } from './store.ts'

/** What an informer counts, for metrics. */
export interface InformerCounts {
  lists: number
  watches: number
  events: number
  badLines: number
  staleLists: number
  unparsed: number
}

export interface InformerDependencies<T> {
  readonly source: Source
  /** From what the API server sent to what is held; undefined: not to be held. It may change its argument. */
  readonly parse: (raw: unknown) => T | undefined
  /** Must not throw. Default: `namespace/name` */
  readonly key?: (identity: ObjectIdentity) => string
  readonly indexes?: Indexes<T>
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  /** A watch on which no byte arrives for so long is given up and begun again. Must exceed `watchSeconds`. */
  readonly idleTimeoutMs?: number
  /** The server is asked to end a watch after this time, which it does with a bookmark. */
  readonly watchSeconds?: number
  /** Everything is listed again so often, in case the server lost an event. 0: never. */
  readonly relistMs?: number
  readonly pageSize?: number
  readonly backoff?: BackoffLimits
}

export interface Informer<T> {
  /** Begins to list and watch; returns at once. */
  start(): void
  /** Ends it, at whatever point it is; resolves when nothing is under way any more. */
  stop(): Promise<void>
  /** True once the first list has been taken in; false if it was stopped before. Never rejects. */
  readonly synced: Promise<boolean>
  hasSynced(): boolean
  get(key: string): T | undefined
  list(): Iterable<T>
  size(): number
  byIndex(name: string, value: string): Iterable<T>
  /** Takes in an object as the answer to a write shows it; ignored when it is not news. */
  observe(raw: unknown): void
  /**
   * Called for each change, first for all that the first list shows. It should only put keys into queues: what it
   * throws is logged. Two objects of one name (deleted and created again) are two changes. Returns the way to leave.
   */
  onChange(handler: (change: Change<T>) => void): () => void
  /** Everything up to this resourceVersion has been seen; empty before the first list. */
  resourceVersion(): string
  /** Monotonic milliseconds of the last list, event, bookmark or orderly end of a watch; undefined before the first. */
  lastContact(): number | undefined
  readonly counts: Readonly<InformerCounts>
}

const second = 1000

/**
 * A local copy of one collection of the API server that keeps itself up to date. The objects it gives out are shared:
 * nobody may change them. Within one process it never goes back: a server that persists in an older state (restored
 * from a backup) is not believed, `lastContact` grows old, and a liveness probe on it makes the process begin anew.
 */
export const makeInformer = <T>(dependencies: InformerDependencies<T>): Informer<T> => {
  const { source, parse, clock, random } = dependencies
  const log = dependencies.log.child({ source: source.name })
  const store = makeStore<T>(guardedIndexes(dependencies.indexes ?? {}, log))
  const key = dependencies.key ?? namespacedName
  const handlers = new Set<(change: Change<T>) => void>()
  const counts: InformerCounts = { lists: 0, watches: 0, events: 0, badLines: 0, staleLists: 0, unparsed: 0 }
  const stopping = new AbortController()
  const synced = Promise.withResolvers<boolean>()
  let isSynced = false
  let running: Promise<void> | undefined

  /** A fault of `parse` costs this object, not the informer. */
  const parsed = (raw: unknown, identity: ObjectIdentity): T | undefined => {
    try {
      const object = parse(raw)
      if (object !== undefined) return object
      log.warn({ object: namespacedName(identity) }, 'object was not understood and is left out')
    } catch (error) {
      log.error({ object: namespacedName(identity), error: described(error) }, 'parsing an object failed')
    }
    counts.unparsed++
    return undefined
  }
  const entryOf = (raw: unknown, identity: ObjectIdentity): Entry<T> | undefined => {
    // Read before parse, which may change what it is given.
    const { uid, resourceVersion } = identity
    const name = key(identity)
    // What is listed again in the course of time, or comes by the watch after the answer to a write, is there already.
    const held = store.entry(name)
    if (held?.uid === uid && held.resourceVersion === resourceVersion) return held
    const object = parsed(raw, identity)
    return object === undefined ? undefined : { key: name, uid, resourceVersion, object }
  }
  const tell = (changes: readonly Change<T>[]): void => {
    for (const change of changes) {
      for (const handler of handlers) {
        try {
          handler(change)
        } catch (error) {
          log.error({ key: change.key, error: described(error) }, 'a change handler threw')
        }
      }
    }
  }

  const reflector = makeReflector({
    source,
    clock,
    random,
    log,
    counts,
    pageSize: dependencies.pageSize ?? 500,
    watchSeconds: dependencies.watchSeconds ?? 40,
    idleTimeoutMs: dependencies.idleTimeoutMs ?? 50 * second,
    relistMs: dependencies.relistMs ?? 1800 * second,
    into: {
      entries: (items) => entriesOf(items, entryOf),
      replace: (entries, version) => {
        const changes = store.replace(entries, version)
        if (!changes) return false
        isSynced = true
        tell(changes)
        synced.resolve(true)
        return true
      },
      put: (raw, identity) => {
        const entry = entryOf(raw, identity)
        // What cannot be understood must not stay as it was before either.
        const { uid, resourceVersion } = identity
        tell(entry ? store.put(entry) : store.remove({ key: key(identity), uid, resourceVersion }))
      },
      remove: (identity) => {
        const { uid, resourceVersion } = identity
        tell(store.remove({ key: key(identity), uid, resourceVersion }))
      },
      advance: store.advance,
      reached: store.reached,
    },
  })

  const run = async (): Promise<void> => {
    const limits = dependencies.backoff ?? { minMs: 100, maxMs: 10 * second }
    let attempt = 0
    while (!stopping.signal.aborted) {
      const step = await reflector.step(stopping.signal).catch((error): Step => {
        log.error({ error: described(error) }, 'listing and watching failed unexpectedly')
        return { kind: 'wait', ms: 0 }
      })
      if (step.kind === 'healthy') attempt = 0
      if (step.kind !== 'wait') continue
      await sleep(clock, Math.max(step.ms, backoffMs(attempt++, limits, random)), stopping.signal)
    }
    synced.resolve(isSynced)
  }

  return {
    start: () => {
      running ??= run()
    },
    stop: async () => {
      stopping.abort()
      synced.resolve(isSynced)
      await running
    },
    synced: synced.promise,
    hasSynced: () => isSynced,
    get: store.get,
    list: store.list,
    size: store.size,
    byIndex: store.byIndex,
    observe: (raw) => {
      const identity = identityOf(raw)
      const entry = identity && entryOf(raw, identity)
      if (entry) tell(store.observe(entry))
    },
    onChange: (handler) => {
      handlers.add(handler)
      return () => handlers.delete(handler)
    },
    resourceVersion: store.reached,
    lastContact: reflector.lastContact,
    counts,
  }
}

/** An index that fails must not leave an object half filed. */
const guardedIndexes = <T>(indexes: Indexes<T>, log: Logger): Indexes<T> => {
  const guarded: Record<string, (object: T) => readonly string[]> = {}
  for (const [name, valuesOf] of Object.entries(indexes)) {
    guarded[name] = (object) => {
      try {
        return valuesOf(object)
      } catch (error) {
        log.error({ index: name, error: described(error) }, 'an index failed, the object is not found by it')
        return []
      }
    }
  }
  return guarded
}

const entriesOf = <T>(
  items: readonly unknown[],
  entryOf: (raw: unknown, identity: ObjectIdentity) => Entry<T> | undefined,
): Entry<T>[] => {
  const entries: Entry<T>[] = []
  for (const raw of items) {
    const identity = identityOf(raw)
    const entry = identity && entryOf(raw, identity)
    if (entry) entries.push(entry)
  }
  return entries
}
