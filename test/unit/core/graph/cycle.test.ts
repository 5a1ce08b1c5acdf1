import assert from 'node:assert/strict'
import fc from 'fast-check'
import { closedCycle } from '../../../../operator/core/graph/cycle.ts'
import { makeGraph } from '../../../../operator/core/graph/graph.ts'
import { type GraphView, makeView } from '../../../../operator/core/graph/view.ts'
import { holds } from './property.ts'

type Reference = readonly [from: string, to: string]

const viewOf = (references: readonly Reference[]): GraphView => {
  const graph = makeGraph()
  for (const id of new Set(references.map(([from]) => from))) {
    const edges = references.filter(([from]) => from === id).map(([, to]) => ({ name: 'r', to }))
    graph.put({ id, type: 't', edges })
  }
  return makeView(graph.arrays)
}

const closed = (existing: readonly Reference[], added: readonly Reference[]) =>
  closedCycle(
    viewOf(existing),
    added.map(([from, to]) => ({ from, to })),
  )

const pairs = (text: string): Reference[] =>
  text === '' ? [] : text.split(' ').map((pair) => [pair[0]!, pair[1]!] as const)

describe('core/graph/cycle', () => {
  const cases = [
    { title: 'nothing added', existing: 'ab bc', added: '', expected: undefined },
    { title: 'back along a chain', existing: 'ab bc', added: 'ca', expected: ['c', 'a', 'b'] },
    { title: 'further along a chain', existing: 'ab bc', added: 'ac', expected: undefined },
    { title: 'two new Components that refer to each other', existing: '', added: 'xy yx', expected: ['x', 'y'] },
    { title: 'a Component that refers to itself', existing: 'ab', added: 'aa', expected: ['a'] },
    {
      title: 'through new and old references in turn',
      existing: 'ab cd',
      added: 'bc da',
      expected: ['b', 'c', 'd', 'a'],
    },
    { title: 'the shortest', existing: 'ab bc cd ad', added: 'da', expected: ['d', 'a'] },
    { title: 'an old cycle without an added reference', existing: 'ab ba', added: 'ca', expected: undefined },
    { title: 'given references that exist already', existing: 'ab bc ca', added: 'ab', expected: ['a', 'b', 'c'] },
    { title: 'a new Component between old ones', existing: 'ab', added: 'bx xa', expected: ['b', 'x', 'a'] },
  ]
  for (const { title, existing, added, expected } of cases) {
    it(title, () => assert.deepEqual(closed(pairs(existing), pairs(added)), expected))
  }

  it('goes through a chain of 50,000', () => {
    const chain = Array.from({ length: 50_000 }, (_, n) => [`${n}`, `${n + 1}`] as const)
    const graph = makeGraph()
    for (const [id, to] of chain) graph.put({ id, type: 't', edges: [{ name: 'r', to }] })
    const view = makeView(graph.arrays)
    assert.equal(closedCycle(view, [{ from: '50000', to: '0' }])?.length, 50_001)
    assert.equal(closedCycle(view, [{ from: '0', to: '50001' }]), undefined)
  })

  it('answers a cycle exactly when an added reference leads back to its start', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    const anyReferences = fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)), { maxLength: 6 })
    holds(fc.tuple(anyReferences, anyReferences), 500, ['cycle', 'none'], ([existing, added], hit) => {
      const all = [...existing, ...added]
      const found = closed(existing, added)
      if (found === undefined) assert.ok(added.every(([from, to]) => !leads(all, to, from)))
      else {
        const steps = found.map((id, n) => [id, found[(n + 1) % found.length]!] as const)
        const isIn = (references: readonly Reference[]) => (step: Reference) =>
          references.some(([from, to]) => from === step[0] && to === step[1])
        assert.ok(steps.every(isIn(all)), `${found} is no cycle`)
        assert.ok(steps.some(isIn(added)), `${found} was there before`)
        assert.equal(new Set(found).size, found.length)
      }
      hit(found ? 'cycle' : 'none')
    })
  })
})

function leads(references: readonly Reference[], from: string, to: string): boolean {
  const seen = new Set([from])
  for (const id of seen) for (const [start, end] of references) if (start === id) seen.add(end)
  return seen.has(to)
}
