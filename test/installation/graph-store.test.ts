import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GremlinConnection } from '../../operator/adapters/graph-gremlin/connection.ts'
import { edgeId } from '../../operator/adapters/graph-gremlin/model.ts'
import { dropAll } from '../../operator/adapters/graph-gremlin/statements.ts'
import type { Environment } from '../../operator/api/kinds.generated.ts'
import { openSession } from '../../operator/cli/kubeconfig.ts'
import type { GraphStore } from '../../operator/ports/graph.ts'
import { type GremlinServer, startGremlinServer } from '../cluster/gremlin-server.ts'
import type { Said } from '../support/command-line.ts'
import { type User, userOf } from '../support/command-line-user.ts'
import { connectTo, graphOver } from '../support/gremlin-graph.ts'
import { type GremlinProxy, startGremlinProxy } from '../support/gremlin-proxy.ts'
import { installKarma, type Karma, type Operator } from '../support/installed-karma.ts'
import { eventually, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component } from '../support/karma-objects.ts'

describe('the graph in a store elsewhere', function () {
  this.timeout(120_000)
  let karma: Karma
  let server: GremlinServer
  let proxy: GremlinProxy
  let direct: GremlinConnection
  let store: GraphStore
  let operator: Operator
  let here: Namespace
  let user: User
  let karmaCli: (...args: string[]) => Promise<Said>
  const place = 'graph/dev'

  before(async function () {
    this.timeout(20 * 60_000)
    server = await startGremlinServer()
    proxy = await startGremlinProxy({ target: { host: '127.0.0.1', port: server.port } })
    direct = connectTo(server.url)
    store = graphOver(direct)
    karma = await installKarma()
    operator = await karma.startOperator({
      env: { KARMA_GRAPH_ENDPOINT: proxy.url, KARMA_GRAPH_CHECK_MS: '1000', KARMA_GRAPH_KEEP_VERSIONS: '50' },
    })
    here = await openNamespace(karma.api, 'graph')
    user = await userOf(karma, { namespace: 'graph', name: 'keeper', role: 'admin' })
    const opened = async (options: Parameters<typeof openSession>[0]) => openSession(options, `http://${operator.http}`)
    karmaCli = (...args) => user.type([...args, '--environment', 'dev'], { opened })
    await here.commit(
      component('net/one', { config: { cidr: '10.0.0.0/24' } }),
      component('host/one', { config: { size: 1 }, references: [{ name: 'net', component: 'net/one' }] }),
      component('app/one', { config: { title: 'a' }, references: [{ name: 'host', component: 'host/one' }] }),
    )
  })
  after(async () => {
    user?.forget()
    await karma?.stop()
    await direct?.close()
    await proxy?.close()
    await server?.close()
  })

  const environment = async (): Promise<Environment> => (await here.get('Environment', 'dev'))!
  const isInStep = () =>
    eventually('the store to say what is committed', async () => {
      const [{ status }, head, audit] = await Promise.all([environment(), store.head(place), store.audit(place)])
      assert.ok(head.ok && audit.ok)
      const isSame = head.value.version === status?.version && head.value.sum === audit.value.sum
      return { found: isSame ? head.value : undefined, last: { head, audit, version: status?.version } }
    })
  /** Ids of the Environment's transitions so far. */
  const seq = async (): Promise<number> => (await environment()).status?.seq ?? 0
  const repaired = (what: string, after: number) =>
    here.until('Environment', 'dev', `to tell of a repair of the ${what}`, ({ status }) =>
      (status?.history ?? []).some(
        (entry) => entry.seq > after && entry.type === 'graph.repaired' && entry.attrs?.includes(`"what":"${what}"`),
      ),
    )
  let titles = 0
  const aChange = (name: string) =>
    changeRequest(name, { component: 'net/one', proposedChange: { title: `title ${titles++}` } })

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

  const outages: { title: string; begin: () => void; end: () => void }[] = [
    ...(['down', 'garbage', 'half', 'forbidden'] as const).map((mode) => ({
      title: mode,
      begin: () => proxy.set(mode),
      end: () => proxy.set('pass'),
    })),
    { title: 'read-only', begin: () => proxy.readOnly(true), end: () => proxy.readOnly(false) },
    { title: 'slower than any patience', begin: () => proxy.set('hang'), end: () => proxy.set('pass') },
  ]
  for (const { title, begin, end } of outages) {
    it(`holds changes back while the store is ${title}, and goes on by itself`, async () => {
      const name = `during-${title.replaceAll(' ', '-')}`
      const before = await here.snapshot()
      begin()
      proxy.cutAll()
      try {
        await here.create(aChange(name))
        if (title === 'read-only') {
          // It can be read, so it is decided; the store gets it when it may be written.
          await here.phase(name, 'Applying')
        } else {
          const waiting = await here.phase(name, 'Queued')
          assert.equal(waiting.status?.environment, 'dev')
          assert.deepEqual(waiting.status?.blockedBy, [
            {
              reason: 'GraphUnavailable',
              object: 'environment/dev',
              message: 'the graph of graph/dev cannot be read; it is asked again until it answers',
            },
          ])
          assert.deepEqual(await here.snapshot(), before)
        }
      } finally {
        end()
      }
      assert.equal((await here.finished(name)).status?.phase, 'Applied')
      await isInStep()
    })
  }

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

  it('is built again when it has lost everything', async () => {
    const before = await seq()
    await server.restart()
    const after = await here.ask(aChange('after-loss'))
    assert.deepEqual([after.status?.phase, after.status?.affectedCount], ['Applied', 3])
    await repaired('store', before)
    await isInStep()
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
    assert.match(show.out, /app\/one +host -> host\/one/, show.err)
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

  it('is built anew by kubectl karma graph build', async () => {
    const head = await isInStep()
    const said = await karmaCli('graph', 'build')
    assert.deepEqual([said.code, said.err], [0, ''])
    assert.equal(said.out, `environment.usekarma.dev/dev graph built as version ${head.version + 1}\n`)
    const now = await isInStep()
    assert.deepEqual([now.version, now.sum], [head.version + 1, head.sum])
    assert.notEqual(now.epoch, head.epoch)
    const { code } = await karmaCli('graph', 'build')
    assert.equal(code, 0, 'a second time')
  })

  it('is taken up by another operator as it is', async () => {
    const head = await isInStep()
    await operator.process.stop()
    operator = await karma.startOperator({ env: { KARMA_GRAPH_ENDPOINT: proxy.url, KARMA_GRAPH_CHECK_MS: '1000' } })
    const { status } = await here.ask(aChange('after-another'))
    assert.equal(status?.phase, 'Applied')
    const now = await isInStep()
    assert.deepEqual([now.version, now.epoch], [head.version + 1, head.epoch])
  })
  it('in process has what came before a restart from the ledger', async () => {
    const data = mkdtempSync(join(tmpdir(), 'karma-ledger-'))
    const restarted = async (): Promise<void> => {
      await operator.process.stop()
      operator = await karma.startOperator({ env: { KARMA_DATA: data } })
    }
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
      assert.match(shown.out, /^app\/one +-$/m)
      const before = await karmaCli('graph', 'show', '--at', `${version - 1}`)
      assert.match(before.err, /read in the ledger, as it is not held any more/)
      assert.match(before.out, /^app\/one +host -> host\/one$/m)
      const diff = await karmaCli('graph', 'diff', `${version - 1}`)
      assert.match(diff.out, /^- +app\/one +host -> host\/one +\d+ +\S+ +leave$/m, diff.err)
      const impact = await karmaCli('graph', 'impact', 'host/one', '--at', `${version - 1}`)
      assert.match(impact.out, /1 +app\/one/, impact.err)
      const versions = await karmaCli('graph', 'versions')
      assert.match(versions.out, new RegExp(`^${version - 1} +\\S+ +- +before-the-restart$`, 'm'), versions.err)
    } finally {
      await operator.process.stop()
      rmSync(data, { recursive: true, force: true, maxRetries: 5 })
    }
  })
})
