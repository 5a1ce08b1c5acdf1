import assert from 'node:assert/strict'
import type { Event } from '../../../operator/api/envelope.ts'
import { failure, success } from '../../../operator/api/result.ts'
import { follow, screenful } from '../../../operator/cli/following.ts'
import { ledgerEvent } from '../../contract/ledger.ts'
import { type Random, randomOf } from '../../faults/random.ts'

interface Row {
  readonly event: Event
  /** when its insert began */
  readonly at: number
  /** when it can be seen */
  readonly seen: number
}

/** Longer than this no insert lasts, and so far back is looked. */
const slowest = 30_000
const lookBack = 60_000

/** A ledger as the route reads it: in order of coming, of what can be seen by now. */
const makeLedger = (rows: readonly Row[], now: () => number, fromFirst = false) => {
  const sorted = rows.toSorted((a, b) => a.at - b.at || (a.event.id < b.event.id ? -1 : 1))
  const placeOf = ({ at, event }: Row): string => JSON.stringify([at, event.id])
  return async (limit: number, after?: string) => {
    const visible = sorted.filter((row) => row.seen <= now())
    const [from, id] = after === undefined ? [-1, ''] : (JSON.parse(after) as [number, string])
    const behind = visible.filter((row) => row.at > from || (row.at === from && row.event.id > id))
    const page = after === undefined && !fromFirst ? behind.slice(-limit) : behind.slice(0, limit)
    const last = page.at(-1)
    const next = last ? placeOf(last) : (after ?? '[0,""]')
    const again = JSON.stringify([Math.max((JSON.parse(next) as [number])[0] - lookBack, 0), ''])
    return success({ events: page.map(({ event }) => event), next, again })
  }
}

const rowOf = (id: string, at: number, seen: number): Row => ({ event: ledgerEvent({ id }), at, seen })

/** What is shown from `start` on, of which the first part is there at once; a pause is a second. */
const followed = async (
  rows: readonly Row[],
  { start, end, fromFirst = false, until }: { start: number; end: number; fromFirst?: boolean; until?: number },
) => {
  let now = start
  const shown: string[][] = []
  const ended = await follow({
    read: makeLedger(rows, () => now, fromFirst),
    show: (events) => void (events.length > 0 && shown.push(events.map(({ id }) => id))),
    failed: () => {},
    pause: async () => {
      now += 1_000
    },
    isOver: () => now > end,
    fromFirst,
    isLast: () => until !== undefined && now >= until,
  })
  assert.ok(ended.ok)
  return shown
}

const inserts = (random: Random, from: number, to: number): Row[] =>
  Array.from({ length: 300 }, (_, n) => {
    // Many begin in one millisecond, and what begins first is often seen last.
    const at = from + random.below((to - from) / 500) * 500
    const lasts = random.below(10) < 7 ? random.below(50) : random.below(slowest)
    return rowOf(`e${String(random.below(1_000_000)).padStart(6, '0')}-${n}`, at, at + lasts)
  })

describe('following the ledger', () => {
  it('begins with the latest, and no more of them than fit', async () => {
    const rows = Array.from({ length: 50 }, (_, n) => rowOf(`e${n + 10}`, n * 10_000, n * 10_000))
    const shown = await followed(rows, { start: 1_000_000, end: 1_000_000 })
    assert.deepEqual(
      shown.flat(),
      rows.slice(-screenful).map(({ event }) => event.id),
    )
  })

  it('of a ledger that is empty shows what comes', async () => {
    const rows = Array.from({ length: 30 }, (_, n) => rowOf(`e${n}`, 5_000, 5_000))
    const shown = await followed(rows, { start: 1_000, end: 20_000 })
    assert.equal(new Set(shown.flat()).size, 30)
    assert.equal(shown.flat().length, 30)
  })

  it('shows what was on its way when it began, and not what is older', async () => {
    const old = Array.from({ length: 40 }, (_, n) => rowOf(`old-${n}`, 90_000 + n, 90_000 + n))
    const late = rowOf('late', 80_000, 101_500)
    const shown = await followed([...old, late], { start: 100_000, end: 150_000 })
    assert.equal(shown[0]?.length, screenful)
    assert.deepEqual(shown.slice(1), [['late']])
  })

  it('no gap and nothing twice, in whatever order inserts end', async () => {
    const late: number[] = []
    for (let seed = 1; seed <= 25; seed++) {
      const random = randomOf(seed)
      const rows = inserts(random, 0, 200_000)
      const start = 50_000
      const shown = (await followed(rows, { start, end: 300_000 })).flat()
      assert.equal(new Set(shown).size, shown.length, `seed ${seed}: something twice`)
      const due = rows.filter(({ seen }) => seen > start).map(({ event }) => event.id)
      assert.deepEqual(
        due.filter((id) => !shown.includes(id)),
        [],
        `seed ${seed}: a gap`,
      )
      // Of those that are there only so many are shown.
      assert.ok(shown.length - due.length <= screenful, `seed ${seed}: ${shown.length} shown, ${due.length} due`)
      const order = shown.map((id) => rows.find(({ event }) => event.id === id)!.at)
      late.push(order.filter((at, i) => at < Math.max(...order.slice(0, i))).length)
    }
    assert.ok(Math.min(...late) > 5, `too few came late: ${late}`)
  })

  it('from the first on: all that is there, page by page, and then what comes', async () => {
    const rows = Array.from({ length: 1_300 }, (_, n) => rowOf(`e${String(n).padStart(4, '0')}`, n * 10, n * 10))
    const shown = (await followed(rows, { start: 12_500, end: 40_000, fromFirst: true })).flat()
    assert.deepEqual(
      shown,
      rows.map(({ event }) => event.id),
    )
  })

  it('ends by itself once all that is wanted has come, with what was on its way', async () => {
    const rows = [rowOf('before', 1_000, 1_000), rowOf('slow', 18_000, 24_500), rowOf('late', 40_000, 40_000)]
    const shown = await followed(rows, { start: 20_000, end: Number.MAX_SAFE_INTEGER, until: 25_000 })
    assert.deepEqual(shown.flat(), ['before', 'slow'])
    assert.deepEqual(await followed(rows, { start: 50_000, end: Number.MAX_SAFE_INTEGER, until: 25_000 }), [
      ['before', 'slow', 'late'],
    ])
  })

  it('what is told again later is not shown again', async () => {
    const once = Array.from({ length: 10 }, (_, n) => rowOf(`e${n}`, 10_000 + n, 10_000 + n))
    const twice = once.map(({ event }, n) => ({ event, at: 150_000 + n, seen: 150_000 + n }))
    const shown = await followed([...once, ...twice], { start: 20_000, end: 200_000 })
    assert.deepEqual(
      shown.flat(),
      once.map(({ event }) => event.id),
    )
  })

  it('a failure in between loses nothing', async () => {
    const random = randomOf(7)
    const rows = inserts(random, 0, 100_000)
    let now = 0
    const read = makeLedger(rows, () => now)
    const shown: string[] = []
    let failures = 0
    const away = failure({ reason: 'Unreachable', message: 'away', retry: true })
    const ended = await follow({
      read: async (limit, after) => (now > 0 && random.below(3) === 0 ? away : read(limit, after)),
      show: (events) => void shown.push(...events.map(({ id }) => id)),
      failed: () => void failures++,
      pause: async () => {
        now += 1_000
      },
      isOver: () => now > 250_000,
      fromFirst: false,
      isLast: () => false,
    })
    assert.ok(ended.ok)
    assert.equal(shown.length, rows.length)
    assert.equal(new Set(shown).size, rows.length)
    assert.ok(failures > 20, `only ${failures} failures`)
  })
})
