import assert from 'node:assert/strict'
import fc from 'fast-check'
import { makeGraph } from '../../../../operator/core/graph/graph.ts'
import { type ImpactLimits, makeImpact, type Seed } from '../../../../operator/core/graph/impact.ts'
import type { Edge, GraphPatch } from '../../../../operator/core/graph/vertex.ts'
import { type GraphView, makeView, overlay } from '../../../../operator/core/graph/view.ts'
import { carries, naiveImpact, withPatch } from './model.ts'
import { holds } from './property.ts'
import { anyFullGraph, anyPatch, ids, manyOutputs } from './random.ts'

const viewOf = (patch: GraphPatch): GraphView => {
  const graph = makeGraph()
  for (const state of patch) graph.put(state)
  return makeView(graph.arrays)
}

/** `cdn > site:arn/domain` is a reference of cdn to site which uses arn and feeds domain; both lists may be left out. */
const graphOf = (...lines: string[]): GraphView => {
  const edges = new Map<string, Edge[]>()
  for (const line of lines) {
    const [from, reference = ''] = line.split(' > ')
    const [to, outputs] = reference.split(':')
    const [uses, feeds] = outputs?.split('/') ?? []
    const list = edges.get(from!) ?? []
    edges.set(from!, list)
    if (to === undefined || to === '') continue
    const names = (text: string) => text.split(',').filter((name) => name !== '')
    list.push({
      name: `to-${to}`,
      to: `dev/t/${to}`,
      ...(uses && { uses: names(uses) }),
      ...(feeds !== undefined && { feeds: names(feeds) }),
    })
  }
  return viewOf([...edges].map(([name, list]) => ({ id: `dev/t/${name}`, type: 't', edges: list })))
}

const short = (id: string): string => id.split('/')[2]!
const seed = (text: string): Seed => {
  const [name, outputs] = text.split(':')
  return { id: `dev/t/${name}`, outputs: outputs === undefined ? 'all' : outputs.split(',').filter((o) => o !== '') }
}
const still = { now: () => 0 }

describe('core/graph/impact: cases', () => {
  const cases: {
    title: string
    graph: string[]
    seeds: string[]
    expected: string[]
    limits?: ImpactLimits
    cut?: string
  }[] = [
    {
      title: 'the instance in a subnet',
      graph: ['subnet', 'instance > subnet'],
      seeds: ['subnet'],
      expected: ['subnet instance'],
    },
    {
      title: 'aliases of a site: zone and distribution refer to it, the zone to the distribution too',
      graph: ['site', 'distribution > site', 'zone > site', 'zone > distribution'],
      seeds: ['site'],
      expected: ['site distribution', 'site zone'],
    },
    {
      title: 'the shared bucket: the function uses arn, so a change of the lifecycle does not reach it',
      graph: ['bucket', 'function > bucket:arn', 'report > bucket:lifecycle'],
      seeds: ['bucket:lifecycle'],
      expected: ['bucket report'],
    },
    { title: 'nobody refers to it', graph: ['a', 'b'], seeds: ['a'], expected: [] },
    { title: 'no output changes', graph: ['a', 'b > a'], seeds: ['a:'], expected: [] },
    {
      title: 'an output that nobody names reaches who uses all',
      graph: ['b > a', 'c > a:x'],
      seeds: ['a:new'],
      expected: ['a b'],
    },
    { title: 'a reference that uses nothing', graph: ['b > a:,/'], seeds: ['a'], expected: [] },
    { title: 'dependencies feel nothing', graph: ['b > a'], seeds: ['b'], expected: [] },
    {
      title: 'a reference feeds nothing: the change ends there',
      graph: ['b > a:x/', 'c > b'],
      seeds: ['a'],
      expected: ['a b'],
    },
    { title: 'a chain', graph: ['b > a', 'c > b', 'd > c'], seeds: ['a'], expected: ['a b', 'a b c', 'a b c d'] },
    {
      title: 'a diamond: once, by a shortest way',
      graph: ['b > a', 'c > a', 'd > b', 'e > d', 'e > c'],
      seeds: ['a'],
      expected: ['a b', 'a c', 'a b d', 'a c e'],
    },
    {
      title: 'a second, longer way in alters another output: one visit for each Component would lose d',
      graph: ['b > a:x/p', 'h > a:x/q', 'b > h:q/r', 'd > b:r'],
      seeds: ['a:x'],
      expected: ['a b', 'a h', 'a h b d'],
    },
    {
      title: 'the short way does not carry the change',
      graph: ['c > a:y', 'b > a:x', 'c > b'],
      seeds: ['a:x'],
      expected: ['a b', 'a b c'],
    },
    {
      title: 'a cycle: the seed is no part of its impact',
      graph: ['a > c', 'b > a', 'c > b'],
      seeds: ['a'],
      expected: ['a b', 'a b c'],
    },
    {
      title: 'a cycle that alters more of the seed',
      graph: ['b > a:x', 'a > b:/y', 'c > a:y'],
      seeds: ['a:x'],
      expected: ['a b', 'a b a c'],
    },
    { title: 'a reference to itself', graph: ['a > a', 'b > a'], seeds: ['a'], expected: ['a b'] },
    {
      title: 'several seeds: the nearest',
      graph: ['b > a', 'c > b', 'd > c'],
      seeds: ['a', 'c'],
      expected: ['a b', 'c d'],
    },
    { title: 'seeds that refer to each other', graph: ['b > a', 'c > b'], seeds: ['a', 'b'], expected: ['b c'] },
    {
      title: 'two seeds of one Component',
      graph: ['b > a:x', 'c > a:y', 'd > a:z'],
      seeds: ['a:x', 'a:y'],
      expected: ['a b', 'a c'],
    },
    { title: 'a Component that is only named', graph: ['b > ghost'], seeds: ['ghost'], expected: ['ghost b'] },
    { title: 'a Component that nobody knows', graph: ['b > a'], seeds: ['nobody'], expected: [] },
    {
      title: 'depth is just enough',
      graph: ['b > a', 'c > b'],
      seeds: ['a'],
      limits: { maxDepth: 2 },
      expected: ['a b', 'a b c'],
    },
    {
      title: 'depth is too small',
      graph: ['b > a', 'c > b'],
      seeds: ['a'],
      limits: { maxDepth: 1 },
      expected: ['a b'],
      cut: 'maxDepth',
    },
    { title: 'depth 0', graph: ['b > a'], seeds: ['a'], limits: { maxDepth: 0 }, expected: [], cut: 'maxDepth' },
    { title: 'depth 0 and nobody to reach', graph: ['b > a:x'], seeds: ['a:y'], limits: { maxDepth: 0 }, expected: [] },
    {
      title: 'reached is just enough',
      graph: ['b > a', 'c > a'],
      seeds: ['a'],
      limits: { maxReached: 2 },
      expected: ['a b', 'a c'],
    },
    {
      title: 'reached is too small',
      graph: ['b > a', 'c > a'],
      seeds: ['a'],
      limits: { maxReached: 1 },
      expected: ['a b'],
      cut: 'maxReached',
    },
    {
      title: 'no time at all',
      graph: ['b > a'],
      seeds: ['a'],
      limits: { budgetMs: -1 },
      expected: [],
      cut: 'budgetMs',
    },
  ]
  for (const { title, graph, seeds, expected, limits, cut } of cases) {
    it(title, () => {
      const impact = makeImpact(still)(graphOf(...graph), seeds.map(seed), limits)
      const found = impact.reached.map(({ id }) => impact.pathTo(id)!.map(short).join(' '))
      assert.deepEqual(found.sort(), [...expected].sort())
      assert.equal(impact.count, expected.length)
      assert.equal(impact.truncated?.limit, cut)
    })
  }

  it('names the references along the path, and seeds that are not committed', () => {
    const impact = makeImpact(still)(graphOf('b > a', 'c > b'), [seed('a'), seed('nobody')])
    assert.deepEqual(impact.reasonFor('dev/t/c'), ['to-a', 'to-b'])
    assert.deepEqual(impact.missing, ['dev/t/a', 'dev/t/nobody'])
    assert.deepEqual(
      [impact.pathTo('dev/t/a'), impact.distanceOf('dev/t/a'), impact.reasonFor('dev/t/x'), impact.pathAt(2)],
      [undefined, undefined, undefined, undefined],
    )
  })

  it('gives the nearest by distance, then id', () => {
    const impact = makeImpact(still)(graphOf('z > a', 'y > a', 'b > z', 'c > y', 'd > b'), [seed('a')])
    const nearest = impact.nearest(3).map(({ id, distance }) => `${short(id)} ${distance}`)
    assert.deepEqual(nearest, ['y 1', 'z 1', 'b 2'])
  })

  it('stays as it was answered when other searches and puts follow', () => {
    const graph = makeGraph()
    const put = (name: string, ...to: string[]) =>
      graph.put({ id: `dev/t/${name}`, type: 't', edges: to.map((of) => ({ name: 'r', to: `dev/t/${of}` })) })
    put('b', 'a')
    put('c', 'b')
    const find = makeImpact(still)
    const impact = find(makeView(graph.arrays), [seed('a')])
    graph.put({ id: 'dev/t/b', removed: true })
    graph.put({ id: 'dev/t/c', removed: true })
    put('x', 'y')
    put('y', 'z')
    find(makeView(graph.arrays), [seed('z')])
    assert.deepEqual(impact.pathTo('dev/t/c')!.map(short), ['a', 'b', 'c'])
    assert.deepEqual(
      impact.reached.map(({ distance }) => distance),
      [1, 2],
    )
  })

  it('says how far it came when time is up', () => {
    const lines = Array.from({ length: 2000 }, (_, n) => `n${n + 1} > n${n}`)
    let time = 0
    const impact = makeImpact({ now: () => time++ })(graphOf(...lines), [seed('n0')], { budgetMs: 3 })
    assert.equal(impact.truncated?.limit, 'budgetMs')
    assert.ok(impact.count > 0 && impact.count < 2000, `${impact.count}`)
    assert.match(impact.truncated.message, new RegExp(`budgetMs = 3 with ${impact.count} Components reached`))
  })
})

describe('core/graph/impact: any graph', () => {
  const anyGraph = (outputs: readonly string[]) =>
    fc.record({
      patch: anyFullGraph(outputs),
      above: fc.option(anyPatch(outputs, 3), { nil: undefined, freq: 2 }),
      seeds: fc.array(
        fc.record({
          id: fc.constantFrom(...ids),
          outputs: fc.oneof(fc.constant('all' as const), fc.uniqueArray(fc.constantFrom(...outputs), { maxLength: 2 })),
        }),
        { minLength: 1, maxLength: 2 },
      ),
    })

  const kinds = [
    { title: 'three outputs', outputs: ['p', 'q', 'r'] },
    { title: 'forty outputs: wide sets', outputs: manyOutputs },
  ]
  // One finder for all runs, so that scratch memory left behind by one would show in the next.
  const find = makeImpact(still)

  for (const { title, outputs } of kinds) {
    it(`equals the naive fixpoint, with shortest real paths (${title})`, () => {
      const expected = [
        'cycle back to a seed',
        'pruned',
        'reached again for more outputs',
        'overlay',
        'path of 3 and more',
      ]
      holds(anyGraph(outputs), 600, expected, ({ patch, above, seeds }, hit) => {
        const model = withPatch(new Map(), [...patch, ...(above ?? [])])
        const view = above === undefined ? viewOf(patch) : overlay(viewOf(patch), above)
        const impact = find(view, seeds)
        const distances = naiveImpact(model, seeds)
        assert.deepEqual(new Map(impact.reached.map(({ id, distance }) => [id, distance])), distances)
        assert.equal(impact.count, distances.size)
        assert.deepEqual(
          [...distances.keys()].filter((id) => !model.has(id)),
          [],
        )
        impact.reached.forEach(({ id, distance }, index) => {
          const path = impact.pathTo(id)!
          assert.equal(path.length, distance + 1)
          assert.equal(path.at(-1), id)
          assert.ok(carries(model, seeds, path), `no change arrives along ${path.join(' ')}`)
          assert.deepEqual(impact.pathAt(index), path)
          assert.equal(impact.distanceOf(id), distance)
          assert.equal(impact.reasonFor(id)!.length, distance)
          if (distance >= 3) hit('path of 3 and more')
          if (new Set(path).size < path.length || path.slice(1).some((at) => seeds.some(({ id }) => id === at))) {
            hit('cycle back to a seed')
          }
        })
        assert.deepEqual(
          impact.reached.map(({ distance }) => distance),
          [...distances.values()].sort((a, b) => a - b),
        )
        if (above !== undefined) hit('overlay')
        const unpruned = naiveImpact(
          model,
          seeds.map(({ id }) => ({ id, outputs: 'all' })),
        )
        if (unpruned.size > distances.size && distances.size > 0) hit('pruned')
        if (
          impact.reached.some(({ id }) =>
            impact
              .pathTo(id)!
              .slice(1, -1)
              .some((at, n) => impact.distanceOf(at) !== n + 1),
          )
        ) {
          hit('reached again for more outputs')
        }
      })
    })
  }

  it('cut off, says so exactly when more could follow, and what it reached is the beginning', () => {
    const limits = fc.record({ maxReached: fc.nat(6), maxDepth: fc.nat(4) }, { requiredKeys: [] })
    const expected = ['maxReached', 'maxDepth', 'whole']
    holds(fc.tuple(anyGraph(['p', 'q']), limits), 600, expected, ([{ patch, seeds }, limit], hit) => {
      const view = viewOf(patch)
      const whole = find(view, seeds)
      const part = find(view, seeds, limit)
      const { maxReached = Infinity, maxDepth = Infinity } = limit
      assert.deepEqual(part.reached, whole.reached.slice(0, part.count))
      if (part.truncated === undefined) assert.equal(part.count, whole.count)
      if (part.count < whole.count) assert.ok(part.truncated, `${part.count} of ${whole.count}, and not said`)
      if (part.truncated?.limit === 'maxReached') assert.equal(part.count, maxReached)
      assert.ok(part.count <= maxReached)
      assert.ok(part.reached.every(({ distance }) => distance <= maxDepth))
      hit(part.truncated?.limit ?? 'whole')
    })
  })
})
