import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Event } from '../../../operator/api/envelope.ts'
import { failure, type Result, success } from '../../../operator/api/result.ts'
import { get } from '../../../operator/cli/api.ts'
import { openSession, type Session } from '../../../operator/cli/kubeconfig.ts'
import { logPath } from '../../../operator/cli/log.ts'
import { runProgram } from '../../../operator/cli/program.ts'
import { escaped } from '../../../operator/cli/table.ts'

const session: Session = { server: 'https://127.0.0.1:1', namespace: 'dev', tls: {}, token: 't', user: 'jo' }
const event = (event_type: string, entity_id: string, ms: number, attrs: Event['attrs']): Event => ({
  id: String(ms),
  ts: new Date(Date.UTC(2026, 0, 31, 12) + ms).toISOString(),
  event_type,
  entity_id,
  correlation_id: 'u-1',
  tags: {},
  attrs,
})
const story = [
  event('change.requested', 'dev/changerequest/aliases', 0, {
    seq: 1,
    component: 'serverless-site/karma-dev',
    requestedBy: { username: 'jo' },
    requestReason: 'new domain',
  }),
  event('graph.published', 'dev/environment/prod', 40, { seq: 7, version: 41 }),
  event('component.committed', 'dev/serverless-site/karma-dev', 55, {
    seq: 3,
    reason: 'Committed',
    message: 'version 41',
  }),
  event('change.applied', 'dev/changerequest/aliases', 70, {
    seq: 4,
    reason: 'Applied',
    message: '2 affected\n\u001b[31m',
  }),
]

const run = async (
  args: string[],
  answer: Result<unknown> = success({ events: story, truncated: false }),
  colours = false,
) => {
  let out = ''
  let err = ''
  const paths: string[] = []
  const code = await runProgram(args, {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    colours,
    version: '1.2.3',
    openSession: async () => success(session),
    get: async (_session, path) => {
      paths.push(path)
      return answer
    },
  })
  return { code, out, err, path: paths[0] }
}

describe('kubectl karma log', () => {
  it('prints a story as a table', async () => {
    const { code, out, err, path } = await run(['log', 'aliases'])
    assert.equal(path, '/api/v1/log?change=dev%2Faliases')
    assert.equal(err, '')
    assert.equal(code, 0)
    assert.equal(
      out,
      [
        'TIME                       EVENT                 OBJECT                      MESSAGE',
        '2026-01-31T12:00:00.000Z   change.requested      changerequest/aliases       by jo of serverless-site/karma-dev "new domain"',
        '2026-01-31T12:00:00.040Z   graph.published       environment/prod            version 41',
        '2026-01-31T12:00:00.055Z   component.committed   serverless-site/karma-dev   Committed: version 41',
        '2026-01-31T12:00:00.070Z   change.applied        changerequest/aliases       Applied: 2 affected\\n\\u001b[31m',
        '',
      ].join('\n'),
    )
  })

  it('in colour on a terminal only', async () => {
    assert.ok((await run(['log', 'aliases'], undefined, true)).out.includes('\u001b[32mchange.applied\u001b[0m  '))
  })

  it('as JSON and YAML, whole', async () => {
    assert.deepEqual(JSON.parse((await run(['log', 'aliases', '-o', 'json'])).out), { events: story })
    const { out } = await run(['log', 'aliases', '-o', 'yaml'])
    assert.match(out, /^events:\n {2}- id: "0"\n/)
    assert.ok(!out.includes('\u001b'))
  })

  it('says beside it when there is more, or nothing', async () => {
    assert.match(
      (await run(['log', 'aliases'], success({ events: story, truncated: true }))).err,
      /only 4 events are shown; --limit N/,
    )
    assert.deepEqual(await run(['log'], success({ events: [], truncated: false })), {
      code: 0,
      out: '',
      err: 'no events\n',
      path: '/api/v1/log?namespace=dev',
    })
  })

  it('an unknown change is a clear error, and 1', async () => {
    const notFound = failure({
      reason: 'NotFound',
      message: 'ChangeRequest dev/x: the ledger has no events of it\u001b[2J',
      retry: false,
    })
    const { code, out, err } = await run(['log', 'x'], notFound)
    assert.equal(code, 1)
    assert.equal(out, '')
    assert.equal(err, 'error: ChangeRequest dev/x: the ledger has no events of it\\u001b[2J (NotFound)\n')
  })

  it('an answer from somebody else is an error', async () => {
    assert.match((await run(['log', 'x'], success({ kind: 'Welcome' }))).err, /not from Karma/)
  })

  it('wrong use is 1, help and version are 0', async () => {
    assert.equal((await run(['log', '-o', 'xml'])).code, 1)
    assert.equal((await run(['lgo'])).code, 1)
    assert.equal((await run(['log', 'a', 'b'])).code, 1)
    assert.equal((await run(['log', '--help'])).code, 0)
    assert.equal((await run(['--version'])).out, '1.2.3\n')
  })

  const paths: [change: string | undefined, options: object, expected: string][] = [
    [undefined, {}, '/api/v1/log?namespace=dev'],
    [undefined, { allNamespaces: true }, '/api/v1/log'],
    [undefined, { namespace: 'prod', limit: '5' }, '/api/v1/log?namespace=prod&limit=5'],
    ['a', { namespace: 'prod' }, '/api/v1/log?change=prod%2Fa'],
    ['web/a', {}, '/api/v1/log?change=web%2Fa'],
    [undefined, { correlation: 'u&1' }, '/api/v1/log?correlation=u%261'],
  ]
  for (const [change, options, expected] of paths) {
    it(`${change ?? ''} ${JSON.stringify(options)} asks ${expected}`, () => {
      assert.equal(logPath(change, options, 'dev'), expected)
    })
  }

  it('escapes what a terminal would obey', () => {
    assert.equal(escaped('a\tb\u0000\u009b\u202e\u2028\ud800 ü 😀'), 'a\\tb\\u0000\\u009b\\u202e\\u2028\ufffd ü 😀')
  })
})

describe('where the command line asks', () => {
  let server: Server
  let address: string
  let seen: { url: string; headers: Record<string, unknown> }[] = []
  let answer = { status: 200, text: '{"events":[]}' }
  before(async () => {
    server = createServer((request, response) => {
      seen.push({ url: request.url ?? '', headers: request.headers })
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
    assert.deepEqual(await get({ session, address: `${address}/` }, '/api/v1/log?x=1'), success({ events: [] }))
    assert.equal(seen[0]?.url, '/api/v1/log?x=1')
    assert.equal(seen[0]?.headers.authorization, 'Bearer t')
  })

  it('else the API server’s service proxy, with the token in both headers', async () => {
    const through = { ...session, server: `${address}/clusters/1`, tls: { headers: { Authorization: 'Bearer t' } } }
    assert.ok((await get({ session: through }, '/api/v1/log')).ok)
    assert.equal(seen[0]?.url, '/clusters/1/api/v1/namespaces/karma-system/services/http:karma:http/proxy/api/v1/log')
    assert.equal(seen[0]?.headers.authorization, 'Bearer t')
    assert.equal(seen[0]?.headers['x-karma-authorization'], 'Bearer t')
  })

  const failures: [name: string, status: number, text: string, reason: string, message: RegExp][] = [
    ['Karma’s refusal', 403, '{"reason":"Forbidden","message":"jo may not"}', 'Forbidden', /^jo may not$/],
    ['a proxy’s page', 502, '<html>Bad Gateway', 'Unreachable', /operator at .*: HTTP 502 <html>/],
    ['no JSON', 200, 'hello', 'Unreachable', /HTTP 200 hello/],
  ]
  for (const [name, status, text, reason, message] of failures) {
    it(`${name} is a failure`, async () => {
      answer = { status, text }
      const result = await get({ session, address }, '/api/v1/log')
      assert.ok(!result.ok)
      assert.equal(result.failure.reason, reason)
      assert.match(result.failure.message, message)
    })
  }

  it('sends no token in the clear, and none it has not got', async () => {
    const reasonOf = async (s: Session, to: string | undefined) => {
      const result = await get({ session: s, ...(to && { address: to }) }, '/api/v1/log')
      return result.ok ? 'ok' : `${result.failure.reason} ${result.failure.message}`
    }
    assert.match(
      await reasonOf(session, 'http://karma.example'),
      /InvalidAddress KARMA_API: expected https, or http on the loopback/,
    )
    assert.match(await reasonOf(session, 'karma'), /InvalidAddress KARMA_API: expected a URL, found "karma"/)
    const { token: _, ...certificate } = session
    assert.match(await reasonOf(certificate, address), /NoToken kubeconfig user "jo": .*client certificate.*--token/)
    assert.match(
      await reasonOf(session, 'http://127.0.0.1:1'),
      /Unreachable operator at http:\/\/127.0.0.1:1: .*ECONNREFUSED/,
    )
    assert.deepEqual(seen, [])
  })
})

describe('session from a kubeconfig', () => {
  let folder: string
  let path: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'karma-kubeconfig-'))
    path = join(folder, 'config')
    const user = (name: string, auth: object) => ({ name, user: auth })
    const context = (name: string, more: object = {}) => ({ name, context: { cluster: 'c', user: name, ...more } })
    await writeFile(
      path,
      JSON.stringify({
        clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:6443' } }],
        users: [
          user('token', { token: 'abc' }),
          user('certificate', { 'client-certificate-data': 'eA==', 'client-key-data': 'eA==' }),
          user('exec', {
            exec: {
              apiVersion: 'client.authentication.k8s.io/v1',
              command: process.execPath,
              args: [
                '-e',
                'console.log(JSON.stringify({apiVersion:"client.authentication.k8s.io/v1",kind:"ExecCredential",status:{token:"from-plugin"}}))',
              ],
              interactiveMode: 'Never',
            },
          }),
        ],
        contexts: [context('token', { namespace: 'team' }), context('certificate'), context('exec')],
        'current-context': 'token',
      }),
    )
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const cases: [context: string | undefined, token: string | undefined, expected: [string | undefined, string]][] = [
    [undefined, undefined, ['abc', 'team']],
    ['exec', undefined, ['from-plugin', 'default']],
    ['certificate', undefined, [undefined, 'default']],
    ['certificate', 'given', ['given', 'default']],
  ]
  for (const [context, token, expected] of cases) {
    it(`${context ?? 'current context'}${token ? ' and --token' : ''}`, async () => {
      const result = await openSession({ kubeconfig: path, ...(context && { context }), ...(token && { token }) })
      assert.ok(result.ok, result.ok ? '' : result.failure.message)
      assert.deepEqual([result.value.token, result.value.namespace], expected)
    })
  }

  it('says what is missing', async () => {
    const missing = await openSession({ kubeconfig: path, context: 'nowhere' })
    assert.match(missing.ok ? '' : missing.failure.message, /context "nowhere" is not there/)
    const unread = await openSession({ kubeconfig: join(folder, 'none') })
    assert.match(unread.ok ? '' : unread.failure.message, /ENOENT/)
  })
})
