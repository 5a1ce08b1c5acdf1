import assert from 'node:assert/strict'
import fc from 'fast-check'
import { across } from '../../../../operator/core/graph/across.ts'
import { neighbours } from '../../../../operator/core/graph/arrays.ts'
import { closedCycle } from '../../../../operator/core/graph/cycle.ts'
import { makeGraph } from '../../../../operator/core/graph/graph.ts'
import { makeImpact, type Seed } from '../../../../operator/core/graph/impact.ts'
import type { GraphPatch } from '../../../../operator/core/graph/vertex.ts'
import { type GraphView, makeView, overlay } from '../../../../operator/core/graph/view.ts'
import { holds } from './property.ts'
import { anyFullGraph, anyPatch, ids, manyOutputs } from './random.ts'

const viewOf = (...patches: GraphPatch[]): GraphView => {
  const graph = makeGraph()
  for (const state of patches.flat()) graph.put(state)
  return makeView(graph.arrays)
}

/** `b > a, c`: b refers to a and to c. */
const graphOf = (...lines: string[]): GraphView =>
  viewOf(
    lines.map((line) => {
      const [id = '', to = ''] = line.split(' > ')
      const edges = to.split(', ').filter((one) => one !== '')
      return { id: `dev/t/${id}`, type: 't', edges: edges.map((one) => ({ name: `to-${one}`, to: `dev/t/${one}` })) }
    }),
  )

const find = makeImpact({ now: () => 0 })
const short = (id: string): string => id.split('/')[2]!

describe('core/graph/across: cases', () => {
  const cases: {
    title: string
    base: string[]
    others: string[][]
    from?: string[]
    seed: string
    expected: string[]
  }[] = [
    { title: 'one of another environment', base: ['a'], others: [['b > a']], seed: 'a', expected: ['a b'] },
    {
      title: 'what depends on that one, there and in a third',
      base: ['a'],
      others: [['b > a', 'c > b'], ['d > c']],
      seed: 'a',
      expected: ['a b', 'a b c', 'a b c d'],
    },
    {
      title: 'abroad and back',
      base: ['a', 'c > b'],
      others: [['b > a'], ['d > c']],
      seed: 'a',
      expected: ['a b', 'a b c', 'a b c d'],
    },
    {
      title: 'a shorter way through another environment',
      base: ['a', 'b > a', 'c > b', 'd > c, x'],
      others: [['x > a']],
      seed: 'a',
      expected: ['a b', 'a x', 'a b c', 'a x d'],
    },
    { title: 'nobody refers in', base: ['a', 'b > a'], others: [['x', 'y > x, z']], seed: 'a', expected: ['a b'] },
    {
      title: 'one that changes together with those of base',
      base: ['a'],
      others: [['x', 'y > x'], ['z > y']],
      from: ['x'],
      seed: 'x',
      expected: ['x y', 'x y z'],
    },
    { title: 'one that comes back', base: ['b'], others: [['y > x']], from: ['x'], seed: 'x', expected: ['x y'] },
  ]
  for (const { title, base, others, from = [], seed, expected } of cases) {
    it(title, () => {
      const view = across(
        graphOf(...base),
        others.map((lines) => graphOf(...lines)),
        from.map((id) => `dev/t/${id}`),
      )
      const found = find(view, [{ id: `dev/t/${seed}`, outputs: 'all' }])
      const paths = found.nearest(100).map(({ id }) => found.pathTo(id)?.map(short).join(' '))
      assert.deepEqual(paths, expected)
    })
  }

  it('is the view itself when nothing refers in', () => {
    const base = graphOf('a', 'b > a')
    assert.equal(across(base, [graphOf('x', 'y > x, z'), graphOf()]), base)
    assert.equal(across(base, [graphOf('x')], ['dev/t/nobody']), base)
  })

  it('does not take in what refers elsewhere', () => {
    const view = across(graphOf('a'), [graphOf('b > a', 'x', 'y > x')])
    assert.deepEqual([...view.ids()].map(short), ['a', 'b'])
  })
})

/** Each id belongs to one of three environments. */
const anyPlaces = fc.tuple(...ids.map(() => fc.nat({ max: 2 })))
const anyLater = anyPatch(manyOutputs, 4)

describe('core/graph/across: random graphs', () => {
  const expected = ['abroad', 'back', 'within', 'cycle', 'no cycle', 'together', 'same view']

  it('impact, dependents and cycles from base are those of the joint graph', () => {
    const values = fc.tuple(anyFullGraph(['p', 'q']), anyLater, anyPlaces, fc.constantFrom(...ids), fc.boolean())
    holds(values, 400, expected, ([patch, later, places, other, together], hit) => {
      const placeOf = (id: string): number => places[ids.indexOf(id)]!
      const of = (place: number) => (states: GraphPatch) => states.filter(({ id }) => placeOf(id) === place)
      // Each graph as it is written, and as an overlay: both tell what they name in vain.
      const [base, ...others] = [0, 1, 2].map((place) => overlay(viewOf(of(place)(patch)), of(place)(later)))
      const from = together ? [other] : []
      const asked = [...ids.filter((id) => base!.has(id)), ...from]
      const view = across(base!, others, from)
      hit(view === base ? 'same view' : 'another view')
      hit(together && placeOf(other) > 0 ? 'together' : 'alone')
      tellOf(view, base!, hit)
      hit(sameAnswers(view, viewOf(patch, later), asked, other) ? 'cycle' : 'no cycle')
    })
  })

  it('a graph tells what it names in vain, also as it grows and shrinks', () => {
    const values = fc.array(anyPatch(manyOutputs), { minLength: 1, maxLength: 5 })
    holds(values, 500, ['absent', 'none'], (patches, hit) => {
      const graph = makeGraph()
      let over = makeView(graph.arrays)
      const written = makeGraph()
      for (const patch of patches) {
        for (const state of patch) written.put(state)
        over = overlay(over, patch)
        for (const view of [makeView(written.arrays), over]) hit(checkAbsent(view) ? 'absent' : 'none')
      }
    })
  })
})

/** Answers whether references of these to `to` would close a cycle. */
function sameAnswers(view: GraphView, joint: GraphView, asked: readonly string[], to: string): boolean {
  const seeds = asked.map((id): Seed => ({ id, outputs: ['p'] }))
  for (const some of [...seeds.map((one) => [one]), seeds]) sameImpact(view, joint, some)
  for (const id of asked) assert.deepEqual(view.dependentsOf(id).sort(), joint.dependentsOf(id).sort(), id)
  const added = asked.map((from) => ({ from, to }))
  const [one, all] = [closedCycle(view, added), closedCycle(joint, added)]
  assert.equal(one?.length, all?.length)
  return one !== undefined
}

function sameImpact(view: GraphView, joint: GraphView, seeds: readonly Seed[]): void {
  const [one, all] = [find(view, seeds), find(joint, seeds)]
  assert.deepEqual(one.nearest(100), all.nearest(100))
  assert.deepEqual([...one.missing].sort(), [...all.missing].sort())
  for (const { id } of one.reached) assert.equal(one.pathTo(id)?.length, all.pathTo(id)?.length, id)
}

function tellOf(view: GraphView, base: GraphView, hit: (what: string) => void): void {
  const foreign = [...view.ids()].filter((id) => !base.has(id))
  hit(foreign.length > 0 ? 'abroad' : 'within')
  if (foreign.some((id) => view.dependentsOf(id).some((dependent) => base.has(dependent)))) hit('back')
}

function checkAbsent(view: GraphView): boolean {
  const graph = view.arrays()
  const told = [...graph.absent()]
  const found = Array.from({ length: graph.vertices }, (_, vertex) => vertex).filter(
    (vertex) => !graph.isPresent(vertex) && neighbours(graph, 'dependents', vertex).length > 0,
  )
  assert.deepEqual(told.sort(), found.sort())
  return found.length > 0
}
