import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type ClientDependencies,
  type KubernetesClient,
  makeKubernetesClient,
} from '../../operator/adapters/kubernetes/client.ts'
import type { Credentials } from '../../operator/adapters/kubernetes/credentials.ts'

type Handler = (request: IncomingMessage & { text: string }, response: ServerResponse) => void

const status = (code: number, message: string) => JSON.stringify({ kind: 'Status', code, message })

describe('the client of the API server', () => {
  let server: Server
  let client: KubernetesClient
  let handle: Handler
  let connections: number
  let reloads: number
  let token: string

  const credentialsAt = (url: string): Credentials => {
    const tls = {}
    return {
      server: url,
      user: 'jo',
      current: async () => ({ headers: { authorization: `Bearer ${token}` }, tls }),
      reload: () => {
        reloads++
        token = 'fresh'
      },
    }
  }
  const connect = (url: string, more: Partial<ClientDependencies> = {}) =>
    makeKubernetesClient({ credentials: credentialsAt(url), timeoutMs: 2000, ...more })
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  beforeEach(async () => {
    connections = 0
    reloads = 0
    token = 'stale'
    server = createServer((request, response) => {
      let text = ''
      request.setEncoding('utf8')
      request.on('data', (chunk) => {
        text += chunk
      })
      request.on('end', () => handle(Object.assign(request, { text }), response))
    })
    server.on('connection', () => {
      connections++
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    client = connect(url())
  })
  afterEach(async () => {
    server.closeAllConnections()
    await client.close()
    await new Promise((resolve) => server.close(resolve))
  })

  it('sends method, path, query, media type and body of each verb', async () => {
    const seen: unknown[] = []
    handle = (request, response) => {
      seen.push([request.method, request.url, request.headers['content-type'], request.text])
      assert.equal(request.headers.authorization, 'Bearer stale')
      response.end('{"kind":"Thing"}')
    }
    const results = [
      await client.get('/x', { query: { a: 1 } }),
      await client.create('/x', { n: 1 }, { query: { dryRun: 'All' } }),
      await client.put('/x', { n: 2 }),
      await client.patch('/x', { n: 3 }, { fieldManager: 'me' }),
      await client.patch('/x', [], { contentType: 'json' }),
      await client.remove('/x', { preconditions: { uid: 'u' } }),
    ]
    assert.deepEqual(seen, [
      ['GET', '/x?a=1', undefined, ''],
      ['POST', '/x?dryRun=All', 'application/json', '{"n":1}'],
      ['PUT', '/x', 'application/json', '{"n":2}'],
      ['PATCH', '/x?fieldManager=me', 'application/merge-patch+json', '{"n":3}'],
      ['PATCH', '/x', 'application/json-patch+json', '[]'],
      ['DELETE', '/x', 'application/json', '{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"u"}}'],
    ])
    for (const result of results) assert.deepEqual(result, { ok: true, value: { kind: 'Thing' } })
  })

  it('keeps its connections', async () => {
    handle = (_request, response) => response.end('{}')
    for (let round = 0; round < 20; round++) await Promise.all([client.get('/x'), client.put('/x', {})])
    assert.ok(connections <= 4, `${connections} connections for 40 requests, 2 at a time`)
  })

  it('keeps to a server that lives under a path', async () => {
    handle = (request, response) => response.end(JSON.stringify(request.url))
    await client.close()
    client = connect(`${url()}/k8s/clusters/c-1/`)
    assert.deepEqual(await client.get('/api/v1/pods'), { ok: true, value: '/k8s/clusters/c-1/api/v1/pods' })
  })

  it('reads a page of a list', async () => {
    handle = (_request, response) =>
      response.end('{"metadata":{"resourceVersion":"7","continue":"c","remainingItemCount":5},"items":[1]}')
    assert.deepEqual(await client.list('/x'), {
      ok: true,
      value: { items: [1], resourceVersion: '7', continue: 'c', remaining: 5 },
    })
    handle = (_request, response) => response.end('{"metadata":{"resourceVersion":"7","continue":""},"items":null}')
    assert.deepEqual(await client.list('/x'), { ok: true, value: { items: [], resourceVersion: '7', remaining: 0 } })
  })

  it('parses as it is told to', async () => {
    handle = (_request, response) => response.end('{"n":1}')
    await client.close()
    client = connect(url(), { parse: (text) => `parsed ${text}` })
    assert.deepEqual(await client.get('/x'), { ok: true, value: 'parsed {"n":1}' })
  })

  it('after a 401 reads its credentials again and sends once more, once', async () => {
    const seen: unknown[] = []
    handle = (request, response) => {
      seen.push(request.headers.authorization)
      if (request.headers.authorization === 'Bearer fresh') return void response.end('{}')
      response.writeHead(401).end(status(401, 'Unauthorized'))
    }
    assert.deepEqual(await client.put('/x', {}), { ok: true, value: {} })
    assert.deepEqual([seen, reloads], [['Bearer stale', 'Bearer fresh'], 1])
    handle = (_request, response) => response.writeHead(401).end(status(401, 'Unauthorized'))
    const refused = await client.put('/x', {})
    assert.deepEqual([!refused.ok && refused.failure.reason, reloads], ['Unauthorized', 2])
  })

  describe('a write that', () => {
    const outcomes: [string, Handler, string, RegExp][] = [
      ['is cut off before an answer', (request) => request.socket.destroy(), 'Unknown', /^PUT \/x: /],
      ['gets no answer in time', () => {}, 'Unknown', /^PUT \/x: no answer within 200 ms$/],
      [
        'is cut off in the middle of the answer',
        (request, response) => {
          response.writeHead(200, { 'content-length': '100' }).write('{"half":')
          setImmediate(() => request.socket.destroy())
        },
        'Unknown',
        /^PUT \/x: /,
      ],
      ['is answered with something else', (_request, response) => void response.end('<html>'), 'Unknown', /not JSON/],
    ]
    for (const [name, handler, outcome, message] of outcomes) {
      it(`${name}: outcome ${outcome}`, async () => {
        handle = handler
        const answer = await client.put('/x', {}, { timeoutMs: 200 })
        assert.ok(!answer.ok)
        assert.deepEqual([answer.failure.reason, answer.failure.retry], ['Unavailable', true])
        assert.equal(answer.failure.outcome, outcome)
        assert.match(answer.failure.message, message)
      })
    }

    it('finds nobody: outcome NotDone', async () => {
      const nobody = connect('http://127.0.0.1:1')
      const answer = await nobody.put('/x', {})
      assert.ok(!answer.ok)
      assert.deepEqual([answer.failure.reason, answer.failure.outcome], ['Unavailable', 'NotDone'])
      assert.match(answer.failure.message, /ECONNREFUSED/)
      await nobody.close()
    })

    it('waits for a connection longer than its time: outcome NotDone, and it never goes out', async () => {
      const seen: unknown[] = []
      let release = () => {}
      handle = (request, response) => {
        seen.push(request.url)
        release = () => response.end('{}')
      }
      const narrow = connect(url(), { connections: 1 })
      const first = narrow.put('/first', {})
      const second = await narrow.put('/second', {}, { timeoutMs: 50 })
      assert.equal(!second.ok && second.failure.outcome, 'NotDone')
      release()
      assert.ok((await first).ok)
      assert.deepEqual(seen, ['/first'])
      await narrow.close()
    })

    it('is called off: at once', async () => {
      const abort = new AbortController()
      handle = () => abort.abort()
      const answer = await client.put('/x', {}, { signal: abort.signal })
      assert.match(String(!answer.ok && answer.failure.message), /called off/)
    })
  })

  it('does not reuse connections beside one on which no answer came', async () => {
    handle = (request, response) => void (request.url === '/hang' || response.end('{}'))
    await client.get('/x')
    await client.get('/hang', { timeoutMs: 50 })
    await client.get('/x')
    assert.ok(connections >= 2)
  })

  it('never shows a token in a failure', async () => {
    token = 'secret-token'
    handle = (_request, response) => response.writeHead(500).end('broken')
    for (const answer of [await client.get('/x'), await client.put('/x', {})]) {
      assert.doesNotMatch(JSON.stringify(answer), /secret-token/)
    }
  })

  describe('a stream', () => {
    const collect = async (lines: AsyncIterable<string>): Promise<string[]> => {
      const found: string[] = []
      for await (const line of lines) found.push(line)
      return found
    }

    it('gives lines until the server ends it', async () => {
      handle = (request, response) => {
        assert.equal(request.url, '/x?watch=true')
        response.write('{"a":1}\n{"b"')
        response.end(':2}\n')
      }
      const answer = await client.stream('/x', { query: { watch: true }, signal: new AbortController().signal })
      assert.ok(answer.ok)
      assert.deepEqual(await collect(answer.value), ['{"a":1}', '{"b":2}'])
    })

    it('ends without a failure when it is called off', async () => {
      handle = (_request, response) => void response.write('{"a":1}\n')
      const abort = new AbortController()
      const answer = await client.stream('/x', { signal: abort.signal })
      assert.ok(answer.ok)
      const lines: string[] = []
      for await (const line of answer.value) {
        lines.push(line)
        abort.abort()
      }
      assert.deepEqual(lines, ['{"a":1}'])
    })

    it('throws when it is cut, after the whole lines', async () => {
      handle = (request, response) => {
        response.write('{"a":1}\n{"b":')
        setTimeout(() => request.socket.destroy(), 20)
      }
      const answer = await client.stream('/x', { signal: new AbortController().signal })
      assert.ok(answer.ok)
      const lines: string[] = []
      await assert.rejects(async () => {
        for await (const line of answer.value) lines.push(line)
      })
      assert.deepEqual(lines, ['{"a":1}'])
    })

    it('that is refused is a failure with its reason', async () => {
      handle = (_request, response) => response.writeHead(410).end(status(410, 'too old'))
      const answer = await client.stream('/x', { signal: new AbortController().signal })
      assert.deepEqual(!answer.ok && [answer.failure.reason, answer.failure.message], ['Expired', 'too old'])
    })

    it('that is not accepted in time is a failure', async () => {
      handle = () => {}
      await client.close()
      client = connect(url(), { timeoutMs: 100 })
      const answer = await client.stream('/x', { signal: new AbortController().signal })
      assert.match(String(!answer.ok && answer.failure.message), /no answer within 100 ms/)
    })
  })
})
