import assert from 'node:assert/strict'
import { type Event, messageOf } from '../../operator/api/envelope.ts'
import type { Arrived, EventFilter, Happened, Ledger } from '../../operator/ports/ledger.ts'
import { randomOf } from '../faults/random.ts'
import { ledgerEvent } from './ledger.ts'

const start = Date.UTC(2026, 3, 30, 23, 59, 59)
const timeAt = (ms: number): string => new Date(start + ms).toISOString()
/** Before all that ever came. */
const beginning: Arrived = { at: 0, ts: new Date(0).toISOString(), entityId: '', seq: 0, id: '' }
const hostile = [`'; DROP TABLE karma.events; --`, '\\', '\u0000\n\t"', '😀\u2028', "tags['x']", '{key0: String}', '%']

/** What the ledger promises to those who read it whole, or follow it. Each test has a namespace of its own. */
export const readingContract = (name: string, open: () => Promise<Ledger>): void => {
  describe(`reading the ledger page by page: ${name}`, function () {
    this.timeout(60_000)
    let ledger: Ledger
    before(async () => {
      ledger = await open()
    })
    after(() => ledger.close())

    const event = (namespace: string, n: number, over: Partial<Event> = {}): Event =>
      ledgerEvent({
        id: `${namespace}-${n}`,
        ts: timeAt(n),
        entity_id: `${namespace}/site/main`,
        correlation_id: `c-${namespace}`,
        tags: { namespace },
        attrs: { seq: n },
        ...over,
      })
    const append = (events: readonly Event[]) => ledger.append(events.map(messageOf))
    const pagesOf = async <Place>(
      read: (after: Place | undefined) => Promise<{ items: readonly { id: string }[]; last?: Place }>,
    ): Promise<string[][]> => {
      const pages: string[][] = []
      let after: Place | undefined
      for (;;) {
        const { items, last } = await read(after)
        if (last === undefined) return pages
        pages.push(items.map(({ id }) => id))
        after = last
      }
    }
    const happenedPages = (filter: EventFilter, limit: number) =>
      pagesOf<Happened>(async (after) => {
        const { items, last } = await ledger.happened(filter, { limit, ...(after && { after }) })
        return { items: items.map((message) => message.event), ...(last && { last }) }
      })
    const arrivedPages = (filter: EventFilter, limit: number) =>
      pagesOf<Arrived>((after) => ledger.arrived(filter, { limit, after: after ?? beginning }))

    it('in order of happening, whatever came twice and at the same time', async () => {
      const random = randomOf(5)
      // Many of one millisecond, of several entities, with numbers that do not sort as texts.
      const events = Array.from({ length: 60 }, (_, n) =>
        event('paged', n, {
          ts: timeAt(n < 30 ? 7 : n),
          entity_id: `paged/site/${'ab'[n % 2]}`,
          attrs: { seq: n + 1 },
        }),
      )
      for (const part of [random.shuffled(events), events.slice(10, 40), events.slice(0, 20)]) await append(part)
      const expected = events
        .toSorted(
          (a, b) =>
            Date.parse(a.ts) - Date.parse(b.ts) ||
            (a.entity_id < b.entity_id ? -1 : 1) * Number(a.entity_id !== b.entity_id) ||
            Number(a.attrs.seq) - Number(b.attrs.seq),
        )
        .map(({ id }) => id)
      for (const limit of [1, 7, 60, 1000]) {
        const pages = await happenedPages({ namespace: 'paged' }, limit)
        assert.deepEqual(pages.flat(), expected, `pages of ${limit}`)
        assert.ok(pages.every((page) => page.length <= limit))
      }
      assert.equal(await ledger.count({ namespace: 'paged' }), 60)
      assert.equal(await ledger.count({ namespace: 'paged', from: start + 7, to: start + 31 }), 31)
      assert.equal(await ledger.count({ namespace: 'nowhere' }), 0)
    })

    it('as the message came, and no more than some bytes at once', async () => {
      const events = Array.from({ length: 20 }, (_, n) => event('large', n))
      const raw = (one: Event) => `{"more":"${'x'.repeat(1_000_000)}",${JSON.stringify(one).slice(1)}`
      await ledger.append(events.map((one) => ({ event: one, raw: raw(one) })))
      const page = await ledger.happened({ namespace: 'large' }, { limit: 100 })
      assert.deepEqual(
        page.items,
        events.slice(0, page.items.length).map((one) => ({ event: one, raw: raw(one) })),
      )
      assert.ok(page.items.length > 10 && page.items.length < 20, `${page.items.length} in one page`)
      const ids = (await happenedPages({ namespace: 'large' }, 100)).flat()
      assert.deepEqual(
        ids,
        events.map(({ id }) => id),
      )
    })

    it('of a time, an entity, types and tags, and of all of these together', async () => {
      await append([
        event('chosen', 1, { tags: { namespace: 'chosen', team: 'a', empty: '' } }),
        event('chosen', 2, { tags: { namespace: 'chosen', team: 'b' }, event_type: 'other' }),
        event('chosen', 3, { tags: { namespace: 'chosen', team: 'a', zone: 'x' }, entity_id: 'chosen/site/b' }),
        event('chosen-2', 4, { tags: { namespace: 'chosen', team: 'a' } }),
      ])
      const cases: [filter: EventFilter, expected: number[]][] = [
        [{}, [1, 2, 3]],
        [{ from: start + 2 }, [2, 3]],
        [{ to: start + 2 }, [1]],
        [{ from: start + 1, to: start + 3 }, [1, 2]],
        [{ entityId: 'chosen/site/b' }, [3]],
        [{ eventTypes: ['other', 'nothing'] }, [2]],
        [{ tags: { team: 'a' } }, [1, 3]],
        [{ tags: { team: 'a', zone: 'x' } }, [3]],
        [{ tags: { empty: '' } }, [1]],
        [{ tags: { team: 'a', missing: '' } }, []],
        [{ tags: { team: 'a' }, from: start + 2, correlationId: 'c-chosen' }, [3]],
      ]
      for (const [filter, expected] of cases) {
        const asked = { namespace: 'chosen', ...filter }
        const ids = expected.map((n) => `chosen-${n}`)
        assert.deepEqual((await happenedPages(asked, 10)).flat(), ids, JSON.stringify(filter))
        assert.deepEqual((await arrivedPages(asked, 10)).flat().toSorted(), ids, JSON.stringify(filter))
        assert.equal(await ledger.count(asked), ids.length, JSON.stringify(filter))
        const newest = await ledger.query({ ...asked, limit: 10 })
        assert.deepEqual(newest.map(({ id }) => id).toSorted(), ids, JSON.stringify(filter))
      }
    })

    it('hostile tags, keys and values, are found and find nothing else', async () => {
      await append(hostile.map((text, n) => event('nasty', n, { tags: { [text]: text }, event_type: `t ${text}` })))
      for (const [n, text] of hostile.entries()) {
        const asked = { namespace: 'nasty', tags: { [text]: text } }
        assert.deepEqual(await happenedPages(asked, 5), [[`nasty-${n}`]], JSON.stringify(text))
        assert.equal(await ledger.count({ ...asked, eventTypes: [`t ${text}`] }), 1)
        assert.equal(await ledger.count({ namespace: 'nasty', tags: { [text]: 'other' } }), 0)
        const after = { ts: timeAt(-1), entityId: text, seq: 0, id: text }
        assert.equal((await ledger.happened({ namespace: 'nasty' }, { after, limit: 99 })).items.length, hostile.length)
      }
      assert.equal(await ledger.count({ namespace: 'nasty' }), hostile.length)
    })

    it('who follows gets what came since, old or new, in the order in which it came', async () => {
      const filter = { namespace: 'followed' }
      assert.deepEqual(await ledger.arrived(filter, { limit: 3 }), { items: [] })
      await append([5, 6, 7, 8].map((n) => event('followed', n)))
      const first = await ledger.arrived(filter, { limit: 3 })
      // What came together is told as it happened.
      assert.deepEqual(
        first.items.map(({ id }) => id),
        ['followed-6', 'followed-7', 'followed-8'],
      )
      // In another month, and so in another part; before everything; and once more what is known.
      const old = event('followed', 1, { ts: '2020-02-29T00:00:00.000Z' })
      await append([old, event('followed', 2, { ts: timeAt(-1000) })])
      const second = await ledger.arrived(filter, { limit: 3, after: first.last! })
      assert.deepEqual(
        second.items.map(({ id }) => id),
        ['followed-1', 'followed-2'],
      )
      await append([event('followed', 9)])
      const third = await ledger.arrived(filter, { limit: 3, after: second.last! })
      assert.deepEqual(
        third.items.map(({ id }) => id),
        ['followed-9'],
      )
      assert.deepEqual(await ledger.arrived(filter, { limit: 3, after: third.last! }), { items: [] })
      assert.ok(third.last!.at > 0)
      for (const limit of [1, 2, 100]) {
        const ids = (await arrivedPages(filter, limit)).flat()
        assert.deepEqual(
          ids.toSorted(),
          [1, 2, 5, 6, 7, 8, 9].map((n) => `followed-${n}`),
        )
      }
    })
  })
}
