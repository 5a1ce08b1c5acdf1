import assert from 'node:assert/strict'
import { karma } from '../support/karma.ts'
import { conditionOf, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, refersTo } from '../support/karma-objects.ts'

describe('rollback', () => {
  let here: Namespace
  const because = async (name: string): Promise<unknown[]> => {
    const { status } = (await here.get('ChangeRequest', name))!
    const { reason, message } = conditionOf(status, 'Succeeded')!
    return [status?.phase, reason, message]
  }
  const config = async (name: string) => (await here.get('Component', name))?.status?.committed?.config
  const applied = async (...requests: Parameters<typeof changeRequest>[]): Promise<void> => {
    for (const [name, spec] of requests) {
      await here.ask(changeRequest(name, spec))
      assert.equal((await because(name))[0], 'Applied', String(await because(name)))
    }
  }
  const rolledBackBy = (name: string, by: string) =>
    here.until('ChangeRequest', name, `to be rolled back by ${by}`, ({ status }) => status?.rolledBackBy === by)

  before(async () => {
    here = await openNamespace(karma().api, 'rollback')
  })

  it('undoes a change and leaves what others changed since; a rollback can be rolled back', async () => {
    await here.commit(component('rb/a', { config: { size: 1, tags: { x: 1 } } }))
    await applied(
      ['grow', { component: 'rb/a', proposedChange: { size: 2, tags: { y: 2 } } }],
      ['color', { component: 'rb/a', proposedChange: { color: 'red' } }],
      ['undo', { rollbackOf: 'grow' }],
    )
    assert.deepEqual(await config('rb.a'), { size: 1, tags: { x: 1 }, color: 'red' })
    assert.deepEqual((await here.get('Component', 'rb.a'))?.spec.config, await config('rb.a'))
    const undone = await rolledBackBy('grow', 'undo')
    assert.equal(undone.status?.phase, 'Applied')
    assert.equal(undone.status?.history?.at(-1)?.type, 'change.rolled-back')

    await here.ask(changeRequest('undo-again', { rollbackOf: 'grow' }))
    const [phase, reason, message] = await because('undo-again')
    assert.deepEqual([phase, reason], ['Rejected', 'LaterChange'])
    assert.match(String(message), /found that undo has undone grow already; to do it again, roll back undo/)

    await applied(['redo', { rollbackOf: 'undo' }])
    assert.deepEqual(await config('rb.a'), { size: 2, tags: { x: 1, y: 2 }, color: 'red' })
    await rolledBackBy('undo', 'redo')
    await applied(['undo-for-good', { rollbackOf: 'grow' }])
    assert.deepEqual(await config('rb.a'), { size: 1, tags: { x: 1 }, color: 'red' })
  })

  it('across a newer change of the same field is rejected, naming it', async () => {
    await here.commit(component('rb/b', { config: { size: 1 } }))
    await applied(
      ['first', { component: 'rb/b', proposedChange: { size: 2 } }],
      ['second', { component: 'rb/b', proposedChange: { size: 3 } }],
    )
    const before = await here.snapshot()
    await here.ask(changeRequest('undo-first', { rollbackOf: 'first' }))
    assert.deepEqual(await because('undo-first'), [
      'Rejected',
      'LaterChange',
      'ChangeRequest undo-first: Component rb/b: expected /size as first left it, found that second changed the same; roll back second first, or ask for another change',
    ])
    assert.deepEqual(await here.snapshot(), before)
    await applied(['undo-second', { rollbackOf: 'second' }], ['undo-first-now', { rollbackOf: 'first' }])
    assert.deepEqual(await config('rb.b'), { size: 1 })
  })

  it('of a deletion makes the Component anew, and of that deletes it again', async () => {
    await here.commit(
      component('rb/net', { config: { size: 1 } }),
      component('rb/gone', { config: { a: 1 }, project: 'p', references: refersTo('rb/net') }),
    )
    await here.patch('Component', 'rb.gone', { metadata: { labels: { team: 'net' } } })
    await here.until('Component', 'rb.net', 'a dependent', ({ status }) => status?.dependents === 1)
    await applied(['delete', { component: 'rb/gone', operation: 'Delete' }])
    await here.gone('Component', 'rb.gone')
    await applied(['bring-back', { rollbackOf: 'delete' }])
    const back = await here.get('Component', 'rb.gone')
    const { config: was, project, references } = back?.status?.committed ?? {}
    assert.deepEqual([was, project, references], [{ a: 1 }, 'p', refersTo('rb/net')])
    assert.deepEqual([back?.spec.config, back?.metadata.labels], [{ a: 1 }, { team: 'net' }])
    await here.committed('rb.gone')
    await applied(['delete-again', { rollbackOf: 'bring-back' }])
    await here.gone('Component', 'rb.gone')
  })

  it('of a set undoes all of it', async () => {
    await here.commit(
      component('rb/c', { config: { a: 1 } }),
      component('rb/d', { config: { a: 1 } }),
      component('rb/e'),
    )
    const changes = [
      { component: 'rb/c', proposedChange: { a: 2 } },
      { component: 'rb/d', proposedReferences: [{ name: 'c', component: 'rb/c' }], remove: ['/a'] },
      { component: 'rb/e', operation: 'Delete' as const },
    ]
    const before = await here.snapshot()
    await applied(['set', { changes }])
    await here.gone('Component', 'rb.e')
    await applied(['undo-set', { rollbackOf: 'set' }])
    const after = await here.snapshot()
    assert.deepEqual(Object.keys(after.components), Object.keys(before.components))
    assert.deepEqual([await config('rb.c'), await config('rb.d')], [{ a: 1 }, { a: 1 }])
    assert.deepEqual((await here.get('Component', 'rb.d'))?.status?.committed?.references ?? [], [])
  })

  it('is refused of what cannot be undone', async () => {
    await here.commit(component('rb/f', { config: { a: 1 } }))
    await here.ask(changeRequest('planned', { component: 'rb/f', mode: 'Plan', proposedChange: { a: 2 } }))
    await here.ask(changeRequest('same', { component: 'rb/f', proposedChange: { a: 1 } }))
    const cases = [
      ['nobody', 'UnknownRequest', 'expected a ChangeRequest, found none named nobody'],
      ['planned', 'NotApplied', 'expected a request that was applied, found planned in phase Planned'],
      ['same', 'NotApplied', 'expected a request that was applied, found same, which has changed nothing'],
    ]
    for (const [rollbackOf = '', reason, message] of cases) {
      await here.ask(changeRequest(`of-${rollbackOf}`, { rollbackOf }))
      assert.deepEqual(await because(`of-${rollbackOf}`), [
        'Rejected',
        reason,
        `ChangeRequest of-${rollbackOf}: spec.rollbackOf: ${message}`,
      ])
    }
  })
})

describe('a request', () => {
  let here: Namespace
  before(async () => {
    here = await openNamespace(karma().api, 'requests')
  })
  const phaseOf = async (name: string) => (await here.get('ChangeRequest', name))?.status?.phase
  const reasonOf = async (name: string) =>
    conditionOf((await here.get('ChangeRequest', name))?.status, 'Succeeded')?.reason

  it('created again with the same name and content changes nothing', async () => {
    await here.commit(component('again/a', { config: { n: 1 } }))
    const same = changeRequest('again', { component: 'again/a', proposedChange: { n: 2 } })
    await here.ask(same)
    await here.ask(changeRequest('other', { component: 'again/a', proposedChange: { n: 3 } }))
    await here.remove('ChangeRequest', 'again')
    await here.gone('ChangeRequest', 'again')
    const { status } = await here.ask(same)
    assert.deepEqual([status?.phase, await reasonOf('again')], ['Applied', 'AlreadyApplied'])
    assert.deepEqual((await here.get('Component', 'again.a'))?.status?.committed?.config, { n: 3 })
    // With other content it is another request.
    await here.remove('ChangeRequest', 'again')
    await here.gone('ChangeRequest', 'again')
    await here.ask(changeRequest('again', { component: 'again/a', proposedChange: { n: 4 } }))
    assert.equal(await reasonOf('again'), 'Applied')
  })

  it('with the hash of its plan is applied as planned, or not at all', async () => {
    await here.commit(component('hash/a', { config: { n: 1 } }))
    const spec = { component: 'hash/a', proposedChange: { n: 2 } }
    const planned = await here.ask(changeRequest('hash-plan', { ...spec, mode: 'Plan' }))
    const planHash = planned.status?.plan?.hash ?? ''
    await here.commit(component('hash/b', { references: refersTo('hash/a') }))
    await here.ask(changeRequest('hash-stale', { ...spec, planHash }))
    assert.deepEqual([await phaseOf('hash-stale'), await reasonOf('hash-stale')], ['Rejected', 'PlanStale'])
    const again = await here.ask(changeRequest('hash-plan-2', { ...spec, mode: 'Plan' }))
    await here.ask(changeRequest('hash-fresh', { ...spec, planHash: again.status?.plan?.hash ?? '' }))
    assert.equal(await phaseOf('hash-fresh'), 'Applied')
  })

  it('expires when its time has passed, naming what it waited for', async () => {
    await here.commit(component('late/net'), component('late/a', { references: refersTo('late/net') }))
    const waits = { component: 'late/a', proposedChange: { url: `\${late-net.url}` } }
    await here.create(changeRequest('late', { ...waits, queueDeadlineSeconds: 2 }))
    await here.phase('late', 'Queued')
    const { status } = await here.finished('late')
    assert.deepEqual([status?.phase, await reasonOf('late')], ['Expired', 'Expired'])
    assert.match(
      conditionOf(status, 'Succeeded')?.message ?? '',
      /expected to be applied within 2 s, found that they have passed; it waited for late\/net \(OutputsUnavailable\)/,
    )
  })

  it('waits for an earlier one of the same Component that waits; others pass by', async () => {
    await here.commit(
      component('turn/net'),
      component('turn/a', { config: { n: 1 }, references: refersTo('turn/net') }),
      component('turn/b', { config: { n: 1 }, references: refersTo('turn/a') }),
    )
    await here.create(changeRequest('turn-1', { component: 'turn/a', proposedChange: { url: `\${turn-net.url}` } }))
    await here.phase('turn-1', 'Queued')
    await here.create(changeRequest('turn-2', { component: 'turn/a', proposedChange: { n: 2 } }))
    const second = await here.phase('turn-2', 'Queued')
    assert.deepEqual(
      second.status?.blockedBy?.map(({ reason, object }) => `${reason} ${object}`),
      ['QueuedBehind changerequest/turn-1'],
    )
    await here.ask(changeRequest('turn-other', { component: 'turn/b', proposedChange: { n: 2 } }))
    assert.equal(await phaseOf('turn-other'), 'Applied')
    await here.patch('ChangeRequest', 'turn-1', { spec: { cancel: true } })
    await here.finished('turn-2')
    assert.equal(await phaseOf('turn-2'), 'Applied')
    assert.deepEqual((await here.get('Component', 'turn.a'))?.status?.committed?.config, { n: 2 })
  })
})
