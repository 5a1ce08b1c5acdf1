import type { Event, Message } from '../../api/envelope.ts'
import type { JsonObject } from '../../api/kinds.generated.ts'
import { isoTime } from './dead-letters.ts'

/** A row of `karma.events`. */
export interface Row {
  readonly id: string
  readonly ts: string
  readonly event_type: string
  readonly entity_id: string
  readonly correlation_id: string
  readonly causation_id: string
  readonly seq?: number
  readonly tags: Readonly<Record<string, string>>
  readonly attrs: string
  readonly raw?: string
}

export const columns: [string, ...string[]] = [
  'id',
  'ts',
  'event_type',
  'entity_id',
  'correlation_id',
  'causation_id',
  'seq',
  'tags',
  'attrs',
  'raw',
]

/** In the order of `columns`: without their names a row is half the work, here and in the engine. */
export const rowOf = ({ event, raw }: Message): readonly unknown[] => [
  event.id,
  event.ts,
  event.event_type,
  event.entity_id,
  event.correlation_id,
  event.causation_id ?? '',
  seqOf(event.attrs.seq),
  event.tags,
  JSON.stringify(event.attrs),
  raw,
]

/** Position within the entity, for order; foreign events have none. */
const seqOf = (value: unknown): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0

export const eventOfRow = (row: Row): Event => ({
  id: row.id,
  ts: isoTime(row.ts),
  event_type: row.event_type,
  entity_id: row.entity_id,
  correlation_id: row.correlation_id,
  ...(row.causation_id !== '' && { causation_id: row.causation_id }),
  tags: row.tags,
  attrs: JSON.parse(row.attrs) as JsonObject,
})
