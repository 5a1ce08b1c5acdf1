import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import gremlin, { type Client, type GraphTraversal, type Reader } from 'gremlin'
import graphBinary from 'gremlin/lib/structure/io/binary/GraphBinary.js'
import { type GremlinServer, startGremlinServer } from '../cluster/gremlin-server.ts'
import type { SentRequest } from '../support/gremlin-messages.ts'
import { type GremlinProxy, startGremlinProxy } from '../support/gremlin-proxy.ts'

const { t, statics: __, cardinality } = gremlin.process
const g = new gremlin.structure.Graph().traversal()
const named = (id: string) => g.mergeV(new Map<unknown, unknown>([[t.id, id]]))
/** longer than anything that answers takes, shorter than the test's own limit */
const silenceMs = 400

/** The driver's own throws at bytes that it cannot read, from where nobody can catch it. */
const reader: Reader = {
  readResponse(bytes) {
    try {
      return graphBinary.graphBinaryReader.readResponse(bytes)
    } catch (cause) {
      return { requestId: null, status: { code: 500, message: `unreadable: ${cause}` }, result: {} }
    }
  },
}

describe('Gremlin Server', () => {
  let server: GremlinServer
  let clients: Client[] = []

  before(async function () {
    this.timeout(10 * 60_000)
    server = await startGremlinServer()
  })
  after(async () => server?.close())
  afterEach(async () => {
    for (const client of clients) await client.close()
    clients = []
  })

  const connect = (url: string): ((traversal: GraphTraversal) => Promise<readonly unknown[]>) => {
    const client = new gremlin.driver.Client(url, { traversalSource: 'g', reader })
    clients.push(client)
    return async (traversal) => {
      const options = { requestId: randomUUID(), evaluationTimeout: 10_000 }
      const answer = await client.submit(traversal.getBytecode(), null, options)
      return answer.toArray().map((traverser) => (traverser as { object: unknown }).object)
    }
  }

  it('returns references: no properties of an element', async () => {
    const ask = connect(server.url)
    await ask(named('a').property('env', 'one').count())
    await ask(named('b').mergeE(edge('a', 'b')).property('since', 1).count())
    const vertices = (await ask(g.V('a'))) as { id: string; properties: unknown[] }[]
    assert.deepEqual(
      vertices.map(({ id, properties }) => ({ id, properties })),
      [{ id: 'a', properties: [] }],
    )
    const [found] = (await ask(g.V('a').outE())) as { properties: unknown }[]
    assert.deepEqual(found?.properties, [])
    assert.deepEqual(await ask(g.V('a').values('env')), ['one'])
  })

  it('keeps every value of a vertex property, unless told single', async () => {
    const ask = connect(server.url)
    for (const value of [1, 2]) await ask(named('set').property('k', value).count())
    assert.deepEqual(await ask(g.V('set').values('k')), [1, 2])
    await ask(named('set').property(cardinality.single, 'k', 3).count())
    assert.deepEqual(await ask(g.V('set').values('k')), [3])
  })

  it('takes a request as one transaction', async () => {
    const ask = connect(server.url)
    // An edge that is not there and says not from where it would come is an error.
    await assert.rejects(
      ask(
        named('lost')
          .mergeE(new Map([[t.id, 'none']]))
          .count(),
      ),
    )
    assert.deepEqual(await ask(g.V('lost').count()), [0])
  })

  it('is empty after a restart, on the same port', async function () {
    this.timeout(120_000)
    await connect(server.url)(named('before').count())
    await server.kill()
    await assert.rejects(connect(server.url)(g.inject(0)))
    await server.restart()
    assert.deepEqual(await connect(server.url)(g.V().count()), [0])
  })

  describe('behind the proxy', () => {
    let proxy: GremlinProxy
    let ask: (traversal: GraphTraversal) => Promise<readonly unknown[]>
    const past = (traversal: GraphTraversal) => connect(server.url)(traversal)

    beforeEach(async () => {
      proxy = await startGremlinProxy({ target: { host: '127.0.0.1', port: server.port } })
      ask = connect(proxy.url)
      assert.deepEqual(await ask(g.inject(7)), [7])
    })
    afterEach(async () => proxy.close())

    it('pass: tells what is sent, and what of it is a write', async () => {
      const sent: SentRequest[] = []
      const away = proxy.onRequest((request) => sent.push(request))
      await ask(named('w').property('k', 'v').count())
      await ask(g.V('w').has('property', 'drop').values('k'))
      await ask(g.V('nobody').sideEffect(__.drop()).count())
      away()
      await ask(g.inject(0))
      assert.deepEqual(
        sent.map(({ write }) => write),
        [true, false, true],
      )
      assert.deepEqual(sent[0]?.bytecode?.stepInstructions.slice(1), [['property', 'k', 'v'], ['count']])
      assert.equal(proxy.counts.requests, 5)
      assert.equal(proxy.counts.writes, 2)
    })

    it('pass: answers of many messages arrive whole', async () => {
      assert.equal((await ask(g.inject(...range(500)))).length, 500)
      assert.ok(proxy.counts.answers > 2)
    })

    it('down: cuts what is open and what comes', async () => {
      proxy.set('down')
      await assert.rejects(ask(g.inject(0)))
      await assert.rejects(connect(proxy.url)(g.inject(0)))
      proxy.set('pass')
      assert.deepEqual(await connect(proxy.url)(g.inject(1)), [1])
    })

    it('hang: answers neither a request nor a handshake, and passes nothing on', async () => {
      proxy.set('hang')
      assert.equal(await unlessSilent(ask(named('hung').count())), 'silent')
      assert.equal(await unlessSilent(connect(proxy.url)(g.inject(0))), 'silent')
      assert.deepEqual(await past(g.V('hung').count()), [0])
    })

    it('slow: answers late what the server did at once', async () => {
      proxy.set({ slow: 2 * silenceMs })
      const answer = ask(named('slow').count())
      assert.equal(await unlessSilent(answer), 'silent')
      assert.deepEqual(await past(g.V('slow').count()), [1])
      assert.deepEqual(await answer, [1])
    })

    it('garbage: answers what nobody can read', async () => {
      proxy.set('garbage')
      await assert.rejects(ask(g.inject(0)), /unreadable/)
    })

    it('cut: ends a connection on which nothing is said', async () => {
      const before = proxy.counts.connections
      proxy.set({ cut: 50 })
      while (proxy.counts.cut === 0) await unlessSilent(undefined, 20)
      proxy.set('pass')
      const unlessClosed = (error: Error): undefined => {
        if (!/closed/.test(error.message)) throw error
      }
      // The client may not have heard of it yet.
      let answer: unknown
      while (answer === undefined) answer = await ask(g.inject(1)).catch(unlessClosed)
      assert.deepEqual(answer, [1])
      assert.equal(proxy.counts.connections, before + 1)
    })

    it('half: begins an answer, of many messages or of one', async () => {
      proxy.set('half')
      await assert.rejects(ask(g.inject(...range(500))), /closed/)
      await assert.rejects(ask(g.inject(0)), /closed/)
      assert.equal(proxy.counts.cut, 2)
    })

    it('forbidden: 403 at the handshake, not for those that are in', async () => {
      proxy.set('forbidden')
      await assert.rejects(connect(proxy.url)(g.inject(0)), /403/)
      assert.deepEqual(await ask(g.inject(1)), [1])
      proxy.cutAll()
      await unlessSilent(undefined, 50)
      await assert.rejects(ask(g.inject(1)), /403/)
    })

    it('conflicts: refuses that share of the writes as Neptune does', async () => {
      const draws = [0.1, 0.9]
      proxy.conflicts({ share: 0.5, random: () => draws.shift() ?? 1 })
      await assert.rejects(ask(named('c').count()), refusal('ConcurrentModificationException'))
      assert.deepEqual(await ask(g.V('c').count()), [0])
      assert.deepEqual(await ask(named('c').count()), [1])
      assert.equal(proxy.counts.conflicts, 1)
    })

    it('lose: the write is committed, its answer never comes; a failure is none', async () => {
      proxy.lose(1)
      assert.deepEqual(await ask(g.inject(1)), [1])
      await assert.rejects(
        ask(
          named('lost')
            .mergeE(new Map([[t.id, 'none']]))
            .count(),
        ),
        { statusCode: 500 },
      )
      await assert.rejects(ask(named('kept').count()), /closed/)
      assert.deepEqual(await past(g.V('kept').count()), [1])
      assert.deepEqual(await ask(named('kept').count()), [1])
      assert.equal(proxy.counts.lost, 1)
    })

    it('readOnly: refuses writes as a replica does', async () => {
      proxy.readOnly(true)
      await assert.rejects(ask(named('r').count()), refusal('ReadOnlyViolationException'))
      assert.deepEqual(await ask(g.V('r').count()), [0])
      proxy.readOnly(false)
      assert.deepEqual(await ask(named('r').count()), [1])
    })
  })
})

const edge = (from: string, to: string): Map<unknown, unknown> =>
  new Map<unknown, unknown>([
    [t.id, `${from}>${to}`],
    [t.label, 'REF'],
    [gremlin.process.direction.from_, from],
    [gremlin.process.direction.to, to],
  ])

const range = (length: number): number[] => Array.from({ length }, (_, index) => index)

/** What the driver makes of a refusal of Neptune: a ResponseError whose message is JSON. */
const refusal =
  (code: string) =>
  (error: unknown): true => {
    const { name, statusCode, statusMessage } = error as { name: string; statusCode: number; statusMessage: string }
    assert.deepEqual(
      { name, statusCode, code: JSON.parse(statusMessage).code },
      { name: 'ResponseError', statusCode: 500, code },
    )
    return true
  }

/** What the answer is, or `silent`: the one thing that only time can tell. */
async function unlessSilent(answer: Promise<unknown> | undefined, ms = silenceMs): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const timer = setTimeout(resolve, ms, 'silent')
  // What is rejected later, when the proxy is closed, is nobody's concern.
  answer?.catch(() => {})
  try {
    return await Promise.race([promise, ...(answer === undefined ? [] : [answer])])
  } finally {
    clearTimeout(timer)
  }
}
