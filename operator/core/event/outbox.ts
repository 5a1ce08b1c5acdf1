import type { HistoryEntry, Json, JsonObject } from '../../api/kinds.generated.ts'
import { bytesInJson, cut } from '../../api/text.ts'
import type { EventType } from './types.ts'

/** How many transitions an object remembers at most. */
export const ringSize = 32

/**
 * Bounds of a history, in bytes of JSON as it is stored. `ring` and `entry` (a comma included) keep a status small
 * whatever happens; the CRDs have the other numbers, in characters, which are never more.
 */
export const bounds = { reason: 63, message: 512, attrs: 2048, entry: 2048, ring: 20_480 } as const

/** The part of a status that the outbox lives in. `seq` is the last number given out. */
export interface Ring {
  readonly seq?: number
  readonly history?: readonly HistoryEntry[]
}

/** What happened, before it is numbered and dated. */
export interface Transition {
  readonly type: EventType
  readonly reason?: string
  readonly message?: string
  /** Goes into the event as it is. Where the entry grows too large it is cut: lists and texts first, named in `omitted`. */
  readonly attrs?: JsonObject
}

/**
 * The ring after these transitions: the last 32 entries, or as many as fit. It goes into the same status write as the
 * state that they tell of.
 * `now` is wall time in epoch milliseconds; an entry is never dated before the one in front of it, so that order by
 * time and order by number agree even when an operator with a slower clock took over.
 */
export const append = (
  status: Ring | undefined,
  transitions: readonly Transition[],
  now: number,
): { seq: number; history: HistoryEntry[] } => {
  const before = status?.history ?? []
  const last = before.at(-1)
  const first = (status?.seq ?? last?.seq ?? 0) + 1
  const at = new Date(Math.max(now, timeOf(last))).toISOString()
  const history = lastOf([...before, ...transitions.map((t, i) => entryOf(t, first + i, at))])
  return { seq: first + transitions.length - 1, history }
}

const lastOf = (entries: readonly HistoryEntry[]): HistoryEntry[] => {
  let bytes = 0
  let from = entries.length
  while (from > 0 && entries.length - from < ringSize) {
    bytes += bytesOf(entries[from - 1]!)
    if (bytes > bounds.ring) break
    from--
  }
  return entries.slice(from)
}

/** With the comma after it. */
const bytesOf = (entry: HistoryEntry): number => Buffer.byteLength(JSON.stringify(entry)) + 1

/** Entries numbered above `published`, in order. */
export const unpublished = (status: Ring | undefined, published: number): HistoryEntry[] =>
  (status?.history ?? []).filter((entry) => entry.seq > published)

/** How many entries, of whatever size, may be appended without pushing one out that is not published yet. */
export const roomIn = (status: Ring | undefined, published: number): number => {
  const kept = unpublished(status, published)
  const bytes = kept.reduce((sum, entry) => sum + bytesOf(entry), 0)
  return Math.max(0, Math.min(ringSize - kept.length, Math.floor((bounds.ring - bytes) / bounds.entry)))
}

const timeOf = (entry: HistoryEntry | undefined): number => {
  const time = Date.parse(entry?.at ?? '')
  return Number.isNaN(time) ? 0 : time
}

const entryOf = (t: Transition, seq: number, at: string): HistoryEntry => {
  const entry: HistoryEntry = { seq, at, type: t.type }
  if (t.reason !== undefined) entry.reason = cut(t.reason, bounds.reason)
  if (t.message !== undefined) entry.message = cut(t.message, bounds.message)
  if (t.attrs !== undefined) {
    const left = bounds.entry - bytesOf({ ...entry, attrs: '' })
    entry.attrs = boundedAttrs(t.attrs, Math.min(left, bounds.attrs))
  }
  return entry
}

/** JSON text of at most so many bytes, when it is stored as a text itself. */
const boundedAttrs = (attrs: JsonObject, most: number): string => {
  const text = JSON.stringify(attrs)
  if (bytesInJson(text) <= most) return text
  const members = new Map(Object.entries(attrs))
  const omitted = new Set<string>()
  while (members.size > 0 && members.size <= shrinkable) {
    const name = largest(members)
    shrink(members, name)
    omitted.add(cut(name, 64))
    const shrunk = JSON.stringify({ ...Object.fromEntries(members), omitted: [...omitted] })
    if (bytesInJson(shrunk) <= most) return shrunk
  }
  return JSON.stringify({ omitted: ['*'] })
}

/** Attrs of more members than this are not worth the time that shrinking them takes. */
const shrinkable = 64

const largest = (members: ReadonlyMap<string, Json>): string => {
  let found = ''
  let most = -1
  for (const [name, value] of members) {
    const size = name.length + JSON.stringify(value).length
    if (size > most) [found, most] = [name, size]
  }
  return found
}

/** Half of a list or of a text says more than nothing; anything else goes. */
const shrink = (members: Map<string, Json>, name: string): void => {
  const value = members.get(name)
  if (Array.isArray(value) && value.length > 1) members.set(name, value.slice(0, value.length >> 1))
  else if (typeof value === 'string' && value.length > 64) members.set(name, cut(value, value.length >> 1))
  else members.delete(name)
}
