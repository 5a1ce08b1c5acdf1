import assert from 'node:assert/strict'
import { versionIn } from '../../../operator/cli/graph-place.ts'
import { spanIn } from '../../../operator/cli/graph-span.ts'

describe('kubectl karma graph: what stands on the command line', () => {
  const spans: [from: string | undefined, to: string | undefined, since: string | undefined, expected: object][] = [
    ['3', '5', undefined, { of: 'versions', from: 3, to: 5 }],
    ['v3', undefined, undefined, { of: 'versions', from: 3, to: undefined }],
    ['0', 'v0', undefined, { of: 'versions', from: 0, to: 0 }],
    [undefined, undefined, '24h', { of: 'time', ms: 86_400_000 }],
    [undefined, undefined, '2d', { of: 'time', ms: 172_800_000 }],
    [undefined, undefined, '1h30m', { of: 'time', ms: 5_400_000 }],
  ]
  for (const [from, to, since, expected] of spans) {
    it(`${from ?? ''} ${to ?? ''} ${since ?? ''}`, () => {
      assert.deepEqual(spanIn({ from, to }, since), { ok: true, value: expected })
    })
  }

  const bad: [from: string | undefined, to: string | undefined, since: string | undefined, message: RegExp][] = [
    [undefined, undefined, undefined, /expected two versions, or --since, found neither/],
    ['3', undefined, '1h', /found both/],
    ['5', '3', undefined, /expected the older version first, found 5 before 3/],
    ['x', undefined, undefined, /from: expected a version, .* found "x"/],
    ['1', '-2', undefined, /to: expected a version, .* found "-2"/],
    [undefined, undefined, '1w', /--since: expected a duration such as 24h or 1h30m, found "1w"/],
    [undefined, undefined, '0s', /--since: expected a duration/],
  ]
  for (const [from, to, since, message] of bad) {
    it(`${from ?? ''} ${to ?? ''} ${since ?? ''} is refused`, () => {
      const span = spanIn({ from, to }, since)
      assert.match(span.ok ? '' : span.failure.message, message)
    })
  }

  for (const text of ['', '1.5', '1e3', '9'.repeat(16), '0x1', ' 1']) {
    it(`${JSON.stringify(text)} is no version`, () => assert.equal(versionIn(text, '--at').ok, false))
  }
})
