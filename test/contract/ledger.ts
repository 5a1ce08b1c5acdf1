import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Event, messageOf } from '../../operator/api/envelope.ts'
import type { JsonObject } from '../../operator/api/kinds.generated.ts'
import type { Ledger, LedgerQuery } from '../../operator/ports/ledger.ts'

const start = Date.UTC(2026, 0, 31, 23, 59, 59)

export const ledgerEvent = (over: Partial<Event> & { id: string }): Event => ({
  ts: new Date(start).toISOString(),
  event_type: 'change.queued',
  entity_id: 'dev/changerequest/aliases',
  correlation_id: 'u-1',
  tags: { namespace: 'dev', kind: 'ChangeRequest' },
  attrs: { seq: 1 },
  ...over,
})

const hostile = [
  `'; DROP TABLE karma.events; --`,
  '"; DROP TABLE karma.events; --',
  '{correlationId: String}',
  '\\',
  "\\'",
  '\n\n\r\n\t',
  '\u0000\u0001\u001b[31m',
  '\u2028\u2029\ufeff',
  '😀 ü ẞ',
  'x'.repeat(100_000),
  '',
  'FORMAT JSONEachRow {"id":"1"}',
  '%{jndi:ldap://x}',
  '/*',
  'NULL',
]

/**
 * What port `ledger` promises, whatever stores it. One ledger for all tests, so every test has correlations and
 * namespaces of its own.
 */
export const ledgerContract = (name: string, open: () => Promise<Ledger>): void => {
  describe(`ledger: ${name}`, function () {
    this.timeout(30_000)
    let ledger: Ledger
    before(async () => {
      ledger = await open()
    })
    after(() => ledger.close())

    const story = (correlationId: string) => ledger.query({ correlationId, limit: 10_000 })

    it('gives back what it was given', async () => {
      const events = [
        ledgerEvent({ id: 'whole-1', correlation_id: 'whole', causation_id: 'cause-1' }),
        ledgerEvent({
          id: 'whole-2',
          correlation_id: 'whole',
          attrs: {
            seq: 2,
            'a.b': 1,
            a: { b: null, c: [1, 'x', null, 1.5, true, {}] },
            big: 2 ** 53,
            requestedBy: { username: 'jo' },
          },
        }),
      ]
      await ledger.append(events.map(messageOf))
      assert.deepEqual(await story('whole'), events)
    })

    it('appends nothing without complaint', async () => {
      await ledger.append([])
    })

    it('tells a story in order of happening: by time, then entity, then number within it', async () => {
      const at = (ms: number) => new Date(start + ms).toISOString()
      const one = (id: string, ms: number, entity: string, seq: number) =>
        ledgerEvent({ id, ts: at(ms), entity_id: entity, correlation_id: 'order', attrs: { seq } })
      const inOrder = [
        one('z', 0, 'dev/changerequest/r', 1),
        one('y', 5, 'dev/changerequest/r', 9),
        one('x', 5, 'dev/changerequest/r', 10),
        one('w', 5, 'dev/site/main', 2),
        one('v', 1500, 'dev/changerequest/r', 11),
      ]
      await ledger.append(inOrder.toReversed().map(messageOf))
      assert.deepEqual(
        (await story('order')).map((event) => event.id),
        inOrder.map((event) => event.id),
      )
      assert.equal((await ledger.query({ correlationId: 'order', limit: 2 })).length, 2)
    })

    it('answers by entity and by namespace, newest first', async () => {
      const of = (id: string, entity: string, ms: number) =>
        ledgerEvent({ id, entity_id: entity, correlation_id: `c-${id}`, ts: new Date(start + ms).toISOString() })
      await ledger.append(
        [
          of('n1', 'latest/site/a', 1),
          of('n2', 'latest/site/b', 2),
          of('n3', 'latest-2/site/a', 3),
          of('n4', 'latest/site/a', 4),
        ].map(messageOf),
      )
      const ids = async (query: Parameters<Ledger['query']>[0]) => (await ledger.query(query)).map((event) => event.id)
      assert.deepEqual(await ids({ entityId: 'latest/site/a', limit: 10 }), ['n4', 'n1'])
      assert.deepEqual(await ids({ namespace: 'latest', limit: 10 }), ['n4', 'n2', 'n1'])
      assert.deepEqual(await ids({ namespace: 'latest', limit: 1 }), ['n4'])
      assert.deepEqual(await ids({ namespace: 'nowhere', limit: 10 }), [])
    })

    it('answers with as many as are wanted, although the newest came five times', async () => {
      const of = (id: string, ms: number) =>
        ledgerEvent({ id, entity_id: 'often/site/a', correlation_id: 'often', ts: new Date(start + ms).toISOString() })
      const newest = of('o3', 3)
      // Each by itself: what comes twice in one insert is one row.
      for (const event of [of('o1', 1), of('o2', 2), ...Array(5).fill(newest)]) await ledger.append([messageOf(event)])
      const ids = async (limit: number) => (await ledger.query({ namespace: 'often', limit })).map(({ id }) => id)
      assert.deepEqual(await ids(2), ['o3', 'o2'])
      assert.deepEqual(await ids(3), ['o3', 'o2', 'o1'])
      assert.deepEqual(await ids(10), ['o3', 'o2', 'o1'])
    })

    it('answers by environment and by types of event, newest first', async () => {
      const of = (id: string, ms: number, event_type: string, environment: string, entity = 'places/site/a') =>
        ledgerEvent({
          id,
          event_type,
          entity_id: entity,
          correlation_id: `c-${id}`,
          ts: new Date(start + ms).toISOString(),
          tags: { namespace: 'places', environment },
        })
      const nasty = hostile[0]!
      await ledger.append(
        [
          of('p1', 1, 'component.committed', 'dev'),
          of('p2', 2, 'component.observed', 'dev'),
          of('p3', 3, 'component.removed', 'dev'),
          of('p4', 4, 'component.committed', 'prod'),
          of('p5', 5, 'component.committed', 'dev', 'elsewhere/site/a'),
          of('p6', 6, nasty, nasty),
        ].map(messageOf),
      )
      const ids = async (query: Omit<LedgerQuery, 'limit'>, limit = 10) =>
        (await ledger.query({ namespace: 'places', ...query, limit })).map((event) => event.id)
      const eventTypes = ['component.committed', 'component.removed']
      assert.deepEqual(await ids({ environment: 'dev', eventTypes }), ['p3', 'p1'])
      assert.deepEqual(await ids({ environment: 'dev', eventTypes }, 1), ['p3'])
      assert.deepEqual(await ids({ environment: 'prod' }), ['p4'])
      assert.deepEqual(await ids({ environment: 'dev', eventTypes: [] }), [])
      assert.deepEqual(await ids({ environment: 'dev', eventTypes, entityId: 'elsewhere/site/a' }), [])
      assert.deepEqual(await ids({ environment: nasty, eventTypes: [nasty, "it's"] }), ['p6'])
      assert.deepEqual(await ids({ environment: 'nowhere' }), [])
    })

    it('keeps hostile text exact, wherever it stands', async () => {
      const events = hostile.map((text, i) =>
        ledgerEvent({
          id: `hostile-${i}-${text.slice(0, 50)}`,
          correlation_id: 'hostile',
          entity_id: `hostile/${text.slice(0, 1000)}`,
          event_type: `type ${text.slice(0, 1000)}`,
          tags: { [`key ${text}`]: text },
          attrs: { seq: i, text, [text]: [text] } as JsonObject,
        }),
      )
      await ledger.append(events.map(messageOf))
      const found = new Map((await story('hostile')).map((event) => [event.id, event]))
      for (const event of events) assert.deepEqual(found.get(event.id), event)
      assert.equal(found.size, events.length)
      for (const text of hostile.slice(0, 9)) {
        assert.deepEqual(await story(text), [], `no story of ${JSON.stringify(text)}`)
        await ledger.append([ledgerEvent({ id: `c ${text}`, correlation_id: `c ${text}` })].map(messageOf))
        assert.equal((await story(`c ${text}`)).length, 1)
      }
    })

    it('counts every id once, whatever comes again, in whatever order, and at the same time', async () => {
      let runs = 0
      let repeats = 0
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 12 }), {
            minLength: 1,
            maxLength: 6,
          }),
          async (batches) => {
            const correlation_id = `random-${++runs}`
            const one = (n: number) =>
              ledgerEvent({
                id: `${correlation_id}-${n}`,
                correlation_id,
                ts: new Date(start + (n >> 2)).toISOString(),
                attrs: { seq: n + 1 },
              })
            await Promise.all(batches.map((batch) => ledger.append(batch.map(one).map(messageOf))))
            const distinct = [...new Set(batches.flat())].sort((a, b) => a - b)
            repeats += batches.flat().length - distinct.length
            assert.deepEqual(
              (await story(correlation_id)).map((event) => event.id),
              distinct.map((n) => `${correlation_id}-${n}`),
            )
          },
        ),
        { seed: 3, numRuns: 15 },
      )
      assert.ok(repeats > 50, `only ${repeats} repeats with seed 3`)
    })

    it('takes 12,000 events at once', async () => {
      const events = Array.from({ length: 12_000 }, (_, i) =>
        ledgerEvent({ id: `many-${i}`, correlation_id: 'many', attrs: { seq: i + 1 } }),
      )
      await ledger.append(events.map(messageOf))
      assert.equal((await ledger.query({ correlationId: 'many', limit: 20_000 })).length, 12_000)
    })
  })
}
