import assert from 'node:assert/strict'
import { admin, type User, userOf } from '../support/command-line-user.ts'
import { karma } from '../support/karma.ts'
import { type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, componentType } from '../support/karma-objects.ts'

const type = 'cli-decide'

describe('kubectl karma approve, deny and rollback', () => {
  let here: Namespace
  let me: User
  let approver: User
  const phase = async (name: string) => (await here.get('ChangeRequest', name))?.status?.phase

  before(async function () {
    this.timeout(60_000)
    const tools = karma()
    here = await openNamespace(tools.api, 'cli-decide')
    me = admin(tools, here.name)
    await here.commit(
      componentType(type, {
        guards: [
          {
            name: 'two-of-us',
            expression: 'before == null || after == null || after.size < 10',
            verdict: 'RequireApproval',
          },
        ],
      }),
      component(`${type}/a`, { config: { size: 1 } }),
      component(`${type}/b`, { config: { size: 1 } }),
    )
    approver = await userOf(tools, { namespace: here.name, name: 'approver', role: 'karma-approve' })
  })
  after(() => approver.forget())

  it('plan says that somebody has to agree, and approve lets it pass', async () => {
    const spec = { component: `${type}/a`, proposedChange: { size: 20 } }
    const planned = await me.type([
      'plan',
      '-f',
      karma().file(JSON.stringify(changeRequest('grow', spec))),
      '-o',
      'json',
    ])
    assert.equal(planned.code, 4)
    const { hash, decision } = JSON.parse(planned.out).plans[0]
    assert.equal(decision, 'RequireApproval')
    await here.create(changeRequest('grow', spec))
    const awaits = await here.phase('grow', 'AwaitingApproval')
    assert.equal(awaits.status?.plan?.hash, hash)
    const mine = await me.type(['approve', 'grow', '--hash', hash])
    assert.equal(mine.code, 0, mine.err)
    assert.equal(await phase('grow'), 'AwaitingApproval')
    const other = await approver.type(['approve', 'grow', '--hash', hash, '--reason', 'seen'])
    assert.equal(other.code, 0, other.err)
    await here.phase('grow', 'Applied')
  })

  it('deny ends it, saying who and why', async () => {
    await here.create(changeRequest('grow-b', { component: `${type}/b`, proposedChange: { size: 20 } }))
    await here.phase('grow-b', 'AwaitingApproval')
    const denied = await approver.type(['deny', 'grow-b', '--yes', '--reason', 'not on a Friday'])
    assert.equal(denied.code, 0, denied.err)
    await here.phase('grow-b', 'Rejected')
    const why = await me.type(['why', 'grow-b'])
    assert.match(why.out, /Denied/)
    assert.match(why.out, /not on a Friday/)
  })

  it('rollback says what it would do, does it, and takes another name the second time', async () => {
    const dry = await me.type(['rollback', 'grow', '--dry-run'])
    assert.equal(dry.code, 0, dry.err)
    assert.match(dry.out, /\/size: 20 -> 1/)
    const done = await me.type(['rollback', 'grow'])
    assert.equal(done.code, 0, done.err)
    assert.match(done.out, /changerequest.usekarma.dev\/rollback-grow created/)
    await here.phase('rollback-grow', 'Applied')
    assert.deepEqual((await here.get('Component', `${type}.a`))?.spec.config, { size: 1 })
    const again = await me.type(['rollback', 'grow', '--dry-run'])
    assert.equal(again.code, 2)
    assert.match(again.out, /LaterChange/)
    const never = await me.type(['rollback', 'grow-b'])
    assert.equal(never.code, 1)
    assert.match(never.err, /expected one that is Applied, found Rejected/)
  })

  it('queue and why show sets by what they are about', async () => {
    await here.create(
      changeRequest('both', {
        changes: [
          { component: `${type}/a`, proposedChange: { size: 11 } },
          { component: `${type}/b`, proposedChange: { size: 11 } },
        ],
      }),
    )
    await here.phase('both', 'AwaitingApproval')
    const queue = await me.type(['queue'])
    assert.match(queue.out, /both +cli-decide\/a and 1 more +AwaitingApproval/)
    const cancelled = await me.type(['cancel', 'both'])
    assert.equal(cancelled.code, 0, cancelled.err)
    assert.equal(await phase('both'), 'Cancelled')
  })
})
