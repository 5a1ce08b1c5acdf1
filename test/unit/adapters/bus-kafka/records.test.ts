import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { KafkaMessage } from 'kafkajs'
import { deadLetterOf, deadRecordOf, recordOf, timeOf } from '../../../../operator/adapters/bus-kafka/records.ts'
import type { DeadLetter } from '../../../../operator/api/dead-letter.ts'
import { messageOf } from '../../../../operator/api/envelope.ts'
import { parseMessage } from '../../../../operator/api/parse-event.ts'
import { deadHeaders, headers } from '../../../check/events-page.ts'
import { busEvent } from '../../../contract/bus.ts'

const asRead = ({ key, value, headers: sent = {} }: ReturnType<typeof deadRecordOf>): KafkaMessage =>
  ({
    key: key === null || key === undefined ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: Object.fromEntries(Object.entries(sent).map(([name, text]) => [name, Buffer.from(text as string)])),
    timestamp: '1769817600000',
  }) as unknown as KafkaMessage

describe('records of Kafka', () => {
  it('an event has the headers that docs/events.md promises', () => {
    for (const event of [busEvent('a', 1), { ...busEvent('a', 2), causation_id: 'c-1' }]) {
      const record = recordOf(messageOf(event))
      const promised = Object.entries(headers).flatMap(([name, { of }]) => {
        return name === 'ce_causationid' && event.causation_id === undefined ? [] : [[name, of(event)]]
      })
      assert.deepEqual(record.headers, Object.fromEntries(promised))
      assert.equal(record.key, event.entity_id)
      const read = parseMessage(Buffer.from(record.value as string))
      assert.deepEqual(read.ok && read.value, { event, raw: record.value })
    }
  })

  it('a dead letter has the headers that docs/events.md promises, and comes back as it was', () => {
    const hits = { all: 0, partition: 0, key: 0, omitted: 0 }
    const names = new Set<string>()
    const letters: fc.Arbitrary<DeadLetter> = fc
      .record(
        {
          at: fc.constant('2026-01-31T00:00:00.000Z'),
          topic: fc.constant('events.normalized' as const),
          reason: fc.constantFrom('NotJson', 'TooLarge'),
          message: fc.string({ unit: 'grapheme' }),
          raw: fc.uint8Array({ maxLength: 50 }),
          partition: fc.nat(),
          offset: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String),
          key: fc.string({ unit: 'grapheme' }),
          omitted: fc.nat(),
        },
        { requiredKeys: ['at', 'topic', 'reason', 'message', 'raw'] },
      )
      .map((letter) => ({ ...letter }) as DeadLetter)
    fc.assert(
      fc.property(letters, (letter) => {
        hits.all++
        for (const name of ['partition', 'key', 'omitted'] as const) if (letter[name] !== undefined) hits[name]++
        const record = deadRecordOf(letter)
        for (const name of Object.keys(record.headers ?? {})) names.add(name)
        const back = deadLetterOf(letter.topic, asRead(record))
        assert.deepEqual({ ...back, raw: new Uint8Array(back.raw) }, letter)
      }),
      { seed: 7 },
    )
    assert.deepEqual([...names].toSorted(), Object.keys(deadHeaders).toSorted())
    for (const [what, count] of Object.entries(hits)) assert.ok(count >= 20, `${what}: ${count} with seed 7`)
  })

  it('what somebody else wrote on a topic of dead letters is read too', () => {
    const letter = deadLetterOf('actions.results', { key: null, value: null, timestamp: 'soon' } as KafkaMessage)
    assert.deepEqual(
      { ...letter, raw: letter.raw.length },
      {
        at: '1970-01-01T00:00:00.000Z',
        topic: 'actions.results',
        reason: 'Unknown',
        message: 'put aside by somebody who did not say why',
        raw: 0,
      },
    )
  })

  it('a time that cannot be is the beginning of time', () => {
    assert.deepEqual(['1769817600000', '-1', '9223372036854775807', 'x'].map(timeOf), [
      '2026-01-31T00:00:00.000Z',
      ...Array.from({ length: 3 }, () => '1970-01-01T00:00:00.000Z'),
    ])
  })
})
