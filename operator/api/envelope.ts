import type { JsonObject } from './kinds.generated.ts'

/**
 * One line of the ledger, and one message on the bus (key: `entity_id`).
 * `ts` is ISO 8601 in UTC with milliseconds. `id` is a function of what happened, so that a resend is the same event.
 */
export interface Event {
  readonly id: string
  readonly ts: string
  readonly event_type: string
  /** `namespace/type/nickname` for a Component, `namespace/kind/name` (kind in lower case) for the rest */
  readonly entity_id: string
  /** shared by all that one change causes: the uid of its ChangeRequest */
  readonly correlation_id: string
  readonly causation_id?: string
  readonly tags: Readonly<Record<string, string>>
  readonly attrs: JsonObject
}

/** An event as the bus carries it. */
export interface Message {
  readonly event: Event
  /** its JSON text, as it was published by whomever */
  readonly raw: string
}

export const messageOf = (event: Event): Message => ({ event, raw: JSON.stringify(event) })

export const topics = ['events.normalized', 'actions.requested', 'actions.progress', 'actions.results'] as const
export type Topic = (typeof topics)[number]
