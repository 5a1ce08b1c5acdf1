import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { apiRequestOf } from '../../support/api-request.ts'
import { type Action, type ApiProxy, pass, startProxy, statusAnswer } from '../../support/proxy.ts'

describe('the proxy before the API server', () => {
  let server: Server
  let proxy: ApiProxy
  let heard: string[]
  const ran: string[] = []

  before(async () => {
    server = createServer((request, response) => {
      heard.push(`${request.method} ${request.url} ${request.headers.authorization}`)
      response.end('{"ok":true}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    proxy = await startProxy({ target: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  })
  after(async () => {
    await proxy.stop()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  beforeEach(() => {
    heard = []
    ran.length = 0
  })

  const ask = async (action: Action): Promise<string> => {
    const takeOff = proxy.onRequest(() => action)
    try {
      const headers = { authorization: 'Bearer t' }
      const answer = await fetch(`${proxy.url}/api/v1/things/a?x=1`, { method: 'PUT', body: '{}', headers })
      return `${answer.status} ${await answer.text()}`
    } catch {
      return 'cut'
    } finally {
      takeOff()
    }
  }
  const run = () => void ran.push('run')
  const reached = ['PUT /api/v1/things/a?x=1 Bearer t']
  const cases: [string, Action, string, string[], string[]][] = [
    ['pass', pass, '200 {"ok":true}', reached, []],
    ['cut-before', { kind: 'cut-before' }, 'cut', [], []],
    ['cut-after', { kind: 'cut-after' }, 'cut', reached, []],
    ['after', { kind: 'after', run }, '200 {"ok":true}', reached, ['run']],
    [
      'after, the answer held back',
      { kind: 'after', first: async () => void ran.push('first'), run },
      '200 {"ok":true}',
      reached,
      ['first', 'run'],
    ],
    ['instead-of-answer', { kind: 'instead-of-answer', run }, 'cut', reached, ['run']],
    ['delay, then pass', { kind: 'delay', ms: 5 }, '200 {"ok":true}', reached, []],
    [
      'delay until something, then cut',
      { kind: 'delay', until: Promise.resolve(), next: { kind: 'cut-before' } },
      'cut',
      [],
      [],
    ],
    ['replace', { kind: 'replace', status: 503, body: 'away' }, '503 away', [], []],
    [
      'rewrite',
      { kind: 'rewrite', url: new URL('http://x/other?y=2') },
      '200 {"ok":true}',
      ['PUT /other?y=2 Bearer t'],
      [],
    ],
  ]
  for (const [name, action, answer, reaches, runs] of cases) {
    it(name, async () => {
      assert.deepEqual([await ask(action), heard, ran], [answer, reaches, runs])
    })
  }

  it('answers a Status', async () => {
    const answer = await ask(statusAnswer(409, 'Conflict', 'changed'))
    assert.match(answer, /^409 \{"kind":"Status",.*"reason":"Conflict","message":"changed"\}$/)
  })

  it('asks hooks latest first and counts what came', async () => {
    const before = proxy.requests.length
    const takeOff = proxy.onRequest(() => ({ kind: 'replace', status: 200, body: 'earlier' }))
    assert.equal(await ask({ kind: 'replace', status: 200, body: 'later' }), '200 later')
    takeOff()
    assert.equal(await ask(pass), '200 {"ok":true}')
    assert.deepEqual(
      proxy.requests.slice(before).map(({ verb, resource, name, body }) => [verb, resource, name, body]),
      [
        ['update', 'things', 'a', '{}'],
        ['update', 'things', 'a', '{}'],
      ],
    )
  })

  it('takes a hook off once, and no other one in its place', async () => {
    const other = proxy.onRequest(() => ({ kind: 'replace', status: 200, body: 'other' }))
    const takeOff = proxy.onRequest(() => undefined)
    takeOff()
    takeOff()
    assert.equal(await ask(pass).catch(() => ''), '200 {"ok":true}')
    const answer = await fetch(`${proxy.url}/api/v1/things/a`)
    assert.equal(await answer.text(), 'other')
    other()
  })

  describe('knows what a request is for', () => {
    const paths: [string, string, Record<string, string>][] = [
      ['GET', '/api/v1/pods', { verb: 'list', resource: 'pods' }],
      ['GET', '/api/v1/pods?watch=true', { verb: 'watch', resource: 'pods' }],
      ['GET', '/api/v1/namespaces', { verb: 'list', resource: 'namespaces' }],
      ['GET', '/api/v1/namespaces/n', { verb: 'get', resource: 'namespaces', name: 'n' }],
      ['POST', '/apis/g/v1/namespaces/n/things', { verb: 'create', resource: 'things', namespace: 'n' }],
      [
        'PATCH',
        '/apis/g/v1/namespaces/n/things/a.b/status?fieldManager=x',
        { verb: 'patch', resource: 'things', namespace: 'n', name: 'a.b', subresource: 'status' },
      ],
      ['DELETE', '/apis/g/v1/things/a', { verb: 'delete', resource: 'things', name: 'a' }],
      ['GET', '/readyz', { verb: 'other', resource: '' }],
    ]
    for (const [method, path, expected] of paths) {
      it(`${method} ${path}`, () => assert.deepEqual(apiRequestOf(method, new URL(path, 'http://x')), expected))
    }
  })
})
