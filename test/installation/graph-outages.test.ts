import assert from 'node:assert/strict'
import type { ChangeRequest, Component, Environment } from '../../operator/api/kinds.generated.ts'
import { type GraphInstallation, graphInstallation, place } from '../support/graph-installation.ts'
import { conditionOf, eventually } from '../support/karma-namespace.ts'
import { changeRequest, component } from '../support/karma-objects.ts'

const readiness = ({ status }: Environment): string => {
  const ready = conditionOf(status, 'Ready')
  return `${ready?.status} ${ready?.message}`
}

describe('a graph store elsewhere that is away', function () {
  this.timeout(120_000)
  let karma: GraphInstallation['karma']
  let proxy: GraphInstallation['proxy']
  let store: GraphInstallation['store']
  let here: GraphInstallation['here']
  let user: GraphInstallation['user']
  let environment: GraphInstallation['environment']
  let isInStep: GraphInstallation['isInStep']
  let seq: GraphInstallation['seq']
  let aChange: GraphInstallation['aChange']

  before(async function () {
    this.timeout(20 * 60_000)
    ;({ karma, proxy, store, here, user, environment, isInStep, seq, aChange } = await graphInstallation())
  })

  /** Whoever holds it has read the graph for what comes next, and may decide that yet, or wait for an answer about it. */
  const toBeFree = () => here.until('Environment', 'dev', 'to be free', ({ status }) => status?.lockedBy === undefined)

  /** What stands in status of it, whatever single requests meet. */
  const outages = [
    { mode: 'down', cause: 'gives no answer' },
    { mode: 'garbage', cause: 'answers what cannot be read' },
    { mode: 'half', cause: 'gives no answer' },
    { mode: 'forbidden', cause: 'refuses the credentials' },
    { mode: 'hang', cause: 'gives no answer' },
  ] as const
  for (const { mode, cause } of outages) {
    it(`holds changes back while the store is ${mode}, and goes on by itself`, async () => {
      const name = `during-${mode}`
      await toBeFree()
      const before = await here.snapshot()
      proxy.set(mode)
      proxy.cutAll()
      try {
        await here.create(aChange(name))
        const { status } = await here.phase(name, 'Queued')
        assert.equal(status?.environment, 'dev')
        const message = `the graph of graph/dev cannot be read: ${new URL(proxy.url).host} ${cause}; it is asked again until it answers`
        assert.deepEqual(status?.blockedBy, [{ reason: 'GraphUnavailable', object: 'environment/dev', message }])
        await here.until('Environment', 'dev', 'not to be Ready', (found) => readiness(found) === `False ${message}`)
        assert.deepEqual(await here.snapshot(), before)
      } finally {
        proxy.set('pass')
      }
      assert.equal((await here.finished(name)).status?.phase, 'Applied')
      await here.until('Environment', 'dev', 'to be Ready', (found) => readiness(found) === 'True changes may pass')
      await isInStep()
    })
  }

  it('says in an outage what waits for the graph, and in why: changes, and Components that come and go', async () => {
    await here.commit(component('old/one', { config: {} }))
    await toBeFree()
    proxy.set('down')
    proxy.cutAll()
    try {
      await here.create(aChange('asked-in-an-outage'), component('new/one', { config: {} }))
      await here.remove('Component', 'old.one')
      await here.phase('asked-in-an-outage', 'Queued')
      const isTold = ({ status }: Component): boolean =>
        status?.conditions?.find(({ type }) => type === 'Ready')?.reason === 'GraphUnavailable'
      for (const name of ['new.one', 'old.one']) await here.until('Component', name, 'to say what it waits for', isTold)
      for (const what of ['asked-in-an-outage', 'new/one', 'old/one']) {
        const why = await user.type(['why', what])
        assert.match(why.out, /the graph of graph\/dev cannot be read: \S+ gives no answer;/, why.err)
        assert.match(why.out, /^Next: it goes on by itself when the graph store answers again/m)
        assert.doesNotMatch(why.out, /is not there/)
      }
    } finally {
      proxy.set('pass')
    }
    await here.finished('asked-in-an-outage')
    await here.committed('new.one')
    await here.gone('Component', 'old.one')
    await isInStep()
  })

  it('holds back all that comes after a change that a read-only store does not take, and goes on by itself', async () => {
    const [{ status: then }, told] = [await environment(), await seq()]
    proxy.readOnly(true)
    const message = new RegExp(
      `the graph store has yet to take version ${(then?.version ?? 0) + 1} of graph/dev: .* takes no writes; it`,
    )
    const isHeldUp = ({ status }: ChangeRequest): boolean =>
      message.test(status?.blockedBy?.[0]?.message ?? '') && status?.blockedBy?.[0]?.reason === 'GraphUnavailable'
    try {
      // It could be read, so this one is decided.
      await here.create(aChange('read-only-1'))
      await here.until('ChangeRequest', 'read-only-1', 'to say what it waits for', isHeldUp)
      const before = await here.snapshot()
      // Of the same Component, and of another one; and a Component that comes.
      await here.create(
        aChange('read-only-2'),
        changeRequest('read-only-3', { component: 'app/one', proposedChange: { title: 'read-only' } }),
        component('late/one', { config: {} }),
      )
      for (const name of ['read-only-2', 'read-only-3']) {
        const { status } = await here.until('ChangeRequest', name, 'to say what it waits for', isHeldUp)
        assert.deepEqual([status?.phase, status?.environment], ['Queued', 'dev'])
      }
      await here.until('Component', 'late.one', 'to say what it waits for', ({ status }) =>
        (status?.conditions ?? []).some(({ type, message: said }) => type === 'Ready' && message.test(said)),
      )
      const tried = proxy.counts.readOnly
      await eventually('the store to be asked again and again', async () => ({
        found: proxy.counts.readOnly > tried + 20 || undefined,
        last: proxy.counts.readOnly - tried,
      }))
      const columns = await karma.kubectl('get', 'kcr', '-n', 'graph')
      for (const [name, phase] of [
        ['read-only-1', 'Applying'],
        ['read-only-2', 'Queued'],
        ['read-only-3', 'Queued'],
      ])
        assert.match(columns, new RegExp(`^${name} +(net|app)/one +dev +Apply +${phase} `, 'm'), columns)
      for (const name of ['read-only-1', 'read-only-2']) {
        const why = await user.type(['why', name])
        assert.match(why.out, message, why.err)
        assert.match(why.out, /^Next: .* when the graph store answers again/m)
      }
      // Nothing came of any of it yet.
      assert.deepEqual((await here.snapshot()).components, {
        ...before.components,
        'late.one': (await here.snapshot()).components['late.one'],
      })
    } finally {
      proxy.readOnly(false)
    }
    const ended = await Promise.all(['read-only-1', 'read-only-2', 'read-only-3'].map((name) => here.finished(name)))
    assert.deepEqual(
      ended.map(({ status }) => [status?.phase, status?.blockedBy]),
      ended.map(() => ['Applied', undefined]),
    )
    await here.committed('late.one')
    await isInStep()
    // The store took the version as it was decided: nothing had to be set right.
    const { history = [] } = (await environment()).status ?? {}
    assert.deepEqual(
      history.filter(({ seq: at, type }) => at > told && type === 'graph.repaired'),
      [],
    )
    const versions = await store.versions(place, 50)
    assert.ok(versions.ok)
    const authors = versions.value.flatMap(({ changeId }) => changeId.split(','))
    for (const { metadata } of ended) assert.ok(authors.includes(metadata.uid ?? ''), metadata.name)
  })

  it('lets a change be cancelled, and a request be deleted, while the store is down', async () => {
    proxy.set('down')
    proxy.cutAll()
    try {
      for (const name of ['cancelled', 'deleted']) {
        await here.create(aChange(name))
        await here.phase(name, 'Queued')
      }
      await here.patch('ChangeRequest', 'cancelled', { spec: { cancel: true } })
      const { status } = await here.finished('cancelled')
      assert.deepEqual([status?.phase, status?.environment], ['Cancelled', 'dev'])
      await here.remove('ChangeRequest', 'deleted')
      await here.gone('ChangeRequest', 'deleted')
    } finally {
      proxy.set('pass')
    }
  })
})
