import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { edgeId, stateId } from '../../operator/adapters/graph-gremlin/model.ts'
import { dropAll } from '../../operator/adapters/graph-gremlin/statements.ts'
import type { Component } from '../../operator/api/kinds.generated.ts'
import { type GraphInstallation, graphInstallation, place } from '../support/graph-installation.ts'
import { eventually } from '../support/karma-namespace.ts'
import { changeRequest, component } from '../support/karma-objects.ts'

describe('the graph in a store elsewhere', function () {
  this.timeout(120_000)
  let karma: GraphInstallation['karma']
  let server: GraphInstallation['server']
  let proxy: GraphInstallation['proxy']
  let direct: GraphInstallation['direct']
  let store: GraphInstallation['store']
  let here: GraphInstallation['here']
  let karmaCli: GraphInstallation['karmaCli']
  let restart: GraphInstallation['restart']
  let end: GraphInstallation['end']
  let environment: GraphInstallation['environment']
  let isInStep: GraphInstallation['isInStep']
  let seq: GraphInstallation['seq']
  let repaired: GraphInstallation['repaired']
  let aChange: GraphInstallation['aChange']

  before(async function () {
    this.timeout(20 * 60_000)
    ;({
      karma,
      server,
      proxy,
      direct,
      store,
      here,
      karmaCli,
      restart,
      end,
      environment,
      isInStep,
      seq,
      repaired,
      aChange,
    } = await graphInstallation())
  })

  it('has each version, by whom, and plans say where they read it', async () => {
    const { status, metadata } = await here.ask(aChange('first'))
    assert.deepEqual([status?.phase, status?.plan?.readFrom, status?.affectedCount], ['Applied', 'Mirror', 2])
    const head = await isInStep()
    const versions = await store.versions(place, 1)
    assert.ok(versions.ok)
    assert.deepEqual(
      versions.value.map(({ version, changeId }) => [version, changeId]),
      [[head.version, metadata.uid]],
    )
  })

  it('is set right where somebody has written in it', async () => {
    const [from, before] = [await environment(), await seq()]
    const states = await store.view(place, from.status?.version ?? 0)
    assert.ok(states.ok)
    const edges = await Promise.all(
      Array.from({ length: from.status?.version ?? 0 }, (_, since) => edgeId(place, 'graph/host/one', 0, since + 1)),
    )
    const dropped = await direct.submit(dropAll('REF', edges), { write: true })
    assert.ok(dropped.ok)
    await repaired('store', before)
    const head = await isInStep()
    assert.ok(head.version > (from.status?.version ?? 0), 'a version above the one that was wrong')
    assert.equal((await here.ask(aChange('after-damage'))).status?.affectedCount, 2)
  })

  it('goes on above a version that is ahead of the Environment', async () => {
    const [before, { status }] = [await seq(), await environment()]
    const version = (status?.version ?? 0) + 1
    const published = await store.publish(place, version, [{ id: 'graph/net/one', removed: true }], {
      changeId: 'somebody else',
      claim: '9007199254740991',
    })
    assert.ok(published.ok)
    const after = await here.ask(aChange('after-ahead'))
    assert.deepEqual([after.status?.phase, after.status?.affectedCount], ['Applied', 2])
    await repaired('store', before)
    const head = await isInStep()
    assert.ok(head.version > version)
  })

  it('of one environment is set right there, and not in another one', async () => {
    await here.commit(
      component('edge/one', { environment: 'other', references: [{ name: 'net', component: 'net/one' }] }),
    )
    const other = async () => (await here.get('Environment', 'other'))?.status?.version ?? 0
    const [version, before] = [await other(), (await environment()).status?.version ?? 0]
    const by = { changeId: 'somebody else', claim: '9007199254740991' }
    const published = await store.publish('graph/other', version + 1, [{ id: 'graph/edge/one', removed: true }], by)
    assert.ok(published.ok)
    // Both are read for it.
    const { status } = await here.ask(aChange('beside-one-that-differs'))
    assert.deepEqual([status?.phase, status?.affectedCount], ['Applied', 3])
    assert.equal((await isInStep()).version, before + 1)
    // It is noticed there at the next check, and set right above what was wrong.
    await here.until('Environment', 'other', 'to be set right', (one) => one.status?.version === version + 2)
  })

  it('is built again when it has lost everything, while deletions and status go on', async () => {
    await here.commit(component('spare/one', { config: {} }))
    const before = await seq()
    await server.kill()
    await here.create(aChange('after-loss'), aChange('not-wanted'))
    await here.phase('not-wanted', 'Queued')
    // What needs no graph does not wait for it.
    await here.remove('ChangeRequest', 'not-wanted')
    await here.gone('ChangeRequest', 'not-wanted')
    await here.report('host.one', { runtime: { state: 'running', config: { size: 2 } } })
    await here.until('Component', 'host.one', 'to say that it has drifted', ({ status }) =>
      (status?.conditions ?? []).some(({ type, status: is }) => type === 'Drifted' && is === 'True'),
    )
    await here.remove('Component', 'spare.one')
    await server.restart()
    const after = await here.finished('after-loss')
    assert.deepEqual([after.status?.phase, after.status?.affectedCount], ['Applied', 3])
    await here.gone('Component', 'spare.one')
    await repaired('store', before)
    const head = await isInStep()
    const states = await store.view(place, head.version)
    assert.ok(states.ok)
    // Other tests leave Components behind; three are of all.
    const { components } = await here.snapshot()
    const ids = Object.entries(components as Record<string, Component>)
      .filter(([, { spec }]) => spec.environment === 'dev')
      .map(([name]) => `graph/${name.replace('.', '/')}`)
    assert.deepEqual([...states.value.view.ids()].sort(), ids.sort())
    for (const id of ['graph/app/one', 'graph/host/one', 'graph/net/one']) assert.ok(ids.includes(id), id)
  })

  it('is compared when an operator starts, and set right', async () => {
    const [from, before] = [await isInStep(), await seq()]
    await end()
    // Nobody writes for now, so this is the next version.
    const by = { changeId: 'somebody else', claim: '9007199254740991' }
    const published = await store.publish(place, from.version + 1, [{ id: 'graph/host/one', removed: true }], by)
    assert.ok(published.ok)
    // It is not looked at again before an hour has gone by.
    await restart({ KARMA_GRAPH_ENDPOINT: proxy.url })
    await repaired('store', before)
    const head = await isInStep()
    assert.equal(head.version, from.version + 2)
    assert.equal((await store.view(place, head.version)).ok, true)
    await restart({ KARMA_GRAPH_ENDPOINT: proxy.url, KARMA_GRAPH_CHECK_MS: '1000' })
  })

  it('answers kubectl karma graph about any version', async () => {
    const { version } = await isInStep()
    await here.ask(
      changeRequest('move', {
        component: 'app/one',
        proposedChange: { title: 'b' },
        proposedReferences: [
          { name: 'host', remove: true },
          { name: 'net', component: 'net/one' },
        ],
      }),
    )
    await isInStep()
    const show = await karmaCli('graph', 'show', '--at', `${version}`)
    assert.match(show.out, /^app\/one +\d+ +\S+ +host -> host\/one$/m, show.err)
    const impact = await karmaCli('graph', 'impact', 'net/one', '--at', `${version}`)
    assert.match(impact.out, /2 +app\/one/, impact.err)
    const diff = await karmaCli('graph', 'diff', `${version}`, `${version + 1}`)
    assert.equal(diff.code, 2, diff.err)
    assert.match(diff.out, /\+ +app\/one +net -> net\/one +\d+ +\S+ +move/, diff.out)
    assert.match(diff.out, /- +app\/one +host -> host\/one/)
    const none = await karmaCli('graph', 'diff', `${version}`, `${version}`)
    assert.equal(none.code, 0, none.err)
    const versions = await karmaCli('graph', 'versions')
    assert.match(versions.out, new RegExp(`^${version + 1} +\\S+ +[0-9a-f]{16} +move`, 'm'), versions.err)
    const unknown = await karmaCli('graph', 'show', '--at', '4711')
    assert.equal(unknown.code, 1)
    assert.match(unknown.err, /VersionUnknown/)
    // What would bring the old version back goes through the gate like every change.
    const rollback = await karmaCli('graph', 'rollback', `${version}`)
    assert.equal(rollback.code, 0, rollback.err)
    await karma.kubectl('apply', '-n', 'graph', '-f', karma.file(rollback.out))
    const [name = ''] = /(?<=name: )restore-\S+/.exec(rollback.out) ?? []
    assert.equal((await here.finished(name)).status?.phase, 'Applied')
    await isInStep()
    const again = await karmaCli('graph', 'diff', `${version}`, `${version + 2}`)
    // It was written, and refers to what it did before.
    assert.deepEqual(
      again.out.match(/^[~+-] .*/gm)?.map((line) => line.slice(0, 27).trim()),
      ['~      app/one     -'],
    )
  })

  it('is compared, and built anew where it differs, by kubectl karma graph build', async () => {
    const head = await isInStep()
    const said = await karmaCli('graph', 'build')
    assert.deepEqual([said.code, said.err], [0, ''])
    assert.equal(said.out, 'environment.usekarma.dev/dev graph is what is committed: there was nothing to build\n')
    assert.deepEqual(await isInStep(), head)
    // It is not looked at by itself before an hour has gone by.
    await restart({ KARMA_GRAPH_ENDPOINT: proxy.url })
    await here.ask(aChange('before-damage'))
    const { version } = await isInStep()
    const states = await direct.submit(dropAll('State', statesOf('graph/host/one', version)), { write: true })
    assert.ok(states.ok)
    const built = await karmaCli('graph', 'build')
    assert.deepEqual([built.code, built.err], [0, ''])
    assert.equal(built.out, `environment.usekarma.dev/dev graph built as version ${version + 1}\n`)
    const now = await isInStep()
    assert.equal(now.version, version + 1)
    assert.notEqual(now.epoch, head.epoch)
    const again = await karmaCli('graph', 'build')
    assert.match(again.out, /there was nothing to build/)
    await restart({ KARMA_GRAPH_ENDPOINT: proxy.url, KARMA_GRAPH_CHECK_MS: '1000' })
  })

  it('is taken up by another operator as it is', async () => {
    const head = await isInStep()
    await restart({ KARMA_GRAPH_ENDPOINT: proxy.url, KARMA_GRAPH_CHECK_MS: '1000' })
    const { status } = await here.ask(aChange('after-another'))
    assert.equal(status?.phase, 'Applied')
    const now = await isInStep()
    assert.deepEqual([now.version, now.epoch], [head.version + 1, head.epoch])
  })
  it('in process has what came before a restart from the ledger', async () => {
    const data = mkdtempSync(join(tmpdir(), 'karma-ledger-'))
    const restarted = () => restart({ KARMA_DATA: data })
    try {
      await restarted()
      await here.ask(aChange('before-the-restart'))
      const { status } = await here.ask(
        changeRequest('leave', { component: 'app/one', proposedReferences: [{ name: 'host', remove: true }] }),
      )
      assert.deepEqual([status?.phase, status?.plan?.readFrom], ['Applied', 'Process'])
      const { version = 0 } = (await environment()).status ?? {}
      await restarted()
      const shown = await eventually('the graph to be loaded', async () => {
        const said = await karmaCli('graph', 'show')
        return { found: said.err.includes(`version ${version}, the newest`) ? said : undefined, last: said }
      })
      assert.match(shown.out, /^app\/one +\d+ +leave +-$/m)
      const before = await karmaCli('graph', 'show', '--at', `${version - 1}`)
      assert.match(before.err, /read in the ledger, as it is not held any more/)
      assert.match(before.out, /^app\/one +\S+ +\S+ +host -> host\/one$/m)
      const diff = await karmaCli('graph', 'diff', `${version - 1}`)
      assert.match(diff.out, /^- +app\/one +host -> host\/one +\d+ +\S+ +leave$/m, diff.err)
      const impact = await karmaCli('graph', 'impact', 'host/one', '--at', `${version - 1}`)
      assert.match(impact.out, /1 +app\/one/, impact.err)
      // What the first operator had not told when it ended, the second one tells.
      const row = new RegExp(`^${version - 1} +\\S+ +- +before-the-restart$`, 'm')
      await eventually('the version of before the restart, by whom', async () => {
        const said = await karmaCli('graph', 'versions')
        return { found: row.test(said.out) || undefined, last: said }
      })
    } finally {
      await end()
      rmSync(data, { recursive: true, force: true, maxRetries: 5 })
    }
  })
})

/** Whichever version it is of. */
const statesOf = (component: string, newest: number): string[] =>
  Array.from({ length: newest }, (_, since) => stateId(place, component, since + 1))
