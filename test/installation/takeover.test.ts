import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { installation } from '../support/installation.ts'
import type { Karma, Operator } from '../support/installed-karma.ts'
import { eventually, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component } from '../support/karma-objects.ts'
import { shortLeases } from '../support/operator-process.ts'
import { type ApiProxy, startProxy } from '../support/proxy.ts'

/**
 * Kinds are watched each by itself. An operator that takes over may know the newest Environment, and of its Components
 * only what was there a while ago: after the API server was away each watch comes back in its own time.
 */
describe('an operator that takes over, and whose Components are behind', function () {
  this.timeout(120_000)
  let karma: Karma
  let first: Operator
  let second: Operator | undefined
  let proxy: ApiProxy
  let here: Namespace

  before(async function () {
    this.timeout(20 * 60_000)
    karma = await installation()
    const { url, ca } = karma.controlPlane
    proxy = await startProxy({ target: url, ca })
    first = await karma.startOperator({ env: shortLeases })
    here = await openNamespace(karma.api, 'behind')
    await here.commit(component('site/main', { config: { title: 'A' } }))
  })
  after(async () => {
    await first?.process.stop()
    await second?.process.stop()
    await proxy?.stop()
  })

  const holderOf = async (name: string, namespace: string): Promise<string> => {
    const { body } = await karma.api.get(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${name}`)
    return body.spec?.holderIdentity ?? ''
  }

  const read = async (kind: string, name: string) =>
    (await karma.api.get(`/apis/usekarma.dev/v1alpha1/namespaces/behind/${kind}/${name}`)).body
  const isEnded = (phase: string | undefined): boolean => phase === 'Applied' || phase === 'Rejected'

  it('judges a change, and a rollback, by all that is committed', async () => {
    // 1. A second operator, which does not lead, and hears nothing more of Components.
    second = await karma.startOperator({ server: proxy.url, env: shortLeases })
    const isOfComponents = ({ verb, resource }: { verb: string; resource: string }) =>
      verb === 'watch' && resource === 'components'
    await eventually('its watch of Components', async () => ({
      found: proxy.watches.open(isOfComponents) > 0 || undefined,
      last: proxy.watches.open(),
    }))
    const thaw = proxy.watches.freeze(isOfComponents)

    // 2. The first one commits a dependent, lets the environment go, and dies.
    await here.commit(component('edge/main', { references: [{ name: 'site', component: 'site/main' }] }))
    await here.commit(component('site/new', { config: { title: 'A' } }))
    await here.ask(changeRequest('first', { component: 'site/new', proposedChange: { title: 'B' } }))
    await eventually('the environment to be free', async () => {
      const { status } = await read('environments', 'dev')
      return { found: (status.lockedBy === undefined && status.version === 4) || undefined, last: status }
    })
    const leader = await holderOf('karma-leader', 'karma-system')
    await first.process.stop('SIGKILL')

    // 3. The second one leads, and is asked for a change.
    await eventually('another leader', async () => {
      const now = await holderOf('karma-leader', 'karma-system')
      return { found: (now !== '' && now !== leader) || undefined, last: now }
    })
    await here.create(changeRequest('blue', { component: 'site/main', proposedChange: { title: 'B' } }))
    await here.create(changeRequest('undo', { rollbackOf: 'first' }))
    await sleep(2_000)
    for (const name of ['blue', 'undo']) {
      const { status } = await read('changerequests', name)
      assert.ok(!isEnded(status?.phase), `${name} was judged by what was known: ${status?.conditions?.[0]?.message}`)
    }

    // 4. It hears of them again.
    thaw()
    const { status } = await here.finished('blue')
    assert.deepEqual([status?.phase, status?.affectedComponents], ['Applied', ['edge/main']])
    assert.equal((await here.finished('undo')).status?.phase, 'Applied')
  })
})
