import assert from 'node:assert/strict'
import { makeEmbeddedGraph } from '../../../operator/adapters/graph-embedded/store.ts'
import { type Message, messageOf } from '../../../operator/api/envelope.ts'
import { failure, success } from '../../../operator/api/result.ts'
import type { Access } from '../../../operator/ports/access.ts'
import type { Arrived, EventFilter, Happened, Ledger, LedgerQuery } from '../../../operator/ports/ledger.ts'
import { arrivalsFrom, arrivedCursor, happenedCursor } from '../../../operator/server/cursor.ts'
import { parseEventsQuery } from '../../../operator/server/events-query.ts'
import { makeServer, type Server } from '../../../operator/server/server.ts'
import { ledgerEvent } from '../../contract/ledger.ts'
import { ledgerAsked } from '../../support/ledger-asked.ts'

/** Tokens are user names; `reader` may list in dev, `admin` may replay there too, `root` everywhere. */
const access: Access = {
  identify: async (token) =>
    ['reader', 'admin', 'root'].includes(token)
      ? success({ username: token, groups: [] })
      : failure({ reason: 'Unauthorized', message: 'bearer token: unknown', retry: false }),
  may: async ({ username }, { verb, resource = 'changerequests', namespace, name }) => {
    if (resource !== 'changerequests' || name !== undefined) return success(false)
    if (username === 'root') return success(true)
    return success(namespace === 'dev' && (verb === 'list' || username === 'admin'))
  },
}

const story = [1, 2, 3].map((seq) => ledgerEvent({ id: `e${seq}`, attrs: { seq } }))

describe('port: events', () => {
  let server: Server | undefined
  afterEach(() => server?.close())

  const serve = async (
    answers: Partial<Ledger>,
    republish: (topic: string, messages: readonly Message[]) => Promise<void> = async () => {},
  ) => {
    const said: object[] = []
    server = makeServer({
      access,
      ledger: ledgerAsked(answers),
      bus: { republish },
      graph: makeEmbeddedGraph({ newEpoch: () => 'e', now: () => 0 }),
      rebuilding: () => undefined,
      now: () => 0,
      log: { info: (data) => void said.push(data), error() {} },
    })
    const address = await server.listen({ host: '127.0.0.1', port: 0 })
    const ask = async (method: string, path: string, who = 'reader') => {
      const headers = who === '' ? {} : { authorization: `Bearer ${who}` }
      const answer = await fetch(`${address}/api/v1/${path}`, { method, headers })
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
    }
    return { ask, said }
  }

  it('tells the latest in order of happening, and says when there are more', async () => {
    const asked: LedgerQuery[] = []
    const { ask } = await serve({
      query: async (query) => {
        asked.push(query)
        return story.toReversed().slice(0, query.limit)
      },
    })
    assert.deepEqual((await ask('GET', 'events?namespace=dev')).body, { events: story, truncated: false })
    assert.deepEqual((await ask('GET', 'events?namespace=dev&limit=2')).body, {
      events: story.slice(1),
      truncated: true,
    })
    const query =
      "namespace=dev&entity=dev/site/a'b&type=x.y&type=z&tag=team=a%3Db&tag=empty=&from=2026-01-31T12:00:00Z&to=2026-02-01T12:00:00.5Z"
    assert.equal((await ask('GET', `events?${query}`)).status, 200)
    assert.deepEqual(asked.at(-1), {
      namespace: 'dev',
      entityId: "dev/site/a'b",
      eventTypes: ['x.y', 'z'],
      tags: { team: 'a=b', empty: '' },
      from: Date.UTC(2026, 0, 31, 12),
      to: Date.UTC(2026, 1, 1, 12, 0, 0, 500),
      limit: 101,
    })
  })

  it('a story begins at its beginning', async () => {
    const { ask } = await serve({ query: async ({ limit }) => story.slice(0, limit) })
    const { body } = await ask('GET', 'events?namespace=dev&correlation=u-1&limit=2')
    assert.deepEqual(body, { events: story.slice(0, 2), truncated: true })
  })

  it('follows by what the ledger got, and says where to look again', async () => {
    const asked: (Arrived | undefined)[] = []
    const minute = 60_000
    const last: Arrived = { at: 100_000, ts: story[2]!.ts, entityId: 'dev/a', seq: 3, id: 'e3' }
    const { ask } = await serve({
      arrived: async (_, { after }) => {
        asked.push(after)
        return after ? { items: [] } : { items: story, last }
      },
    })
    const first = (await ask('GET', 'events/tail?namespace=dev')).body
    assert.deepEqual(first.events, story)
    const { body } = await ask('GET', `events/tail?namespace=dev&after=${first.next}`)
    assert.deepEqual(body, { events: [], next: first.next, again: first.again })
    await ask('GET', `events/tail?namespace=dev&after=${first.again}`)
    await ask('GET', 'events/tail?namespace=dev&from=2026-01-31T12:00:00.000Z')
    assert.deepEqual(asked, [undefined, last, arrivalsFrom(100_000 - minute), arrivalsFrom(0)])
  })

  it('of an empty ledger it begins at the beginning', async () => {
    const { ask } = await serve({ arrived: async () => ({ items: [] }) })
    const begin = arrivedCursor(arrivalsFrom(0))
    assert.deepEqual((await ask('GET', 'events/tail?namespace=dev')).body, { events: [], next: begin, again: begin })
  })

  it('replays page by page, as the messages came, and notes who wanted it', async () => {
    const messages = story.map((event) => ({ event, raw: `${JSON.stringify(event)} ` }))
    const published: [string, readonly Message[]][] = []
    const asked: [EventFilter, object][] = []
    const last: Happened = { ts: story[1]!.ts, entityId: 'dev/a', seq: 2, id: 'e2' }
    const { ask, said } = await serve(
      {
        count: async () => 3,
        happened: async (filter, page) => {
          asked.push([filter, page])
          return page.after ? { items: [] } : { items: messages.slice(0, 2), last }
        },
      },
      async (topic, some) => void published.push([topic, some]),
    )
    const first = await ask('POST', 'events/replay?namespace=dev&tag=a=b&limit=2', 'admin')
    assert.deepEqual(first, { status: 200, body: { replayed: 2, next: happenedCursor(last), total: 3 } })
    const second = await ask('POST', `events/replay?namespace=dev&tag=a=b&limit=2&after=${first.body.next}`, 'admin')
    assert.deepEqual(second, { status: 200, body: { replayed: 0 } })
    const filter = { namespace: 'dev', tags: { a: 'b' } }
    assert.deepEqual(asked, [
      [filter, { limit: 2 }],
      [filter, { limit: 2, after: last }],
    ])
    assert.deepEqual(published, [
      ['events.normalized', messages.slice(0, 2)],
      ['events.normalized', []],
    ])
    assert.deepEqual(said, [{ username: 'admin', filter, total: 3 }])
  })

  it('a bus that takes nothing is 503, and not the ledger’s fault alone', async () => {
    const { ask } = await serve({ count: async () => 1, happened: async () => ({ items: story.map(messageOf) }) }, () =>
      Promise.reject(new Error('kafka: secret')),
    )
    const { status, body } = await ask('POST', 'events/replay?namespace=dev', 'admin')
    assert.equal(status, 503)
    assert.deepEqual(body, {
      reason: 'Unavailable',
      message: 'the replay stopped: the ledger cannot be read, or the bus takes nothing; see the operator’s log',
    })
  })

  const refused: [method: string, path: string, who: string, status: number, message: RegExp][] = [
    ['GET', 'events?namespace=dev', '', 401, /expected a bearer token/],
    ['GET', 'events?nonsense=1', 'stranger', 401, /unknown/],
    ['GET', 'events', 'reader', 403, /^reader may not list changerequests\S+ in all namespaces$/],
    ['GET', 'events?namespace=prod&entity=dev/site/a', 'reader', 403, /in namespace prod$/],
    ['GET', 'events/tail', 'reader', 403, /may not list changerequests\S+ in all namespaces$/],
    ['GET', 'events/tail?namespace=prod', 'admin', 403, /in namespace prod$/],
    [
      'POST',
      'events/replay?namespace=dev',
      'reader',
      403,
      /^reader may not replay changerequests.usekarma.dev in namespace dev; it takes the verb replay on changerequests, which the role admin has$/,
    ],
    ['POST', 'events/replay', 'admin', 403, /^admin may not replay changerequests\S+ in all namespaces; it takes/],
    ['POST', 'events/replay?namespace=dev', '', 401, /expected a bearer token/],
    ['GET', 'events/replay?namespace=dev', 'root', 404, /there is only GET/],
    ['POST', 'events?namespace=dev', 'root', 404, /there is only GET/],
    ['POST', 'events/replay?namespace=dev&after=e30', 'admin', 400, /^after: expected the next of an earlier answer/],
    [
      'POST',
      `events/replay?after=${happenedCursor({ ts: "' OR 1", entityId: '', seq: 1, id: '' })}`,
      'root',
      400,
      /^after: /,
    ],
    [
      'GET',
      `events/tail?namespace=dev&after=${arrivedCursor({ ...arrivalsFrom(0), at: -1 })}`,
      'reader',
      400,
      /^after: /,
    ],
    ['GET', 'events/tail?namespace=dev&after=%00%22', 'reader', 400, /^after: /],
    ['GET', 'events?namespace=dev&after=x', 'reader', 400, /^after: expected one of namespace, entity, /],
  ]
  for (const [method, path, who, status, message] of refused) {
    it(`${method} ${path} of ${who || 'nobody'}: ${status}`, async () => {
      const { ask, said } = await serve({})
      const answer = await ask(method, path, who)
      assert.equal(answer.status, status, JSON.stringify(answer.body))
      assert.match(String(answer.body.message), message)
      assert.deepEqual(said, [])
    })
  }
})

describe('which events are meant', () => {
  const asking = { fields: ['from', 'to'], limit: { most: 10, preset: 5 } } as const
  const good: [query: Record<string, unknown>, filter: EventFilter, limit?: number][] = [
    [{}, {}],
    [{ limit: '10' }, {}, 10],
    [{ type: 'a' }, { eventTypes: ['a'] }],
    [{ type: ['a', "b'"] }, { eventTypes: ['a', "b'"] }],
    [{ tag: '__proto__=x' }, { tags: Object.fromEntries([['__proto__', 'x']]) }],
    [{ tag: ['a==', "'; DROP TABLE x=\\"] }, { tags: { a: '=', "'; DROP TABLE x": '\\' } }],
    [{ entity: '../\u0000' }, { entityId: '../\u0000' }],
    [{ correlation: 'u-1' }, { correlationId: 'u-1' }],
    [
      { from: '1970-01-01T00:00:00Z', to: '1970-01-01T00:00:00Z' },
      { from: 0, to: 0 },
    ],
  ]
  for (const [query, filter, limit = 5] of good) {
    it(JSON.stringify(query), () => assert.deepEqual(parseEventsQuery(query, asking), success({ filter, limit })))
  }
  const bad: [query: Record<string, unknown>, message: RegExp][] = [
    [
      { tags: 'a=b' },
      /^tags: expected one of namespace, entity, correlation, limit, from, to, type, tag, found "tags"/,
    ],
    [{ namespace: 'Dev' }, /^namespace: expected the name of a namespace/],
    [{ entity: '' }, /^entity: expected a text of 1 to 512 characters, found ""/],
    [{ entity: 'x'.repeat(513) }, /^entity: expected a text of 1 to 512/],
    [{ entity: ['a', 'b'] }, /^entity: expected one value/],
    [{ correlation: '' }, /^correlation: expected a text/],
    [{ tag: 'a' }, /^tag: expected KEY=VALUE, found "a"/],
    [{ tag: '=a' }, /^tag: expected KEY=VALUE/],
    [{ tag: ['a=1', 'a=2'] }, /^tag: expected each key once, found "a=2"/],
    [{ tag: Array.from({ length: 21 }, (_, n) => `${n}=x`) }, /^tag: expected at most 20 of them, found 21/],
    [{ type: Array.from({ length: 21 }, () => 'x') }, /^type: expected at most 20/],
    [{ from: '24h' }, /^from: expected a time such as/],
    [{ to: '2026-02-30T00:00:00+01:00' }, /^to: expected a time/],
    [
      { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' },
      /^to: expected a time that is not before from = 2026-01-02T00:00:00Z, found "2026-01-01T00:00:00Z"/,
    ],
    [{ limit: '11' }, /^limit: expected a whole number from 1 to 10/],
    [{ after: 'x' }, /^after: expected one of/],
  ]
  for (const [query, message] of bad) {
    it(`${JSON.stringify(query).slice(0, 100)} is refused`, () => {
      const result = parseEventsQuery(query, asking)
      assert.ok(!result.ok)
      assert.equal(result.failure.reason, 'BadRequest')
      assert.match(result.failure.message, message)
    })
  }
})
