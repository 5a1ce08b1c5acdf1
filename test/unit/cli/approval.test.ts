import assert from 'node:assert/strict'
import type { ChangeRequest, EnvironmentSpec } from '../../../operator/api/kinds.generated.ts'
import { planChange } from '../../../operator/core/change/plan.ts'
import { aChangeRequest, aComponent, anEnvironment, aWorld } from '../../support/builders.ts'
import { typed } from '../../support/command-line.ts'
import { makeMemoryObjects } from '../../support/memory-objects.ts'

const site = aComponent('site/main', { config: { size: 1 } })
const wish = { proposedChange: { size: 2 } }
/** It matters who asked. */
const policy: EnvironmentSpec = {
  guards: [{ name: 'jo', expression: "request.requestedBy.username != 'jo'", verdict: 'Warn', message: 'look twice' }],
}
const plan = planChange(aChangeRequest(wish), aWorld({ components: [site], environment: policy }))
const hash = plan.ok ? plan.value.hash : ''
const other = `sha256:${'0'.repeat(64)}`

interface Case {
  readonly status?: ChangeRequest['status'] | null
  readonly name?: string
  readonly answer?: string
  readonly forbidden?: readonly string[]
  readonly username?: string
}

const waiting: ChangeRequest['status'] = {
  phase: 'Queued',
  plan: { hash, graphVersions: { 'dev/dev': 1 } },
  affectedCount: 2,
  affectedComponents: ['cdn/main', 'dns/main'],
}

const run = async (
  args: string[],
  { status = waiting, name = 'wish', answer, forbidden = [], username = 'jo' }: Case = {},
) => {
  const memory = makeMemoryObjects(
    {
      ChangeRequest: [aChangeRequest({ name, ...wish, ...(status && { status }) })],
      Component: [site],
      Environment: [{ ...anEnvironment(policy), faults: [] }],
    },
    { username, groups: ['team'], forbidden },
  )
  const questions: string[] = []
  const ask = async (question: string) => {
    questions.push(question)
    return answer ?? ''
  }
  const said = await typed(args, { session: { objects: memory.objects }, ...(answer !== undefined && { ask }) })
  return { ...said, written: memory.written, questions }
}

const approval = (more: object) => ({
  what: 'create ChangeApproval dev/wish-x7k2p',
  body: {
    apiVersion: 'usekarma.dev/v1alpha1',
    kind: 'ChangeApproval',
    metadata: { generateName: 'wish-', namespace: 'dev' },
    spec: {
      changeRequest: 'wish',
      planHash: hash,
      decision: 'Approve',
      approver: { username: 'jo', groups: ['team'] },
      ...more,
    },
  },
})

describe('kubectl karma approve and deny', () => {
  it('shows the plan, asks, and binds the word to its hash', async () => {
    const { code, out, err, written, questions } = await run(['approve', 'wish'], { answer: 'y' })
    assert.deepEqual(written, [approval({})])
    assert.deepEqual(questions, ['Approve this plan? [y/N] '])
    assert.match(err, /^Changes 1 field of site\/main\n {2}\/size: 1 -> 2$/m)
    assert.ok(err.includes(`Plan ${hash}, on dev/dev at version 1`))
    assert.deepEqual([code, out], [0, `changeapproval.usekarma.dev/wish-x7k2p approves plan ${hash}\n`])
  })

  it('shows the plan of who asked, not of who approves', async () => {
    const { code, err } = await run(['approve', 'wish'], { answer: 'y', username: 'ann' })
    assert.match(err, /^ {2}Warn +jo +site\/main +Component site\/main: look twice/m)
    assert.match(err, /size: 1 -> 2/)
    assert.equal(code, 0)
  })

  it('denies, and says why', async () => {
    const { code, out, written } = await run(['deny', 'wish', '--yes', '--reason', 'not on a Friday'])
    assert.deepEqual(written, [approval({ decision: 'Deny', reason: 'not on a Friday' })])
    assert.deepEqual([code, out], [0, `changeapproval.usekarma.dev/wish-x7k2p denies plan ${hash}\n`])
  })

  it('takes the hash of a script, and asks nothing', async () => {
    const { code, written, questions } = await run(['approve', 'wish', '--hash', hash], { answer: 'n' })
    assert.deepEqual([code, written, questions], [0, [approval({})], []])
  })

  it('shows what the request says where the plan comes out otherwise', async () => {
    const { err } = await run(['approve', 'wish'], {
      answer: 'y',
      status: { ...waiting, plan: { hash: other } },
    })
    assert.ok(err.includes(`Plan ${other}`))
    assert.match(err, /site\/main: merge {"size":2}/)
    assert.match(err, /^Affects 2 Components$/m)
    assert.match(err, /cdn\/main/)
  })

  it('shows it also to whom the Components are hidden', async () => {
    const { code, err } = await run(['approve', 'wish'], { answer: 'yes', forbidden: ['list Component'] })
    assert.match(err, /site\/main: merge {"size":2}/)
    assert.equal(code, 0)
  })

  it('cuts a long name where the API server would', async () => {
    const name = `a${'-b'.repeat(40)}`
    const { written } = await run(['approve', name, '--yes'], { name })
    const { metadata } = written[0]!.body as { metadata: { generateName: string } }
    assert.equal(metadata.generateName, `a${'-b'.repeat(28)}-`)
  })

  const refusals: [title: string, args: string[], made: Case, message: RegExp][] = [
    [
      'an answer that is not yes',
      ['approve', 'wish'],
      { answer: '' },
      /expected the answer y, found another one; nothing was written \(NotConfirmed\)/,
    ],
    [
      'nobody to ask',
      ['approve', 'wish'],
      {},
      /expected a terminal to ask on, found none; say --hash sha256:[0-9a-f]{64}, or --yes/,
    ],
    [
      'another hash',
      ['approve', 'wish', '--hash', other],
      {},
      /status\.plan\.hash: expected sha256:0+, found sha256:[0-9a-f]{64}; look at the plan again \(PlanStale\)/,
    ],
    [
      'no plan yet',
      ['approve', 'wish', '--yes'],
      { status: null },
      /status\.plan\.hash: expected a plan, found none yet; try again \(NoPlan\)/,
    ],
    [
      'one that has ended',
      ['deny', 'wish', '--yes'],
      { status: { ...waiting, phase: 'Applied' } },
      /expected one that has not ended, found Applied \(TooLate\)/,
    ],
    [
      'one that is not there',
      ['approve', 'wush', '--yes'],
      {},
      /ChangeRequest dev\/wush: expected one of that name, found none/,
    ],
    [
      'no right',
      ['approve', 'wish', '--yes'],
      { forbidden: ['create ChangeApproval'] },
      /jo cannot create ChangeApproval \(Forbidden\)/,
    ],
  ]
  for (const [title, args, made, message] of refusals) {
    it(`${title} is an error, and 1`, async () => {
      const { code, out, err, written } = await run(args, made)
      assert.match(err, message)
      assert.deepEqual([code, out, written], [1, '', []])
    })
  }
})
