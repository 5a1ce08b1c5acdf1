import assert from 'node:assert/strict'
import { differenceOf } from '../../../../operator/adapters/graph-gremlin/difference.ts'
import { open } from '../../../../operator/adapters/graph-gremlin/model.ts'
import type { Slice } from '../../../../operator/adapters/graph-gremlin/reading.ts'
import type { GraphPatch } from '../../../../operator/ports/graph.ts'

const state = (id: string) => ({ id, component: 'a', type: 't', since: 1, until: open })
const edge = (id: string, to: string, index = 0) => ({
  id,
  from: 'a',
  edge: { name: 'r', to },
  index,
  since: 1,
  until: open,
})
const to = (...ids: string[]): GraphPatch => [{ id: 'a', type: 't', edges: ids.map((one) => ({ name: 'r', to: one })) }]

/** What is written so that version 3 is what the patch makes of version 2. */
const writes = (found: Slice | undefined, patch: GraphPatch, isRebuilt = false): string[] =>
  differenceOf(new Map(found ? [['a', found]] : []), patch, { ready: 2, version: 3, isRebuilt }).writes.map((write) => {
    if ('close' in write) return `close ${write.id}`
    if (write.put === 'Edge') return `edge ${write.index} to ${write.edge.to}`
    return write.put === 'State' ? 'state' : `identity ${write.id}`
  })

describe('adapters/graph-gremlin/difference', () => {
  const one = { states: [state('s')], edges: [edge('e', 'b')] }
  const cases: [title: string, found: Slice | undefined, patch: GraphPatch, rebuilt: boolean, expected: string[]][] = [
    ['what comes', undefined, to('b'), false, ['identity a', 'state', 'identity b', 'edge 0 to b']],
    ['what goes', one, [{ id: 'a', removed: true }], false, ['close s', 'close e']],
    ['what was never there', undefined, [{ id: 'a', removed: true }], false, []],
    ['an edge that stays is not touched', one, to('b'), false, ['close s', 'identity a', 'state']],
    ['nothing is written of what is as it was, when the graph is rebuilt', one, to('b'), true, []],
    [
      'an edge that leads elsewhere',
      one,
      to('c'),
      false,
      ['close s', 'close e', 'identity a', 'state', 'identity c', 'edge 0 to c'],
    ],
    [
      'edges whose state somebody has taken away',
      { states: [], edges: [edge('e', 'b'), edge('f', 'c', 1)] },
      to('b'),
      true,
      ['close f', 'identity a', 'state'],
    ],
    [
      'those, when it is to be gone',
      { states: [], edges: [edge('e', 'b')] },
      [{ id: 'a', removed: true }],
      true,
      ['close e'],
    ],
    ['an edge that is one too many', one, to(), false, ['close s', 'close e', 'identity a', 'state']],
    [
      'an edge that somebody has put beside another one',
      { states: [state('s')], edges: [edge('e', 'b'), edge('f', 'b')] },
      to('b'),
      true,
      ['close s', 'close e', 'identity a', 'state'],
    ],
    [
      'a state that somebody has put beside another one',
      { states: [state('s'), state('z')], edges: [edge('e', 'b')] },
      to('b'),
      true,
      ['close s', 'close z', 'identity a', 'state'],
    ],
    [
      'an edge that was closed before',
      { states: [state('s')], edges: [{ ...edge('e', 'b'), until: 2 }] },
      to(),
      true,
      [],
    ],
  ]
  for (const [title, found, patch, rebuilt, expected] of cases) {
    it(title, () => assert.deepEqual(writes(found, patch, rebuilt), expected))
  }
})
