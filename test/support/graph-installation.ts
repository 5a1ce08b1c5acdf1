import assert from 'node:assert/strict'
import type { GremlinConnection } from '../../operator/adapters/graph-gremlin/connection.ts'
import type { Environment } from '../../operator/api/kinds.generated.ts'
import { openSession } from '../../operator/cli/kubeconfig.ts'
import type { GraphStore, Head } from '../../operator/ports/graph.ts'
import { type GremlinServer, startGremlinServer } from '../cluster/gremlin-server.ts'
import type { Said } from './command-line.ts'
import { type User, userOf } from './command-line-user.ts'
import { connectTo, graphOver } from './gremlin-graph.ts'
import { type GremlinProxy, startGremlinProxy } from './gremlin-proxy.ts'
import { installKarma, type Karma } from './installed-karma.ts'
import { eventually, type Namespace, openNamespace } from './karma-namespace.ts'
import { changeRequest, component, type Manifest } from './karma-objects.ts'
import { oncePerRun } from './once-per-run.ts'

/** A cluster with Karma in it whose graph is in a Gremlin Server behind a proxy. Its environment is `graph/dev`. */
export interface GraphInstallation {
  readonly karma: Karma
  readonly server: GremlinServer
  readonly proxy: GremlinProxy
  /** not by the proxy */
  readonly direct: GremlinConnection
  readonly store: GraphStore
  readonly here: Namespace
  /** who may do everything in the namespace */
  readonly user: User
  /** `kubectl karma`, of the environment */
  readonly karmaCli: (...args: string[]) => Promise<Said>
  /** Ends the operator, and starts another one. */
  readonly restart: (env: Readonly<Record<string, string>>) => Promise<void>
  /** Ends the operator. */
  readonly end: () => Promise<void>
  readonly environment: () => Promise<Environment>
  /** The head of the store, once that is what is committed. */
  readonly isInStep: () => Promise<Head>
  /** Ids of the Environment's transitions so far. */
  readonly seq: () => Promise<number>
  /** Once it was told that the `store`, or the `mirror`, was set right. */
  readonly repaired: (what: 'store' | 'mirror', after: number) => Promise<Environment>
  /** Of net/one, each another one. */
  readonly aChange: (name: string) => Manifest
  readonly close: () => Promise<void>
}

export const place = 'graph/dev'

/** Three Components in a row: app/one refers to host/one, and that to net/one. */
const installWithGraph = async (): Promise<GraphInstallation> => {
  const server = await startGremlinServer()
  const proxy = await startGremlinProxy({ target: { host: '127.0.0.1', port: server.port } })
  const direct = connectTo(server.url)
  const store = graphOver(direct)
  const karma = await installKarma()
  let operator = await karma.startOperator({
    env: {
      KARMA_GRAPH_ENDPOINT: proxy.url,
      // Nobody is there: history comes from the other one, and no change waits for it.
      KARMA_GRAPH_READER_ENDPOINT: 'ws://127.0.0.1:1/gremlin',
      KARMA_GRAPH_CHECK_MS: '1000',
      KARMA_GRAPH_KEEP_VERSIONS: '50',
    },
  })
  const here = await openNamespace(karma.api, 'graph')
  const user = await userOf(karma, { namespace: 'graph', name: 'keeper', role: 'admin' })
  const opened = async (options: Parameters<typeof openSession>[0]) => openSession(options, `http://${operator.http}`)
  await here.commit(
    component('net/one', { config: { cidr: '10.0.0.0/24' } }),
    component('host/one', { config: { size: 1 }, references: [{ name: 'net', component: 'net/one' }] }),
    component('app/one', { config: { title: 'a' }, references: [{ name: 'host', component: 'host/one' }] }),
  )
  const environment = async (): Promise<Environment> => (await here.get('Environment', 'dev'))!
  let titles = 0
  return {
    karma,
    server,
    proxy,
    direct,
    store,
    here,
    user,
    karmaCli: (...args) => user.type([...args, '--environment', 'dev'], { opened }),
    async restart(env) {
      await operator.process.stop()
      operator = await karma.startOperator({ env })
    },
    end: () => operator.process.stop(),
    environment,
    isInStep: () =>
      eventually('the store to say what is committed', async () => {
        const [{ status }, head, audit] = await Promise.all([environment(), store.head(place), store.audit(place)])
        assert.ok(head.ok && audit.ok)
        const isSame = head.value.version === status?.version && head.value.sum === audit.value.sum
        return { found: isSame ? head.value : undefined, last: { head, audit, version: status?.version } }
      }),
    seq: async () => (await environment()).status?.seq ?? 0,
    repaired: (what, after) =>
      here.until('Environment', 'dev', `to tell of a repair of the ${what}`, ({ status }) =>
        (status?.history ?? []).some(
          (entry) => entry.seq > after && entry.type === 'graph.repaired' && entry.attrs?.includes(`"what":"${what}"`),
        ),
      ),
    aChange: (name) => changeRequest(name, { component: 'net/one', proposedChange: { title: `title ${titles++}` } }),
    async close() {
      user.forget()
      await karma.stop()
      await direct.close()
      await proxy.close()
      await server.close()
    },
  }
}

/** The installation that all tests of this run share, one after the other. */
export const graphInstallation = oncePerRun('the shared installation with a graph store', installWithGraph, (started) =>
  started.close(),
)
