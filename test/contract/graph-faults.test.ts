import assert from 'node:assert/strict'
import gremlin, { type Bytecode } from 'gremlin'
import type { GremlinConnection } from '../../operator/adapters/graph-gremlin/connection.ts'
import { headId } from '../../operator/adapters/graph-gremlin/model.ts'
import * as statements from '../../operator/adapters/graph-gremlin/statements.ts'
import type { Result } from '../../operator/api/result.ts'
import { canonicalState } from '../../operator/core/graph/content.ts'
import type { GraphPatch, GraphStore, Head, VertexState } from '../../operator/ports/graph.ts'
import type { GremlinServer } from '../cluster/gremlin-server.ts'
import { eventually, givenUp, inTime, isUnavailable, strikingAt } from '../support/gremlin-faults.ts'
import { connectTo, dyingAfter, graphOver } from '../support/gremlin-graph.ts'
import { type GremlinMode, type GremlinProxy, startGremlinProxy } from '../support/gremlin-proxy.ts'
import { type Model, withPatch } from '../unit/core/graph/model.ts'
import { by, sumOf, value } from './graph-store-steps.ts'
import { empty, emptyServer } from './gremlin-server.ts'

/*
 * What can go wrong between a store and its server, one fault at a time, at each request of a publish. Whatever it was:
 * the version is there once and whole, or not at all, and a publish that is repeated brings it there.
 */
const timeoutMs = 250
/** records in a request: of these two as many as make ten requests, or five, of a version of a dozen Components */
const few = 40
const some = 90

const g = new gremlin.structure.Graph().traversal()
const id = (n: number): string => `dev/t/${n}`
const component = (n: number, type: string, ...to: number[]): VertexState => ({
  id: id(n),
  type,
  edges: to.map((target, at) => ({ name: `r${at}`, to: id(target), uses: ['x'] })),
})
const numbers = Array.from({ length: 12 }, (_, n) => n)
const base: GraphPatch = numbers.map((n) => component(n, 'a', (n + 1) % 12, (n + 2) % 12))
/** Changes most, removes one, adds one: ten requests of few records. */
const second: GraphPatch = [
  ...numbers.slice(0, 10).map((n) => component(n, 'b', (n + 3) % 12, (n + 2) % 12)),
  { id: id(10), removed: true },
  component(12, 'b', 0),
]
/** Meets `second` at some Components, and leaves others alone that it changes. */
const rival: GraphPatch = [
  ...numbers.slice(4, 9).map((n) => component(n, 'c', (n + 1) % 12)),
  { id: id(3), removed: true },
  component(13, 'c', 12),
]
const small: GraphPatch = [component(0, 'b', 5)]

const models = {
  base: withPatch(new Map(), base),
  second: withPatch(withPatch(new Map(), base), second),
  rival: withPatch(withPatch(new Map(), base), rival),
  small: withPatch(withPatch(new Map(), base), small),
}

describe('a graph store and what goes wrong on the way to its server', () => {
  let server: GremlinServer
  let proxy: GremlinProxy
  /** through the proxy, with little patience */
  let frail: GremlinConnection
  /** as others see it */
  let direct: GremlinConnection
  let observer: GraphStore
  let environments = 0
  const fresh = (): string => `dev/faults-${environments++}`

  before(async function () {
    this.timeout(300_000)
    ;({ server, connection: direct } = await emptyServer())
    proxy = await startGremlinProxy({ target: { host: '127.0.0.1', port: server.port } })
    frail = connectTo(proxy.url, { timeoutMs, backoff: { firstMs: 2, maxMs: 20, attempts: 3, reconnects: 2 } })
    observer = graphOver(direct, 1_000)
  })
  after(async () => {
    await frail.close()
    await proxy.close()
  })
  beforeEach(() => empty(direct))
  afterEach(() => {
    proxy.set('pass')
    proxy.readOnly(false)
    proxy.lose(0)
  })

  /** An environment with version 1 in it. */
  const withBase = async (): Promise<string> => {
    const environment = fresh()
    value(await observer.publish(environment, 1, base, by('change-1')))
    return environment
  }

  const holdsAt = async (environment: string, version: number, model: Model): Promise<void> => {
    const { view } = value(await observer.view(environment, version))
    assert.deepEqual([...view.ids()].sort(), [...model.keys()].sort())
    for (const state of model.values()) assert.equal(canonicalState(view.stateOf(state.id)!), canonicalState(state))
  }

  /** A reader finds the version, whole, and nothing of it twice. */
  const holds = async (environment: string, version: number, model: Model, changeId?: string): Promise<void> => {
    const { version: at, sum } = value<Head>(await observer.head(environment))
    assert.deepEqual([at, sum], [version, sumOf(model)])
    assert.equal(value(await observer.audit(environment)).sum, sum)
    await holdsAt(environment, version, model)
    const ids = [...numbers, 12, 13].map(id)
    const span = { from: version, to: version }
    const read = async (bytecode: Bytecode) => value(await direct.submit(bytecode, { write: false })).length
    assert.equal(await read(statements.readStates(environment, ids, span)), model.size, 'states of Components')
    const edges = [...model.values()].reduce((so, state) => so + state.edges.length, 0)
    assert.equal(await read(statements.readEdges(environment, ids, span)), edges, 'references')
    if (changeId === undefined) return
    const records = value(await observer.versions(environment, 10))
    assert.deepEqual([records[0]?.version, records[0]?.changeId, records.length], [version, changeId, version])
  }

  const mode = (faulty: GremlinMode) => (): (() => void) => {
    proxy.set(faulty)
    return () => proxy.set('pass')
  }

  const faults: { title: string; fault: () => () => void }[] = [
    {
      title: 'G1: is committed and not answered, the connection is cut',
      fault: () => {
        proxy.lose(1)
        return () => proxy.lose(0)
      },
    },
    { title: 'G1: is committed, and answered after nobody waits any more', fault: mode({ slow: 2 * timeoutMs }) },
    { title: 'G3: is committed, and half of the answer comes', fault: mode('half') },
    { title: 'G3: is not committed, and what comes is garbage', fault: mode('garbage') },
    {
      title: 'is swallowed',
      fault: mode('hang'),
    },
  ]

  interface Struck {
    readonly environment: string
    readonly published: Result<Head>
  }

  /** Publishes version 2, and lets something happen to the n-th write; undefined: there are not so many. */
  const struck = async (n: number, fault: () => () => void, patch: GraphPatch): Promise<Struck | undefined> => {
    for (;;) {
      const environment = await withBase()
      const stricken = strikingAt(frail, n, fault)
      const publishing = graphOver(stricken, some).publish(environment, 2, patch, by('change-2'))
      const published = await inTime(publishing, `write ${n}`)
      if (stricken.isStruck()) return { environment, published }
      // On a slow machine something else may have come too late.
      if (published.ok) return undefined
      isUnavailable(published, `before write ${n}`)
    }
  }

  /** Whoever repeats it finds it done, or does it. */
  const isRepeated = async (environment: string, { patch, model }: Sized): Promise<void> => {
    await eventually(() => graphOver(frail, some).publish(environment, 2, patch, by('change-2')))
    await holds(environment, 2, model, 'change-2')
  }

  const sizes: readonly Sized[] = [
    { size: 'at once', patch: small, model: models.small, writes: 1 },
    { size: 'in steps', patch: second, model: models.second, writes: 5 },
  ]
  const goesOn = async ({ environment, published }: Struck, sized: Sized): Promise<void> => {
    if (!published.ok) isUnavailable(published, 'published')
    await isRepeated(environment, sized)
    // The next one finds nothing in its way.
    const { sum } = value(await observer.publish(environment, 3, rival, by('change-3')))
    assert.equal(sum, sumOf(withPatch(sized.model, rival)))
    assert.equal(value(await observer.audit(environment)).sum, sum)
  }

  for (const { title, fault } of faults) {
    for (const sized of sizes) {
      it(`${sized.size}: the version is there once and whole when any of its writes ${title}`, async function () {
        this.timeout(120_000)
        const hits = { published: 0, failed: 0 }
        for (let n = 0; ; n++) {
          const after = await struck(n, fault, sized.patch)
          if (!after) break
          hits[after.published.ok ? 'published' : 'failed']++
          await goesOn(after, sized)
        }
        console.log(`      hits ${JSON.stringify(hits)}`)
        assert.ok(hits.published + hits.failed >= sized.writes, `expected at least ${sized.writes} writes`)
      })
    }
  }

  for (const sized of sizes) {
    it(`G1: ${sized.size}: a publish that cannot find out whether it is done says so`, async function () {
      this.timeout(120_000)
      // Committed and not answered, and nobody can be asked what has become of it.
      const fault = (): (() => void) => {
        proxy.lose(1)
        return () => proxy.set('down')
      }
      const hits = { done: 0, undone: 0 }
      const unsaid: string[] = []
      for (let n = 0; ; n++) {
        const after = await struck(n, fault, sized.patch)
        proxy.set('pass')
        if (!after) break
        const { environment, published } = after
        isUnavailable(published, `write ${n}`)
        const isDone = value(await observer.head(environment)).version === 2
        hits[isDone ? 'done' : 'undone']++
        if (isDone && !published.ok && published.failure.outcome !== 'Unknown')
          unsaid.push(`write ${n}: ${JSON.stringify(published.failure)}`)
        await isRepeated(environment, sized)
      }
      console.log(`      hits ${JSON.stringify(hits)}`)
      assert.deepEqual([hits.done, hits.undone >= sized.writes - 1], [1, true])
      assert.deepEqual(unsaid, [], 'expected outcome Unknown')
    })
  }

  it('G1: a write that lands after it was given up changes nothing any more', async function () {
    this.timeout(120_000)
    let landed = 0
    for (let n = 0; ; n++) {
      const environment = await withBase()
      const late = givenUp(direct, n, { ends: false })
      value(await graphOver(late, few).publish(environment, 2, second, by('change-2')))
      const landing = late.land()
      if (landing === undefined) break
      // Its condition did not hold, whether it came in between or after the end.
      assert.deepEqual(value(await landing), [0], `write ${n}`)
      landed++
      await holds(environment, 2, models.second, 'change-2')
    }
    console.log(`      hits ${landed}`)
    assert.ok(landed >= 8, `expected more writes than ${landed}`)
  })

  it('G2: readers find the old version, and whoever is next makes a whole one, wherever a publisher ends', async function () {
    this.timeout(120_000)
    for (let requests = 0; ; requests++) {
      const environment = await withBase()
      const dying = graphOver(dyingAfter(requests, direct), few)
      const published = await dying.publish(environment, 2, second, by('change-2', '2'))
      if (published.ok) {
        console.log(`      hits ${requests}`)
        assert.ok(requests >= 10, `expected more requests than ${requests}`)
        return holds(environment, 2, models.second, 'change-2')
      }
      await holds(environment, 1, models.base, 'change-1')
      value(await graphOver(direct, few).publish(environment, 2, rival, by('rival', '3')))
      await holds(environment, 2, models.rival, 'rival')
      await holdsAt(environment, 1, models.base)
    }
  })

  it('a publisher that was displaced is told so, and its late requests match nothing', async function () {
    this.timeout(120_000)
    let landed = 0
    for (let n = 0; ; n++) {
      const environment = await withBase()
      const old = givenUp(direct, n, { ends: true })
      await graphOver(old, few).publish(environment, 2, second, by('change-2', '5'))
      if (value(await observer.head(environment)).version === 2) break
      value(await graphOver(direct, few).publish(environment, 2, rival, by('rival', '7')))
      const landing = old.land()
      assert.ok(landing)
      assert.deepEqual(value(await landing), [0], `write ${n}`)
      landed++
      await holds(environment, 2, models.rival, 'rival')
      const next = await graphOver(direct, few).publish(environment, 3, small, by('change-3', '6'))
      assert.deepEqual(!next.ok && [next.failure.reason, next.failure.retry], ['Displaced', true])
      await holds(environment, 2, models.rival, 'rival')
      const taken = await graphOver(direct, few).publish(environment, 2, second, by('change-2', '5'))
      assert.equal(!taken.ok && taken.failure.reason, 'VersionTaken')
    }
    console.log(`      hits ${landed}`)
    assert.ok(landed >= 8, `expected more writes than ${landed}`)
  })

  const outages: { title: string; begin: () => void; reads: boolean }[] = [
    ...(['down', 'hang', 'garbage', 'half'] as const).map((faulty) => ({
      title: faulty,
      begin: () => proxy.set(faulty),
      reads: false,
    })),
    { title: 'slow', begin: () => proxy.set({ slow: 3 * timeoutMs }), reads: false },
    {
      title: 'forbidden',
      begin: () => {
        proxy.set('forbidden')
        proxy.cutAll()
      },
      reads: false,
    },
    { title: 'read-only', begin: () => proxy.readOnly(true), reads: true },
  ]
  for (const { title, begin, reads } of outages) {
    it(`G3: ${title}: GraphUnavailable, nothing is published, and it goes on by itself`, async function () {
      this.timeout(60_000)
      const environment = await withBase()
      const store = graphOver(frail, few)
      await eventually(() => store.head(environment))
      begin()
      for (const patch of [small, second]) {
        const published = await inTime(store.publish(environment, 2, patch, by('change-2')), title)
        const message = isUnavailable(published, title)
        assert.ok(!published.ok && published.failure.outcome !== 'Unknown', 'nothing was written')
        assert.ok(message.includes(new URL(proxy.url).host) || reads, message)
        console.log(`      ${message}`)
      }
      for (const ask of [store.head(environment), store.view(environment, 1)]) {
        const read = await inTime<Result<unknown>>(ask, title)
        if (!reads) isUnavailable(read, title)
        else if (!read.ok) await eventually(() => store.head(environment))
      }
      await holds(environment, 1, models.base, 'change-1')
      proxy.set('pass')
      proxy.readOnly(false)
      await eventually(() => store.publish(environment, 2, second, by('change-2')))
      await holds(environment, 2, models.second, 'change-2')
      assert.equal((await eventually(() => store.view(environment, 2))).view.size, models.second.size)
    })
  }

  it('G3: an answer that this side cannot read is GraphUnavailable, and the next one is read', async () => {
    const environment = await withBase()
    // A Tree, which the server writes and the driver has no reader for.
    const answer = await inTime(frail.submit(treeOf(environment), { write: false }), 'tree')
    console.log(`      ${isUnavailable(answer, 'tree')}`)
    assert.equal((await eventually(() => graphOver(frail).head(environment))).version, 1)
  })

  it('goes on by itself after the server was killed and has come back empty', async function () {
    this.timeout(60_000)
    const environment = await withBase()
    const store = graphOver(frail, few)
    await eventually(() => store.head(environment))
    await server.kill()
    isUnavailable(await inTime(store.head(environment), 'killed'), 'killed')
    isUnavailable(await inTime(store.publish(environment, 2, small, by('change-2')), 'killed'), 'killed')
    await server.restart()
    assert.equal((await eventually(() => store.head(environment))).version, 0)
    value(await observer.rebuild(environment, 2, models.small.values(), by('change-2')))
    const { version, sum } = await eventually(() => store.head(environment))
    assert.deepEqual([version, sum], [2, sumOf(models.small)])
  })
})

interface Sized {
  readonly size: string
  readonly patch: GraphPatch
  readonly model: Model
  /** at least */
  readonly writes: number
}

/** What nothing of Karma asks for. */
const treeOf = (environment: string): Bytecode => {
  const traversal = g.V(headId(environment)).getBytecode()
  return (traversal as unknown as { addStep(name: string, values: unknown[]): Bytecode }).addStep('tree', [])
}
