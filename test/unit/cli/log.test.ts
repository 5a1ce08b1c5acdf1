import assert from 'node:assert/strict'
import type { Event } from '../../../operator/api/envelope.ts'
import { failure, type Result, success } from '../../../operator/api/result.ts'
import { logPath } from '../../../operator/cli/log.ts'
import { escaped } from '../../../operator/cli/table.ts'
import { typed } from '../../support/command-line.ts'

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
  const paths: string[] = []
  const operator = async (path: string) => {
    paths.push(path)
    return answer
  }
  return { ...(await typed(args, { colours, session: { operator } })), path: paths[0] }
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

  it('of another namespace', async () => {
    assert.equal((await run(['log', '-n', 'prod', '--limit', '5'])).path, '/api/v1/log?namespace=prod&limit=5')
    assert.equal((await run(['log', '-n', 'prod', 'a'])).path, '/api/v1/log?change=prod%2Fa')
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
    [undefined, { limit: '5' }, '/api/v1/log?namespace=dev&limit=5'],
    ['a', {}, '/api/v1/log?change=dev%2Fa'],
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
