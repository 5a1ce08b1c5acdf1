import assert from 'node:assert/strict'
import type { JsonObject } from '../../operator/api/kinds.generated.ts'
import { karma } from '../support/karma.ts'
import { conditionOf, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, componentType, environment, refersTo } from '../support/karma-objects.ts'

describe('a queued change, when the world moves under it', () => {
  let here: Namespace
  const because = async (name: string) => {
    const { status } = (await here.get('ChangeRequest', name))!
    const { reason, message } = conditionOf(status, 'Succeeded')!
    return [status?.phase, reason, message]
  }

  before(async () => {
    here = await openNamespace(karma().api, 'queued')
  })

  it('is applied when a guard of its ComponentType goes', async () => {
    const guards = [{ name: 'wait', expression: 'false', verdict: 'Queue', message: 'not today' }] as const
    await here.commit(component('queued-guard/one', { config: { a: 1 } }))
    await here.create(componentType('queued-guard', { guards: [...guards] }))
    await here.create(changeRequest('guard', { component: 'queued-guard/one', proposedChange: { a: 2 } }))
    const queued = await here.phase('guard', 'Queued')
    assert.deepEqual(queued.status?.blockedBy, [
      {
        reason: 'GuardFailed',
        object: 'queued-guard/one',
        message:
          'Component queued-guard/one: not today (guard wait of ComponentType queued-guard: expected false, found false)',
      },
    ])
    assert.equal((await here.told('guard', 'GuardFailed')).type, 'Normal')
    await here.patch('ComponentType', 'queued-guard', { spec: { guards: [] } })
    await here.phase('guard', 'Applied')
    assert.deepEqual((await here.get('Component', 'queued-guard.one'))?.spec.config, { a: 2 })
  })

  it('is rejected when its ComponentType takes its config no more', async () => {
    await here.commit(
      componentType('queued-schema', {}),
      component('queued-net/one'),
      component('queued-schema/one', { config: { a: 1 }, references: [{ name: 'net', component: 'queued-net/one' }] }),
    )
    await here.create(
      changeRequest('schema', { component: 'queued-schema/one', proposedChange: { a: 2, id: `\${net.id}` } }),
    )
    await here.phase('schema', 'Queued')
    const configSchema = { type: 'object', properties: { a: { maximum: 1 } } }
    await here.patch('ComponentType', 'queued-schema', { spec: { configSchema } })
    await here.finished('schema')
    assert.deepEqual(await because('schema'), [
      'Rejected',
      'InvalidConfig',
      'Component queued-schema/one: config.a: expected at most 1, found 2',
    ])
    assert.deepEqual((await here.get('Component', 'queued-schema.one'))?.spec.config, { a: 1 })
  })

  it('is planned again, on what others did meanwhile', async () => {
    await here.commit(
      component('queued-net/two'),
      component('queued-net/two-b'),
      component('queued-host/one', {
        config: { a: 1, b: 1 },
        references: [
          { name: 'net', component: 'queued-net/two' },
          { name: 'other', component: 'queued-net/two-b' },
        ],
      }),
    )
    const change = (name: string, proposedChange: JsonObject) =>
      here.create(changeRequest(name, { component: 'queued-host/one', proposedChange }))
    await change('early', { a: 3, b: 2, other: `\${other.id}` })
    await here.phase('early', 'Queued')
    await change('late', { a: 2, id: `\${net.id}` })
    const first = await here.phase('late', 'Queued')
    await here.report('queued-net.two-b', { outputs: { id: 'net-2' } })
    assert.equal((await here.finished('early')).status?.phase, 'Applied')
    await here.report('queued-net.two', { outputs: { id: 'net-1' } })
    const { status } = await here.finished('late')
    assert.equal(status?.phase, 'Applied')
    assert.notEqual(status?.plan?.hash, first.status?.plan?.hash)
    const after = { a: 2, b: 2, id: `\${net.id}`, other: `\${other.id}` }
    const host = await here.get('Component', 'queued-host.one')
    assert.deepEqual([host?.spec.config, host?.status?.committed?.config], [after, after])
  })

  it('is rejected when its Component is deleted', async () => {
    await here.commit(
      component('queued-net/three'),
      component('queued-host/two', { config: {}, references: [{ name: 'net', component: 'queued-net/three' }] }),
    )
    await here.create(changeRequest('orphan', { component: 'queued-host/two', proposedChange: { id: `\${net.id}` } }))
    await here.phase('orphan', 'Queued')
    await here.remove('Component', 'queued-host.two')
    await here.gone('Component', 'queued-host.two')
    await here.finished('orphan')
    assert.deepEqual(await because('orphan'), [
      'Rejected',
      'UnknownComponent',
      'ChangeRequest orphan: spec.component: expected a Component in namespace queued, found none named queued-host/two',
    ])
    assert.equal((await here.told('orphan', 'UnknownComponent', 'Warning')).regarding.kind, 'ChangeRequest')
  })

  it('waits for a Component that is held back, and is applied when that has passed', async () => {
    await here.create(component('queued-host/three', { config: { a: 1 }, references: refersTo('queued-net/four') }))
    await here.until('Component', 'queued-host.three', 'Stalled', ({ status }) => {
      return conditionOf(status, 'Stalled')?.status === 'True'
    })
    await here.create(changeRequest('patient', { component: 'queued-host/three', proposedChange: { a: 2 } }))
    await here.phase('patient', 'Queued')
    assert.deepEqual(await because('patient'), [
      'Queued',
      'UnknownComponent',
      'Component queued-host/three: expected to be committed before it is changed, found it is not yet: Component queued-host/three: spec.references[queued-net-four].component: expected a committed Component, found none named queued-net/four',
    ])
    await here.create(component('queued-net/four'))
    await here.phase('patient', 'Applied')
    assert.deepEqual((await here.get('Component', 'queued-host.three'))?.spec.config, { a: 2 })
  })

  it('is applied when a guard of its Environment goes', async () => {
    await here.create(environment('frozen', { guards: [] }))
    await here.commit(component('queued-host/four', { environment: 'frozen', config: { a: 1 } }))
    const guards = [{ name: 'freeze', expression: 'false', verdict: 'Queue' }]
    await here.patch('Environment', 'frozen', { spec: { guards } })
    await here.create(changeRequest('thaw', { component: 'queued-host/four', proposedChange: { a: 2 } }))
    await here.phase('thaw', 'Queued')
    const { status } = await here.until('Environment', 'frozen', 'one queued', ({ status }) => status?.queued === 1)
    assert.equal(status?.version, 1)
    await here.patch('Environment', 'frozen', { spec: { guards: [] } })
    await here.phase('thaw', 'Applied')
    await here.until('Environment', 'frozen', 'none queued, free', ({ status }) => {
      return status?.queued === 0 && status.lockedBy === undefined && status.applying?.length === 0
    })
  })
})
