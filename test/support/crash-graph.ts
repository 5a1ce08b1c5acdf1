import { setTimeout as sleep } from 'node:timers/promises'
import type { Environment } from '../../operator/api/kinds.generated.ts'
import { startGremlinServer } from '../cluster/gremlin-server.ts'
import type { Api } from './api.ts'
import { connectTo, graphOver } from './gremlin-graph.ts'

/** A graph store for the operators of a lane, and whether it is what they committed when all is quiet. */
export interface LaneGraph {
  readonly env: Readonly<Record<string, string>>
  /** one sentence for each environment that differs, after some patience */
  faults(api: Api, patienceMs: number): Promise<readonly string[]>
  stop(): Promise<void>
}

export const startGraphStore = async (): Promise<LaneGraph> => {
  const server = await startGremlinServer()
  // With hundreds of environments in it each request takes its time: there is no index.
  const connection = connectTo(server.url, { timeoutMs: 60_000 })
  const store = graphOver(connection)

  /** The version that is decided is there, and what the head says of its content is what is in it. */
  const faultOf = async ({ metadata, status }: Environment): Promise<string | undefined> => {
    const key = `${metadata.namespace}/${metadata.name}`
    const [head, audit] = await Promise.all([store.head(key), store.audit(key)])
    if (!head.ok || !audit.ok) return `graph of ${key}: cannot be read`
    const { version = 0 } = status ?? {}
    if (head.value.version !== version) return `graph of ${key}: version ${head.value.version}, decided is ${version}`
    return head.value.sum === audit.value.sum
      ? undefined
      : `graph of ${key}: version ${version} is not what its head says: ${head.value.sum}, found ${audit.value.sum}`
  }

  return {
    env: { KARMA_GRAPH_ENDPOINT: server.url },
    async faults(api, patienceMs) {
      const deadline = performance.now() + patienceMs / 4
      for (;;) {
        const { items } = (await api.get('/apis/usekarma.dev/v1alpha1/environments')).body as { items: Environment[] }
        const found: string[] = []
        for (const item of items) found.push(...[(await faultOf(item)) ?? []].flat())
        if (found.length === 0 || performance.now() > deadline) return found
        await sleep(250)
      }
    },
    async stop() {
      await connection.close()
      await server.close()
    },
  }
}
