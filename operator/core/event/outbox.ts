import type { HistoryEntry, Json, JsonObject } from '../../api/kinds.generated.ts'
import type { EventType } from './types.ts'

/** How many transitions an object remembers. */
export const ringSize = 32

/** Bounds of a history entry, in UTF-16 units. The CRDs have the same numbers, in code points, which are never more. */
export const bounds = { reason: 63, message: 512, attrs: 2048 } as const

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
  /** Goes into the event as it is. Over 2048 characters it is cut: lists and texts first, and `omitted` names them. */
  readonly attrs?: JsonObject
}

/**
 * The ring after these transitions; it goes into the same status write as the state that they tell of.
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
  const history = [...before, ...transitions.map((t, i) => entryOf(t, first + i, at))].slice(-ringSize)
  return { seq: first + transitions.length - 1, history }
}

/** Entries numbered above `published`, in order. */
export const unpublished = (status: Ring | undefined, published: number): HistoryEntry[] =>
  (status?.history ?? []).filter((entry) => entry.seq > published)

/** How many entries may be appended without pushing one out of the ring that is not published yet. */
export const roomIn = (status: Ring | undefined, published: number): number =>
  ringSize - unpublished(status, published).length

const timeOf = (entry: HistoryEntry | undefined): number => {
  const time = Date.parse(entry?.at ?? '')
  return Number.isNaN(time) ? 0 : time
}

const entryOf = (t: Transition, seq: number, at: string): HistoryEntry => {
  const entry: HistoryEntry = { seq, at, type: t.type }
  if (t.reason !== undefined) entry.reason = cut(t.reason, bounds.reason)
  if (t.message !== undefined) entry.message = cut(t.message, bounds.message)
  if (t.attrs !== undefined) entry.attrs = boundedAttrs(t.attrs)
  return entry
}

/** Well-formed, because half a surrogate pair survives neither the API server nor the ledger, and the id covers it. */
const cut = (text: string, length: number): string =>
  text.length <= length ? text.toWellFormed() : `${text.slice(0, length - 1).toWellFormed()}…`

const boundedAttrs = (attrs: JsonObject): string => {
  const text = JSON.stringify(attrs)
  if (text.length <= bounds.attrs) return text
  const members = new Map(Object.entries(attrs))
  const omitted = new Set<string>()
  while (members.size > 0 && members.size <= shrinkable) {
    const name = largest(members)
    shrink(members, name)
    omitted.add(cut(name, 64))
    const shrunk = JSON.stringify({ ...Object.fromEntries(members), omitted: [...omitted] })
    if (shrunk.length <= bounds.attrs) return shrunk
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
