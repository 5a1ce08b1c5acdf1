import type { Event, Message } from '../api/envelope.ts'
import type { Json } from '../api/kinds.generated.ts'
import type { View } from '../core/event/views.ts'

export interface LedgerQuery {
  /** all that one change caused */
  correlationId?: string
  entityId?: string
  /** events about objects of this namespace */
  namespace?: string
  /** events that have this tag; together with `namespace`: of one Environment and its Components */
  environment?: string
  /** events of one of these types */
  eventTypes?: readonly string[]
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

/** The lasting record of what happened. Nothing is decided from it. */
export interface Ledger {
  /** Safe on disk when it resolves. Idempotent: an event whose `id` is known already adds nothing. */
  append(messages: readonly Message[]): Promise<void>
  query(query: LedgerQuery): Promise<Event[]>
  /** Every id counts once, however often it came. */
  stats(query: StatsQuery): Promise<Stats>
  close(): Promise<void>
}
