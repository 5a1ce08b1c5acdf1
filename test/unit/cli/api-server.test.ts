import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ApiServer, connect } from '../../../operator/cli/api-server.ts'
import { installed, pages } from '../../../operator/cli/installation.ts'

interface Asked {
  readonly line: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

describe('the command line at the API server', () => {
  let server: Server
  let address: string
  let asked: Asked[] = []
  let answers: Readonly<Record<string, readonly [status: number, body: unknown]>> = {}
  let api: ApiServer

  before(async () => {
    server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      request.on('end', () => {
        const line = `${request.method} ${request.url}`
        asked.push({ line, headers: request.headers, body })
        const [status, answer] = answers[line] ?? [404, '404 page not found\n']
        response.writeHead(status).end(typeof answer === 'string' ? answer : JSON.stringify(answer))
      })
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  beforeEach(() => {
    asked = []
    answers = {}
    const tls = { headers: { Authorization: 'Bearer of-the-kubeconfig' } }
    api = connect({ server: `${address}/`, namespace: 'dev', tls, token: 'given', user: 'jo' })
  })
  afterEach(() => api.close())
  after(() => server.close())

  const namesIn = async (path: string): Promise<string[]> => {
    const names: string[] = []
    for await (const page of pages(api, path, { metadataOnly: true })) {
      if (!page.ok) return [...names, page.failure.reason]
      names.push(...page.value.map(({ metadata }) => metadata.name))
    }
    return names
  }
  const item = (name: string) => ({ metadata: { name } })

  it('reads a list page by page, metadata alone, as who was given by hand', async () => {
    answers = {
      'GET /apis/x?limit=500': [200, { items: [item('a')], metadata: { continue: 'n/1=', remainingItemCount: 7 } }],
      'GET /apis/x?limit=500&continue=n%2F1%3D': [200, { items: [item('b')], metadata: {} }],
    }
    assert.deepEqual(await namesIn('/apis/x'), ['a', 'b'])
    assert.equal(asked[0]?.headers.authorization, 'Bearer given')
    assert.match(asked[0]?.headers.accept ?? '', /as=PartialObjectMetadataList/)
    const page = await api.list('/apis/x')
    assert.equal(page.ok && page.value.total, 8)
  })

  it('finds nothing where nothing is served', async () => {
    assert.deepEqual(await namesIn('/apis/y'), [])
    const there = await installed(api)
    assert.deepEqual(there, { ok: true, value: [] })
  })

  it('ends a list that fails in the middle with its failure', async () => {
    answers = {
      'GET /apis/x?limit=500': [200, { items: [item('a')], metadata: { continue: 'n' } }],
      'GET /apis/x?limit=500&continue=n': [410, { kind: 'Status', reason: 'Expired', message: 'too old' }],
    }
    assert.deepEqual(await namesIn('/apis/x'), ['a', 'Expired'])
  })

  it('removes what is there, and what is not', async () => {
    answers = {
      'DELETE /apis/x/a': [200, { kind: 'Status' }],
      'DELETE /apis/x/c': [403, { reason: 'Forbidden', message: 'no' }],
    }
    assert.ok((await api.remove('/apis/x/a')).ok)
    assert.ok((await api.remove('/apis/x/b')).ok)
    const refused = await api.remove('/apis/x/c')
    assert.deepEqual(refused, { ok: false, failure: { reason: 'Forbidden', message: 'no', retry: false } })
  })

  it('patches by JSON merge patch', async () => {
    answers = { 'PATCH /apis/x/a': [200, item('a')] }
    assert.ok((await api.patch('/apis/x/a', { metadata: { finalizers: [] } })).ok)
    assert.equal(asked[0]?.headers['content-type'], 'application/merge-patch+json')
    assert.equal(asked[0]?.body, '{"metadata":{"finalizers":[]}}')
  })

  it('says what answered when it was no API server, and when nobody did', async () => {
    answers = { 'GET /apis/x': [502, '<html>Bad Gateway'] }
    const proxied = await api.get('/apis/x')
    assert.match(
      proxied.ok ? '' : `${proxied.failure.reason} ${proxied.failure.message}`,
      /^Unreachable API server at http:.*: HTTP 502 <html>/,
    )
    const nobody = connect({ server: 'http://127.0.0.1:1', namespace: 'dev', tls: {}, user: 'jo' })
    const silence = await nobody.get('/apis')
    assert.match(silence.ok ? '' : silence.failure.message, /ECONNREFUSED/)
    nobody.close()
  })
})
