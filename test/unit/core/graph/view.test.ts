import assert from 'node:assert/strict'
import fc from 'fast-check'
import { canonicalState } from '../../../../operator/core/graph/content.ts'
import { makeGraph } from '../../../../operator/core/graph/graph.ts'
import { type GraphPatch, latest } from '../../../../operator/core/graph/vertex.ts'
import { type GraphView, makeView, overlay } from '../../../../operator/core/graph/view.ts'
import { type Model, withPatch } from './model.ts'
import { holds } from './property.ts'
import { anyPatch, ids, manyOutputs } from './random.ts'

const viewOf = (...patches: GraphPatch[]): GraphView => {
  const graph = makeGraph()
  for (const state of patches.flat()) graph.put(state)
  return makeView(graph.arrays)
}

/** All that a view says, in an order of its own. */
function told(view: GraphView) {
  return {
    size: view.size,
    ids: [...view.ids()].sort(),
    states: ids.map((id) => view.stateOf(id)).map((state) => state && canonicalState(state)),
    dependents: ids.map((id) => view.dependentsOf(id).sort()),
    dependencies: ids.map((id) => view.dependenciesOf(id).sort()),
    has: ids.map(view.has),
  }
}

function toldOf(model: Model): ReturnType<typeof told> {
  const referring = (id: string) => [...model.values()].filter(({ edges }) => edges.some(({ to }) => to === id))
  return {
    size: model.size,
    ids: [...model.keys()].sort(),
    states: ids.map((id) => model.get(id)).map((state) => state && canonicalState(state)),
    dependents: ids.map((id) =>
      referring(id)
        .map((state) => state.id)
        .sort(),
    ),
    dependencies: ids.map((id) => [...new Set(model.get(id)?.edges.map(({ to }) => to))].sort()),
    has: ids.map((id) => model.has(id)),
  }
}

function oddities(model: Model): string[] {
  const edges = [...model.values()].flatMap(({ id, edges }) => edges.map(({ to }) => ({ id, to })))
  return [
    ...(edges.some(({ id, to }) => id === to) ? ['self reference'] : []),
    ...(edges.some(({ to }) => !model.has(to)) ? ['named but not committed'] : []),
  ]
}

const patches = fc.array(anyPatch(manyOutputs), { minLength: 1, maxLength: 12 })

describe('core/graph/view', () => {
  it('says what was put, in order of the references', () => {
    const edges = [
      { name: 'zone', to: 'dev/zone/z' },
      { name: 'bucket', to: 'dev/bucket/b', uses: ['arn'], feeds: [] },
      { name: 'logs', to: 'dev/bucket/b', uses: ['url', 'arn'], feeds: ['id'] },
    ]
    const view = viewOf([{ id: 'dev/cdn/c', type: 'cdn', edges }])
    assert.deepEqual(view.stateOf('dev/cdn/c')!.edges.slice(0, 2), edges.slice(0, 2))
    assert.equal(view.stateOf('dev/cdn/c')!.type, 'cdn')
    assert.deepEqual(view.dependenciesOf('dev/cdn/c'), ['dev/zone/z', 'dev/bucket/b'])
    assert.deepEqual(view.dependentsOf('dev/bucket/b'), ['dev/cdn/c'])
    assert.equal(view.has('dev/bucket/b'), false)
    assert.equal(view.size, 1)
    assert.deepEqual([view.stateOf('dev/x/x'), view.dependentsOf('dev/x/x')], [undefined, []])
  })

  it('equals a plain model after any puts and removals', () => {
    holds(patches, 120, ['self reference', 'named but not committed', 'removed', 'wide'], (sequence, hit) => {
      let model: Model = new Map()
      const graph = makeGraph()
      const view = makeView(graph.arrays)
      for (const patch of sequence) {
        for (const state of patch) graph.put(state)
        model = withPatch(model, patch)
        assert.deepEqual(told(view), toldOf(model))
      }
      graph.compact()
      assert.deepEqual(told(view), toldOf(model))
      for (const what of oddities(model)) hit(what)
      if (sequence.flat().some(({ removed }) => removed)) hit('removed')
      if (view.arrays().outputs.wideSets > 0) hit('wide')
    })
  })

  it('overlaid equals the view after the same puts, and leaves what is below alone', () => {
    holds(fc.tuple(patches, patches), 120, ['new Component', 'overlay on overlay'], ([below, above], hit) => {
      const view = viewOf(...below)
      const before = told(view)
      let laid = view
      for (const patch of above) laid = overlay(laid, patch)
      assert.deepEqual(told(laid), told(viewOf(...below, ...above)))
      assert.deepEqual(told(view), before)
      if (above.length > 1) hit('overlay on overlay')
      if ([...latest(above.flat()).keys()].some((id) => view.arrays().numberOf(id) < 0)) hit('new Component')
    })
  })

  it('overlaid follows what is published below', () => {
    const graph = makeGraph()
    const view = makeView(graph.arrays)
    const laid = overlay(view, [{ id: 'dev/a/1', type: 'a', edges: [{ name: 'x', to: 'dev/b/1' }] }])
    assert.equal(laid.size, 1)
    graph.put({ id: 'dev/b/1', type: 'b', edges: [] })
    assert.equal(laid.size, 2)
    assert.deepEqual(laid.dependentsOf('dev/b/1'), ['dev/a/1'])
  })

  it('keeps the lists of a busy hub small', () => {
    const graph = makeGraph()
    for (let round = 0; round < 20; round++) {
      for (let n = 0; n < 500; n++) {
        graph.put({ id: `dev/a/${n}`, type: 'a', edges: round % 2 ? [] : [{ name: 'hub', to: 'dev/b/hub' }] })
      }
    }
    for (let n = 0; n < 500; n++) graph.put({ id: `dev/c/${n}`, type: 'c', edges: [{ name: 'hub', to: 'dev/b/hub' }] })
    const { dependents } = graph.arrays()
    assert.ok(
      dependents.words.length < 500 * 4 * 8,
      `expected few words for 500 entries, found ${dependents.words.length}`,
    )
    assert.equal(makeView(graph.arrays).dependentsOf('dev/b/hub').length, 500)
  })
})
