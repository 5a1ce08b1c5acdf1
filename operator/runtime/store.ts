import { compareVersions, newest } from './resource-version.ts'

/** What a store holds of one object. */
export interface Entry<T> {
  readonly key: string
  readonly uid: string
  readonly resourceVersion: string
  readonly object: T
}

/** `before` alone: it is gone. `after` alone: it is new. Both: the same object (one uid), changed. */
export interface Change<T> {
  readonly key: string
  readonly before?: T
  readonly after?: T
}

/** The values under which an index finds an object. */
export type Indexes<T> = Readonly<Record<string, (object: T) => readonly string[]>>

export interface Store<T> {
  get(key: string): T | undefined
  entry(key: string): Entry<T> | undefined
  list(): Iterable<T>
  size(): number
  byIndex(name: string, value: string): Iterable<T>
  /** An object as a watch event shows it. */
  put(entry: Entry<T>): Change<T>[]
  /** The end of an object as a watch event shows it. */
  remove(gone: Omit<Entry<T>, 'object'>): Change<T>[]
  /** All objects as of `version`; undefined when that is older than what the store has reached, and nothing is done. */
  replace(entries: ReadonlyMap<string, Entry<T>>, version: string): Change<T>[] | undefined
  /** An object as a write's answer shows it, perhaps before the watch does. */
  observe(entry: Entry<T>): Change<T>[]
  /** Everything up to this version has been seen. */
  advance(version: string): void
  reached(): string
}

/** How many ends of objects are remembered, so that an event that comes twice does not bring one back. */
const rememberedEnds = 4096

/**
 * The newest known state of each object of one collection. Three rules, whatever order news comes in:
 * an object never goes back to an older version; what has ended stays ended; two objects of one name are two objects.
 */
export const makeStore = <T>(indexes: Indexes<T>): Store<T> => {
  const entries = new Map<string, Entry<T>>()
  const index = makeIndex(indexes)
  /** uid -> the version at which it ended (or left the selection) */
  const ends = new Map<string, string>()
  let reached = ''
  let listed = ''

  const set = (entry: Entry<T>): void => {
    const held = entries.get(entry.key)
    if (held) index.remove(held)
    entries.set(entry.key, entry)
    index.add(entry)
  }
  const unset = (held: Entry<T>, version: string): Change<T> => {
    entries.delete(held.key)
    end(held.uid, version)
    index.remove(held)
    return { key: held.key, before: held.object }
  }
  const end = (uid: string, version: string): void => {
    ends.delete(uid)
    ends.set(uid, version)
    if (ends.size > rememberedEnds) ends.delete(ends.keys().next().value!)
  }
  const hasEnded = ({ uid, resourceVersion }: Entry<T>): boolean => {
    const version = ends.get(uid)
    return version !== undefined && compareVersions(resourceVersion, version) <= 0
  }
  const take = (entry: Entry<T>): Change<T>[] => {
    const { key, object } = entry
    const held = entries.get(key)
    if (held && compareVersions(entry.resourceVersion, held.resourceVersion) <= 0) return []
    set(entry)
    if (!held) return [{ key, after: object }]
    if (held.uid === entry.uid) return [{ key, before: held.object, after: object }]
    return [
      { key, before: held.object },
      { key, after: object },
    ]
  }

  return {
    get: (key) => entries.get(key)?.object,
    entry: (key) => entries.get(key),
    list: () => objectsOf(entries.values()),
    size: () => entries.size,
    byIndex: (name, value) => objectsOf(index.find(name, value)),
    put: (entry) => {
      // The last list would have shown it: the event is an old one that comes again.
      const known = entries.has(entry.key) || compareVersions(entry.resourceVersion, listed) > 0
      const changes = known && !hasEnded(entry) ? take(entry) : []
      reached = newest(reached, entry.resourceVersion)
      return changes
    },
    remove: ({ key, uid, resourceVersion }) => {
      reached = newest(reached, resourceVersion)
      const held = entries.get(key)
      const older = held !== undefined && compareVersions(resourceVersion, held.resourceVersion) < 0
      if (held?.uid !== uid || !older) end(uid, resourceVersion)
      // The end of an earlier object of this name does not touch the one that is held.
      return held && !older ? [unset(held, resourceVersion)] : []
    },
    replace: (next, version) => {
      if (compareVersions(version, reached) < 0) return undefined
      const changes: Change<T>[] = []
      for (const held of [...entries.values()]) {
        // Newer than the list: a write's answer told of it, and the watch will.
        if (next.has(held.key) || compareVersions(held.resourceVersion, version) > 0) continue
        changes.push(unset(held, version))
      }
      for (const entry of next.values()) changes.push(...take(entry))
      reached = version
      listed = version
      return changes
    },
    observe: (entry) => {
      // Up to `reached` the watch has shown everything, so what it does not show (any more) is gone.
      const missed = !entries.has(entry.key) && compareVersions(entry.resourceVersion, reached) <= 0
      return missed || hasEnded(entry) ? [] : take(entry)
    },
    advance: (version) => {
      reached = newest(reached, version)
    },
    reached: () => reached,
  }
}

const objectsOf = function* <T>(entries: Iterable<Entry<T>>): Generator<T, void, undefined> {
  for (const entry of entries) yield entry.object
}

const makeIndex = <T>(indexes: Indexes<T>) => {
  const found = new Map<string, Map<string, Set<Entry<T>>>>()
  for (const name of Object.keys(indexes)) found.set(name, new Map())

  return {
    add: (entry: Entry<T>): void => {
      for (const [name, values] of found) {
        for (const value of indexes[name]!(entry.object)) {
          const there = values.get(value)
          if (there) there.add(entry)
          else values.set(value, new Set([entry]))
        }
      }
    },
    remove: (entry: Entry<T>): void => {
      for (const [name, values] of found) {
        for (const value of indexes[name]!(entry.object)) {
          const there = values.get(value)
          there?.delete(entry)
          if (there?.size === 0) values.delete(value)
        }
      }
    },
    find: (name: string, value: string): Iterable<Entry<T>> => {
      const values = found.get(name)
      if (!values) throw new Error(`there is no index "${name}"`)
      return values.get(value) ?? []
    },
  }
}
