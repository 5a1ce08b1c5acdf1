import { makeEmbeddedGraph } from '../../operator/adapters/graph-embedded/store.ts'
import { failure } from '../../operator/api/result.ts'
import type { GraphStore } from '../../operator/ports/graph.ts'
import { olderTinkerPop } from '../cluster/gremlin-server.ts'
import { dyingAfter, graphOver } from '../support/gremlin-graph.ts'
import { graphStoreContract } from './graph-store.ts'
import { emptyServer } from './gremlin-server.ts'

let epochs = 0

graphStoreContract('embedded', async () => {
  const store = makeEmbeddedGraph({ newEpoch: () => `epoch-${epochs++}`, now: Date.now })
  return { store, dying: (requests) => dying(store, requests), close: async () => {} }
})

/** In process there is nothing in between: it ends before a publish, or before it answers. */
const dying = (store: GraphStore, requests: number): GraphStore => ({
  ...store,
  async publish(...asked) {
    if (requests % 2 === 1) await store.publish(...asked)
    return failure({ reason: 'GraphUnavailable', message: 'the process has ended', retry: true, outcome: 'Unknown' })
  },
})

/** Few records in a request: half of the random patches fit in one, the others are staged. */
const fewRecords = 40

for (const { version, runs } of [
  { version: '3.8.0', runs: 40 },
  { version: olderTinkerPop, runs: 12 },
]) {
  const start = async () => {
    const { connection } = await emptyServer(version)
    return {
      store: graphOver(connection, fewRecords),
      dying: (requests: number) => graphOver(dyingAfter(requests, connection), fewRecords),
      close: async () => {},
    }
  }
  graphStoreContract(`gremlin ${version}`, start, runs)
}
