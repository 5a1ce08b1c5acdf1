import type { IHeaders, KafkaMessage, Message as KafkaRecord } from 'kafkajs'
import type { DeadLetter } from '../../api/dead-letter.ts'
import type { Event, Message, Topic } from '../../api/envelope.ts'

/** An event as a record: the key keeps what is told of one entity in one partition, and so in order. */
export const recordOf = ({ event, raw }: Message): KafkaRecord => ({
  key: event.entity_id,
  value: raw,
  headers: cloudEventHeaders(event),
})

/**
 * CloudEvents 1.0, binary content mode of the Kafka protocol binding; the envelope is the data.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
 */
const cloudEventHeaders = (event: Event): IHeaders => ({
  ce_specversion: '1.0',
  ce_id: event.id,
  ce_type: event.event_type,
  ce_source: `/usekarma.dev/${event.tags.namespace ?? event.entity_id.split('/')[0]}`,
  ce_subject: event.entity_id,
  ce_time: event.ts,
  ce_correlationid: event.correlation_id,
  ...(event.causation_id !== undefined && { ce_causationid: event.causation_id }),
  'content-type': 'application/json',
})

/** What was put aside, as a record: its bytes are those that came, and why stands in the headers. */
export const deadRecordOf = (letter: DeadLetter): KafkaRecord => ({
  key: letter.key === undefined ? null : Buffer.from(letter.key),
  value: Buffer.from(letter.raw),
  headers: {
    karma_reason: letter.reason,
    karma_message: letter.message,
    karma_topic: letter.topic,
    karma_at: letter.at,
    ...(letter.partition !== undefined && { karma_partition: String(letter.partition) }),
    ...(letter.offset !== undefined && { karma_offset: letter.offset }),
    ...(letter.omitted !== undefined && { karma_omitted: String(letter.omitted) }),
  },
})

/** Reads one back. `raw` is empty where the record has no value. */
export const deadLetterOf = (topic: Topic, { headers = {}, key, value, timestamp }: KafkaMessage): DeadLetter => {
  const text = (name: string): string | undefined => headers[name]?.toString()
  const partition = Number(text('karma_partition') ?? Number.NaN)
  const omitted = Number(text('karma_omitted') ?? Number.NaN)
  const offset = text('karma_offset')
  const raw = value ?? Buffer.alloc(0)
  const at = text('karma_at') ?? timeOf(timestamp)
  return {
    at,
    topic,
    ...(Number.isSafeInteger(partition) && { partition }),
    ...(offset !== undefined && { offset }),
    ...(key && { key: key.toString() }),
    reason: text('karma_reason') ?? 'Unknown',
    message: text('karma_message') ?? 'put aside by somebody who did not say why',
    raw,
    ...(Number.isSafeInteger(omitted) && { omitted }),
  }
}

/** `timestamp` of a record, in epoch milliseconds as text. */
export const timeOf = (timestamp: string): string => {
  const time = Number(timestamp)
  return new Date(time >= 0 && time < farthest ? time : 0).toISOString()
}

/** What the ledger's time column can hold without clamping. */
const farthest = Date.UTC(2200, 0)
