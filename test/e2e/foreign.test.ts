import assert from 'node:assert/strict'
import type { Component } from '../../operator/api/kinds.generated.ts'
import { admin, type User, userOf } from '../support/command-line-user.ts'
import type { Karma } from '../support/installed-karma.ts'
import { karma } from '../support/karma.ts'
import { conditionOf, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, componentType, environment } from '../support/karma-objects.ts'

const to = (name: string, outputs?: string[]) => [{ name: 'to', component: name, ...(outputs && { outputs }) }]

describe('references across environments and namespaces', () => {
  let tools: Karma
  let shared: Namespace
  let app: Namespace
  let me: User

  before(async () => {
    tools = karma()
    shared = await openNamespace(tools.api, 'foreign-shared')
    app = await openNamespace(tools.api, 'foreign-app')
    me = admin(tools, shared.name)
    const running = { name: 'running', forEach: 'Dependents' as const, message: 'it is in use' }
    await shared.create(
      componentType('foreign-net', {
        outputs: [{ name: 'id', from: ['/id'] }],
        guards: [{ ...running, expression: 'before == null || other.runtime.state != "running"' }],
      }),
    )
  })

  const stands = (where: Namespace, name: string, type: string, reason: string, message: string) =>
    where.until('Component', name, `${type}: ${reason}, ${message}`, ({ status }) => {
      const condition = conditionOf(status, type)
      return condition?.reason === reason && condition.message.includes(message)
    })
  const counts = (where: Namespace, name: string, dependents: number): Promise<Component> =>
    where.until('Component', name, `${dependents} dependents`, ({ status }) => status?.dependents === dependents)
  const affected = async (where: Namespace, name: string, of: string, change: object) => {
    const { status } = await where.ask(changeRequest(name, { component: of, proposedChange: change as never }))
    assert.equal(status?.phase, 'Applied', JSON.stringify(status))
    return { affected: status?.affectedComponents, versions: Object.keys(status?.plan?.graphVersions ?? {}).sort() }
  }

  it('lead into another environment of the namespace, and a change arrives there and comes back', async () => {
    await shared.commit(component('hub/one', { config: { a: 1 } }))
    await shared.commit(component('spoke/live', { environment: 'live', references: to('hub/one') }))
    await shared.commit(component('spoke/dev', { references: to('spoke/live') }))
    await counts(shared, 'hub.one', 1)
    assert.deepEqual(await affected(shared, 'around', 'hub/one', { a: 2 }), {
      affected: ['spoke/live', 'spoke/dev'],
      versions: ['foreign-shared/dev', 'foreign-shared/live'],
    })
    // A circle through both is one too.
    await shared.create(changeRequest('circle', { component: 'hub/one', proposedReferences: to('spoke/dev') }))
    const { status } = await shared.finished('circle')
    assert.equal(status?.phase, 'Rejected')
    assert.match(conditionOf(status, 'Succeeded')?.message ?? '', /expected no way back/)
  })

  const nowhere = (name: string) =>
    `expected a Component that lets namespace foreign-app refer to it (spec.allowedNamespaces), found none named foreign-shared/${name}`

  it('lead into a namespace that lets them, and wait until it does', async () => {
    await shared.commit(component('foreign-net/open', { config: { id: 1 } }))
    await app.create(
      component('host/early', { references: to('foreign-shared/foreign-net/open') }),
      component('host/vain', { references: to('foreign-shared/foreign-net/none') }),
    )
    await stands(app, 'host.early', 'Committed', 'ForeignReference', nowhere('foreign-net/open'))
    await stands(app, 'host.vain', 'Committed', 'ForeignReference', nowhere('foreign-net/none'))
    await shared.patch('Component', 'foreign-net.open', { spec: { allowedNamespaces: ['foreign-app'] } })
    await app.committed('host.early')
    await counts(shared, 'foreign-net.open', 1)
    await stands(app, 'host.early', 'Resolved', 'Resolved', 'every reference leads to a committed Component')
  })

  it('of a change are refused as long as nobody lets them', async () => {
    await shared.commit(component('foreign-net/shut'))
    await app.commit(component('host/late'))
    const ask = async (name: string) => {
      const proposedReferences = to('foreign-shared/foreign-net/shut')
      const { status } = await app.ask(changeRequest(name, { component: 'host/late', proposedReferences }))
      return { phase: status?.phase, ...conditionOf(status, 'Succeeded') }
    }
    const refused = await ask('too-early')
    assert.deepEqual([refused.phase, refused.reason], ['Rejected', 'ForeignReference'])
    assert.ok(refused.message?.includes(nowhere('foreign-net/shut')), refused.message)
    await shared.patch('Component', 'foreign-net.shut', { spec: { allowedNamespaces: ['foreign-app'] } })
    await shared.committed('foreign-net.shut')
    assert.equal((await ask('in-time')).phase, 'Applied')
    await counts(shared, 'foreign-net.shut', 1)
  })

  it('let a change arrive, wait for outputs, and let guards see who refers in', async () => {
    await shared.commit(component('foreign-net/main', { config: { id: 1 }, allowedNamespaces: ['foreign-app'] }))
    await app.create(component('host/one', { references: to('foreign-shared/foreign-net/main', ['id']) }))
    await stands(app, 'host.one', 'Committed', 'OutputsUnavailable', 'expected id to be reported')
    await shared.report('foreign-net.main', { outputs: { id: 'n-1' } })
    await app.committed('host.one')
    await app.commit(component('app/one', { environment: 'live', references: to('host/one') }))
    await counts(shared, 'foreign-net.main', 1)
    assert.deepEqual(await affected(shared, 'arrives', 'foreign-net/main', { id: 2 }), {
      affected: ['foreign-app/host/one', 'foreign-app/app/one'],
      versions: ['foreign-app/dev', 'foreign-app/live', 'foreign-shared/dev', 'foreign-shared/live'],
    })
    await app.report('host.one', { runtime: { state: 'running' } })
    // Reports and requests come by watches of their own.
    await app.until('Component', 'host.one', 'to be seen running', ({ status }) =>
      (status?.history ?? []).some(({ type, attrs }) => type === 'component.observed' && attrs?.includes('running')),
    )
    const change = changeRequest('running', { component: 'foreign-net/main', proposedChange: { id: 3 } })
    const { status } = await shared.ask(change)
    assert.deepEqual([status?.phase, status?.plan?.verdicts?.[0]?.object], ['Rejected', 'foreign-app/host/one'])
    await app.report('host.one', { runtime: { state: 'stopped' } })
  })

  it('are seen by kubectl karma, as far as one may read', async () => {
    const file = tools.file(
      JSON.stringify(changeRequest('seen', { component: 'foreign-net/main', proposedChange: { id: 4 } })),
    )
    const impact = await me.type(['impact', 'foreign-net/main'])
    assert.match(impact.out, /^1 +foreign-app\/host\/one +dev$/m)
    assert.match(impact.out, /^2 +foreign-app\/app\/one +live$/m)
    const planned = JSON.parse((await me.type(['plan', '-f', file, '-o', 'json'])).out).plans[0]
    const viewer = await userOf(tools, { namespace: shared.name, name: 'viewer', role: 'view' })
    const blind = await viewer.type(['impact', 'foreign-net/main'])
    assert.match(blind.err, /not whole: you may not list components in foreign-app/)
    assert.doesNotMatch(blind.out, /host\/one/)
    const unsure = await viewer.type(['plan', '-f', file])
    assert.match(unsure.out.replaceAll(/\s+/g, ' '), /not whole: you may not list components in foreign-app/)
    viewer.forget()
    const { status } = await shared.ask(
      changeRequest('seen', { component: 'foreign-net/main', proposedChange: { id: 4 } }),
    )
    assert.equal(planned.hash, status?.plan?.hash)
    assert.deepEqual(planned.graphVersions, status?.plan?.graphVersions)
    const vain = await me.type(['why', 'host/vain', '-n', 'foreign-app'])
    assert.match(vain.out, /ForeignReference/)
  })

  it('keep what they lead to: it is neither shut nor deleted', async () => {
    await shared.patch('Component', 'foreign-net.main', { spec: { allowedNamespaces: null } })
    const said = 'expected foreign-app in it, as foreign-app/host/one refers to it, found none'
    await stands(shared, 'foreign-net.main', 'Committed', 'OutputInUse', said)
    await shared.patch('Component', 'foreign-net.main', { spec: { allowedNamespaces: ['foreign-app', 'more'] } })
    await shared.committed('foreign-net.main')

    const refused = await tools.api.remove(shared.path('Component', 'foreign-net.main'))
    assert.equal(refused.status, 403)
    assert.match(refused.message, /expected status.dependents 0 before it is deleted, found 1/)
    const deletion = changeRequest('delete', { component: 'foreign-net/main', operation: 'Delete' })
    const { status } = await shared.ask(deletion)
    assert.equal(status?.phase, 'Rejected')
    const { reason, message = '' } = conditionOf(status, 'Succeeded') ?? {}
    assert.equal(reason, 'OutputInUse')
    assert.match(message, /would be deleted, but foreign-app\/host\/one refers to it/)

    await app.patch('Component', 'host.one', { spec: { references: [] } })
    await counts(shared, 'foreign-net.main', 0)
    await shared.remove('Component', 'foreign-net.main')
    await shared.gone('Component', 'foreign-net.main')
  })

  it('do not hold a namespace that ends, and say afterwards that they lead nowhere', async function () {
    // The controller of namespaces looks every few seconds.
    this.timeout(120_000)
    const end = await openNamespace(tools.api, 'foreign-end')
    await end.create(environment('dev', {}))
    await end.commit(component('foreign-net/last', { allowedNamespaces: ['foreign-app'] }))
    await app.commit(component('host/left', { references: to('foreign-end/foreign-net/last') }))
    await counts(end, 'foreign-net.last', 1)
    await tools.kubectl('delete', 'namespace', 'foreign-end', '--timeout=90s')
    await stands(app, 'host.left', 'Resolved', 'Unresolved', 'found none named foreign-end/foreign-net/last')
    await app.remove('Component', 'host.left')
    await app.gone('Component', 'host.left')
  })
})
