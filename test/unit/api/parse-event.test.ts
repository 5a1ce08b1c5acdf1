import assert from 'node:assert/strict'
import fc from 'fast-check'
import { messageOf } from '../../../operator/api/envelope.ts'
import { eventBounds, parseMessage, type Refusal, refusals } from '../../../operator/api/parse-event.ts'
import { reasons } from '../../../operator/api/reasons.ts'
import { anEvent, anyEvent, bytesOf } from '../../support/events.ts'
import { mutate } from './mutation.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const long = (characters: number): string => 'x'.repeat(characters)
const nested = (levels: number): string => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`
const withAttrs = (json: string): Uint8Array => utf8(JSON.stringify(anEvent()).replace('{"percent":97}', json))
const withTags = (count: number): Uint8Array =>
  bytesOf(anEvent({ tags: Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, 'x'])) }))
const without = (member: string): Uint8Array => bytesOf({ ...anEvent(), [member]: undefined })

const parsed = (raw: Uint8Array) => {
  const result = parseMessage(raw)
  assert.ok(result.ok, result.ok ? '' : result.failure.message)
  return result.value
}

describe('message from a bus: what is an event', () => {
  it('is kept as it came, beside what was read of it', () => {
    const raw = ` ${JSON.stringify({ ...anEvent({ causation_id: 'e-0' }), __op: 'u' })}\n`
    assert.deepEqual(parsed(utf8(raw)), { event: anEvent({ causation_id: 'e-0' }), raw })
  })

  const times: [written: string, read: string][] = [
    ['2026-01-31T12:00:00.005Z', '2026-01-31T12:00:00.005Z'],
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31T12:00:00.123456789+02:00', '2026-01-31T10:00:00.123Z'],
    ['2026-01-31T12:00:00.5-00:30', '2026-01-31T12:30:00.500Z'],
    ['2028-02-29T00:00:00.000Z', '2028-02-29T00:00:00.000Z'],
    ['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'],
    ['2199-12-31T23:59:59.999Z', '2199-12-31T23:59:59.999Z'],
  ]
  for (const [written, read] of times) {
    it(`of ${written}: it happened at ${read}`, () => {
      assert.equal(parsed(bytesOf(anEvent({ ts: written }))).event.ts, read)
    })
  }

  const taken: [what: string, raw: Uint8Array][] = [
    ['names of 512 characters', bytesOf(anEvent({ id: long(512), entity_id: '\u{1f600}'.repeat(512) }))],
    ['256 tags', withTags(eventBounds.tags)],
    ['a tag that is empty', bytesOf(anEvent({ tags: { [long(512)]: '', constructor: long(2048) } }))],
    ['72 levels of attrs', withAttrs(nested(eventBounds.depth))],
    ['the largest whole numbers', withAttrs('{"n":[9007199254740991,-9007199254740991]}')],
    ['a reference that is called constructor', withAttrs('{"constructor":{"component":"a/b"},"prototype":1}')],
    ['a whole surrogate pair, escaped', withAttrs('{"face":"\\ud83d\\ude00"}')],
    ['U+FFFD', bytesOf(anEvent({ id: '\ufffd' }))],
    ['1 MiB', bytesOf(anEvent({ attrs: { text: long(eventBounds.bytes - bytesOf(anEvent()).length + 2) } }))],
  ]
  for (const [what, raw] of taken) it(`${what}: passes`, () => void parsed(raw))

  it('a view into a larger buffer is read from where it begins to where it ends', () => {
    const raw = bytesOf(anEvent())
    const larger = new Uint8Array(raw.length + 20).fill(0x7b)
    larger.set(raw, 10)
    assert.deepEqual(parsed(larger.subarray(10, 10 + raw.length)).event, anEvent())
  })
})

describe('message from a bus: what is none', () => {
  const cases: [what: string, raw: Uint8Array, reason: Refusal, message: RegExp][] = [
    ['5 MiB', utf8(long(5 << 20)), 'TooLarge', /^Event: the message: expected at most 1048576 bytes, found 5242880$/],
    ['not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'NotUtf8', /expected UTF-8, found 3 bytes that are not$/],
    ['half of a surrogate pair as bytes', Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), 'NotUtf8', /found 5 bytes/],
    ['no bytes', utf8(''), 'NotJson', /expected JSON, found nothing$/],
    ['text', utf8('hello'), 'NotJson', /expected JSON, found "hello"$/],
    ['a cut message', bytesOf(anEvent()).subarray(0, 40), 'NotJson', /expected JSON, found/],
    ['a cut list', utf8('[1,'), 'NotJson', /found its end after 3 characters$/],
    ['a comma too many', utf8('{"id":"e-1",}'), 'NotJson', /expected JSON, found "}" at position 12$/],
    ['a mark of byte order', utf8(`\ufeff${JSON.stringify(anEvent())}`), 'NotJson', /expected JSON, found "\\ufeff/],
    ['half a million levels of nothing', utf8('['.repeat(500_000)), 'NotJson', /expected JSON/],
    [
      'half a million levels',
      utf8('['.repeat(500_000) + ']'.repeat(500_000)),
      'EventInvalid',
      /an object, found a list/,
    ],
    ['a list', utf8('[]'), 'EventInvalid', /^Event: the message: expected an object, found a list of 0$/],
    ['null', utf8('null'), 'EventInvalid', /expected an object, found null$/],
    ['no id', without('id'), 'EventInvalid', /^Event: id: expected a text, found nothing$/],
    ['no ts', without('ts'), 'EventInvalid', /^Event "e-1": ts: expected a text, found nothing$/],
    ['no event_type', without('event_type'), 'EventInvalid', /event_type: expected a text, found nothing$/],
    ['no entity_id', without('entity_id'), 'EventInvalid', /entity_id: expected a text, found nothing$/],
    ['no correlation_id', without('correlation_id'), 'EventInvalid', /correlation_id: expected a text, found nothing$/],
    ['no tags', without('tags'), 'EventInvalid', /tags: expected an object of texts, found nothing$/],
    ['no attrs', without('attrs'), 'EventInvalid', /attrs: expected an object, found nothing$/],
    ['a number as id', bytesOf({ ...anEvent(), id: 7 }), 'EventInvalid', /^Event: id: expected a text, found 7$/],
    [
      'an empty id',
      bytesOf(anEvent({ id: '' })),
      'EventInvalid',
      /^Event: id: expected a text that is not empty, found ""$/,
    ],
    [
      'null as causation_id',
      bytesOf({ ...anEvent(), causation_id: null }),
      'EventInvalid',
      /causation_id: .* found null$/,
    ],
    ['a list as tags', bytesOf({ ...anEvent(), tags: [] }), 'EventInvalid', /tags: .* found a list of 0$/],
    [
      'a number as tag',
      bytesOf({ ...anEvent(), tags: { a: 1 } }),
      'EventInvalid',
      /tags\.a: expected a text, found 1$/,
    ],
    ['an empty tag key', bytesOf(anEvent({ tags: { '': 'x' } })), 'EventInvalid', /tags\[""\]: .*not empty, found ""$/],
    [
      'attrs as text',
      bytesOf({ ...anEvent(), attrs: '{}' }),
      'EventInvalid',
      /attrs: expected an object, found "\{\}"$/,
    ],
    [
      'a long id',
      bytesOf(anEvent({ id: long(513) })),
      'TooLarge',
      /^Event "x{64}": id: expected at most 512 characters, found 513$/,
    ],
    [
      'a long tag',
      bytesOf(anEvent({ tags: { a: long(2049) } })),
      'TooLarge',
      /tags\.a: expected at most 2048 characters/,
    ],
    [
      'a long tag key',
      bytesOf(anEvent({ tags: { [long(513)]: '' } })),
      'TooLarge',
      /at most 512 characters, found 513$/,
    ],
    ['257 tags', withTags(257), 'TooLarge', /tags: expected at most 256 tags, found 257$/],
    ['10,000 tags', withTags(10_000), 'TooLarge', /found 10000$/],
    [
      '73 levels of attrs',
      withAttrs(nested(73)),
      'TooLarge',
      /attrs\.a\.a.*…: expected at most 72 levels of nesting, found more$/,
    ],
    [
      '100,000 levels of lists',
      withAttrs(`{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`),
      'TooLarge',
      /at most 72 levels/,
    ],
    [
      'a day that is none',
      bytesOf(anEvent({ ts: '2026-02-29T00:00:00Z' })),
      'InvalidTime',
      /^Event "e-1": ts: expected a time with zone/,
    ],
    [
      'a time without zone',
      bytesOf(anEvent({ ts: '2026-01-31T12:00:00' })),
      'InvalidTime',
      /found "2026-01-31T12:00:00"$/,
    ],
    [
      'a date',
      bytesOf(anEvent({ ts: '2026-01-31' })),
      'InvalidTime',
      /such as 2026-01-31T12:00:00.000Z, from 1970 to 2199/,
    ],
    ['a time in words', bytesOf(anEvent({ ts: 'Sat, 31 Jan 2026 12:00:00 GMT' })), 'InvalidTime', /found "Sat/],
    ['the hour 24', bytesOf(anEvent({ ts: '2026-01-31T24:00:00Z' })), 'InvalidTime', /found "2026/],
    ['a leap second', bytesOf(anEvent({ ts: '2016-12-31T23:59:60Z' })), 'InvalidTime', /found "2016/],
    ['a year before 1970', bytesOf(anEvent({ ts: '1969-12-31T23:59:00-01:00' })), 'InvalidTime', /found "1969/],
    ['before 1970', bytesOf(anEvent({ ts: '1970-01-01T00:00:00+00:01' })), 'InvalidTime', /found "1970/],
    ['after 2199', bytesOf(anEvent({ ts: '2199-12-31T23:59:00-00:01' })), 'InvalidTime', /found "2199/],
    [
      'half of a pair in id',
      bytesOf(anEvent({ id: 'a\ud800' })),
      'NotUnicode',
      /: id: expected whole characters, found half/,
    ],
    [
      'half of a pair in a tag key',
      bytesOf(anEvent({ tags: { '\udc00': '' } })),
      'NotUnicode',
      /tags\["\\udc00"\]: expected/,
    ],
    [
      'half of a pair in attrs',
      bytesOf(anEvent({ attrs: { a: [1, '\ud800'] } })),
      'NotUnicode',
      /attrs\.a\[1\]: expected/,
    ],
    [
      'half of a pair in a key',
      bytesOf(anEvent({ attrs: { a: { '\ud800': 1 } } })),
      'NotUnicode',
      /attrs\.a\["\\ud800"\]/,
    ],
    [
      '__proto__ in attrs',
      withAttrs('{"a":[{"__proto__":{}}]}'),
      'ReservedKey',
      /attrs\.a\[0\]\.__proto__: expected a key other/,
    ],
    [
      '__proto__ in tags',
      utf8(JSON.stringify(anEvent()).replace('region', '__proto__')),
      'ReservedKey',
      /tags\.__proto__/,
    ],
    [
      'constructor.prototype',
      withAttrs('{"constructor":{"prototype":{"x":1}}}'),
      'ReservedKey',
      /attrs\.constructor: /,
    ],
    [
      '2^53',
      withAttrs('{"n":9007199254740992}'),
      'UnsafeInteger',
      /attrs\.n: .*\(write a larger one as a text\), found about 9\.007e\+15$/,
    ],
    ['-2^53-1', withAttrs('{"a":[{"n":-9007199254740993}]}'), 'UnsafeInteger', /attrs\.a\[0\]\.n: /],
    ['beyond a double', withAttrs('{"n":1e400}'), 'UnsafeInteger', /found about Infinity$/],
  ]
  for (const [what, raw, reason, message] of cases) {
    it(`${what}: ${reason}`, () => {
      const result = parseMessage(raw)
      assert.ok(!result.ok, 'expected a failure, found an event')
      assert.equal(result.failure.reason, reason)
      assert.match(result.failure.message, message)
      assert.equal(result.failure.retry, false)
    })
  }

  it('every kind of refusal is in the table, and has its meaning', () => {
    assert.deepEqual(new Set(cases.map(([, , reason]) => reason)), new Set(refusals))
    for (const refusal of refusals) assert.ok(reasons[refusal])
  })
})

describe('message from a bus: at random', () => {
  it('any event that is published is read as the same event, from the same text', () => {
    const seed = Date.now() & 0x7fffffff
    let count = 0
    fc.assert(
      fc.property(anyEvent, (event) => {
        const message = messageOf(event)
        assert.deepEqual(parsed(utf8(message.raw)), message, `seed ${seed}`)
        assert.equal(messageOf(parsed(utf8(message.raw)).event).raw, message.raw)
        count++
      }),
      { seed, numRuns: 1000 },
    )
    console.log(`      seed ${seed}: ${count} events`)
    assert.equal(count, 1000)
  })

  it('any mutation of one is an event or is refused, quoting little', () => {
    const seed = Date.now() & 0x7fffffff
    const hits: Record<string, number> = { event: 0, ...Object.fromEntries(refusals.map((reason) => [reason, 0])) }
    fc.assert(
      fc.property(anyEvent, fc.nat(), (event, salt) => {
        const raw = mutate(event, salt)
        const result = parseMessage(raw)
        hits[result.ok ? 'event' : result.failure.reason]!++
        if (result.ok) assert.deepEqual(result, parseMessage(utf8(result.value.raw)))
        // What is quoted, and the words around it; an escape takes six characters for one.
        else assert.ok(unescaped(result.failure.message).length < 360, result.failure.message)
      }),
      { seed, numRuns: 3000 },
    )
    console.log(`      seed ${seed}: ${JSON.stringify(hits)}`)
    for (const [what, count] of Object.entries(hits)) assert.ok(count > 0, `${what}: ${count} with seed ${seed}`)
  })
})

const unescaped = (message: string): string => message.replace(/\\+(?:u[0-9a-f]{4}|[nrtbf"\\])/g, '.')
