import assert from 'node:assert/strict'
import fc from 'fast-check'
import { canonical, parseJson } from '../../../operator/api/json.ts'

describe('parseJson', () => {
  const cases: [string, unknown][] = [
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['-9007199254740993', -9007199254740993n],
    ['[12345678901234567890]', [12345678901234567890n]],
    ['0.12345678901234567890', 0.12345678901234568],
    ['1e30', 1e30],
    ['{"a":"12345678901234567890"}', { a: '12345678901234567890' }],
    [`1${'0'.repeat(500)}`, Number.POSITIVE_INFINITY],
    ['null', null],
  ]
  for (const [text, value] of cases) {
    it(`reads ${text.slice(0, 40)}`, () => assert.deepEqual(parseJson(text), value))
  }

  it('keeps __proto__ as a key of its own, with and without large numbers, and touches no prototype', () => {
    for (const text of ['{"__proto__":{"polluted":1}}', '{"__proto__":{"polluted":12345678901234567890}}']) {
      const value = parseJson(text) as object
      assert.deepEqual(Object.keys(value), ['__proto__'])
      assert.equal(Object.getPrototypeOf(value), Object.prototype)
    }
    assert.equal(({} as Record<string, unknown>).polluted, undefined)
  })

  it('throws SyntaxError for what is not JSON', () => {
    for (const text of ['', '{', '[12345678901234567890', 'NaN']) assert.throws(() => parseJson(text), SyntaxError)
  })
})

describe('canonical', () => {
  const cases: [unknown, string][] = [
    [{ b: 1, a: [true, null, 'x'] }, '{"a":[true,null,"x"],"b":1}'],
    [{ '\u20ac': 1, '\r': 2, '1': 3, '\u{1f600}': 4, ö: 5 }, '{"\\r":2,"1":3,"ö":5,"€":1,"😀":4}'],
    [[333333333.3333333, 1e30, 4.5, 2e-3, 1e-27, -0], '[333333333.3333333,1e+30,4.5,0.002,1e-27,0]'],
    [{ a: undefined, b: () => 1 }, '{}'],
    [[undefined, Number.NaN, Number.POSITIVE_INFINITY], '[null,null,null]'],
    [{ n: 12345678901234567890n }, '{"n":12345678901234567890}'],
    ['\ud800', '"\\ud800"'],
    [undefined, 'null'],
    [Object.assign(Object.create(null), { z: {}, a: [] }), '{"a":[],"z":{}}'],
  ]
  for (const [value, text] of cases) it(`writes ${text}`, () => assert.equal(canonical(value), text))

  it('does not throw for deep nesting', () => {
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i++) deep = [deep]
    assert.equal(canonical(deep).length, 200_001)
  })

  it('is the same for any order of keys, and reads back as the same value', () => {
    let objects = 0
    const seed = Date.now() & 0x7fffffff
    fc.assert(
      fc.property(fc.jsonValue({ noUnpairedSurrogates: false } as object), (value) => {
        const text = canonical(value)
        assert.equal(canonical(reversed(value)), text)
        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)))
        if (typeof value === 'object' && value !== null) objects++
      }),
      { seed, numRuns: 300 },
    )
    console.log(`      seed ${seed}: ${objects} of 300 values were objects or lists`)
    assert.ok(objects > 0)
  })
})

const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, member]) => [key, reversed(member)] as const)
  return Object.fromEntries(entries.reverse())
}
