import assert from 'node:assert/strict'
import type { Karma } from '../support/installed-karma.ts'
import { karma } from '../support/karma.ts'
import { conditionOf, eventually, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, environment, refersTo } from '../support/karma-objects.ts'
import { type ApiProxy, heldRequests } from '../support/proxy.ts'

describe('deletion', () => {
  let tools: Karma
  let proxy: ApiProxy
  let here: Namespace

  before(async () => {
    tools = karma()
    ;({ proxy } = karma())
    here = await openNamespace(tools.api, 'deletion')
    await doom()
  })

  /** A namespace in which something is committed, held back, finished and waiting. */
  const full = async (name: string): Promise<Namespace> => {
    const namespace = await openNamespace(tools.api, name)
    await namespace.commit(
      component('net/one', { config: { a: 1 } }),
      component('host/one', { references: [{ name: 'net', component: 'net/one' }] }),
      component('app/one', { references: refersTo('host/one') }),
    )
    await namespace.create(component('app/held', { references: refersTo('net/nowhere') }))
    await namespace.ask(changeRequest('done', { component: 'net/one', proposedChange: { a: 2 } }))
    await namespace.create(changeRequest('waiting', { component: 'host/one', proposedChange: { a: `\${net.id}` } }))
    await namespace.phase('waiting', 'Queued')
    return namespace
  }

  /**
   * Begins to delete two such namespaces. Their controller looks every few seconds: the other tests need not wait for
   * it. In the second the gate stands still until the Environment is gone, so that all that leaves still finds it.
   */
  const doom = async (): Promise<void> => {
    await full('doomed')
    const late = await full('doomed-late')
    const gate = heldRequests(
      proxy,
      ({ namespace, resource, verb }) => namespace === 'doomed-late' && resource === 'environments' && verb === 'patch',
    )
    await tools.kubectl('delete', 'namespace', 'doomed', 'doomed-late', '--wait=false')
    doomed = late.gone('Environment', 'dev').finally(gate.release)
  }
  let doomed: Promise<void>

  it('of a Component waits for its dependents, naming them', async () => {
    await here.commit(
      component('net/held'),
      component('host/a', { references: refersTo('net/held') }),
      component('host/b', { references: refersTo('net/held') }),
    )
    await here.until('Component', 'net.held', '2 dependents', ({ status }) => status?.dependents === 2)
    await here.remove('Component', 'net.held')
    const message = 'Component net/held: is being deleted, but host/a, host/b refer to it; delete them first'
    const held = await here.until('Component', 'net.held', 'to be held', ({ status }) => {
      return conditionOf(status, 'Stalled')?.message === message
    })
    assert.equal(conditionOf(held.status, 'Stalled')?.reason, 'OutputInUse')
    assert.ok(held.status?.committed)
    assert.deepEqual([(await here.told('net.held', 'OutputInUse')).type], ['Warning'])
    await here.remove('Component', 'host.a')
    await here.gone('Component', 'host.a')
    await here.until('Component', 'net.held', 'one dependent', ({ status }) => {
      const said = conditionOf(status, 'Stalled')?.message
      return (
        said === 'Component net/held: is being deleted, but host/b refer to it; delete them first' &&
        status?.dependents === 1
      )
    })
    await here.remove('Component', 'host.b')
    await here.gone('Component', 'host.b')
    await here.gone('Component', 'net.held')
  })

  it('of a Component waits for a dependent to stop referring to it', async () => {
    await here.commit(component('net/left'), component('host/left', { references: refersTo('net/left') }))
    await here.remove('Component', 'host.left')
    await here.remove('Component', 'net.left')
    await here.gone('Component', 'net.left')
    await here.gone('Component', 'host.left')
  })

  it('of a Component that was never committed is not held', async () => {
    await here.create(component('host/never', { references: refersTo('net/nowhere') }))
    await here.until(
      'Component',
      'host.never',
      'Stalled',
      ({ status }) => conditionOf(status, 'Stalled')?.status === 'True',
    )
    await here.remove('Component', 'host.never')
    await here.gone('Component', 'host.never')
  })

  it('of a Component, and its creation anew, begin a new life', async () => {
    await here.commit(component('net/twice', { config: { a: 1 } }))
    const first = await here.get('Component', 'net.twice')
    await here.remove('Component', 'net.twice')
    await here.gone('Component', 'net.twice')
    await here.commit(component('net/twice', { config: { a: 2 } }))
    const second = await here.get('Component', 'net.twice')
    assert.notEqual(second?.metadata.uid, first?.metadata.uid)
    assert.ok((second?.status?.committed?.graphVersion ?? 0) > (first?.status?.committed?.graphVersion ?? 0))
    assert.deepEqual(second?.status?.committed?.config, { a: 2 })
  })

  it('of a request never undoes it: Applied, Rejected, Planned, Cancelled, Queued', async () => {
    await here.commit(
      component('net/kept', { config: { a: 1 } }),
      component('host/kept', { config: { a: 1 }, references: [{ name: 'net', component: 'net/kept' }] }),
    )
    const ask = { component: 'net/kept', proposedChange: { a: 2 } }
    const wait = { component: 'host/kept', proposedChange: { a: `\${net.id}` } }
    await here.ask(changeRequest('applied', ask))
    await here.ask(changeRequest('rejected', { ...ask, proposedChange: {} }))
    await here.ask(changeRequest('planned', { ...ask, proposedChange: { a: 3 }, mode: 'Plan' }))
    await here.ask(changeRequest('cancelled', { ...ask, proposedChange: { a: 4 }, cancel: true }))
    await here.create(changeRequest('queued', wait))
    await here.phase('queued', 'Queued')
    const before = await here.snapshot()
    for (const name of ['applied', 'rejected', 'planned', 'cancelled', 'queued']) {
      await here.remove('ChangeRequest', name)
      await here.gone('ChangeRequest', name)
    }
    assert.deepEqual(await here.snapshot(), before)
    const reasons = await Promise.all(
      ['Applied', 'EmptyChange', 'Planned', 'Cancelled'].map((reason, i) =>
        here.told(['applied', 'rejected', 'planned', 'queued'][i]!, reason),
      ),
    )
    assert.equal(reasons.length, 4)
    // The last thing that is told of the queued one is its cancellation, in the ledger too.
    const story = await ledger('deletion/queued', 'change.cancelled')
    assert.deepEqual(story, ['change.requested', 'change.queued', 'change.cancelled'])
  })

  it('of a request that is being applied waits until it has finished', async () => {
    await here.commit(component('net/midway', { config: { a: 1 } }))
    const write = heldRequests(proxy, ({ resource, name, subresource, verb }) => {
      return verb === 'patch' && resource === 'components' && name === 'net.midway' && subresource === undefined
    })
    await here.create(changeRequest('midway', { component: 'net/midway', proposedChange: { a: 2 } }))
    await here.phase('midway', 'Applying')
    await here.remove('ChangeRequest', 'midway')
    const held = await here.until(
      'ChangeRequest',
      'midway',
      'to be held',
      ({ metadata }) => metadata.deletionTimestamp !== undefined,
    )
    assert.equal(held.status?.phase, 'Applying')
    write.release()
    await here.gone('ChangeRequest', 'midway')
    assert.deepEqual((await here.get('Component', 'net.midway'))?.status?.committed?.config, { a: 2 })
    assert.equal((await ledger('deletion/midway', 'change.applied')).at(-1), 'change.applied')
  })

  it('of a request that waits for its turn ends it', async () => {
    await here.commit(component('net/turn', { config: { a: 1 } }))
    const write = heldRequests(proxy, ({ name, subresource, body }) => {
      return name === 'turn' && subresource === 'status' && body.includes('writeAhead')
    })
    const before = await here.snapshot()
    await here.create(changeRequest('turn', { component: 'net/turn', proposedChange: { a: 2 } }))
    await eventually('expected a write-ahead', async () => ({ found: write.seen() > 0 || undefined }))
    await here.remove('ChangeRequest', 'turn')
    write.release()
    await here.gone('ChangeRequest', 'turn')
    assert.deepEqual(await here.snapshot(), before)
    assert.deepEqual(await ledger('deletion/turn', 'change.cancelled'), ['change.requested', 'change.cancelled'])
  })

  it('of an Environment that is in use makes it anew', async () => {
    await here.create(environment('spare', {}))
    await here.commit(component('net/spare', { environment: 'spare', config: { a: 1 } }))
    await here.remove('Environment', 'spare')
    const spec = { component: 'net/spare', proposedChange: { a: 2 } }
    assert.equal((await here.ask(changeRequest('after-environment', spec))).status?.phase, 'Applied')
    const { committed } = (await here.get('Component', 'net.spare'))?.status ?? {}
    assert.deepEqual(committed?.config, { a: 2 })
    // Its versions go on: none is used twice.
    assert.equal(committed?.graphVersion, 2)
    assert.equal((await here.get('Environment', 'spare'))?.status?.version, 2)
  })

  for (const [name, when] of [
    ['doomed', 'completes'],
    ['doomed-late', 'completes when its Environment goes first'],
  ] as const) {
    it(`of a namespace ${when}`, async function () {
      this.timeout(60_000)
      await doomed
      const isGone = async () => {
        const answer = await tools.api.get(`/api/v1/namespaces/${name}`)
        return { found: answer.status === 404 ? true : undefined, last: answer.body }
      }
      await eventually(`expected namespace ${name} to be gone`, isGone, 50_000)
    })
  }

  /** The types of events about a change, once `last` is among them. */
  const ledger = async (change: string, last: string): Promise<string[]> => {
    const token = await tools.kubectl('create', 'token', 'karma', '--namespace=karma-system')
    const url = `http://${karma().operator.http}/api/v1/log?change=${change}`
    return eventually(`expected ${last} of ${change}`, async () => {
      const answer = await fetch(url, { headers: { authorization: `Bearer ${token.trim()}` } })
      const body = (await answer.json()) as { events?: { event_type: string }[] }
      const types = (body.events ?? []).map(({ event_type }) => event_type).filter((type) => type.startsWith('change.'))
      return { found: types.includes(last) ? types : undefined, last: body }
    })
  }
})
