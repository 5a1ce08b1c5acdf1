import assert from 'node:assert/strict'
import { installKarma, type Karma, type Operator } from '../support/installed-karma.ts'
import { eventually, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component } from '../support/karma-objects.ts'

const timings = {
  KARMA_LEASE_DURATION_MS: '2000',
  KARMA_LEASE_RENEW_DEADLINE_MS: '1200',
  KARMA_LEASE_RETRY_MS: '300',
  KARMA_LEASE_REQUEST_TIMEOUT_MS: '400',
}

describe('two operators side by side', function () {
  this.timeout(60_000)
  let karma: Karma
  let here: Namespace
  let one: Operator
  let two: Operator
  let three: Operator

  const leads = ({ logged }: Operator): boolean => logged().some(({ msg }) => msg === 'leading')
  const holder = async (name: string, namespace: string): Promise<string | undefined> => {
    const { body } = await karma.api.get(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${name}`)
    return body.spec?.holderIdentity
  }
  const leading = (operator: Operator): Promise<string> =>
    eventually('expected it to lead', async () => {
      const line = operator.logged().find(({ msg }) => msg === 'leading')
      return { found: line?.identity as string | undefined, last: operator.logged().at(-1) }
    })
  const change = async (name: string, a: number): Promise<void> => {
    const { status } = await here.ask(changeRequest(name, { component: 'site/one', proposedChange: { a } }))
    assert.equal(status?.phase, 'Applied')
  }

  before(async () => {
    karma = await installKarma()
    here = await openNamespace(karma.api, 'takeover')
    one = await karma.startOperator({ env: timings })
    await leading(one)
    two = await karma.startOperator({ env: timings })
  })
  after(async () => {
    await karma?.stop()
  })

  it('have one leader, which does the work', async () => {
    await here.commit(component('site/one', { config: { a: 1 } }))
    await change('first', 2)
    assert.deepEqual([leads(one), leads(two)], [true, false])
    assert.equal(await holder('karma-leader', 'karma-system'), await leading(one))
    assert.equal(two.process.alive(), true)
  })

  it('go on when the leader is stopped: it gives back the lead and the locks', async () => {
    // Stopped while it holds the environment, in the moment after a change.
    await change('second', 3)
    await one.process.stop()
    assert.equal(await one.process.ended, 0)
    const stopped = performance.now()
    const identity = await leading(two)
    console.log(`      the other leads ${Math.round(performance.now() - stopped)} ms after the first has ended`)
    assert.notEqual(identity, await leading(one))
    await change('third', 4)
    assert.equal(await holder('karma-leader', 'karma-system'), identity)
    assert.deepEqual((await here.get('Component', 'site.one'))?.status?.committed?.config, { a: 4 })
    assert.equal((await here.get('Environment', 'dev'))?.status?.version, 4)
  })

  it('go on when the leader is killed in the middle', async () => {
    three = await karma.startOperator({ env: timings })
    await change('fourth', 5)
    await here.create(changeRequest('fifth', { component: 'site/one', proposedChange: { a: 6 } }))
    await two.process.stop('SIGKILL')
    const killed = performance.now()
    await leading(three)
    console.log(`      the other leads ${Math.round(performance.now() - killed)} ms after the first was killed`)
    assert.equal((await here.finished('fifth')).status?.phase, 'Applied')
    await change('sixth', 7)
    assert.deepEqual((await here.get('Component', 'site.one'))?.status?.committed?.config, { a: 7 })
    assert.equal((await here.get('Environment', 'dev'))?.status?.version, 7)
  })

  it('end at once when they have lost the lead, whatever they are at', async () => {
    const lease = '/apis/coordination.k8s.io/v1/namespaces/karma-system/leases/karma-leader'
    await karma.api.mergePatch(lease, { spec: { holderIdentity: 'somebody else' } })
    await three.process.ended
    // An orderly exit would take the ledger's engine down while it is at work, which it does not survive.
    assert.equal(three.process.endedBy(), 'SIGKILL')
    assert.ok(three.logged().some(({ msg }) => msg === 'lost the lead'))
  })
})
