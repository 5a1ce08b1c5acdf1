import type { DeadLetter } from '../api/dead-letter.ts'
import type { Event, Message, Topic } from '../api/envelope.ts'
import type { Json } from '../api/kinds.generated.ts'
import type { View } from '../core/event/views.ts'

/** Which events are meant: those of which all of this holds. */
export interface EventFilter {
  /** all that one change caused */
  correlationId?: string
  entityId?: string
  /** events about objects of this namespace */
  namespace?: string
  /** events that have this tag; together with `namespace`: of one Environment and its Components */
  environment?: string
  /** events of one of these types */
  eventTypes?: readonly string[]
  /** events that have each of these tags */
  tags?: Readonly<Record<string, string>>
  /** epoch milliseconds: what happened then or later */
  from?: number
  /** epoch milliseconds: what happened before */
  to?: number
}

export interface LedgerQuery extends EventFilter {
  /** newest first when no correlationId is given, else in order of happening */
  limit: number
}

export interface StatsQuery {
  view: View
  namespace?: string
  environment?: string
  /** epoch milliseconds: only what began since then; a change begins when it is asked for. Absent: everything */
  since?: number
  limit: number
}

/** A table. Columns that end in `_ms` are milliseconds, in `at` times as in an event. */
export interface Stats {
  readonly columns: readonly string[]
  readonly rows: readonly Readonly<Record<string, Json>>[]
}

/** An event among those that are told in order of happening: a later reading goes on behind it. */
export interface Happened {
  readonly ts: string
  readonly entityId: string
  readonly seq: number
  readonly id: string
}

/** An event among those that are told as the ledger got them; what it got together is told in order of happening. */
export interface Arrived extends Happened {
  /** epoch milliseconds */
  readonly at: number
}

/** `last`: where the next page begins; absent: there is nothing more now. */
export interface Page<Item, Place> {
  readonly items: readonly Item[]
  readonly last?: Place
}

/** What the ledger has of a dead letter, but for its bytes. */
export interface KeptLetter extends Omit<DeadLetter, 'raw'> {
  /** a function of topic, partition, offset and bytes */
  readonly id: string
  /** bytes that are kept */
  readonly size: number
  /** when it was last published as the event that it is by now */
  readonly replayedAt?: string
}

export interface DeadLetterQuery {
  topic?: Topic
  reason?: string
  /** epoch milliseconds: put aside then or later */
  since?: number
  /** its id begins so */
  id?: string
  /** only those that were never published since; told oldest first, behind this one */
  waiting?: { readonly after?: { readonly at: string; readonly id: string } }
  /** newest first, but for those that wait */
  limit: number
}

/** The lasting record of what happened. Nothing is decided from it. */
export interface Ledger {
  /** Safe on disk when it resolves. Idempotent: an event whose `id` is known already adds nothing. */
  append(messages: readonly Message[]): Promise<void>
  query(query: LedgerQuery): Promise<Event[]>
  /** Every id counts once, however often it came. */
  stats(query: StatsQuery): Promise<Stats>
  /** In order of happening, so that what an entity went through can be told again. A page is no more than some 16 MiB. */
  happened(filter: EventFilter, page: { after?: Happened; limit: number }): Promise<Page<Message, Happened>>
  /**
   * As they came; without `after` the latest of them. Of two that come at the same time, the one that began to come first
   * may be seen last, by half a minute: who follows looks back.
   */
  arrived(filter: EventFilter, page: { after?: Arrived; limit: number }): Promise<Page<Event, Arrived>>
  /** Events, each once. */
  count(filter: EventFilter): Promise<number>
  /** Safe on disk when it resolves. What is kept already stays as it is. */
  keep(letters: readonly DeadLetter[]): Promise<void>
  deadLetters(query: DeadLetterQuery): Promise<KeptLetter[]>
  /** The bytes of one; undefined: there is none of this id. */
  bytesOf(id: string): Promise<Uint8Array | undefined>
  /** Notes that these were published as events, at that time (ISO 8601). */
  markReplayed(ids: readonly string[], at: string): Promise<void>
  close(): Promise<void>
}
