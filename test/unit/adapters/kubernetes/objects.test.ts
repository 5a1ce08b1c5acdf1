import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type KubernetesClient, makeKubernetesClient } from '../../../../operator/adapters/kubernetes/client.ts'
import { makeObjects } from '../../../../operator/adapters/kubernetes/objects.ts'
import { parseJson } from '../../../../operator/api/json.ts'
import type { Objects } from '../../../../operator/ports/objects.ts'

const group = '/apis/usekarma.dev/v1alpha1'
const component = (name: string) => ({
  metadata: { name, namespace: 'dev' },
  spec: { type: 'a', nickname: name, environment: 'dev' },
})

describe('the objects of Karma as a person has them', () => {
  let server: Server
  let client: KubernetesClient
  let objects: Objects
  let seen: { line: string; body: string }[]
  let answers: [status: number, body: unknown][]

  beforeEach(async () => {
    seen = []
    answers = []
    server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        seen.push({ line: `${request.method} ${request.url}`, body })
        const [status, answer] = answers.shift() ?? [500, {}]
        response.writeHead(status).end(typeof answer === 'string' ? answer : JSON.stringify(answer))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const credentials = { server: url, user: 'jo', current: async () => ({ headers: {}, tls: {} }), reload: () => {} }
    client = makeKubernetesClient({ credentials, parse: parseJson })
    objects = makeObjects({ client, server: 'https://cluster' })
  })
  afterEach(async () => {
    await client.close()
    server.close()
  })

  const refusal = (status: number, reason: string, message: string): [number, object] => [
    status,
    { kind: 'Status', code: status, reason, message },
  ]

  it('lists all pages as of one moment', async () => {
    answers = [
      [200, { metadata: { resourceVersion: '7', continue: 'more' }, items: [component('one')] }],
      [200, { metadata: { resourceVersion: '7' }, items: [component('two')] }],
    ]
    const listed = await objects.list('Component', { namespace: 'dev', at: '7', fields: 'spec.type=a' })
    assert.ok(listed.ok)
    assert.deepEqual(
      listed.value.items.map(({ metadata }) => metadata.name),
      ['one', 'two'],
    )
    assert.equal(listed.value.resourceVersion, '7')
    assert.deepEqual(
      seen.map(({ line }) => line),
      [
        `GET ${group}/namespaces/dev/components?limit=500&fieldSelector=spec.type%3Da&resourceVersion=7&resourceVersionMatch=Exact`,
        `GET ${group}/namespaces/dev/components?limit=500&fieldSelector=spec.type%3Da&continue=more`,
      ],
    )
  })

  it('refuses a list that holds what cannot be read, rather than leave it out', async () => {
    answers = [[200, { metadata: { resourceVersion: '7' }, items: [component('one'), { metadata: {} }] }]]
    const listed = await objects.list('Component')
    assert.match(listed.ok ? '' : listed.failure.message, /Component: metadata\.name: expected a string, found nothing/)
  })

  it('keeps whole numbers that are too large, for the edge to refuse', async () => {
    answers = [
      [
        200,
        `{"metadata":{"name":"a.b","namespace":"dev"},"spec":{"type":"a","nickname":"b","environment":"dev","config":{"n":9007199254740993}}}`,
      ],
    ]
    const read = await objects.get('Component', 'dev/a.b')
    assert.deepEqual(read.ok && read.value?.faults.map(({ reason }) => reason), ['UnsafeInteger'])
  })

  it('creates by the name that the server completes', async () => {
    answers = [[201, { metadata: { name: 'wish-x7k2p' } }]]
    assert.deepEqual(await objects.create('ChangeApproval', 'dev', { spec: {} }), { ok: true, value: 'wish-x7k2p' })
    assert.deepEqual(seen, [
      { line: `POST ${group}/namespaces/dev/changeapprovals?fieldManager=kubectl-karma`, body: '{"spec":{}}' },
    ])
  })

  it('patches as itself', async () => {
    answers = [[200, { metadata: { name: 'wish', namespace: 'dev' }, spec: { component: 'a/b' } }]]
    assert.ok((await objects.patch('ChangeRequest', 'dev/wish', { spec: { cancel: true } })).ok)
    assert.deepEqual(seen, [
      {
        line: `PATCH ${group}/namespaces/dev/changerequests/wish?fieldManager=kubectl-karma`,
        body: '{"spec":{"cancel":true}}',
      },
    ])
  })

  it('knows who asks as admission will write it', async () => {
    answers = [[201, { status: { userInfo: { username: 'jo', uid: 'u', groups: ['a'], extra: { x: ['y'] } } } }]]
    assert.deepEqual(await objects.whoAmI(), { ok: true, value: { username: 'jo', uid: 'u', groups: ['a'] } })
  })

  const failures: [title: string, answer: [number, unknown], reason: string, message: RegExp][] = [
    [
      'no right',
      refusal(403, 'Forbidden', 'jo cannot list'),
      'Forbidden',
      /^jo cannot list; kubectl auth can-i --list shows your rights$/,
    ],
    ['no token', refusal(401, 'Unauthorized', 'who?'), 'Unauthorized', /^https:\/\/cluster: who\?; log in again$/],
    [
      'no server',
      refusal(503, 'ServiceUnavailable', 'starting'),
      'Unavailable',
      /^https:\/\/cluster: starting; look at the kubeconfig's context$/,
    ],
    ['no such moment', refusal(410, 'Expired', 'too old'), 'Expired', /too old/],
    [
      'no such kind',
      refusal(404, 'NotFound', 'the server could not find the requested resource'),
      'NotInstalled',
      /^https:\/\/cluster: expected it to serve this kind.*install Karma, or choose another --context$/,
    ],
    ['no such group', [404, '404 page not found\n'], 'NotInstalled', /install Karma/],
  ]
  for (const [title, answer, reason, message] of failures) {
    it(`${title}: ${reason}, and what to do`, async () => {
      // A 401 is asked twice.
      answers = [answer as [number, unknown], answer as [number, unknown]]
      const listed = await objects.list('Component', { namespace: 'dev' })
      assert.ok(!listed.ok)
      assert.equal(listed.failure.reason, reason)
      assert.match(listed.failure.message, message)
    })
  }

  it('an object that is not there is none; a kind that is not there is a failure', async () => {
    answers = [refusal(404, 'NotFound', 'changerequests.usekarma.dev "x" not found')]
    assert.deepEqual(await objects.get('ChangeRequest', 'dev/x'), { ok: true, value: undefined })
    answers = [refusal(404, 'NotFound', 'the server could not find the requested resource')]
    const read = await objects.get('ChangeRequest', 'dev/x')
    assert.equal(read.ok ? '' : read.failure.reason, 'NotInstalled')
  })
})
