import assert from 'node:assert/strict'
import type { Event } from '../../../operator/api/envelope.ts'
import { failure, type Result, success } from '../../../operator/api/result.ts'
import { typed } from '../../support/command-line.ts'

const uid = '0c5f9d3e-6f0d-4d6c-9d0a-0f6a5c1a2b3c'
const event = (
  event_type: string,
  entity_id: string,
  ms: number,
  tags: Event['tags'],
  attrs: Event['attrs'],
): Event => ({
  id: `${event_type} ${ms}`,
  ts: new Date(Date.UTC(2026, 0, 31, 12) + ms).toISOString(),
  event_type,
  entity_id,
  correlation_id: uid,
  tags,
  attrs,
})
const request = { kind: 'ChangeRequest', namespace: 'dev', name: 'aliases' }
const story = [
  event('change.requested', 'dev/changerequest/aliases', 0, request, {
    seq: 1,
    component: 'serverless-site/karma-dev',
    requestedBy: { username: 'jo' },
  }),
  event('change.queued', 'dev/changerequest/aliases', 0, request, {
    seq: 2,
    reason: 'InFlight',
    message: 'other waits',
  }),
  event('change.applying', 'dev/changerequest/aliases', 65_000, request, { seq: 3, version: 41 }),
  event(
    'graph.published',
    'dev/environment/dev',
    65_020,
    { kind: 'Environment', namespace: 'dev', name: 'dev' },
    {
      seq: 7,
      message: 'version 41',
    },
  ),
  event(
    'component.committed',
    'dev/serverless-site/karma-dev',
    65_040,
    { kind: 'Component' },
    {
      seq: 3,
      reason: 'Applied',
      message: 'as version 41\u001b[2J',
    },
  ),
  event('push', 'web/git/repository', 65_050, {}, {}),
  event('change.applied', 'dev/changerequest/aliases', 65_100, request, { seq: 4, reason: 'Applied', message: 'done' }),
]

const noon = Date.UTC(2026, 0, 31, 12)

const run = async (
  args: string[],
  answer: Result<unknown> = success({ events: story, truncated: false }),
  now = noon,
) => {
  let path = ''
  const operator = async (asked: string) => {
    path = asked
    return answer
  }
  return { ...(await typed(['trace', ...args], { session: { operator }, now: () => now })), path }
}

describe('kubectl karma trace', () => {
  it('draws the tree of a change', async () => {
    const { code, out, err, path } = await run(['aliases'])
    assert.deepEqual([code, err, path], [0, '', '/api/v1/log?change=dev%2Faliases'])
    assert.equal(
      out,
      [
        'WHAT                                     AT                         LASTED   MESSAGE',
        'ChangeRequest aliases                    2026-01-31T12:00:00.000Z   65.1s',
        '├─ requested                             +0ms                       0ms      by jo of serverless-site/karma-dev',
        '├─ queued                                +0ms                       65s      InFlight: other waits',
        '├─ applying                              +65s                       100ms    version 41',
        '├─ Environment dev                       +65.02s                    0ms',
        '│  └─ published                          +65.02s                             version 41',
        '├─ Component serverless-site/karma-dev   +65.04s                    0ms',
        '│  └─ committed                          +65.04s                             Applied: as version 41\\u001b[2J',
        '├─ web/git/repository                    +65.05s                    0ms',
        '│  └─ push                               +65.05s',
        '└─ applied                               +65.1s                              Applied: done',
        '',
      ].join('\n'),
    )
  })

  it('says of a change that goes on how long it has stood so', async () => {
    const waiting = story.slice(0, 2)
    const { out } = await run(['aliases'], success({ events: waiting, truncated: false }), noon + 90_000)
    assert.equal(
      out,
      [
        'WHAT                    AT                         LASTED       MESSAGE',
        'ChangeRequest aliases   2026-01-31T12:00:00.000Z   90s so far',
        '├─ requested            +0ms                       0ms          by jo of serverless-site/karma-dev',
        '└─ queued               +0ms                       90s so far   InFlight: other waits',
        '',
      ].join('\n'),
    )
    const cutOff = await run(['aliases'], success({ events: waiting, truncated: true }), noon + 90_000)
    assert.doesNotMatch(cutOff.out, /so far/)
  })

  it('as JSON and YAML, whole', async () => {
    const trace = JSON.parse((await run(['aliases', '-o', 'json'])).out)
    assert.deepEqual([trace.entity, trace.lastedMs, trace.children.length], ['dev/changerequest/aliases', 65_100, 3])
    assert.deepEqual(trace.steps[1], { event: story[1], afterMs: 0, lastedMs: 65_000 })
    assert.match((await run(['aliases', '-o', 'yaml'])).out, /^entity: dev\/changerequest\/aliases\n/)
  })

  it('is asked for by name, by namespace and name, and by uid', async () => {
    assert.equal((await run(['web/aliases'])).path, '/api/v1/log?change=web%2Faliases')
    assert.match((await run(['web/aliases'])).out, /^ChangeRequest dev\/aliases /m)
    assert.equal((await run(['-n', 'web', 'aliases'])).path, '/api/v1/log?change=web%2Faliases')
    assert.equal((await run([uid])).path, `/api/v1/log?correlation=${uid}`)
  })

  it('says when it is not whole, when there is nothing, and what went wrong', async () => {
    const part = await run(['aliases'], success({ events: story, truncated: true }))
    assert.equal(part.err, 'drawn of the first 7 events alone: there are more\n')
    const none = await run(['aliases'], success({ events: [], truncated: false }))
    assert.deepEqual([none.code, none.out, none.err], [0, '', 'no events\n'])
    const unknown = failure({ reason: 'NotFound', message: 'no events of it', retry: false })
    assert.deepEqual(await run(['x'], unknown), {
      code: 1,
      out: '',
      err: 'error: no events of it (NotFound)\n',
      path: '/api/v1/log?change=dev%2Fx',
    })
    assert.match((await run(['x'], success({}))).err, /the answer is not from Karma/)
    assert.equal((await run([])).code, 1)
  })
})
