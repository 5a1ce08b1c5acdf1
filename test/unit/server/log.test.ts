import assert from 'node:assert/strict'
import { makeEmbeddedGraph } from '../../../operator/adapters/graph-embedded/store.ts'
import type { Event } from '../../../operator/api/envelope.ts'
import { failure, success } from '../../../operator/api/result.ts'
import type { Access, Right } from '../../../operator/ports/access.ts'
import type { Ledger, LedgerQuery } from '../../../operator/ports/ledger.ts'
import { longestLog, parseLogQuery } from '../../../operator/server/log-query.ts'
import { makeServer, type Server } from '../../../operator/server/server.ts'
import { ledgerEvent } from '../../contract/ledger.ts'
import { ledgerAsked, noBus } from '../../support/ledger-asked.ts'

/** Tokens are user names; rights are `verb namespace[/name]`, `verb *`. */
const makeAccess = (rights: Record<string, string[]>): Access => ({
  identify: async (token) =>
    token in rights
      ? success({ username: token, groups: [] })
      : failure({ reason: 'Unauthorized', message: 'bearer token: unknown', retry: false }),
  may: async ({ username }, { verb, namespace = '*', name }: Right) => {
    const list = rights[username] ?? []
    return success(
      list.includes(`${verb} ${namespace}`) || (name !== undefined && list.includes(`${verb} ${namespace}/${name}`)),
    )
  },
})

const story: Event[] = [1, 2, 3].map((seq) => ledgerEvent({ id: `e${seq}`, attrs: { seq } }))
const ledgerOf = (events: Event[]): Pick<Ledger, 'query'> => ({
  query: async ({ correlationId, entityId, namespace, tags = {}, limit }: LedgerQuery) =>
    events
      .filter((event) => Object.entries(tags).every(([key, value]) => event.tags[key] === value))
      .filter((event) => correlationId === undefined || event.correlation_id === correlationId)
      .filter((event) => entityId === undefined || event.entity_id === entityId)
      .filter((event) => namespace === undefined || event.entity_id.startsWith(`${namespace}/`))
      .slice(0, limit),
})

describe('port', () => {
  let server: Server | undefined
  const serve = async (ledger: Pick<Ledger, 'query'>, more: { capacity?: number; timeLimit?: number } = {}) => {
    const access = makeAccess({
      reader: ['get dev/aliases', 'list dev'],
      admin: ['get dev', 'list dev', 'list *'],
      nobody: [],
    })
    const graph = makeEmbeddedGraph({ newEpoch: () => 'e', now: () => 0 })
    server = makeServer({
      access,
      ledger: ledgerAsked(ledger),
      bus: noBus,
      graph,
      rebuilding: () => undefined,
      now: () => 0,
      log: { info() {}, error() {} },
      ...more,
    })
    const address = await server.listen({ host: '127.0.0.1', port: 0 })
    return async (query: string, headers: Record<string, string> = { authorization: 'Bearer reader' }) => {
      const answer = await fetch(`${address}${query}`, { headers })
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
    }
  }
  afterEach(() => server?.close())

  it('tells a change’s story', async () => {
    const get = await serve(ledgerOf(story))
    assert.deepEqual(await get('/api/v1/log?change=dev/aliases'), {
      status: 200,
      body: { events: story, truncated: false },
    })
  })

  it('says when there is more', async () => {
    const get = await serve(ledgerOf(story))
    const { body } = await get('/api/v1/log?change=dev/aliases&limit=2')
    assert.deepEqual(body, { events: story.slice(0, 2), truncated: true })
  })

  it('takes the token behind the service proxy too', async () => {
    const get = await serve(ledgerOf(story))
    const answer = await get('/api/v1/log?change=dev/aliases', { 'x-karma-authorization': 'Bearer reader' })
    assert.equal(answer.status, 200)
  })

  it('of several changes of one name it means the latest', async () => {
    const again = ledgerEvent({ id: 'again', correlation_id: 'u-2' })
    const get = await serve(ledgerOf([again, ...story]))
    assert.deepEqual((await get('/api/v1/log?change=dev/aliases')).body.events, [again])
  })

  it('finds it among whatever others tell of it', async () => {
    const comments = Array.from({ length: 20 }, (_, i) =>
      ledgerEvent({ id: `ci-${i}`, correlation_id: `ci-${i}`, event_type: 'ci.commented', tags: {} }),
    )
    const get = await serve(ledgerOf([...comments, ...story]))
    assert.deepEqual((await get('/api/v1/log?change=dev/aliases')).body, { events: story, truncated: false })
  })

  it('does not take a Component of a type called changerequest for a change', async () => {
    const get = await serve(ledgerOf([ledgerEvent({ id: 'c', correlation_id: 'u-9', tags: { kind: 'Component' } })]))
    assert.equal((await get('/api/v1/log?change=dev/aliases')).status, 404)
  })

  describe('who may read what', () => {
    const other = ledgerEvent({ id: 'o', entity_id: 'prod/site/x', correlation_id: 'u-1' })
    const cases: [who: string, query: string, status: number, what: RegExp | number][] = [
      ['', 'change=dev/aliases', 401, /Authorization: expected a bearer token/],
      ['stranger', 'change=dev/aliases', 401, /bearer token: unknown/],
      ['nobody', 'change=dev/aliases', 403, /nobody may not get changerequests.usekarma.dev aliases in namespace dev/],
      ['reader', 'change=dev/other', 403, /reader may not get changerequests.usekarma.dev other in namespace dev/],
      ['admin', 'change=dev/other', 404, /ChangeRequest dev\/other: the ledger has no events of it/],
      ['reader', 'change=prod/aliases', 403, /in namespace prod/],
      ['reader', 'namespace=dev', 200, 3],
      ['nobody', 'namespace=dev', 403, /may not list changerequests.usekarma.dev in namespace dev/],
      ['reader', '', 403, /may not list changerequests.usekarma.dev in all namespaces/],
      ['admin', '', 200, 4],
      ['reader', 'correlation=u-1', 200, 3],
      ['nobody', 'correlation=u-1', 404, /no events of it that nobody may read/],
      ['reader', 'correlation=u-7', 404, /no events of it that reader may read/],
      ['nobody', 'change=nonsense', 400, /change: expected NAMESPACE\/NAME of a ChangeRequest, found "nonsense"/],
    ]
    for (const [who, query, status, what] of cases) {
      it(`${who || 'no token'} ${query || 'everything'}: ${status}`, async () => {
        const get = await serve(ledgerOf([...story, other]))
        const answer = await get(`/api/v1/log?${query}`, who ? { authorization: `Bearer ${who}` } : {})
        assert.equal(answer.status, status)
        if (typeof what === 'number') assert.equal((answer.body.events as Event[]).length, what)
        else assert.match(String(answer.body.message), what)
      })
    }
  })

  it('what is not there is said in JSON', async () => {
    const get = await serve(ledgerOf(story))
    const { status, body } = await get('/api/v2/nothing')
    assert.deepEqual([status, body.reason], [404, 'NotFound'])
    assert.match(
      String(body.message),
      /^GET \/api\/v2\/nothing: there is only GET \/api\/v1\/log, \/api\/v1\/stats, \/api\/v1\/events, .*; POST \/api\/v1\/events\/replay, \/api\/v1\/dead-letters\/replay$/,
    )
    assert.equal((await get('/%zz')).status, 400)
  })

  it('a ledger that fails is 503, without its words', async () => {
    const get = await serve({ query: () => Promise.reject(new Error('secret path')) })
    const { status, body } = await get('/api/v1/log?change=dev/aliases')
    assert.equal(status, 503)
    assert.doesNotMatch(JSON.stringify(body), /secret/)
  })

  it('a ledger that does not answer is 503, and so is a request too many', async () => {
    const gate = Promise.withResolvers<Event[]>()
    const get = await serve({ query: () => gate.promise }, { capacity: 1, timeLimit: 200 })
    const first = get('/api/v1/log?change=dev/aliases')
    const answers = [await get('/api/v1/log?change=dev/aliases'), await first]
    assert.deepEqual(answers.map(({ status, body }) => `${status} ${body.reason}`).sort(), ['503 Busy', '503 Timeout'])
    gate.resolve([])
  })
})

describe('query of the log', () => {
  const good: [query: Record<string, unknown>, expected: object][] = [
    [{}, { of: 'everything', limit: 100 }],
    [{ limit: '7' }, { of: 'everything', limit: 7 }],
    [{ namespace: 'dev' }, { of: 'namespace', namespace: 'dev', limit: 100 }],
    [{ change: 'dev/a.b-c' }, { of: 'change', namespace: 'dev', name: 'a.b-c', limit: longestLog }],
    [
      { correlation: 'u-1', limit: '5000' },
      { of: 'correlation', correlation: 'u-1', limit: 5000 },
    ],
  ]
  for (const [query, expected] of good) {
    it(JSON.stringify(query), () => assert.deepEqual(parseLogQuery(query), success(expected)))
  }
  const bad: [query: Record<string, unknown>, message: RegExp][] = [
    [{ chnage: 'x' }, /chnage: expected one of change, correlation, namespace, limit/],
    [{ change: ['a/b', 'c/d'] }, /change: expected one value, found \["a\/b","c\/d"\]/],
    [{ change: 'a/b', namespace: 'a' }, /at most one of change, correlation, namespace, found "2 of them"/],
    [{ change: 'dev/../x' }, /change: expected NAMESPACE\/NAME/],
    [{ change: 'dev/' }, /change: expected/],
    [{ change: 'dev/a/b' }, /change: expected/],
    [{ change: "dev/a' OR 1" }, /change: expected/],
    [{ namespace: 'Dev' }, /namespace: expected the name of a namespace, found "Dev"/],
    [{ correlation: '' }, /correlation: expected the uid of a change, found ""/],
    [{ limit: '0' }, /limit: expected a whole number from 1 to 5000, found "0"/],
    [{ limit: '1e3' }, /limit: expected/],
    [{ limit: '5001' }, /limit: expected/],
  ]
  for (const [query, message] of bad) {
    it(`${JSON.stringify(query)} is refused`, () => {
      const result = parseLogQuery(query)
      assert.ok(!result.ok)
      assert.equal(result.failure.reason, 'BadRequest')
      assert.match(result.failure.message, message)
    })
  }
})
