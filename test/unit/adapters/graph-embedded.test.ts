import assert from 'node:assert/strict'
import { makeEmbeddedGraph } from '../../../operator/adapters/graph-embedded/store.ts'
import { makeImpact } from '../../../operator/core/graph/impact.ts'
import { overlay } from '../../../operator/core/graph/view.ts'
import type { VertexState } from '../../../operator/ports/graph.ts'

const component = (name: string, ...to: string[]): VertexState => ({
  id: `dev/t/${name}`,
  type: 't',
  edges: to.map((other) => ({ name: 'r', to: `dev/t/${other}` })),
})

const by = (changeId: string) => ({ changeId, claim: '1' })

const newStore = (keep?: number) => {
  let epochs = 0
  return makeEmbeddedGraph({ newEpoch: () => `e${epochs++}`, now: () => 0, ...(keep !== undefined && { keep }) })
}

const viewOf = async (store: ReturnType<typeof newStore>, version: number) => {
  const view = await store.view('dev/dev', version)
  assert.ok(view.ok)
  return view.value.view
}

describe('adapters/graph-embedded', () => {
  it('rebuilds an environment under a new epoch, with the sum that publishing the same would give', async () => {
    const store = newStore()
    const published = await store.publish('dev/dev', 1, [component('b', 'a'), component('a')], by('change'))
    assert.deepEqual(published.ok && published.value.epoch, 'e0')
    const components = [component('a'), component('b', 'x'), component('b', 'a')]
    const loaded = await store.load('dev/dev', 40, components)
    assert.deepEqual(loaded.ok && loaded.value, { epoch: 'e1', version: 40, sum: published.ok && published.value.sum })
    assert.deepEqual(await store.head('dev/dev'), loaded)
    assert.deepEqual([...(await viewOf(store, 40)).ids()], ['dev/t/a', 'dev/t/b'])
  })

  it('keeps references to Components that are not loaded', async () => {
    const store = newStore()
    await store.load('dev/dev', 1, [component('b', 'a')])
    const view = await viewOf(store, 1)
    assert.deepEqual([view.has('dev/t/a'), view.size, view.dependentsOf('dev/t/a')], [false, 1, ['dev/t/b']])
    await store.publish('dev/dev', 2, [component('a')], by('change'))
    assert.deepEqual([view.has('dev/t/a'), (await viewOf(store, 2)).has('dev/t/a')], [false, true])
  })

  it('recognises the change of the loaded version when it is told', async () => {
    const store = newStore()
    const loaded = await store.load('dev/dev', 7, [component('a')], 'change-7')
    assert.deepEqual(await store.publish('dev/dev', 7, [component('b')], by('change-7')), loaded)
    for (const [version, changeId] of [
      [7, 'other'],
      [6, 'change-6'],
    ] as const) {
      const refused = await store.publish('dev/dev', version, [], by(changeId))
      assert.equal(!refused.ok && refused.failure.reason, 'VersionTaken')
    }
  })

  it('has no version 0 that anybody made', async () => {
    const store = newStore()
    await store.load('dev/dev', 0, [], '')
    assert.deepEqual(await store.versions('dev/dev', 10), { ok: true, value: [] })
    await store.publish('dev/dev', 1, [component('a')], by('change-1'))
    const { value } = (await store.versions('dev/dev', 10)) as { value: readonly { version: number }[] }
    assert.deepEqual(
      value.map(({ version }) => version),
      [1],
    )
  })

  it('holds a bounded number of versions, and a view that was used for too long throws', async () => {
    const store = newStore(2)
    await store.load('dev/dev', 10, [component('a')])
    const first = await viewOf(store, 10)
    const what = overlay(first, [component('if', 'a')])
    for (let version = 11; version <= 12; version++)
      await store.publish('dev/dev', version, [component(`v${version}`)], by('c'))
    assert.deepEqual([first.size, what.size, (await viewOf(store, 12)).size], [1, 2, 3])
    await store.publish('dev/dev', 13, [component('v13')], by('c'))
    assert.throws(() => first.size, /expected one that is held, 11 to 13/)
    assert.throws(() => what.size, /dev\/dev: version 10/)
    const unknown = await store.view('dev/dev', 10)
    assert.deepEqual(!unknown.ok && [unknown.failure.reason, unknown.failure.retry], ['VersionUnknown', false])
    assert.equal((await viewOf(store, 11)).size, 2)
  })

  it('answers the impact of an earlier version after later ones', async () => {
    const store = newStore()
    await store.publish('dev/dev', 1, [component('a'), component('b', 'a'), component('c', 'b')], by('c1'))
    await store.publish('dev/dev', 2, [component('b'), component('d', 'a')], by('c2'))
    await store.publish('dev/dev', 3, [{ id: 'dev/t/c', removed: true }, component('e', 'd')], by('c3'))
    const impact = makeImpact({ now: () => 0 })
    const reached = async (version: number) =>
      impact(await viewOf(store, version), [{ id: 'dev/t/a', outputs: 'all' }])
        .nearest(9)
        .map(({ id }) => id.at(-1))
    assert.deepEqual([await reached(1), await reached(2), await reached(3)], [['b', 'c'], ['d'], ['d', 'e']])
  })
})
