import assert from 'node:assert/strict'
import fc from 'fast-check'
import { makeContentSum } from '../../../../operator/core/graph/content.ts'
import type { VertexState } from '../../../../operator/core/graph/vertex.ts'
import { holds } from './property.ts'
import { anyState } from './random.ts'

const sumOf = (...states: VertexState[]): string => {
  const sum = makeContentSum()
  states.forEach(sum.add)
  return sum.toString()
}

describe('core/graph/content', () => {
  const edge = { name: 'r', to: 'dev/b/1' }
  const state = (...edges: { name: string; to: string; uses?: string[] }[]) => ({ id: 'dev/a/1', type: 'a', edges })
  const base = state({ ...edge, uses: ['x', 'y'] }, { name: 's', to: 'dev/b/2' })

  it('is zero for nothing and for what was removed', () => {
    assert.equal(sumOf(), '0000000000000000')
    assert.equal(sumOf({ id: 'dev/a/1', removed: true }), '0000000000000000')
  })

  it('is the same for the same sets in another order', () => {
    assert.equal(sumOf(state({ name: 's', to: 'dev/b/2' }, { ...edge, uses: ['y', 'x', 'y'] })), sumOf(base))
  })

  const others: [string, VertexState][] = [
    ['uses', state({ ...edge, uses: ['x'] }, { name: 's', to: 'dev/b/2' })],
    ['all instead of some', state(edge, { name: 's', to: 'dev/b/2' })],
    ['an edge more', state({ ...edge, uses: ['x', 'y'] }, { name: 's', to: 'dev/b/2' }, edge)],
    ['type', { ...base, type: 'b' }],
    ['id', { ...base, id: 'dev/a/2' }],
  ]
  for (const [what, other] of others) it(`differs by ${what}`, () => assert.notEqual(sumOf(other), sumOf(base)))
  it('tells no outputs from all', () => assert.notEqual(sumOf(state({ ...edge, uses: [] })), sumOf(state(edge))))

  it('does not depend on order, and what is subtracted is gone', () => {
    holds(fc.array(anyState(['p', 'q']), { maxLength: 8 }), 100, ['several'], (states, hit) => {
      assert.equal(sumOf(...states.toReversed()), sumOf(...states))
      const sum = makeContentSum()
      states.forEach(sum.add)
      states.forEach(sum.subtract)
      assert.equal(sum.toString(), sumOf())
      if (states.length > 1) hit('several')
    })
  })
})
