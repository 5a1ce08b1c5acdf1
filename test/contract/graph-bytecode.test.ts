import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Bytecode } from 'gremlin'
import type { GremlinConnection } from '../../operator/adapters/graph-gremlin/connection.ts'
import type { Write } from '../../operator/adapters/graph-gremlin/model.ts'
import * as statements from '../../operator/adapters/graph-gremlin/statements.ts'
import type { GraphPatch } from '../../operator/ports/graph.ts'
import { allSteps, isWrite, problemsOf, recordsOf } from '../support/gremlin-bytecode.ts'
import { accepted, refused, texts } from '../support/gremlin-bytecode-controls.ts'
import { dyingAfter, graphOver, type Submitting } from '../support/gremlin-graph.ts'
import { graphStoreContract } from './graph-store.ts'
import { by, value } from './graph-store-steps.ts'
import { emptyServer } from './gremlin-server.ts'

describe('what is wrong with a request to Neptune', () => {
  for (const { title, traversal } of accepted) {
    it(`nothing: ${title}`, () => assert.deepEqual(problemsOf(traversal.getBytecode()), []))
  }
  for (const { title, traversal, says } of refused) {
    it(title, () => {
      const problems = problemsOf(traversal.getBytecode())
      assert.ok(
        problems.some((problem) => problem.includes(says)),
        `expected "${says}", found ${JSON.stringify(problems)}`,
      )
    })
  }
})

const head = { epoch: 'e', ready: 1, building: 0, claim: 1, attempt: 'a', sum: '0', horizon: 0 }
const step = { environment: 'dev/e', head, attempt: 'b', claim: 2, isForced: false }
const mark = {
  environment: 'dev/e',
  head: { epoch: 'e', version: 2, sum: '0' },
  changeId: 'c',
  at: '2026-01-01T00:00:00Z',
}
const span = { from: 1, to: 2 }
const writes: readonly Write[] = [
  { put: 'Component', id: 'dev/a/1' },
  { put: 'State', component: 'dev/a/1', type: 'a', since: 2 },
  { put: 'Edge', from: 'dev/a/1', edge: { name: 'r', to: 'dev/b/1', uses: ['x'] }, index: 0, since: 2 },
  { close: 'State', id: 'dev/e#dev/a/1@1', until: 2 },
  { close: 'Edge', id: 'dev/e#dev/a/1#0@1', until: 2 },
]
const forced = { ...step, isForced: true }

/** Every statement, in each of its forms. */
const all: Readonly<Record<string, readonly Bytecode[]>> = {
  readHead: [statements.readHead('dev/e')],
  makeHead: [statements.makeHead('dev/e', head)],
  claimHead: [statements.claimHead(step), statements.claimHead(forced)],
  beginBuilding: [statements.beginBuilding('dev/e', 'b', 2)],
  stage: [statements.stage('dev/e', 'b', writes)],
  markReady: [statements.markReady('dev/e', 'b', 1, mark)],
  publishAtOnce: [statements.publishAtOnce(step, writes, mark), statements.publishAtOnce(forced, [], mark)],
  touchedBy: [
    statements.touchedBy('dev/e', 'State', 'since', 2, 9),
    statements.touchedBy('dev/e', 'REF', 'until', 2, 9),
  ],
  sweepOpened: (['State', 'REF'] as const).map((what) => statements.sweepOpened('dev/e', 'b', what, texts(3))),
  sweepClosed: (['State', 'REF'] as const).map((what) => statements.sweepClosed('dev/e', 'b', what, texts(3))),
  readComponents: [statements.readComponents('dev/e', span)],
  readTouched: [statements.readTouched('dev/e', 'since', span), statements.readTouched('dev/e', 'until', span)],
  readStates: [statements.readStates('dev/e', texts(3), span)],
  readEdges: [statements.readEdges('dev/e', texts(3), span)],
  readVersion: [statements.readVersion('dev/e', 2)],
  readVersions: [statements.readVersions('dev/e', span, 9)],
  raiseHorizon: [statements.raiseHorizon('dev/e', 2)],
  closedUntil: (['State', 'REF'] as const).map((what) => statements.closedUntil('dev/e', what, 2, 9)),
  versionsBefore: [statements.versionsBefore('dev/e', 2)],
  openersBefore: (['State', 'REF'] as const).map((what) => statements.openersBefore('dev/e', what, 2)),
  dropAll: (['State', 'REF', 'Version'] as const).map((what) => statements.dropAll(what, texts(3))),
}

describe('every statement', () => {
  const exported = Object.entries(statements).flatMap(([name, value]) =>
    typeof value === 'function' && name !== 'recordsOf' ? [name] : [],
  )
  it('is looked at', () => assert.deepEqual(Object.keys(all).sort(), exported.sort()))
  for (const [name, bytecodes] of Object.entries(all)) {
    it(`${name} is one for Neptune`, () => assert.deepEqual(bytecodes.flatMap(problemsOf), []))
  }
})

interface Seen {
  requests: number
  writes: number
  dropping: number
  mostSteps: number
  mostRecords: number
  /** each with how often it came up */
  readonly problems: Map<string, number>
}

const nothingSeen = (): Seen => ({
  requests: 0,
  writes: 0,
  dropping: 0,
  mostSteps: 0,
  mostRecords: 0,
  problems: new Map(),
})

/** Looks at everything that is sent. */
const looking = (connection: Submitting, seen: Seen): Submitting => ({
  submit(bytecode, options) {
    const names = allSteps(bytecode).map(([name]) => name)
    const problems = problemsOf(bytecode)
    if (options.write !== isWrite(bytecode)) problems.push('a write that is not called one, or a read that is')
    for (const problem of problems) seen.problems.set(problem, (seen.problems.get(problem) ?? 0) + 1)
    seen.requests++
    if (isWrite(bytecode)) seen.writes++
    if (names.includes('drop')) seen.dropping++
    seen.mostSteps = Math.max(seen.mostSteps, names.length)
    if (isWrite(bytecode)) seen.mostRecords = Math.max(seen.mostRecords, recordsOf(bytecode))
    return connection.submit(bytecode, options)
  },
})

function wasRight({ problems, ...hits }: Seen, expected: readonly (keyof typeof hits)[]): void {
  console.log(`      hits ${JSON.stringify(hits)}`)
  assert.deepEqual(Object.fromEntries(problems), {})
  for (const what of expected) assert.ok(hits[what] > 0, `expected ${what}, found none`)
}

const randomly = nothingSeen()

graphStoreContract(
  'gremlin, every request looked at',
  async () => {
    const { connection } = await emptyServer()
    const submitting = looking(connection, randomly)
    // Few records in a request, so that it is staged; nothing else is asked than with many.
    return {
      store: graphOver(submitting, 40),
      dying: (requests: number) => graphOver(dyingAfter(requests, submitting), 40),
      close: async () => {
        wasRight(randomly, ['requests', 'writes', 'dropping'])
      },
    }
  },
  10,
)

describe('requests of versions with thousands of elements', () => {
  let connection: GremlinConnection
  before(async function () {
    this.timeout(300_000)
    ;({ connection } = await emptyServer())
  })

  const components = 300
  const id = (n: number): string => `dev/t/${n % components}`
  /** Each refers to two others. */
  const everything = (type: string, step: number): GraphPatch =>
    Array.from({ length: components }, (_, n) => ({
      id: id(n),
      type,
      edges: [
        { name: 'r', to: id(n + step), uses: ['x', 'y'] },
        { name: 's', to: id(n + 2 * step) },
      ],
    }))
  const nothing: GraphPatch = Array.from({ length: components }, (_, n) => ({ id: id(n), removed: true }))

  it('are as many as are needed, and each is one for Neptune', async function () {
    this.timeout(300_000)
    const seen = nothingSeen()
    const environment = `dev/many-${randomUUID()}`
    const submitting = looking(connection, seen)
    const store = graphOver(submitting)
    const publish = async (version: number, patch: GraphPatch, who = graphOver(submitting)): Promise<boolean> =>
      (await who.publish(environment, version, patch, by(`change-${version}`))).ok
    assert.ok(await publish(1, everything('a', 1)))
    // One that ends half way, so that there is much to be swept, of what it opened and of what it closed.
    assert.equal(await publish(2, everything('b', 5), graphOver(dyingAfter(30, submitting))), false)
    assert.ok(await publish(2, everything('c', 7)))
    assert.ok(await publish(3, nothing))
    assert.ok(await publish(4, everything('d', 3)))
    value(await store.changes(environment, 1, 4))
    value(await store.rebuild(environment, 6, everything('e', 3), by('change-6')))
    value(await store.compact(environment, 0))
    const { sum } = value(await store.head(environment))
    assert.equal(value(await store.audit(environment)).sum, sum)
    wasRight(seen, ['requests', 'writes', 'dropping'])
  })

  it('fill the one request of a small version no further than may be, whatever its size', async function () {
    this.timeout(300_000)
    const seen = nothingSeen()
    const store = graphOver(looking(connection, seen))
    // A Component without references is seven records; with one to itself it is fifteen.
    for (let size = 20; size <= 32; size++) {
      for (const edges of [0, 1]) {
        const patch: GraphPatch = Array.from({ length: size - 10 * edges }, (_, n) => ({
          id: `dev/s/${n}`,
          type: 's',
          edges: Array.from({ length: n === 0 ? edges : 0 }, () => ({ name: 'r', to: `dev/s/${n}` })),
        }))
        value(await store.publish(`dev/size-${size}-${edges}-${randomUUID()}`, 1, patch, by('change-1')))
      }
    }
    wasRight(seen, ['requests', 'writes'])
  })
})
