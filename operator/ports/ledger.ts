import type { Event, Message } from '../api/envelope.ts'

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

/** The lasting record of what happened. Nothing is decided from it. */
export interface Ledger {
  /** Safe on disk when it resolves. Idempotent: an event whose `id` is known already adds nothing. */
  append(messages: readonly Message[]): Promise<void>
  query(query: LedgerQuery): Promise<Event[]>
  close(): Promise<void>
}
