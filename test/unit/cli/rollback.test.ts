import assert from 'node:assert/strict'
import type { Phase } from '../../../operator/api/kinds.generated.ts'
import { aChangeRequest, aComponent, anEnvironment } from '../../support/builders.ts'
import { typed } from '../../support/command-line.ts'
import { makeMemoryObjects } from '../../support/memory-objects.ts'

const run = async (args: string[], { phase = 'Applied' as Phase, taken = [] as string[], name = 'wish' } = {}) => {
  const plan = { hash: 'sha256:1', graphVersions: { 'dev/dev': 3 }, changed: ['site/main'] }
  const memory = makeMemoryObjects(
    {
      ChangeRequest: [
        aChangeRequest({ name, status: { phase, plan } }),
        ...taken.map((other) => aChangeRequest({ name: other })),
      ],
      Component: [aComponent('site/main')],
      Environment: [{ ...anEnvironment(), faults: [] }],
    },
    { groups: ['team'] },
  )
  return { ...(await typed(args, { session: { objects: memory.objects } })), written: memory.written }
}

const asked = (name: string, more: object = {}) => ({
  what: `create ChangeRequest dev/${name}`,
  body: {
    apiVersion: 'usekarma.dev/v1alpha1',
    kind: 'ChangeRequest',
    metadata: { name, namespace: 'dev' },
    spec: { rollbackOf: 'wish', ...more, requestedBy: { username: 'jo', groups: ['team'] } },
  },
})

describe('kubectl karma rollback', () => {
  it('asks for it by a request of its own', async () => {
    const { code, out, err, written } = await run(['rollback', 'wish', '--reason', 'too early'])
    assert.deepEqual(written, [asked('rollback-wish', { reason: 'too early' })])
    assert.deepEqual([code, out], [0, 'changerequest.usekarma.dev/rollback-wish created\n'])
    assert.match(
      err,
      /it undoes wish, a change of site\/main planned on dev\/dev at version 3; kubectl karma why rollback-wish -n dev/,
    )
  })

  it('counts on while the name is taken', async () => {
    const { written } = await run(['rollback', 'wish'], { taken: ['rollback-wish', 'rollback-wish-2'] })
    assert.deepEqual(written, [asked('rollback-wish-3')])
  })

  it('cuts a name that is too long, and tells it from others', async () => {
    const name = `a${'-b'.repeat(126)}`
    const { written } = await run(['rollback', name], { name })
    const { metadata } = written[0]!.body as { metadata: { name: string } }
    assert.ok(metadata.name.length <= 253 && metadata.name.startsWith('rollback-a-b-b'), metadata.name)
  })

  it('with --dry-run says what it would do, and writes nothing', async () => {
    const { code, out, written } = await run(['rollback', 'wish', '--dry-run', '-o', 'json'])
    const [plan] = JSON.parse(out).plans
    assert.equal(plan.changeRequest, 'rollback-wish')
    assert.deepEqual(written, [])
    assert.ok([0, 2, 3, 4].includes(code), String(code))
  })

  const refusals: [title: string, args: string[], phase: Phase, message: RegExp][] = [
    [
      'of what was rejected',
      ['rollback', 'wish'],
      'Rejected',
      /ChangeRequest dev\/wish: expected one that is Applied, found Rejected; kubectl karma why wish -n dev says more \(NotApplied\)/,
    ],
    ['of what waits', ['rollback', 'wish', '--dry-run'], 'Queued', /found Queued/],
    [
      'of what is not there',
      ['rollback', 'wush'],
      'Applied',
      /ChangeRequest dev\/wush: expected one of that name, found none/,
    ],
  ]
  for (const [title, args, phase, message] of refusals) {
    it(`${title} is an error, and 1`, async () => {
      const { code, out, err, written } = await run(args, { phase })
      assert.match(err, message)
      assert.deepEqual([code, out, written], [1, '', []])
    })
  }
})
