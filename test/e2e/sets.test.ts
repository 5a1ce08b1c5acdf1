import assert from 'node:assert/strict'
import type { ChangeRequest } from '../../operator/api/kinds.generated.ts'
import { karma } from '../support/karma.ts'
import { conditionOf, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, componentType, refersTo } from '../support/karma-objects.ts'

describe('changes of several Components', () => {
  let here: Namespace
  const because = async (name: string): Promise<unknown[]> => {
    const { status } = (await here.get('ChangeRequest', name))!
    const { reason, message } = conditionOf(status, 'Succeeded')!
    return [status?.phase, reason, message]
  }
  const committed = async (name: string) => (await here.get('Component', name))?.status?.committed

  before(async () => {
    here = await openNamespace(karma().api, 'sets')
  })

  it('are applied together, in one version, each seeing what the others become', async () => {
    await here.commit(
      component('sets-net/a', { config: { size: 1 } }),
      component('sets-net/b', { config: { size: 1 } }),
      component('sets-host/h', { config: { at: 'a' }, references: refersTo('sets-net/a') }),
    )
    const { status } = await here.ask(
      changeRequest('move', {
        changes: [
          { component: 'sets-net/b', proposedChange: { size: 2 } },
          {
            component: 'sets-host/h',
            proposedChange: { at: 'b' },
            proposedReferences: [
              { name: 'sets-net-a', remove: true },
              { name: 'net', component: 'sets-net/b' },
            ],
          },
          { component: 'sets-net/a', operation: 'Delete' },
        ],
      }),
    )
    assert.equal(status?.phase, 'Applied', JSON.stringify(status?.conditions))
    assert.deepEqual(
      [status.subject, status.plan?.changed, status.plan?.removed],
      ['sets-net/b and 2 more', ['sets-net/b', 'sets-host/h'], ['sets-net/a']],
    )
    const host = await committed('sets-host.h')
    const net = await committed('sets-net.b')
    assert.deepEqual([host?.config, host?.references], [{ at: 'b' }, [{ name: 'net', component: 'sets-net/b' }]])
    assert.deepEqual([net?.config, net?.graphVersion], [{ size: 2 }, host?.graphVersion])
    assert.deepEqual((await here.get('Component', 'sets-host.h'))?.spec.references, host?.references)
    await here.gone('Component', 'sets-net.a')
    await here.until('Component', 'sets-net.b', 'a dependent', (net) => net.status?.dependents === 1)
  })

  it('take the last reference away from spec too, and a rollback brings it back', async () => {
    await here.commit(
      component('sets-last/net', {}),
      component('sets-last/host', { references: refersTo('sets-last/net') }),
    )
    const before = (await committed('sets-last.host'))?.references
    const proposedReferences = [{ name: 'sets-last-net', remove: true }]
    await here.ask(changeRequest('cut-off', { component: 'sets-last/host', proposedReferences }))
    const cut = await here.get('Component', 'sets-last.host')
    assert.deepEqual([cut?.spec.references, cut?.status?.committed?.references], [[], undefined])
    await here.ask(changeRequest('joined-again', { rollbackOf: 'cut-off' }))
    assert.deepEqual((await here.get('Component', 'sets-last.host'))?.spec.references, before)
    await here.until(
      'Component',
      'sets-last.host',
      'ready',
      (host) => conditionOf(host.status, 'Ready')?.status === 'True',
    )
    const { body } = await karma().api.get(here.path('ChangeRequest'))
    const edits = (body.items as ChangeRequest[]).filter(({ spec }) => spec.origin === 'Edit')
    assert.deepEqual(edits, [])
  })

  it('are all rejected when one is', async () => {
    await here.commit(
      componentType('sets-strict', { guards: [{ name: 'no', expression: 'false', message: 'never' }] }),
      component('sets-free/one', { config: { a: 1 } }),
    )
    // What comes first is not asked: the guard would hold it back.
    const before = await here.snapshot()
    await here.create(component('sets-strict/one', { config: { a: 1 } }))
    await here.until('Component', 'sets-strict.one', 'to be held back', ({ status }) => {
      return conditionOf(status, 'Stalled')?.status === 'True'
    })
    await here.create(
      changeRequest('both', {
        onConflict: 'Reject',
        changes: [
          { component: 'sets-free/one', proposedChange: { a: 2 } },
          { component: 'sets-strict/one', proposedChange: { a: 2 } },
        ],
      }),
    )
    await here.finished('both')
    assert.equal((await because('both'))[0], 'Rejected')
    assert.deepEqual((await here.snapshot()).components['sets-free.one'], before.components['sets-free.one'])
  })

  const rejected: [
    title: string,
    name: string,
    spec: Parameters<typeof changeRequest>[1],
    reason: string,
    message: RegExp,
  ][] = [
    [
      'one Component named twice',
      'twice',
      {
        changes: [
          { component: 'sets-one/a', proposedChange: { a: 2 } },
          { component: 'sets/sets-one/a', proposedChange: { a: 3 } },
        ],
      },
      'DuplicateChange',
      /spec.changes\[1\].component: expected each Component once, found sets\/sets-one\/a again/,
    ],
    [
      'a reference to what the same request deletes',
      'contradiction',
      {
        changes: [
          { component: 'sets-one/a', proposedReferences: [{ name: 'b', component: 'sets-one/b' }] },
          { component: 'sets-one/b', operation: 'Delete' },
        ],
      },
      'MissingReference',
      /sets-one\/a: spec.references\[b\].component: expected a committed Component, found none named sets-one\/b/,
    ],
    [
      'a circle',
      'circle',
      {
        changes: [
          { component: 'sets-one/a', proposedReferences: [{ name: 'b', component: 'sets-one/b' }] },
          { component: 'sets-one/b', proposedReferences: [{ name: 'a', component: 'sets-one/a' }] },
        ],
      },
      'Cycle',
      /expected no way back, found sets-one\/a -> sets-one\/b -> sets-one\/a/,
    ],
    [
      'a deletion of what is in use',
      'in-use',
      { component: 'sets-one/used', operation: 'Delete' },
      'OutputInUse',
      /sets-one\/used: would be deleted, but sets-one\/user refers to it/,
    ],
    [
      'an entry that changes nothing',
      'nothing',
      { changes: [{ component: 'sets-one/a', proposedChange: { a: 2 } }, { component: 'sets-one/b' }] },
      'EmptyChange',
      /spec.changes\[1\]: expected proposedChange, remove, proposedReferences or operation Delete/,
    ],
    [
      'a null in an entry',
      'null',
      { changes: [{ component: 'sets-one/a', proposedChange: { a: null } }] },
      'NullValue',
      /spec.changes\[0\].proposedChange.a: expected a value/,
    ],
    [
      'a Component that is not there',
      'nobody',
      {
        changes: [
          { component: 'sets-one/a', proposedChange: { a: 2 } },
          { component: 'sets-one/none', proposedChange: { a: 2 } },
        ],
      },
      'UnknownComponent',
      /spec.changes\[1\].component: expected a Component in namespace sets, found none named sets-one\/none/,
    ],
    [
      'images that do not fit',
      'large',
      {
        changes: ['a', 'b', 'used'].map((name) => ({
          component: `sets-one/${name}`,
          proposedChange: { text: 'x'.repeat(25_000) },
        })),
      },
      'TooLarge',
      /the before- and after-images of the change together: expected at most 65536 bytes of JSON, found 7\d{4}/,
    ],
  ]
  it('with Components to refuse changes of', async () => {
    await here.commit(
      component('sets-one/a', { config: { a: 1 } }),
      component('sets-one/b', { config: { a: 1 } }),
      component('sets-one/used', { config: { a: 1 } }),
      component('sets-one/user', { references: refersTo('sets-one/used') }),
      component('sets-one/far', { environment: 'prod', config: { a: 1 } }),
    )
  })
  for (const [title, name, spec, reason, message] of rejected) {
    it(`are rejected: ${title}, ${reason}`, async () => {
      const before = await here.snapshot()
      await here.ask(changeRequest(name, spec))
      const [phase, why, said] = await because(name)
      assert.deepEqual([phase, why], ['Rejected', reason])
      assert.match(String(said), message)
      assert.deepEqual(await here.snapshot(), before)
      assert.equal((await here.told(name, reason)).type, 'Warning')
    })
  }

  it('which delete what is not there end Applied, and say so', async () => {
    await here.ask(changeRequest('delete-none', { component: 'sets-one/none', operation: 'Delete' }))
    assert.deepEqual(await because('delete-none'), [
      'Applied',
      'Unchanged',
      'nothing was deleted: there is no Component sets-one/none',
    ])
  })
})
