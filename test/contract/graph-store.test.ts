import assert from 'node:assert/strict'
import { makeEmbeddedGraph } from '../../operator/adapters/graph-embedded/store.ts'
import { stateId } from '../../operator/adapters/graph-gremlin/model.ts'
import * as statements from '../../operator/adapters/graph-gremlin/statements.ts'
import { failure } from '../../operator/api/result.ts'
import type { GraphPatch, GraphStore, VertexState } from '../../operator/ports/graph.ts'
import { olderTinkerPop } from '../cluster/gremlin-server.ts'
import { dyingAfter, graphOver } from '../support/gremlin-graph.ts'
import { graphStoreContract } from './graph-store.ts'
import { by, value } from './graph-store-steps.ts'
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
  { version: '3.8.0', runs: 20 },
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

  describe(`gremlin ${version}, compacted`, () => {
    it('is rebuilt whole where states were taken away and references were not', async () => {
      const { connection } = await emptyServer(version)
      const [store, environment] = [graphOver(connection), 'dev/taken']
      const vertices: VertexState[] = [
        { id: 'dev/a/1', type: 'a', edges: [{ name: 'r', to: 'dev/b/1' }] },
        { id: 'dev/b/1', type: 'b', edges: [] },
      ]
      value(await store.publish(environment, 1, vertices, by('change-1')))
      const taken = statements.dropAll('State', [stateId(environment, 'dev/a/1', 1)])
      value(await connection.submit(taken, { write: true }))
      const rebuilt = value(await store.rebuild(environment, 2, vertices, by('change-2')))
      assert.deepEqual(value(await store.audit(environment)), rebuilt)
      assert.deepEqual(value(await store.view(environment, 2)).view.stateOf('dev/a/1'), vertices[0])
    })

    it('says of all that is there by which change it was opened, and forgets the other versions', async () => {
      const { connection } = await emptyServer(version)
      const [store, environment] = [graphOver(connection), 'dev/compacted']
      const a = (type: string, ...edges: string[]): GraphPatch[number] => ({
        id: 'dev/a/1',
        type,
        edges: edges.map((to) => ({ name: to, to })),
      })
      const b: GraphPatch[number] = { id: 'dev/b/1', type: 'b', edges: [] }
      const patches = [
        [a('a', 'dev/b/1'), b],
        [a('x', 'dev/b/1')],
        [a('y', 'dev/b/1')],
        [a('z', 'dev/b/1')],
        [a('z')],
        [],
      ]
      for (const [n, patch] of patches.entries())
        value(await store.publish(environment, n + 1, patch, by(`change-${n + 1}`)))
      const records = async (): Promise<unknown[]> =>
        value(await connection.submit(statements.versionsBefore(environment, 100), { write: false }))
          .map(Number)
          .sort()
      value(await store.compact(environment, 2))
      // b and the reference, which is closed by version 5 and seen by version 4, are of version 1.
      assert.deepEqual(await records(), [1, 4, 5, 6])
      value(await store.compact(environment, 1))
      assert.deepEqual(await records(), [1, 5, 6])
      const [opener] = value(await connection.submit(statements.readVersion(environment, 1), { write: false }))
      assert.equal((opener as Map<string, unknown>).get('change'), 'change-1')
      // What it opened is gone, and so is its record.
      value(await store.publish(environment, 7, [{ id: 'dev/b/1', removed: true }], by('change-7')))
      value(await store.compact(environment, 0))
      assert.deepEqual(await records(), [5, 7])
    })
  })
}
