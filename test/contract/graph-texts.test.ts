import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { GremlinConnection } from '../../operator/adapters/graph-gremlin/connection.ts'
import type { GraphPatch, VertexState } from '../../operator/ports/graph.ts'
import type { GremlinServer } from '../cluster/gremlin-server.ts'
import { connectTo, graphOver } from '../support/gremlin-graph.ts'
import { withPatch } from '../unit/core/graph/model.ts'
import { by, sumOf, value } from './graph-store-steps.ts'
import { emptyServer } from './gremlin-server.ts'

/*
 * Names that people give are values of a request, never a part of it: whatever stands in them comes back as it was.
 */
describe('texts in a Gremlin server', () => {
  let server: GremlinServer
  let direct: GremlinConnection
  before(async function () {
    this.timeout(300_000)
    ;({ server, connection: direct } = await emptyServer())
  })

  const id = (n: number): string => `dev/t/${n}`
  const component = (n: number, type: string, to: number): VertexState => ({
    id: id(n),
    type,
    edges: [{ name: 'r', to: id(to) }],
  })

  const hostile = [
    `'); g.V().drop() //`,
    `"); g.V().drop().iterate(); ("`,
    '\\',
    '\\\\" \\u0000 \\n',
    'a::b',
    '*',
    '["x"]',
    '$' + '{1 + 1}',
    '#head',
    'x@1',
    '',
    ' ',
    'line\nbreak\r\n\ttab',
    'Grüße 東京 🦄 e\u0301 \u202e \ufeff',
    '\u0000nul',
    "'",
    '"',
    '`',
    'x'.repeat(235),
  ]

  it('keeps every text as it is: names of references and outputs, types, ids of Components, also for another connection', async function () {
    this.timeout(60_000)
    const environment = `dev/texts-${randomUUID()}`
    const names = hostile.filter((name) => name !== '')
    const patch: GraphPatch = names.map((name, n) => ({
      id: `dev/h/${name}`,
      type: name,
      edges: [
        { name, to: `dev/h/${names[(n + 1) % names.length]}`, uses: hostile, feeds: hostile },
        { name: 'all', to: id(n) },
        { name: 'none', to: `dev/h/${name}`, uses: [], feeds: [] },
      ],
    }))
    const half = patch.slice(0, 8)
    value(await graphOver(direct).publish(environment, 1, patch, by(hostile[0]!)))
    value(
      await graphOver(direct).publish(
        environment,
        2,
        half.map(({ id }) => ({ id, removed: true })),
        by('b'),
      ),
    )
    value(await graphOver(direct).publish(environment, 3, half, by(hostile[3]!)))
    const again = connectTo(server.url)
    try {
      const model = withPatch(new Map(), patch)
      const store = graphOver(again)
      for (const version of [1, 3]) {
        const { view } = value(await store.view(environment, version))
        assert.equal(view.size, model.size)
        for (const state of model.values()) assert.deepEqual(view.stateOf(state.id), { ...state })
      }
      assert.equal(value(await store.audit(environment)).sum, sumOf(model))
      const changes = value(await store.changes(environment, 0, 3))
      assert.deepEqual(
        changes.map(({ changeId }) => changeId),
        [hostile[0], 'b', hostile[3]],
      )
      const byId = (states: readonly VertexState[]) => new Map(states.map((state) => [state.id, state]))
      assert.deepEqual(byId(changes[1]!.before), byId(half))
      assert.deepEqual(byId(changes[2]!.after), byId(half))
    } finally {
      await again.close()
    }
  })

  it('keeps environments apart, whatever they are called', async function () {
    this.timeout(60_000)
    const named = hostile.map((name) => `${name}${randomUUID().slice(0, 4)}`)
    for (const [n, environment] of named.entries()) {
      value(await graphOver(direct).publish(environment, 1, [component(n, environment, n + 1)], by(environment)))
    }
    const again = connectTo(server.url)
    try {
      for (const [n, environment] of named.entries()) {
        const { view } = value(await graphOver(again).view(environment, 1))
        assert.deepEqual([...view.ids()], [id(n)])
        assert.deepEqual(view.stateOf(id(n)), component(n, environment, n + 1))
        assert.deepEqual(
          value(await graphOver(again).versions(environment, 9)).map((one) => one.changeId),
          [environment],
        )
      }
    } finally {
      await again.close()
    }
  })
})
