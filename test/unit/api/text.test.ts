import assert from 'node:assert/strict'
import fc from 'fast-check'
import { bytesInJson, cut } from '../../../operator/api/text.ts'
import { holds } from '../core/graph/property.ts'

describe('api/text', () => {
  const cases: [text: string, most: number, expected: string][] = [
    ['', 3, ''],
    ['abc', 3, 'abc'],
    ['abcd', 3, '…'],
    ['abcdef', 5, 'ab…'],
    ['"quoted"', 9, '"quot…'],
    ['"quoted"', 10, '"quoted"'],
    ['line\nline', 9, 'line\n…'],
    ['\u0001\u0001\u0001', 12, '\u0001…'],
    ['鯨鯨鯨鯨', 9, '鯨鯨…'],
    ['🐋🐋🐋', 9, '🐋…'],
    ['🐋🐋🐋', 10, '🐋…'],
    ['half \ud83d', 80, 'half \ufffd'],
    ['\udc0b'.repeat(9), 9, '\ufffd\ufffd…'],
  ]
  for (const [text, most, expected] of cases) {
    it(`${JSON.stringify(text)} in ${most} bytes is ${JSON.stringify(expected)}`, () =>
      assert.equal(cut(text, most), expected))
  }

  it('keeps what fits, else the longest beginning that does', () => {
    const anyText = fc.string({
      unit: fc.constantFrom('a', '"', '\\', '\n', '\u0002', 'é', '鯨', '🐋', '\ud83d', '\udc0b'),
      maxLength: 60,
    })
    holds(fc.tuple(anyText, fc.integer({ min: 3, max: 90 })), 2000, ['whole', 'cut', 'mended'], ([text, most], hit) => {
      const whole = text.toWellFormed()
      const kept = cut(text, most)
      assert.ok(kept.isWellFormed() && bytesInJson(kept) <= most)
      if (whole !== text) hit('mended')
      if (bytesInJson(whole) <= most) {
        assert.equal(kept, whole)
        return hit('whole')
      }
      hit('cut')
      const beginning = kept.slice(0, -1)
      assert.ok(kept.endsWith('…') && whole.startsWith(beginning))
      const [next = ''] = whole.slice(beginning.length)
      assert.ok(bytesInJson(`${beginning}${next}…`) > most, `${JSON.stringify(next)} would fit too`)
    })
  })
})
