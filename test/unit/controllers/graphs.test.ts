import assert from 'node:assert/strict'
import { makeEmbeddedGraph } from '../../../operator/adapters/graph-embedded/store.ts'
import { makeMirroredGraph } from '../../../operator/adapters/graph-gremlin/mirrored.ts'
import { failure } from '../../../operator/api/result.ts'
import { makeGraphs } from '../../../operator/controllers/graphs.ts'
import { makeRepairs } from '../../../operator/controllers/repairs.ts'
import type { GraphStore } from '../../../operator/ports/graph.ts'
import { aComponent, aComponentType } from '../../support/builders.ts'
import { makeFakeCaches } from '../../support/fake-caches.ts'

const by = { changeId: '', claim: '1' }

/** A store whose answer to `load` and `rebuild` comes when the test says so. */
const makeWorld = () => {
  const { caches, put } = makeFakeCaches()
  const store = makeEmbeddedGraph({ newEpoch: () => 'epoch', now: () => 0 })
  let gate: PromiseWithResolvers<void> | undefined
  const held =
    <A extends readonly unknown[], R>(work: (...asked: A) => Promise<R>) =>
    async (...asked: A): Promise<R> => {
      const answer = await work(...asked)
      await gate?.promise
      return answer
    }
  const graph: GraphStore = { ...store, load: held(store.load), rebuild: held(store.rebuild) }
  const looked: string[] = []
  const repairs = makeRepairs({ holder: 'me', onNeeded: (key) => void looked.push(key) })
  put('Component', aComponent('site/main', { committed: { config: {} } }))
  return {
    graphs: makeGraphs({ caches, graph, repairs }),
    repairs,
    put,
    looked,
    hold() {
      gate = Promise.withResolvers()
      return gate.resolve
    },
  }
}

const reasonOf = (result: { ok: boolean; failure?: { reason: string } }) => (result.ok ? 'ok' : result.failure?.reason)

describe('controllers/graphs', () => {
  it('are loaded once, and again after they are forgotten', async () => {
    const { graphs } = makeWorld()
    assert.equal(graphs.isBuilt('dev/dev'), false)
    assert.equal(reasonOf(await graphs.viewAt('dev/dev', 3, '')), 'ok')
    assert.equal(graphs.isBuilt('dev/dev'), true)
    graphs.forget('dev/dev')
    assert.equal(graphs.isBuilt('dev/dev'), false)
  })

  it('one that is distrusted while it is loaded stays so until it is rebuilt', async () => {
    const { graphs, repairs, hold } = makeWorld()
    const release = hold()
    const view = graphs.viewAt('dev/dev', 3, '')
    graphs.distrust('dev/dev')
    release()
    assert.equal(reasonOf(await view), 'Unavailable')
    assert.deepEqual([repairs.isNeeded('dev/dev'), graphs.isBuilt('dev/dev')], [true, false])
    assert.equal(reasonOf(await graphs.viewAt('dev/dev', 3, '')), 'GraphDiffers')
    assert.equal(reasonOf(await graphs.rebuild('dev/dev', 4, by)), 'ok')
    assert.deepEqual([repairs.isNeeded('dev/dev'), graphs.isBuilt('dev/dev')], [false, true])
  })

  it('one that is asked for again while it is rebuilt is rebuilt again', async () => {
    const { graphs, repairs, hold } = makeWorld()
    graphs.distrust('dev/dev')
    const release = hold()
    const rebuilt = graphs.rebuild('dev/dev', 4, by)
    graphs.distrust('dev/dev')
    release()
    await rebuilt
    assert.equal(repairs.isNeeded('dev/dev'), true)
    assert.equal(reasonOf(await graphs.viewAt('dev/dev', 4, '')), 'GraphDiffers')
  })

  it('one whose ComponentTypes change while it is loaded is loaded again', async () => {
    const { graphs, put, hold } = makeWorld()
    const release = hold()
    const view = graphs.viewAt('dev/dev', 3, '')
    put('ComponentType', aComponentType('site', {}))
    release()
    assert.equal(reasonOf(await view), 'Unavailable')
    assert.equal(graphs.isBuilt('dev/dev'), false)
  })

  it('of an Environment that is gone nothing is remembered', async () => {
    const { graphs, repairs } = makeWorld()
    graphs.distrust('dev/dev')
    graphs.gone('dev/dev')
    repairs.forget('dev/dev')
    assert.equal(repairs.isNeeded('dev/dev'), false)
    assert.equal(reasonOf(await graphs.viewAt('dev/dev', 0, '')), 'ok')
  })

  it('a copy that is not what the store says is built anew, and that is told', async () => {
    const { caches, put } = makeFakeCaches()
    put('Component', aComponent('site/main', { committed: { config: {} } }))
    const embedded = () => makeEmbeddedGraph({ newEpoch: () => 'epoch', now: () => 0 })
    const [store, mirror] = [embedded(), embedded()]
    const site = { id: 'dev/site/main', type: 'site', edges: [] }
    await store.publish('dev/dev', 1, [site], by)
    const repairs = makeRepairs({ holder: 'me', onNeeded: () => assert.fail('the store is as committed') })
    const graphs = makeGraphs({ caches, graph: makeMirroredGraph({ store, mirror }), repairs })
    assert.equal(reasonOf(await graphs.viewAt('dev/dev', 1, '')), 'ok')
    assert.deepEqual(repairs.untold('dev/dev'), [])
    // The same version by number, and something else in it.
    await store.publish('dev/dev', 2, [], by)
    await mirror.publish('dev/dev', 2, [{ id: 'dev/cdn/main', type: 'cdn', edges: [] }], by)
    const read = await graphs.viewAt('dev/dev', 2, '')
    assert.ok(read.ok)
    assert.deepEqual([read.value.from, [...read.value.view.ids()]], ['Mirror', ['dev/site/main']])
    const head = await store.head('dev/dev')
    assert.deepEqual(
      repairs.untold('dev/dev').map(({ type, reason, attrs }) => [type, reason, attrs]),
      [['graph.repaired', 'GraphRepaired', { holder: 'me', what: 'mirror', found: head.ok && head.value }]],
    )
    // Once, not for each look.
    assert.equal(reasonOf(await graphs.viewAt('dev/dev', 2, '')), 'ok')
    assert.equal(repairs.untold('dev/dev').length, 1)
  })

  it('a store that differs is noted, once', async () => {
    const { caches } = makeFakeCaches()
    const store = makeEmbeddedGraph({ newEpoch: () => 'epoch', now: () => 0 })
    const differs = failure({ reason: 'GraphDiffers', message: 'differs', retry: true })
    const looked: string[] = []
    const repairs = makeRepairs({ holder: 'me', onNeeded: (key) => void looked.push(key) })
    const graphs = makeGraphs({ caches, graph: { ...store, load: async () => differs }, repairs })
    for (const _ of [1, 2]) assert.equal(reasonOf(await graphs.viewAt('dev/dev', 3, '')), 'GraphDiffers')
    assert.deepEqual(looked, ['dev/dev'])
  })
})
