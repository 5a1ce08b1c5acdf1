import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Credentials } from '../../../../operator/adapters/kubernetes/credentials.ts'
import { makeOperatorPort } from '../../../../operator/adapters/kubernetes/operator-port.ts'
import { type Result, success } from '../../../../operator/api/result.ts'

const credentialsOf = (headers: Record<string, string>, server = 'https://127.0.0.1:1'): Credentials => ({
  server,
  user: 'jo',
  current: async () => ({ headers, tls: {} }),
  reload: () => {},
})
const bearer = credentialsOf({ authorization: 'Bearer t' })

const get = async (credentials: Credentials, address: string | undefined, path: string): Promise<Result<unknown>> => {
  const port = makeOperatorPort({ credentials, address })
  try {
    return await port.get(path)
  } finally {
    await port.close()
  }
}

describe('the operator’s port', () => {
  let server: Server
  let address: string
  let seen: { method?: string | undefined; url: string; headers: Record<string, unknown> }[] = []
  let answer = { status: 200, text: '{"events":[]}' }
  before(async () => {
    server = createServer((request, response) => {
      seen.push({ method: request.method, url: request.url ?? '', headers: request.headers })
      response.writeHead(answer.status).end(answer.text)
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  beforeEach(() => {
    seen = []
    answer = { status: 200, text: '{"events":[]}' }
  })
  after(() => server.close())

  it('KARMA_API, with the token', async () => {
    assert.deepEqual(await get(bearer, `${address}/`, '/api/v1/log?x=1'), success({ events: [] }))
    assert.equal(seen[0]?.url, '/api/v1/log?x=1')
    assert.equal(seen[0]?.headers.authorization, 'Bearer t')
  })

  it('POST, with nothing but the path', async () => {
    const port = makeOperatorPort({ credentials: bearer, address })
    assert.deepEqual(await port.post('/api/v1/events/replay?tag=a'), success({ events: [] }))
    await port.close()
    const [{ method, url, headers } = { url: '', headers: {} }] = seen
    assert.deepEqual([method, url, headers['content-length']], ['POST', '/api/v1/events/replay?tag=a', '0'])
    assert.equal(headers.authorization, 'Bearer t')
  })

  it('else the API server’s service proxy, with the token in both headers', async () => {
    const through = credentialsOf({ authorization: 'Bearer t' }, `${address}/clusters/1`)
    assert.ok((await get(through, undefined, '/api/v1/log')).ok)
    assert.equal(seen[0]?.url, '/clusters/1/api/v1/namespaces/karma-system/services/http:karma:http/proxy/api/v1/log')
    assert.equal(seen[0]?.headers.authorization, 'Bearer t')
    assert.equal(seen[0]?.headers['x-karma-authorization'], 'Bearer t')
  })

  it('says which Service it asked for, and what else there is, when the API server knows none', async () => {
    const through = credentialsOf({ authorization: 'Bearer t' }, address)
    const status = { kind: 'Status', reason: 'NotFound', message: 'services "karma" not found', code: 404 }
    answer = { status: 404, text: JSON.stringify(status) }
    const result = await get(through, undefined, '/api/v1/log')
    assert.deepEqual(result.ok ? 'ok' : result.failure, {
      reason: 'NotFound',
      message: `operator, through Service karma in namespace karma-system of ${address}: services "karma" not found; where that does not lead to the operator, set KARMA_API to the URL of its HTTP port, see README`,
      retry: false,
    })
    // What Karma itself does not find is in its own words.
    answer = { status: 404, text: '{"reason":"NotFound","message":"no events of it"}' }
    const none = await get(through, undefined, '/api/v1/log')
    assert.equal(none.ok ? 'ok' : none.failure.message, 'no events of it')
  })

  const failures: [name: string, status: number, text: string, reason: string, message: RegExp][] = [
    ['Karma’s refusal', 403, '{"reason":"Forbidden","message":"jo may not"}', 'Forbidden', /^jo may not$/],
    ['a proxy’s page', 502, '<html>Bad Gateway', 'Unreachable', /operator at .*: HTTP 502 <html>/],
    ['no JSON', 200, 'hello', 'Unreachable', /HTTP 200 hello/],
  ]
  for (const [name, status, text, reason, message] of failures) {
    it(`${name} is a failure`, async () => {
      answer = { status, text }
      const result = await get(bearer, address, '/api/v1/log')
      assert.ok(!result.ok)
      assert.equal(result.failure.reason, reason)
      assert.match(result.failure.message, message)
    })
  }

  it('sends no token in the clear, and none it has not got', async () => {
    const reasonOf = async (credentials: Credentials, to: string | undefined) => {
      const result = await get(credentials, to, '/api/v1/log')
      return result.ok ? 'ok' : `${result.failure.reason} ${result.failure.message}`
    }
    assert.match(
      await reasonOf(bearer, 'http://karma.example'),
      /InvalidAddress KARMA_API: expected https, or http on the loopback/,
    )
    assert.match(await reasonOf(bearer, 'karma'), /InvalidAddress KARMA_API: expected a URL, found "karma"/)
    const certificate = credentialsOf({})
    assert.match(await reasonOf(certificate, address), /NoToken kubeconfig user "jo": .*client certificate.*--token/)
    assert.match(
      await reasonOf(bearer, 'http://127.0.0.1:1'),
      /Unreachable operator at http:\/\/127.0.0.1:1: .*ECONNREFUSED/,
    )
    assert.deepEqual(seen, [])
  })

  it('says what an exec plugin said', async () => {
    const broken: Credentials = { ...bearer, current: () => Promise.reject(new Error('plugin: not logged in')) }
    const result = await get(broken, address, '/api/v1/log')
    assert.deepEqual(result.ok ? 'ok' : result.failure, {
      reason: 'InvalidKubeconfig',
      message: 'kubeconfig user "jo": plugin: not logged in',
      retry: false,
    })
  })
})
