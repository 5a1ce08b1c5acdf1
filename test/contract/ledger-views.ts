import assert from 'node:assert/strict'
import { type Event, messageOf } from '../../operator/api/envelope.ts'
import { viewNames } from '../../operator/core/event/views.ts'
import type { Ledger, StatsQuery } from '../../operator/ports/ledger.ts'
import { randomOf } from '../faults/random.ts'
import { randomHistory } from './ledger-history.ts'
import { type Asked, type Row, recount } from './ledger-recount.ts'

const start = Date.UTC(2026, 5, 30, 20)
const everything = 10_000

/**
 * Every view of the ledger against a recount, of random histories that were appended twice, in another order the second
 * time, among events of other namespaces. Half of the questions leave something out.
 */
export const viewsContract = (name: string, open: () => Promise<Ledger>, histories: number): void => {
  describe(`views of the ledger: ${name}`, function () {
    this.timeout(60_000)
    const seed = Number(process.env.SEED ?? 11)
    const random = randomOf(seed)
    const places = Array.from({ length: histories }, (_, n) => {
      const namespace = `told-${n}`
      return { namespace, events: randomHistory({ random, namespace, start }) }
    })
    const events = places.flatMap((place) => place.events)
    let ledger: Ledger
    before(async () => {
      ledger = await open()
      await appendAll(ledger, events)
      await appendAll(ledger, random.shuffled(events))
    })
    after(() => ledger.close())

    for (const view of viewNames) {
      it(`${view} is what a recount says, seed ${seed}`, async () => {
        let rows = 0
        for (const { namespace, events: told } of places) {
          for (const [environment, since] of questions) {
            const asked: Asked = { events: told, namespace, since, ...(environment && { environment }) }
            const query: StatsQuery = { view, namespace, since, limit: everything, ...(environment && { environment }) }
            const stats = await ledger.stats(query)
            const expected = recount[view](asked)
            rows += expected.length
            assert.deepEqual(inAnyOrder(stats.rows), inAnyOrder(expected), JSON.stringify({ ...query, seed }))
            for (const row of stats.rows) assert.deepEqual(Object.keys(row), stats.columns)
          }
        }
        assert.ok(rows >= histories, `only ${rows} rows to compare with seed ${seed}`)
      })
    }

    it('keeps to its limit and to its order, and finds nothing where nothing is', async () => {
      const all = await ledger.stats({ view: 'timeline', namespace: 'told-0', limit: everything })
      const times = all.rows.map((row) => String(row.at))
      assert.deepEqual(times, times.toSorted().reverse())
      const few = await ledger.stats({ view: 'timeline', namespace: 'told-0', limit: 2 })
      assert.deepEqual(few.rows, all.rows.slice(0, 2))
      for (const view of viewNames) {
        const none = await ledger.stats({
          view,
          namespace: `'; DROP VIEW karma.changes; --`,
          environment: '\\',
          limit: 9,
        })
        assert.deepEqual(none.rows, [])
        assert.ok(none.columns.length > 3, view)
      }
    })

    it('without a namespace it tells of all', async () => {
      const { rows } = await ledger.stats({ view: 'outcomes', limit: everything })
      const told = new Set(rows.map((row) => row.namespace))
      assert.ok(places.every(({ namespace }) => told.has(namespace)))
    })
  })
}

const questions: readonly (readonly [environment: string | undefined, since: number])[] = [
  [undefined, 0],
  ['dev', 0],
  [undefined, start + 300 * 60_000],
]

const appendAll = async (ledger: Ledger, events: readonly Event[]): Promise<void> => {
  for (let i = 0; i < events.length; i += 100) await ledger.append(events.slice(i, i + 100).map(messageOf))
}

const inAnyOrder = (rows: readonly Row[]): string[] =>
  rows.map((row) => JSON.stringify(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)))).sort()
