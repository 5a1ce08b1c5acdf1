import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { withBreaker } from '../../operator/adapters/graph-gremlin/breaker.ts'
import type { GremlinConnection } from '../../operator/adapters/graph-gremlin/connection.ts'
import type { GraphPatch, GraphStore } from '../../operator/ports/graph.ts'
import { olderTinkerPop } from '../cluster/gremlin-server.ts'
import { connectTo, graphOver } from '../support/gremlin-graph.ts'
import { type GremlinProxy, startGremlinProxy } from '../support/gremlin-proxy.ts'
import { by, value } from './graph-store-steps.ts'
import { emptyServer } from './gremlin-server.ts'

/*
 * A writer with a reader endpoint, which Neptune's replicas stand behind: it answers what it is as new for, and whatever
 * becomes of it, history comes from the writer and nothing else notices.
 */
describe('a graph store with a reader', function () {
  this.timeout(60_000)
  const environment = 'dev/read'
  const patches: readonly GraphPatch[] = [
    [{ id: 'dev/a/1', type: 'a', edges: [] }],
    [{ id: 'dev/a/2', type: 'a', edges: [{ name: 'r', to: 'dev/a/1' }] }],
  ]
  let writer: { url: string; connection: GremlinConnection }
  /** Another server: only what is published there is in it. */
  let behind: { url: string; connection: GremlinConnection }
  let proxy: GremlinProxy
  let connection: GremlinConnection | undefined

  before(async function () {
    this.timeout(300_000)
    const of = async (version?: string) => {
      const { server, connection } = await emptyServer(version)
      return { url: server.url, port: server.port, connection }
    }
    writer = await of()
    const replica = await of(olderTinkerPop)
    behind = replica
    proxy = await startGremlinProxy({ target: { host: '127.0.0.1', port: replica.port } })
    for (const [at, patch] of patches.entries()) {
      value(await graphOver(writer.connection).publish(environment, at + 1, patch, by(`writer-${at + 1}`)))
    }
    value(await graphOver(behind.connection).publish(environment, 1, patches[0]!, by('reader-1')))
  })
  after(() => proxy?.close())
  afterEach(async () => {
    proxy.set('pass')
    await connection?.close()
  })

  const withReader = (reader: string): GraphStore => {
    const backoff = { firstMs: 2, maxMs: 20, attempts: 3, reconnects: 2 }
    const clock = { monotonic: () => performance.now() }
    connection = withBreaker(connectTo(writer.url, { reader, backoff }), clock)
    return graphOver(connection)
  }

  /** By whom each version was, newest first: the two servers were told different names. */
  const authors = async (store: GraphStore): Promise<string[]> =>
    value(await store.versions(environment, 10)).map(({ changeId }) => changeId)

  /** History, and what is decided on, several times in a row: what one request met must not be in the way of the next. */
  const answersFromWriter = async (store: GraphStore): Promise<void> => {
    for (let time = 0; time < 3; time++) {
      assert.deepEqual(await authors(store), ['writer-2', 'writer-1'])
      const changes = value(await store.changes(environment, 0, 2))
      assert.deepEqual(
        changes.map(({ changeId }) => changeId),
        ['writer-1', 'writer-2'],
      )
      assert.equal(value(await store.view(environment, 2)).view.size, 2)
    }
  }

  it('that is dead: history comes from the writer', () => answersFromWriter(withReader('ws://127.0.0.1:1/gremlin')))

  it('that is behind: history comes from the writer', () => answersFromWriter(withReader(behind.url)))

  for (const mode of ['hang', 'garbage', 'half', 'forbidden', 'down'] as const) {
    it(`that does not answer (${mode}): history comes from the writer`, async () => {
      proxy.set(mode)
      await answersFromWriter(withReader(proxy.url))
      assert.ok(proxy.counts.connections > 0)
    })
  }

  /** Repeated it changes nothing. */
  const catchUp = async (): Promise<void> =>
    void value(await graphOver(behind.connection).publish(environment, 2, patches[1]!, by('reader-2')))

  it('that catches up: it answers from then on', async () => {
    const store = withReader(behind.url)
    assert.deepEqual(await authors(store), ['writer-2', 'writer-1'])
    await catchUp()
    assert.deepEqual(await authors(store), ['reader-2', 'reader-1'])
  })

  it('goes on without the reader when it dies, and with it when it is there again', async () => {
    const store = withReader(proxy.url)
    await catchUp()
    assert.deepEqual(await authors(store), ['reader-2', 'reader-1'])
    proxy.set('down')
    await answersFromWriter(store)
    proxy.set('pass')
    let last = await authors(store)
    for (const end = Date.now() + 20_000; last[0] !== 'reader-2' && Date.now() < end; await sleep(50))
      last = await authors(store)
    assert.deepEqual(last, ['reader-2', 'reader-1'])
  })
})
