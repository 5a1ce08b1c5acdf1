import fc from 'fast-check'
import type { Event } from '../../operator/api/envelope.ts'
import type { JsonObject } from '../../operator/api/kinds.generated.ts'

/** An event as anybody may publish it; what a test is about is said by name. */
export const anEvent = (different: Partial<Event> = {}): Event => ({
  id: 'e-1',
  ts: '2026-01-31T12:00:00.005Z',
  event_type: 'disk.filled',
  entity_id: 'dev/disk/main',
  correlation_id: 'c-1',
  tags: { region: 'eu' },
  attrs: { percent: 97 },
  ...different,
})

/** Bytes of the JSON of anything. */
export const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
const key = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((text) => text !== '__proto__'),
  fc.constantFrom('constructor', 'prototype', 'toString', '1', 'a.b', '\u0000'),
)
/** JSON has one zero only, and no number beyond what a double holds exactly passes. */
const number = fc.oneof(
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, min: -1e15, max: 1e15 }).map((n) => n + 0),
)
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: true }),
}))

/** `constructor.prototype` is refused. */
const withoutPrototype = (key: string, value: unknown): unknown => {
  if (key === 'constructor' && typeof value === 'object' && value !== null) Reflect.deleteProperty(value, 'prototype')
  return value
}

/** Any event that may be published, as JSON carries it. */
export const anyEvent: fc.Arbitrary<Event> = fc
  .record(
    {
      id: name,
      ts: fc
        .date({ min: new Date(0), max: new Date(Date.UTC(2200, 0) - 1), noInvalidDate: true })
        .map((date) => date.toISOString()),
      event_type: name,
      entity_id: name,
      correlation_id: name,
      causation_id: name,
      tags: fc.dictionary(key, fc.string({ unit: 'grapheme', maxLength: 30 }), { noNullPrototype: true }),
      attrs: json.object as fc.Arbitrary<JsonObject>,
    },
    { requiredKeys: ['id', 'ts', 'event_type', 'entity_id', 'correlation_id', 'tags', 'attrs'] },
  )
  .map((event) => JSON.parse(JSON.stringify(event), withoutPrototype) as Event)
