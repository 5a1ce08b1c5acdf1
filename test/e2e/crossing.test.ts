import assert from 'node:assert/strict'
import { karma } from '../support/karma.ts'
import { conditionOf, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, refersTo } from '../support/karma-objects.ts'

describe('changes over several environments', () => {
  let here: Namespace
  const committed = async (name: string) => (await here.get('Component', name))?.status?.committed
  const versionOf = async (name: string): Promise<number> => (await here.get('Environment', name))?.status?.version ?? 0
  const set = (size: number, ...names: string[]) => ({
    changes: names.map((name) => ({ component: name, proposedChange: { size } })),
  })

  before(async () => {
    here = await openNamespace(karma().api, 'crossing')
    await here.commit(
      component('crossing-net/a', { environment: 'test', config: { size: 1 } }),
      component('crossing-net/b', { environment: 'prod', config: { size: 1 } }),
      component('crossing-net/c', { environment: 'stage', config: { size: 1 } }),
    )
  })

  it('are applied together, as one version of each', async () => {
    const before = { prod: await versionOf('prod'), test: await versionOf('test') }
    const { status } = await here.ask(changeRequest('both', set(2, 'crossing-net/a', 'crossing-net/b')))
    assert.equal(status?.phase, 'Applied', JSON.stringify(status?.conditions))
    const won = { 'crossing/prod': before.prod + 1, 'crossing/test': before.test + 1 }
    assert.deepEqual(status.plan?.graphVersions, { 'crossing/prod': before.prod, 'crossing/test': before.test })
    assert.equal(
      conditionOf(status, 'Succeeded')?.message,
      `applied as version ${won['crossing/prod']} of environment crossing/prod and version ${won['crossing/test']} of environment crossing/test, affecting 0 Components`,
    )
    assert.deepEqual(
      [status.writeAhead, await versionOf('prod'), await versionOf('test')],
      [undefined, before.prod + 1, before.test + 1],
    )
    for (const [name, version] of [
      ['a', before.test + 1],
      ['b', before.prod + 1],
    ] as const) {
      const { config, graphVersion, changeRequest: by } = (await committed(`crossing-net.${name}`))!
      assert.deepEqual([config, graphVersion, by], [{ size: 2 }, version, 'both'])
      assert.deepEqual((await here.get('Component', `crossing-net.${name}`))?.spec.config, { size: 2 })
    }
  })

  it('pass three, many at once beside changes of one, and none is lost', async () => {
    const names = ['crossing-net/a', 'crossing-net/b', 'crossing-net/c']
    const asked = Array.from({ length: 12 }, (_, i) => {
      const key = `k${i}`
      const own = names.slice(i % 3, (i % 3) + 1)
      const changes = (i % 2 === 0 ? names : own).map((name) => ({ component: name, proposedChange: { [key]: i } }))
      return changeRequest(`many-${i}`, { changes })
    })
    await Promise.all(asked.map((request) => here.create(request)))
    // One after another, as they end: each has its time from the end of the one before, however slow all are.
    for (const { metadata } of asked) {
      const { status } = await here.finished(metadata.name)
      assert.equal(status?.phase, 'Applied', `${metadata.name}: ${JSON.stringify(status?.conditions)}`)
    }
    for (const [n, name] of names.entries()) {
      const { config = {} } = (await committed(name.replace('/', '.')))!
      const expected = Array.from({ length: 12 }, (_, i) => i).filter((i) => i % 2 === 0 || i % 3 === n)
      assert.deepEqual(
        Object.keys(config)
          .filter((key) => key.startsWith('k'))
          .sort(),
        expected.map((i) => `k${i}`).sort(),
      )
    }
    for (const name of ['prod', 'test', 'stage'])
      await here.until('Environment', name, 'free', ({ status }) => !status?.lockedBy && !status?.prepared)
  })

  it('wait for an environment that another holds, and claim the others once meanwhile', async () => {
    const lease = '/apis/coordination.k8s.io/v1/namespaces/crossing/leases/karma-test'
    await here.until('Environment', 'test', 'free', ({ status }) => !status?.lockedBy)
    const spec = {
      holderIdentity: 'another',
      leaseDurationSeconds: 4,
      renewTime: new Date().toISOString().replace('Z', '000Z'),
    }
    assert.equal((await karma().api.mergePatch(lease, { spec })).status, 200)
    const from = karma().proxy.requests.length
    const { status } = await here.ask(changeRequest('patient', set(3, 'crossing-net/a', 'crossing-net/b')))
    assert.equal(status?.phase, 'Applied')
    const writes = karma()
      .proxy.requests.slice(from)
      .filter(
        ({ resource, namespace, name }) => resource === 'environments' && namespace === here.name && name === 'prod',
      )
      .filter(({ verb, answered = 0 }) => verb === 'patch' && answered < 300)
    // Claimed, prepared, published; and before that perhaps claimed, and given free by who has waited long.
    assert.ok(writes.length >= 3 && writes.length <= 7, `writes of the Environment: ${writes.length}`)
  })

  it('are judged by the guards of each environment, and all rejected when one rejects', async () => {
    await here.patch('Environment', 'prod', { spec: { guards: [closed] } })
    const before = [await versionOf('prod'), await versionOf('test')]
    const { status } = await here.ask(changeRequest('frozen', set(9, 'crossing-net/a', 'crossing-net/b')))
    assert.deepEqual([status?.phase, conditionOf(status, 'Succeeded')?.reason], ['Rejected', 'GuardFailed'])
    assert.match(
      conditionOf(status, 'Succeeded')?.message ?? '',
      /Component crossing-net\/b: .*Environment crossing\/prod/,
    )
    assert.deepEqual([await versionOf('prod'), await versionOf('test')], before)
    await here.patch('Environment', 'prod', { spec: { guards: [] } })
  })

  it('see what the others become, also where a reference leads from one environment into the other', async () => {
    await here.commit(
      component('crossing-host/h', { environment: 'test', references: refersTo('crossing-net/b') }),
      component('crossing-net/d', { environment: 'prod', config: { size: 1 } }),
    )
    const moved = await here.ask(
      changeRequest('move', {
        changes: [
          { component: 'crossing-net/b', operation: 'Delete' },
          {
            component: 'crossing-host/h',
            proposedReferences: [
              { name: 'crossing-net-b', remove: true },
              { name: 'net', component: 'crossing-net/d' },
            ],
          },
        ],
      }),
    )
    assert.equal(moved.status?.phase, 'Applied', JSON.stringify(moved.status?.conditions))
    await here.gone('Component', 'crossing-net.b')
    const back = await here.ask(changeRequest('back', { rollbackOf: 'move' }))
    assert.equal(back.status?.phase, 'Applied', JSON.stringify(back.status?.conditions))
    const references = (await committed('crossing-host.h'))?.references?.map((reference) => reference.component)
    assert.deepEqual(
      [references, (await here.get('Component', 'crossing-net.b'))?.spec.environment],
      [['crossing-net/b'], 'prod'],
    )
  })

  const referring = (name: string, to: string, size: number) => {
    const proposedReferences = [{ name: 'c', component: to }]
    const changes = [
      { component: 'crossing-net/a', proposedReferences },
      { component: 'crossing-net/b', proposedChange: { size } },
    ]
    return changeRequest(name, { changes })
  }
  const removal = (name: string, of: string) => changeRequest(name, { component: of, operation: 'Delete' })

  it('pass those too into which they newly refer', async () => {
    const before = await versionOf('stage')
    const refers = await here.ask(referring('refers', 'crossing-net/c', 11))
    assert.equal(refers.status?.phase, 'Applied', JSON.stringify(refers.status?.conditions))
    assert.equal(await versionOf('stage'), before + 1)
    const { references } = (await committed('crossing-net.a'))!
    assert.deepEqual(references, [{ name: 'c', component: 'crossing-net/c' }])
    const { status } = await here.ask(removal('c-goes', 'crossing-net/c'))
    assert.deepEqual([status?.phase, conditionOf(status, 'Succeeded')?.reason], ['Rejected', 'OutputInUse'])
    const undone = await here.ask(changeRequest('refers-no-more', { rollbackOf: 'refers' }))
    assert.equal(undone.status?.phase, 'Applied', JSON.stringify(undone.status?.conditions))
  })

  it('keep what they newly refer to from going meanwhile, or find it gone', async () => {
    await here.commit(component('crossing-net/leaving', { environment: 'stage', config: { size: 1 } }))
    const both = [referring('refers-to-d', 'crossing-net/leaving', 12), removal('d-goes', 'crossing-net/leaving')]
    const phases = (await Promise.all(both.map((one) => here.ask(one)))).map(({ status }) => status?.phase)
    assert.ok(['Applied Rejected', 'Rejected Applied'].includes(phases.join(' ')), phases.join(' '))
  })

  it('may be planned, wait for an approval of the plan, and be cancelled', async () => {
    const planned = await here.ask(
      changeRequest('look', { ...set(5, 'crossing-net/a', 'crossing-net/c'), mode: 'Plan' }),
    )
    assert.equal(planned.status?.phase, 'Planned')
    const { hash } = planned.status!.plan!
    const stale = await here.ask(
      changeRequest('stale', { ...set(6, 'crossing-net/a', 'crossing-net/c'), planHash: hash }),
    )
    assert.equal(conditionOf(stale.status, 'Succeeded')?.reason, 'PlanStale')
    const bound = await here.ask(
      changeRequest('bound', { ...set(5, 'crossing-net/a', 'crossing-net/c'), planHash: hash }),
    )
    assert.equal(bound.status?.phase, 'Applied', JSON.stringify(bound.status?.conditions))
  })

  it('of more than five environments are refused', async () => {
    const names = [1, 2, 3, 4, 5, 6].map((i) => `crossing-many/${i}`)
    await here.commit(...names.map((name, i) => component(name, { environment: `many-${i}`, config: { size: 1 } })))
    const { status } = await here.ask(changeRequest('too-many', set(2, ...names)))
    assert.deepEqual([status?.phase, conditionOf(status, 'Succeeded')?.reason], ['Rejected', 'TooManyEnvironments'])
    assert.match(
      conditionOf(status, 'Succeeded')?.message ?? '',
      /expected Components of at most 5 environments, found 6/,
    )
  })
})

const closed = { name: 'closed', expression: 'component.nickname != "b"', message: 'nothing changes here' }
