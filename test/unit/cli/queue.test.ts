import assert from 'node:assert/strict'
import type { ChangeRequest } from '../../../operator/api/kinds.generated.ts'
import { queueOf } from '../../../operator/cli/queue.ts'
import { aChangeRequest, aComponent, anEnvironment, at, noon } from '../../support/builders.ts'
import { typed } from '../../support/command-line.ts'
import { makeMemoryObjects } from '../../support/memory-objects.ts'

const request = (name: string, minute: number, status: ChangeRequest['status'] | undefined, namespace = 'dev') =>
  aChangeRequest({
    name,
    metadata: { namespace, uid: `uid-${namespace}-${name}`, creationTimestamp: at(noon - 3_600_000 + minute * 60_000) },
    ...(status && { status }),
  })

const blockedBy = [{ reason: 'OutputsUnavailable', object: 'cdn/main', message: 'no url' }]
const queued = (environment: string, since = at(noon - 95_000)): ChangeRequest['status'] => ({
  phase: 'Queued',
  environment,
  queue: { position: 9, since },
  blockedBy,
})

const requests = [
  request('second', 2, queued('dev')),
  request('first', 1, queued('dev')),
  request('late', 0, queued('prod')),
  request('written', 5, {
    phase: 'Applying',
    environment: 'dev',
    history: [{ seq: 1, at: at(noon - 2_000), type: 'change.applying' }],
  }),
  request('unseen', 3, undefined),
  request('done', 4, { phase: 'Applied', environment: 'dev' }),
  request('elsewhere', 0, queued('dev'), 'web'),
]

const run = (...args: string[]) => {
  const environment = (name: string, namespace = 'dev') => ({
    ...anEnvironment(),
    metadata: { ...anEnvironment().metadata, name, namespace },
    faults: [],
  })
  const { objects } = makeMemoryObjects({
    ChangeRequest: [...requests],
    Component: [aComponent('site/main')],
    Environment: [environment('dev'), environment('prod'), environment('dev', 'web')],
  })
  return typed(['queue', ...args], { session: { objects }, now: () => noon })
}

describe('kubectl karma queue', () => {
  it('lists who waits in each environment, in order; what is being written comes first', async () => {
    const { code, out, err } = await run()
    assert.deepEqual([code, err], [0, ''])
    assert.equal(
      out,
      [
        'ENV    POSITION   CHANGE    COMPONENT   PHASE      SINCE   WAITS-FOR',
        'dev    -          written   site/main   Applying   2s',
        'dev    1          first     site/main   Queued     95s     cdn/main (OutputsUnavailable)',
        'dev    2          second    site/main   Queued     95s     cdn/main (OutputsUnavailable)',
        'dev    3          unseen    site/main   Pending    57m',
        'prod   1          late      site/main   Queued     95s     cdn/main (OutputsUnavailable)',
        '',
      ].join('\n'),
    )
  })

  it('of one environment', async () => {
    assert.match((await run('prod')).out, /^ENV .*\nprod +1 +late .*\n$/)
  })

  it('of all namespaces', async () => {
    assert.match((await run('-A')).out, /^web +dev +1 +elsewhere/m)
    assert.equal((await run('-A', '-n', 'dev')).code, 1)
  })

  it('as JSON', async () => {
    const { queue } = JSON.parse((await run('prod', '-o', 'json')).out)
    assert.deepEqual(queue, [
      {
        namespace: 'dev',
        environment: 'prod',
        position: 1,
        changeRequest: 'late',
        subject: 'site/main',
        phase: 'Queued',
        since: at(noon - 95_000),
        waitsFor: blockedBy,
      },
    ])
  })

  it('says when nothing waits, and knows which environments there are', async () => {
    assert.deepEqual(await run('-n', 'none'), { code: 0, out: '', err: 'nothing waits in namespace none\n' })
    const { code, err } = await run('staging')
    assert.deepEqual(
      [code, err],
      [1, 'error: expected an Environment of namespace dev (dev, prod), found "staging" (NotFound)\n'],
    )
  })

  it('a request whose Component is not there has no environment', () => {
    const [entry] = queueOf([request('lost', 0, undefined)], () => undefined)
    assert.deepEqual([entry?.environment, entry?.position], ['', 1])
  })
})
