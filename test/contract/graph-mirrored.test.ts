import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { makeEmbeddedGraph } from '../../operator/adapters/graph-embedded/store.ts'
import type { GremlinConnection } from '../../operator/adapters/graph-gremlin/connection.ts'
import { makeMirroredGraph } from '../../operator/adapters/graph-gremlin/mirrored.ts'
import type { GraphPatch, GraphStore, Place, VertexState } from '../../operator/ports/graph.ts'
import type { GremlinServer } from '../cluster/gremlin-server.ts'
import { dyingAfter, graphOver, type Submitting } from '../support/gremlin-graph.ts'
import { type Model, withPatch } from '../unit/core/graph/model.ts'
import { graphStoreContract } from './graph-store.ts'
import { by, equals, sumOf, value } from './graph-store-steps.ts'
import { emptyServer } from './gremlin-server.ts'

const fewRecords = 40

/** A process of its own: its copy is its own, too. */
const processOver = (connection: Submitting) => {
  const mirror = makeEmbeddedGraph({ newEpoch: randomUUID, now: Date.now })
  const store = graphOver(connection, fewRecords)
  return { mirror, store, graph: makeMirroredGraph({ store, mirror }) }
}

graphStoreContract(
  'mirrored',
  async () => {
    const { connection } = await emptyServer()
    return {
      store: processOver(connection).graph,
      dying: (requests: number) => processOver(dyingAfter(requests, connection)).graph,
      close: async () => {},
    }
  },
  12,
)

describe('a store with a copy in process', () => {
  let server: GremlinServer
  let connection: GremlinConnection
  before(async function () {
    this.timeout(300_000)
    ;({ server, connection } = await emptyServer())
  })

  let environments = 0
  const fresh = (): string => `dev/mirrored-${environments++}`

  const first: GraphPatch = [
    { id: 'dev/a/1', type: 'a', edges: [{ name: 'r', to: 'dev/b/1', uses: ['x'], feeds: [] }] },
    { id: 'dev/b/1', type: 'b', edges: [] },
  ]
  /** one version each */
  const later: readonly GraphPatch[] = [
    [{ id: 'dev/a/2', type: 'a', edges: [{ name: 'r', to: 'dev/a/1' }] }],
    [{ id: 'dev/a/1', type: 'a', edges: [] }],
    [{ id: 'dev/b/1', removed: true }],
  ]
  const models: Model[] = [new Map()]
  for (const patch of [first, ...later]) models.push(withPatch(models.at(-1)!, patch))
  const statesOf = (version: number): VertexState[] => [...models[version]!.values()]

  const publish = async (store: GraphStore, environment: string, version: number): Promise<void> => {
    const patch = [first, ...later][version - 1]!
    value(await store.publish(environment, version, patch, by(`change-${version}`)))
  }

  const readsFrom = async (graph: GraphStore, environment: string, version: number, from: Place): Promise<void> => {
    const read = value(await graph.view(environment, version))
    assert.equal(read.from, from, `version ${version}`)
    equals(read.view, models[version]!)
  }

  it('answers from the copy what the copy holds, and from the store what it does not', async () => {
    const environment = fresh()
    const other = graphOver(connection)
    await publish(other, environment, 1)
    await publish(other, environment, 2)
    const { graph, mirror } = processOver(connection)
    // Nothing was loaded yet.
    await readsFrom(graph, environment, 2, 'Store')
    const head = value(await graph.load(environment, 2, statesOf(2), 'change-2'))
    assert.deepEqual(head, value(await other.head(environment)))
    await readsFrom(graph, environment, 2, 'Mirror')
    assert.equal((await mirror.view(environment, 1)).ok, false)
    await readsFrom(graph, environment, 1, 'Store')
    await publish(graph, environment, 3)
    for (const [version, from] of [[3, 'Mirror'] as const, [2, 'Mirror'] as const, [1, 'Store'] as const]) {
      await readsFrom(graph, environment, version, from)
    }
  })

  it('takes in what others publish, with who asked for it', async () => {
    const environment = fresh()
    const { graph, mirror } = processOver(connection)
    await publish(graph, environment, 1)
    await readsFrom(graph, environment, 1, 'Mirror')
    const other = processOver(connection).graph
    for (const version of [2, 3, 4]) await publish(other, environment, version)
    assert.equal(value(await mirror.head(environment)).version, 1)
    await readsFrom(graph, environment, 4, 'Mirror')
    for (const version of [3, 2, 1]) await readsFrom(graph, environment, version, 'Mirror')
    const told = value(await mirror.versions(environment, 10)).map((record) => record.changeId)
    assert.deepEqual(told, ['change-4', 'change-3', 'change-2', 'change-1'])
    // It goes on from there as if it had published them itself.
    await graph.publish(environment, 5, first, by('change-5'))
    assert.equal(value(await graph.view(environment, 5)).from, 'Mirror')
  })

  it('answers from the store while it is too far behind, until it is loaded', async () => {
    const environment = fresh()
    const { graph } = processOver(connection)
    const other = graphOver(connection)
    await publish(graph, environment, 1)
    const versions = 70
    for (let version = 2; version <= versions; version++) {
      const patch = [{ id: 'dev/a/2', type: version % 2 === 0 ? 'a' : 'b', edges: [] }]
      value(await other.publish(environment, version, patch, by(`change-${version}`)))
    }
    const read = value(await graph.view(environment, versions))
    assert.deepEqual([read.from, read.view.size], ['Store', 3])
    value(await graph.load(environment, versions, [...statesOf(1), { id: 'dev/a/2', type: 'a', edges: [] }]))
    assert.equal(value(await graph.view(environment, versions)).from, 'Mirror')
  })

  it('answers from the store after another process has rebuilt it, until it is loaded', async () => {
    const environment = fresh()
    const { graph } = processOver(connection)
    await publish(graph, environment, 1)
    value(await processOver(connection).graph.rebuild(environment, 5, statesOf(3), by('change-5')))
    const read = value(await graph.view(environment, 5))
    assert.equal(read.from, 'Store')
    equals(read.view, models[3]!)
    value(await graph.load(environment, 5, statesOf(3), 'change-5'))
    assert.equal(value(await graph.view(environment, 5)).from, 'Mirror')
  })

  it('does not load other Components than the store has, and says both', async () => {
    const environment = fresh()
    await publish(graphOver(connection), environment, 1)
    const { graph } = processOver(connection)
    const [expected, found] = [sumOf(models[2]!), sumOf(models[1]!)]
    for (const [version, states] of [[1, statesOf(2)] as const, [2, statesOf(2)] as const]) {
      const result = await graph.load(environment, version, states)
      assert.ok(!result.ok)
      assert.deepEqual([result.failure.reason, result.failure.retry], ['GraphDiffers', true])
      for (const part of [environment, `version ${version} with sum ${expected}`, `version 1 with sum ${found}`])
        assert.ok(result.failure.message.includes(part), `${part} in: ${result.failure.message}`)
    }
    assert.equal(value(await graph.head(environment)).version, 1)
    value(await graph.load(environment, 1, statesOf(1)))
    await readsFrom(graph, environment, 1, 'Mirror')
  })

  it('does not answer from a copy that says something else of the same version, until it is loaded again', async () => {
    const environment = fresh()
    const { graph, mirror, store } = processOver(connection)
    await publish(graph, environment, 1)
    await publish(store, environment, 2)
    value(await mirror.publish(environment, 2, later[1]!, by('change-2')))
    for (const version of [2, 1]) {
      const result = await graph.view(environment, version)
      assert.ok(!result.ok, `version ${version}`)
      assert.deepEqual([result.failure.reason, result.failure.retry], ['MirrorDiffers', true])
      const sums = [value(await store.head(environment)).sum, value(await mirror.head(environment)).sum]
      for (const part of [environment, ...sums]) assert.ok(result.failure.message.includes(part), part)
    }
    value(await graph.load(environment, 2, statesOf(2), 'change-2'))
    await readsFrom(graph, environment, 2, 'Mirror')
    await readsFrom(graph, environment, 1, 'Store')
  })

  it('holds nothing of what was only asked for again, when the store has had another patch by that change', async () => {
    const environment = fresh()
    const { store, graph } = processOver(connection)
    // Its answer is lost: the copy knows nothing of it.
    await publish(store, environment, 1)
    value(await graph.publish(environment, 1, [{ id: 'dev/a/1', type: 'a', edges: [] }], by('change-1')))
    for (const version of [2, 3, 4]) await publish(graph, environment, version)
    await readsFrom(graph, environment, 4, 'Mirror')
    for (const version of [1, 2, 3]) equals(value(await graph.view(environment, version)).view, models[version]!)
  })

  it('forgets what is compacted in both, so that it does not matter who is asked', async () => {
    const environment = fresh()
    const { graph } = processOver(connection)
    for (const version of [1, 2, 3, 4]) await publish(graph, environment, version)
    value(await graph.compact(environment, 1))
    for (const asked of [graph, processOver(connection).graph]) {
      const result = await asked.view(environment, 1)
      assert.equal(!result.ok && result.failure.reason, 'VersionCompacted')
    }
    await readsFrom(graph, environment, 3, 'Mirror')
  })

  it('is brought back by a rebuild after the store has lost everything', async function () {
    this.timeout(60_000)
    const environment = fresh()
    const { graph, store } = processOver(connection)
    for (const version of [1, 2]) await publish(graph, environment, version)
    await server.restart()
    assert.equal(value(await graph.head(environment)).version, 0)
    const differing = await graph.load(environment, 2, statesOf(2), 'change-2')
    assert.equal(!differing.ok && differing.failure.reason, 'GraphDiffers')
    const progress: number[] = []
    const rebuilt = value(
      await graph.rebuild(environment, 3, statesOf(2), by('change-3'), (done, total) => progress.push(done / total)),
    )
    assert.deepEqual([rebuilt.version, rebuilt.sum, progress.at(-1)], [3, sumOf(models[2]!), 1])
    const read = value(await graph.view(environment, 3))
    assert.equal(read.from, 'Mirror')
    equals(read.view, models[2]!)
    equals(value(await store.view(environment, 3)).view, models[2]!)
    assert.deepEqual(value(await graph.audit(environment)), rebuilt)
    value(await graph.publish(environment, 4, [{ id: 'dev/a/1', type: 'a', edges: [] }], by('change-4')))
    assert.equal(value(await graph.view(environment, 4)).from, 'Mirror')
    equals(value(await store.view(environment, 4)).view, models[3]!)
  })
})
