import assert from 'node:assert/strict'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import fc from 'fast-check'
import type { JsonObject } from '../../../operator/api/kinds.generated.ts'
import { eventBounds, parseMessage } from '../../../operator/api/parse-event.ts'
import { eventSchema } from '../../check/event-schema.ts'
import { anEvent, anyEvent, bytesOf } from '../../support/events.ts'
import { mutate } from '../api/mutation.ts'

// A number beyond a double is a number beyond the maximum, not none.
const ajv = new Ajv2020({ strictTypes: false, strictRequired: false, strictNumbers: false })
formats.default(ajv)
const fits = ajv.compile(eventSchema)

/** What JSON Schema cannot say of a value, by the message that says it. */
const beyondSchema: Readonly<Record<string, RegExp>> = {
  bytes: /the message: expected at most \d+ bytes/,
  levels: /expected at most \d+ levels of nesting/,
  'half a pair': /expected whole characters/,
  'a zone that leads beyond the years': /ts: expected a time .*found "(?:1970-01-01|2199-12-31)T/,
}

const jsonIn = (raw: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw))
  } catch {
    return undefined
  }
}

/** Compares the two, and says what came of it. */
const compared = (raw: Uint8Array, seed: number): string => {
  const value = jsonIn(raw)
  if (value === undefined) return 'no JSON'
  const result = parseMessage(raw)
  const said = result.ok ? 'taken' : result.failure.message
  const beyond = Object.keys(beyondSchema).find((what) => beyondSchema[what]!.test(said))
  if (beyond !== undefined) return beyond
  assert.equal(fits(value), result.ok, `${said}; by the schema ${ajv.errorsText(fits.errors)} (seed ${seed})`)
  return result.ok ? 'fits' : 'refused'
}

describe('schema of events', () => {
  it('fits what parseMessage takes, and nothing else, but for what no schema can say', () => {
    const seed = Date.now() & 0x7fffffff
    const hits: Record<string, number> = { 'no JSON': 0, fits: 0, refused: 0 }
    for (const what of Object.keys(beyondSchema)) hits[what] = 0
    const compare = (raw: Uint8Array): void => {
      hits[compared(raw, seed)]! += 1
    }
    fc.assert(
      fc.property(anyEvent, fc.nat(), (event, salt) => compare(mutate(event, salt))),
      { seed, numRuns: 2000 },
    )
    const deep = (levels: number): JsonObject => (levels === 1 ? {} : { a: deep(levels - 1) })
    for (const levels of [72, 73]) compare(bytesOf(anEvent({ attrs: deep(levels) })))
    for (const ts of ['1970-01-01T00:00:00+01:00', '2199-12-31T23:30:00-01:00']) compare(bytesOf(anEvent({ ts })))
    console.log(`      seed ${seed}: ${JSON.stringify(hits)}`)
    for (const [what, times] of Object.entries(hits)) assert.ok(times > 0, `${what}: ${times} with seed ${seed}`)
  })

  it('has the bounds of parseMessage, to the character', () => {
    const long = (characters: number): string => '\u{1f600}'.repeat(characters)
    const tags = (count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, '']))
    const pairs: [what: string, within: object, beyond: object][] = [
      ['id', { id: long(eventBounds.name) }, { id: long(eventBounds.name + 1) }],
      ['tags', { tags: tags(eventBounds.tags) }, { tags: tags(eventBounds.tags + 1) }],
      ['key', { tags: { [long(eventBounds.tagKey)]: '' } }, { tags: { [long(eventBounds.tagKey + 1)]: '' } }],
      ['value', { tags: { a: long(eventBounds.tagValue) } }, { tags: { a: long(eventBounds.tagValue + 1) } }],
    ]
    for (const [what, within, beyond] of pairs) {
      for (const [different, expected] of [
        [within, true],
        [beyond, false],
      ] as const) {
        const event = { ...anEvent(), ...different }
        assert.deepEqual([fits(event), parseMessage(bytesOf(event)).ok], [expected, expected], what)
      }
    }
  })
})
