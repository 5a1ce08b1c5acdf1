import assert from 'node:assert/strict'
import type { Event } from '../../../operator/api/envelope.ts'
import { failure, success } from '../../../operator/api/result.ts'
import type { Access } from '../../../operator/ports/access.ts'
import type { GraphStore } from '../../../operator/ports/graph.ts'
import type { Ledger } from '../../../operator/ports/ledger.ts'
import { makeServer, type Server } from '../../../operator/server/server.ts'
import { type GraphWorld, ledgerOf, makeGraphWorld, minuteOf } from '../../support/graph-world.ts'
import { ledgerAsked, noBus } from '../../support/ledger-asked.ts'

const rights: Readonly<Record<string, readonly string[]>> = {
  reader: ['list components dev', 'list changerequests dev'],
  'components-reader': ['list components dev'],
}
const access: Access = {
  identify: async (token) =>
    token === 'stranger'
      ? failure({ reason: 'Unauthorized', message: 'bearer token: unknown', retry: false })
      : success({ username: token, groups: [] }),
  may: async ({ username }, { verb, resource, namespace }) =>
    success((rights[username] ?? []).includes(`${verb} ${resource} ${namespace}`)),
}

const site = { config: { size: 1 } }
const cdn = { references: [{ name: 'site', component: 'site/main' }] }

/** Version 1: a site; 2: a CDN before it; 3: the site is larger; 4: no CDN. */
const fourVersions = async (keep = 64): Promise<GraphWorld> => {
  const world = makeGraphWorld(keep)
  await world.commit({ 'dev/site/main': site })
  await world.commit({ 'dev/cdn/main': cdn })
  await world.commit({ 'dev/site/main': { config: { size: 2 } } }, 'larger')
  await world.commit({ 'dev/cdn/main': null }, 'no-cdn')
  return world
}

describe('port: graph', () => {
  let server: Server | undefined
  afterEach(() => server?.close())

  const serve = async ({ graph, ledger }: { graph: GraphStore; ledger: Pick<Ledger, 'query'> }) => {
    const rebuilding = () => ({ done: 3, total: 7 })
    server = makeServer({
      access,
      graph,
      ledger: ledgerAsked(ledger),
      bus: noBus,
      rebuilding,
      now: () => 0,
      log: { info() {}, error() {} },
    })
    const address = await server.listen({ host: '127.0.0.1', port: 0 })
    return async (query: string, who = 'reader') => {
      const headers = who === '' ? {} : { authorization: `Bearer ${who}` }
      const answer = await fetch(`${address}/api/v1/graph/${query}`, { headers })
      // biome-ignore lint/suspicious/noExplicitAny: whatever the answer is
      return { status: answer.status, body: (await answer.json()) as any }
    }
  }

  it('lists versions, newest first, and says when there are more', async () => {
    const get = await serve(await fourVersions())
    const { status, body } = await get('versions?environment=dev/dev')
    assert.equal(status, 200)
    assert.deepEqual(
      body.versions.map(({ version, at, changeId }: Record<string, unknown>) => [version, at, changeId]),
      [
        [4, minuteOf(4), 'uid-no-cdn'],
        [3, minuteOf(3), 'uid-larger'],
        [2, minuteOf(2), 'dev/cdn/main 2'],
        [1, minuteOf(1), 'dev/site/main 1'],
      ],
    )
    assert.deepEqual([body.environment, body.head.version, body.truncated], ['dev/dev', 4, false])
    const less = (await get('versions?environment=dev/dev&limit=1')).body
    assert.deepEqual([less.versions.length, less.truncated], [1, true])
  })

  it('tells what came between two versions', async () => {
    const get = await serve(await fourVersions())
    const { body } = await get('changes?environment=dev/dev&from=3&to=4')
    assert.equal(body.changes.length, 1)
    const [{ version, before, after }] = body.changes
    assert.equal(version, 4)
    assert.deepEqual(before, [{ id: 'dev/cdn/main', type: 'cdn', edges: [{ name: 'site', to: 'dev/site/main' }] }])
    assert.deepEqual(after, [{ id: 'dev/cdn/main', removed: true }])
  })

  it('gives the states of a version, and of the head when none is said', async () => {
    const get = await serve(await fourVersions())
    const { body } = await get('states?environment=dev/dev&version=2')
    assert.deepEqual(body.states.map(({ id }: { id: string }) => id).sort(), ['dev/cdn/main', 'dev/site/main'])
    assert.deepEqual([body.version, body.head.version, body.from], [2, 4, 'Process'])
    const head = (await get('states?environment=dev/dev')).body
    assert.deepEqual([head.version, head.states], [4, [{ id: 'dev/site/main', type: 'site', edges: [] }]])
  })

  it('gives events to nobody who may not read the log', async () => {
    const get = await serve(await fourVersions())
    const { status, body } = await get('history?environment=dev/dev&after=2', 'components-reader')
    assert.deepEqual([status, body.reason], [403, 'Forbidden'])
    assert.match(body.message, /may not list changerequests.usekarma.dev in namespace dev/)
  })

  it('says how far a graph is that is being built', async () => {
    const get = await serve(await fourVersions())
    const { body } = await get('progress?environment=dev/dev')
    assert.deepEqual(body, { environment: 'dev/dev', progress: { done: 3, total: 7 } })
  })

  it('gives what came after a version, and the event before that of each', async () => {
    const get = await serve(await fourVersions())
    const { body } = await get('history?environment=dev/dev&after=2')
    assert.deepEqual(
      body.events.map(({ event_type, attrs }: Event) => `${event_type} ${attrs.version}`),
      [
        'component.removed 4',
        'graph.published 4',
        'component.committed 3',
        'graph.published 3',
        'component.committed 2',
        'graph.published 2',
        'component.committed 1',
      ],
    )
  })

  it('looks for the event before one by one when there are too many', async () => {
    const world = await fourVersions()
    const many = Array.from({ length: 6_000 }, (_, i) => ({
      ...world.events[0]!,
      id: `o${i}`,
      entity_id: `dev/old/${i}`,
      ts: minuteOf(2),
    }))
    const events = [...world.events, ...many]
    const ledger = {
      query: async (query: Parameters<Ledger['query']>[0]) =>
        ledgerOf(events.filter(({ entity_id }) => query.entityId === undefined || entity_id === query.entityId)).query(
          query,
        ),
    }
    const get = await serve({ graph: world.graph, ledger })
    const { body } = await get('history?environment=dev/dev&after=2')
    const ofSite = body.events.filter(({ entity_id }: Event) => entity_id === 'dev/site/main')
    assert.deepEqual(
      ofSite.map(({ attrs }: Event) => attrs.version),
      [3, 1],
    )
    const all = await get('history?environment=dev/dev&after=0')
    assert.deepEqual([all.status, all.body.reason], [400, 'TooLarge'])
    assert.match(
      all.body.message,
      /history of environment dev\/dev after version 0: expected at most 5000 events, found more/,
    )
  })

  const queries = ['versions?', 'changes?from=1&to=2&', 'states?', 'history?after=1&']
  const rights: [who: string, environment: string, status: number, message: RegExp][] = [
    ['', 'dev/dev', 401, /Authorization: expected a bearer token/],
    ['stranger', 'dev/dev', 401, /bearer token: unknown/],
    ['nobody', 'dev/dev', 403, /nobody may not list components.usekarma.dev in namespace dev/],
    ['reader', 'prod/dev', 403, /reader may not list components.usekarma.dev in namespace prod/],
  ]
  for (const query of queries) {
    for (const [who, environment, status, message] of rights) {
      it(`${who || 'no token'} ${query}environment=${environment}: ${status}`, async () => {
        const get = await serve(makeGraphWorld())
        const answer = await get(`${query}environment=${environment}`, who)
        assert.equal(answer.status, status)
        assert.match(answer.body.message, message)
      })
    }
  }

  const refused: [query: string, status: number, reason: string, message: RegExp][] = [
    ['versions', 400, 'BadRequest', /environment: expected NAMESPACE\/NAME of an Environment, found nothing/],
    ['versions?environment=dev', 400, 'BadRequest', /found "dev"/],
    ["versions?environment=dev/a'b", 400, 'BadRequest', /environment: expected/],
    [
      'versions?environment=dev/dev&limit=0',
      400,
      'BadRequest',
      /limit: expected a whole number from 1 to 1000, found "0"/,
    ],
    ['versions?environment=dev/dev&at=1', 400, 'BadRequest', /at: expected one of environment, limit/],
    ['changes?environment=dev/dev&from=1', 400, 'BadRequest', /to: expected a version, found nothing/],
    [
      'changes?environment=dev/dev&from=3&to=1',
      400,
      'BadRequest',
      /to: expected a version that is not older than from = 3, found 1/,
    ],
    [
      'changes?environment=dev/dev&from=0&to=5000',
      400,
      'TooLarge',
      /versions 0 to 5000: expected at most 2000 versions at once, found 5000; ask for fewer/,
    ],
    ['changes?environment=dev/dev&from=1&to=4', 404, 'VersionUnknown', /; versions that are held: 2 to 4$/],
    ['states?environment=dev/dev&version=-1', 400, 'BadRequest', /version: expected a whole number/],
    ['states?environment=dev/dev&version=1', 404, 'VersionUnknown', /version 1.*; versions that are held: 2 to 4$/],
    ['states?environment=dev/dev&version=9', 404, 'VersionUnknown', /version 9.*; versions that are held: 2 to 4$/],
    ['history?environment=dev/dev', 400, 'BadRequest', /after: expected a version, found nothing/],
  ]
  for (const [query, status, reason, message] of refused) {
    it(`${query} is refused: ${reason}`, async () => {
      const get = await serve(await fourVersions(2))
      const answer = await get(query)
      // Whether what is not held was there once is known to some stores only.
      const found =
        answer.body.reason === 'VersionCompacted' ? [404, 'VersionUnknown'] : [answer.status, answer.body.reason]
      assert.deepEqual(found, [status, reason])
      assert.match(answer.body.message, message)
    })
  }

  it('a version that was compacted is gone', async () => {
    const world = await fourVersions()
    const gone = failure({ reason: 'VersionCompacted', message: 'version 1 is gone', retry: false })
    const get = await serve({ ...world, graph: { ...world.graph, view: async () => gone, changes: async () => gone } })
    for (const query of ['states?environment=dev/dev&version=1', 'changes?environment=dev/dev&from=1&to=2']) {
      const body = { reason: 'VersionCompacted', message: 'version 1 is gone; versions that are held: 1 to 4' }
      assert.deepEqual(await get(query), { status: 410, body })
    }
  })

  it('a graph that throws is 503, without its words', async () => {
    const world = makeGraphWorld()
    const graph: GraphStore = { ...world.graph, head: () => Promise.reject(new Error('secret')) }
    const get = await serve({ graph, ledger: world.ledger })
    assert.deepEqual(await get('versions?environment=dev/dev'), {
      status: 503,
      body: { reason: 'Unavailable', message: 'the graph cannot be read; see the operator’s log' },
    })
  })
})
