import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { parse } from 'yaml'
import type { HistoryEntry } from '../../../../operator/api/kinds.generated.ts'
import {
  append,
  bounds,
  ringSize,
  roomIn,
  type Transition,
  unpublished,
} from '../../../../operator/core/event/outbox.ts'

const noon = Date.UTC(2026, 0, 31, 12)

describe('outbox', () => {
  it('numbers from 1 and dates in UTC with milliseconds', () => {
    const ring = append(
      undefined,
      [{ type: 'change.requested' }, { type: 'change.rejected', reason: 'EmptyChange' }],
      noon,
    )
    assert.deepEqual(ring, {
      seq: 2,
      history: [
        { seq: 1, at: '2026-01-31T12:00:00.000Z', type: 'change.requested' },
        { seq: 2, at: '2026-01-31T12:00:00.000Z', type: 'change.rejected', reason: 'EmptyChange' },
      ],
    })
  })

  it('leaves the status it was given as it is, and goes on from its seq', () => {
    const status = append(undefined, [{ type: 'change.requested' }], noon)
    const next = append(status, [{ type: 'change.queued' }], noon + 5)
    assert.equal(status.history.length, 1)
    assert.deepEqual(
      next.history.map(({ seq, at }) => [seq, at]),
      [
        [1, '2026-01-31T12:00:00.000Z'],
        [2, '2026-01-31T12:00:00.005Z'],
      ],
    )
  })

  it('goes on from the last entry when the status lost its seq', () => {
    const { history } = append(undefined, [{ type: 'change.requested' }], noon)
    assert.equal(append({ history }, [{ type: 'change.queued' }], noon).seq, 2)
  })

  it('never dates an entry before the one in front of it', () => {
    const status = append(undefined, [{ type: 'change.requested' }], noon)
    assert.equal(append(status, [{ type: 'change.queued' }], noon - 60_000).history[1]?.at, '2026-01-31T12:00:00.000Z')
  })

  it('appends nothing for no transition', () => {
    const status = append(undefined, [{ type: 'change.requested' }], noon)
    assert.deepEqual(append(status, [], noon + 1), status)
    assert.deepEqual(append(undefined, [], noon), { seq: 0, history: [] })
  })

  it('keeps the last 32, numbers rising by one, whatever is appended', () => {
    let cut = 0
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 8 }), (sizes) => {
        let ring: { seq: number; history: HistoryEntry[] } = { seq: 0, history: [] }
        for (const size of sizes) {
          ring = append(
            ring,
            Array.from({ length: size }, () => ({ type: 'change.queued' }) as const),
            noon,
          )
        }
        const total = sizes.reduce((a, b) => a + b, 0)
        if (total > ringSize) cut++
        assert.equal(ring.seq, total)
        const kept = Math.min(total, ringSize)
        assert.deepEqual(
          ring.history.map((entry) => entry.seq),
          Array.from({ length: kept }, (_, i) => total - kept + i + 1),
        )
      }),
      { seed: 11, numRuns: 100 },
    )
    assert.ok(cut > 10, `only ${cut} runs with seed 11 filled the ring`)
  })

  describe('bounds', () => {
    const attrsOf = (attrs: Record<string, never> | object): string =>
      append(undefined, [{ type: 'change.planned', attrs: attrs as never }], noon).history[0]?.attrs ?? ''
    const cases: [name: string, attrs: object, expected: (parsed: Record<string, unknown>) => void][] = [
      ['small ones stay', { hash: 'sha256:1' }, (a) => assert.deepEqual(a, { hash: 'sha256:1' })],
      [
        'a long list is cut, and the rest stays',
        { affected: Array.from({ length: 500 }, (_, i) => `s3-bucket/b${i}`), version: 4 },
        (a) => {
          assert.equal(a.version, 4)
          assert.deepEqual(a.omitted, ['affected'])
          assert.equal((a.affected as string[])[0], 's3-bucket/b0')
        },
      ],
      ['a long text is cut', { message: 'x'.repeat(5000) }, (a) => assert.match(String(a.message), /^x{100,}…$/)],
      [
        'what cannot be cut goes',
        { patch: { a: 'x'.repeat(5000) } },
        (a) => assert.deepEqual(a, { omitted: ['patch'] }),
      ],
      [
        'ten thousand members end as a mark',
        Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`k${i}`.padEnd(70, 'x'), 1])),
        (a) => assert.ok(Array.isArray(a.omitted)),
      ],
      [
        'a reserved name does no harm',
        JSON.parse(`{"__proto__": "${'x'.repeat(3000)}"}`),
        (a) => assert.deepEqual(a.omitted, ['__proto__']),
      ],
    ]
    for (const [name, attrs, expected] of cases) {
      it(`attrs: ${name}`, () => {
        const text = attrsOf(attrs)
        assert.ok(text.length <= bounds.attrs, `${text.length} characters`)
        expected(JSON.parse(text))
      })
    }

    for (const file of ['changerequests', 'components', 'environments']) {
      it(`are those of crds/${file}.yaml`, () => {
        const path = new URL(`../../../../crds/${file}.yaml`, import.meta.url)
        const crd = parse(readFileSync(path, 'utf8'))
        const { history } = crd.spec.versions[0].schema.openAPIV3Schema.properties.status.properties
        const { reason, message, attrs } = history.items.properties
        assert.equal(history.maxItems, ringSize)
        const { entry: _, ring: __, ...texts } = bounds
        assert.deepEqual({ reason: reason.maxLength, message: message.maxLength, attrs: attrs.maxLength }, texts)
      })
    }

    it('cuts reason and message, and mends half a surrogate pair', () => {
      const [entry] = append(
        undefined,
        [{ type: 'change.failed' as never, reason: 'R'.repeat(999), message: `\ud800${'m'.repeat(9999)}` }],
        noon,
      ).history
      assert.equal(Buffer.byteLength(entry?.reason ?? ''), bounds.reason)
      assert.equal(Buffer.byteLength(entry?.message ?? ''), bounds.message)
      assert.ok(entry?.message?.isWellFormed())
    })
  })

  it('tells what is not published, and how much may still be appended', () => {
    const ring = append(
      undefined,
      Array.from({ length: 40 }, () => ({ type: 'change.queued' }) as const),
      noon,
    )
    assert.deepEqual(
      unpublished(ring, 38).map((entry) => entry.seq),
      [39, 40],
    )
    assert.equal(roomIn(ring, 10), 2)
    assert.equal(roomIn(ring, 40), most)
    assert.equal(roomIn(ring, 0), 0)
    assert.equal(roomIn(undefined, 0), most)
  })

  /** entries of the largest size */
  const most = Math.floor(bounds.ring / bounds.entry)
  const large: Transition[] = [
    {
      type: 'component.committed',
      reason: 'R'.repeat(99),
      message: 'm'.repeat(999),
      attrs: { patch: 'x'.repeat(3999) },
    },
    { type: 'component.committed', message: '"'.repeat(999), attrs: { patch: '"'.repeat(3999) } },
    { type: 'component.committed', message: '\u0001'.repeat(999), attrs: { patch: '\u0001'.repeat(3999) } },
    {
      type: 'component.committed',
      message: '鯨'.repeat(999),
      attrs: { patch: '鯨'.repeat(3999), list: ['鯨'.repeat(99)] },
    },
  ]
  for (const transition of large) {
    it(`keeps a history small, and what it promised room for, when all is like ${transition.message?.[0]}`, () => {
      let ring: { seq: number; history: HistoryEntry[] } = { seq: 0, history: [] }
      let published = 0
      for (let round = 0; round < 20; round++) {
        const room = roomIn(ring, published)
        ring = append(ring, Array<Transition>(room).fill(transition), noon)
        assert.deepEqual(
          unpublished(ring, published).map((entry) => entry.seq),
          Array.from({ length: ring.seq - published }, (_, i) => published + 1 + i),
        )
        assert.ok(Buffer.byteLength(JSON.stringify(ring.history)) <= bounds.ring + 2)
        for (const entry of ring.history) assert.ok(Buffer.byteLength(JSON.stringify(entry)) < bounds.entry)
        // A part of it is published, as it comes.
        published = Math.max(published, ring.seq - (round % 4) * 3)
      }
      assert.ok(ring.seq >= most * 2, `${ring.seq} entries were appended`)
    })
  }
})
