import assert from 'node:assert/strict'
import type { Karma } from '../support/installed-karma.ts'
import { karma } from '../support/karma.ts'
import { conditionOf, eventually, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, environment, refersTo } from '../support/karma-objects.ts'
import { type ApiProxy, heldRequests } from '../support/proxy.ts'

describe('the life of a change', () => {
  let tools: Karma
  let proxy: ApiProxy
  let here: Namespace

  before(async () => {
    tools = karma()
    ;({ proxy } = karma())
    here = await openNamespace(tools.api, 'life')
  })

  it('begins with Components that are created together, in one version, whatever their order', async () => {
    // Three layers: each refers to two of the layer below it. The ones on top come first.
    const layer = (name: string, of: string[]) =>
      of.map((below, i) => component(`${name}/${i}`, { references: refersTo(below, of[(i + 1) % of.length]!) }))
    const below = ['base/0', 'base/1', 'base/2', 'base/3']
    const middle = ['middle/0', 'middle/1', 'middle/2', 'middle/3']
    const manifests = [
      ...layer('top', middle.slice(0, 2)),
      ...layer('middle', below),
      ...below.map((id) => component(id)),
    ]
    assert.equal(manifests.length, 10)
    // The gate stays shut until all of them wait before it.
    const gate = heldRequests(proxy, ({ verb, resource, namespace }) => {
      return verb === 'create' && resource === 'environments' && namespace === here.name
    })
    const items = manifests.map((item) => ({ ...item, metadata: { ...item.metadata, namespace: here.name } }))
    await tools.kubectl('apply', '-f', tools.file(JSON.stringify({ apiVersion: 'v1', kind: 'List', items })))
    for (const { metadata } of manifests) {
      await here.until('Component', metadata.name, 'to be seen', ({ status }) => {
        return conditionOf(status, 'Committed')?.reason === 'Accepted'
      })
    }
    gate.release()
    await here.committed(...manifests.map(({ metadata }) => metadata.name))
    for (const { metadata } of manifests) {
      assert.equal((await here.get('Component', metadata.name))?.status?.committed?.graphVersion, 1, metadata.name)
    }
    assert.equal((await here.snapshot()).environments.dev, 1)
    for (const [name, dependents] of [
      ['base.1', 2],
      ['middle.0', 2],
      ['top.0', 0],
    ] as const) {
      await here.until('Component', name, `${dependents} dependents`, ({ status }) => status?.dependents === dependents)
    }
    const base = await here.get('Component', 'base.1')
    assert.equal(conditionOf(base?.status, 'Ready')?.status, 'True')
  })

  it('creates an Environment when it is first named, and uses the one that is there', async () => {
    assert.equal(await here.get('Environment', 'made'), undefined)
    await here.commit(component('site/made', { environment: 'made' }))
    const made = await here.until(
      'Environment',
      'made',
      'Ready',
      ({ status }) => conditionOf(status, 'Ready')?.status === 'True',
    )
    assert.equal(made.status?.version, 1)
    await here.create(environment('given', { onConflict: 'Reject' }))
    await here.commit(
      component('site/given', { environment: 'given' }),
      component('site/user', { environment: 'given', references: [{ name: 'site', component: 'site/given' }] }),
    )
    // Its policy holds: what would have to wait is rejected.
    const spec = { component: 'site/user', proposedChange: { url: `\${site.url}` } }
    const { status } = await here.ask(changeRequest('impatient', spec))
    assert.deepEqual([status?.phase, conditionOf(status, 'Succeeded')?.reason], ['Rejected', 'OutputsUnavailable'])
  })

  it('plans what it then does', async () => {
    await here.commit(
      component('site/planned', { config: { title: 'old', aliases: ['a'] } }),
      component('dns/planned', { references: refersTo('site/planned') }),
      component('cdn/planned', { references: refersTo('dns/planned') }),
    )
    const spec = { component: 'site/planned', proposedChange: { title: 'new' }, remove: ['/aliases'] }
    const before = await here.snapshot()
    const planned = await here.ask(changeRequest('plan', { ...spec, mode: 'Plan' }))
    assert.equal(planned.status?.phase, 'Planned')
    assert.deepEqual(await here.snapshot(), before)
    assert.deepEqual(planned.status?.affectedComponents, ['dns/planned', 'cdn/planned'])
    assert.deepEqual(planned.status?.plan?.changed, ['site/planned'])
    await here.told('plan', 'Planned')
    const applied = await here.ask(changeRequest('apply', spec))
    assert.equal(applied.status?.phase, 'Applied')
    assert.equal(applied.status?.plan?.hash, planned.status?.plan?.hash)
    assert.deepEqual(applied.status?.affectedComponents, planned.status?.affectedComponents)
    assert.equal(applied.status?.affectedCount, 2)
    const site = await here.get('Component', 'site.planned')
    assert.deepEqual([site?.spec.config, site?.status?.committed?.config], [{ title: 'new' }, { title: 'new' }])
    assert.equal(site?.status?.committed?.changeRequest, 'apply')
    await here.told('apply', 'Applied')
    // The same again changes nothing, and says so.
    const again = await here.ask(
      changeRequest('again', { component: 'site/planned', proposedChange: { title: 'new' } }),
    )
    assert.deepEqual([again.status?.phase, conditionOf(again.status, 'Succeeded')?.reason], ['Applied', 'Unchanged'])
    assert.equal((await here.get('Component', 'site.planned'))?.status?.committed?.changeRequest, 'apply')
  })

  it('warns of what is to be removed and is not there', async () => {
    await here.commit(component('site/warned', { config: { a: 1 } }))
    const { status } = await here.ask(changeRequest('warned', { component: 'site/warned', remove: ['/a', '/b'] }))
    assert.equal(status?.phase, 'Applied')
    assert.deepEqual(status?.warnings, ['Component site/warned: spec.remove: expected something at /b, found nothing'])
  })

  it('ends when it is cancelled while it waits', async () => {
    await here.commit(
      component('site/cancelled', { config: { a: 1 } }),
      component('cdn/cancelled', { config: { a: 1 }, references: [{ name: 'site', component: 'site/cancelled' }] }),
    )
    await here.create(
      changeRequest('second-thoughts', { component: 'cdn/cancelled', proposedChange: { a: `\${site.url}` } }),
    )
    await here.phase('second-thoughts', 'Queued')
    await here.patch('ChangeRequest', 'second-thoughts', { spec: { cancel: true } })
    const { status } = await here.finished('second-thoughts')
    assert.deepEqual(
      [status?.phase, conditionOf(status, 'Succeeded')?.reason, status?.blockedBy, status?.queue],
      ['Cancelled', 'Cancelled', undefined, undefined],
    )
    await here.told('second-thoughts', 'Cancelled')
    // Reported now, it would have been applied.
    await here.report('site.cancelled', { outputs: { url: 'https://a' } })
    const next = await here.ask(changeRequest('after-cancel', { component: 'cdn/cancelled', proposedChange: { b: 2 } }))
    assert.equal(next.status?.phase, 'Applied')
    assert.deepEqual((await here.get('Component', 'cdn.cancelled'))?.spec.config, { a: 1, b: 2 })
    // Taking back the cancellation is refused, and cancelling what was applied has no effect.
    const back = await tools.api.mergePatch(here.path('ChangeRequest', 'second-thoughts'), { spec: { cancel: false } })
    assert.equal(back.status, 422)
    await here.patch('ChangeRequest', 'after-cancel', { spec: { cancel: true } })
    const other = await here.ask(changeRequest('other', { component: 'site/cancelled', proposedChange: { b: 3 } }))
    assert.equal(other.status?.phase, 'Applied')
    assert.equal((await here.get('ChangeRequest', 'after-cancel'))?.status?.phase, 'Applied')
    assert.deepEqual((await here.get('Component', 'cdn.cancelled'))?.status?.committed?.config, { a: 1, b: 2 })
  })

  it('goes on when an output is reported', async () => {
    await here.commit(
      component('bucket/reported', { config: {} }),
      component('lambda/reported', { config: {}, references: [{ name: 'bucket', component: 'bucket/reported' }] }),
    )
    await here.create(
      changeRequest('wants-arn', { component: 'lambda/reported', proposedChange: { from: `\${bucket.arn}` } }),
    )
    const queued = await here.phase('wants-arn', 'Queued')
    assert.deepEqual(queued.status?.blockedBy, [
      {
        reason: 'OutputsUnavailable',
        object: 'bucket/reported',
        message:
          'Component bucket/reported: status.outputs: expected arn to be reported (lambda/reported reads it as bucket), found none',
      },
    ])
    await here.report('bucket.reported', { outputs: { url: 'https://b' } })
    await here.until('ChangeRequest', 'wants-arn', 'a new message', ({ status }) => {
      return status?.blockedBy?.[0]?.message?.endsWith('found url') === true
    })
    await here.report('bucket.reported', { outputs: { arn: 'arn:b' }, runtime: { state: 'running' } })
    assert.equal((await here.finished('wants-arn')).status?.phase, 'Applied')
    await here.until('Component', 'lambda.reported', 'Resolved', ({ status }) => {
      return conditionOf(status, 'Resolved')?.status === 'True' && conditionOf(status, 'Ready')?.status === 'True'
    })
    // Resolved values are stored nowhere.
    assert.deepEqual((await here.get('Component', 'lambda.reported'))?.status?.committed?.config, {
      from: `\${bucket.arn}`,
    })
    const bucket = await here.get('Component', 'bucket.reported')
    assert.deepEqual(bucket?.status?.outputs, { url: 'https://b', arn: 'arn:b' })
    assert.equal(bucket?.status?.runtime?.state, 'running')
  })

  it('refuses reports from accounts without the verb, and reports of more than outputs and runtime', async () => {
    const path = `${here.path('Component', 'bucket.reported')}/status`
    const stranger = await tools.api.mergePatch(
      path,
      { status: { outputs: { arn: 'x' } } },
      { as: 'stranger', groups: ['system:authenticated'] },
    )
    assert.equal(stranger.status, 403)
    const greedy = await tools.api.mergePatch(
      path,
      { status: { dependents: 9 } },
      { as: 'reporter', groups: ['system:authenticated'] },
    )
    assert.equal(greedy.status, 403)
    assert.equal((await here.get('Component', 'bucket.reported'))?.status?.outputs?.arn, 'arn:b')
  })

  it('is told in the ledger as in the status', async () => {
    const { status } = (await here.get('ChangeRequest', 'wants-arn'))!
    const token = await tools.kubectl('create', 'token', 'karma', '--namespace=karma-system')
    const url = `http://${karma().operator.http}/api/v1/log?change=life/wants-arn`
    const told = await eventually('expected the story of wants-arn', async () => {
      const answer = await fetch(url, { headers: { authorization: `Bearer ${token.trim()}` } })
      const { events = [] } = (await answer.json()) as { events?: { event_type: string; ts: string }[] }
      const own = events.filter(({ event_type }) => event_type.startsWith('change.'))
      return { found: own.some(({ event_type }) => event_type === 'change.applied') ? own : undefined, last: events }
    })
    assert.deepEqual(
      told.map(({ event_type }) => event_type),
      status?.history?.map(({ type }) => type),
    )
  })
})
