import { randomUUID } from 'node:crypto'
import gremlin, { type GraphTraversal } from 'gremlin'
import { batchesOf } from '../../operator/adapters/graph-gremlin/batches.ts'
import type { GremlinConnection } from '../../operator/adapters/graph-gremlin/connection.ts'
import { differenceOf } from '../../operator/adapters/graph-gremlin/difference.ts'
import { edgeId, namesText, open, stateId, type Write } from '../../operator/adapters/graph-gremlin/model.ts'
import { makeReading } from '../../operator/adapters/graph-gremlin/reading.ts'
import type { GraphPatch, GraphStore, VertexState } from '../../operator/ports/graph.ts'
import { startGremlinServer } from '../cluster/gremlin-server.ts'
import { connectTo, graphOver } from '../support/gremlin-graph.ts'
import { median, ok } from './support/cluster.ts'
import type { Bench, Figure, Report } from './support/figure.ts'
import { idOf, uniform, vertices } from './support/graphs.ts'

const components = 2_000
const perComponent = 5
const seed = 42
/** as the store does by default, and Neptune advises */
const recordsPerRequest = 200
const rounds = 6
const smallPatches = 200

/**
 * Publishing to a Gremlin Server beside bare merges of the same elements, with as many records in a request and over one
 * connection each, but no head, no condition and nothing read before. The two take turns, and begin with an empty
 * graph: without an index TinkerGraph looks for a State among all vertices there are.
 */
const bench: Bench = async (report) => {
  report.progress('starting Gremlin Server')
  const server = await startGremlinServer({ heap: '2g', measured: true })
  const connection = connectTo(server.url, { timeoutMs: 60_000 })
  const bare = makeBareWriter(server.url)
  try {
    const place = { connection, store: graphOver(connection, recordsPerRequest), bare }
    await measureLarge(report, place)
    await measureSmall(report, place)
  } finally {
    await bare.close()
    await connection.close()
    await server.close()
  }
}
export default bench

interface Place {
  readonly connection: GremlinConnection
  readonly store: GraphStore
  readonly bare: BareWriter
}

type Way = 'ours' | 'bare'

/** Of one patch: how many elements it writes, and milliseconds by way, an entry for each round. */
interface Times extends Record<Way, number[]> {
  elements: number
}

const noTimes = (): Times => ({ elements: 0, ours: [], bare: [] })

async function measureLarge({ figure, progress }: Report, place: Place): Promise<void> {
  const first = [...vertices(uniform(components, perComponent, seed), { fed: true })]
  const patches = [first, first.map(moved)]
  const [load, change] = [noTimes(), noTimes()]
  // The first round, by which both sides compile what they need, does not count.
  for (let round = 0; round <= rounds; round++) {
    progress(`${components} Components with ${perComponent} references each, round ${round} of ${rounds}`)
    const times = round === 0 ? [noTimes(), noTimes()] : [load, change]
    for (const way of turn(round)) await publishAll(place, way, `dev/${way}-${round}`, patches, times)
  }
  const many = `${components} Components with ${perComponent} references each`
  const budget = { of: 'ratio', atLeast: 0.8 } as const
  figure({ ...elementsPerSecond(`publish of ${many}, ${load.elements} elements`, load), budget })
  figure(elementsPerSecond(`… one reference of each is moved, ${change.elements} elements`, change))
}

/** Who comes first changes. */
const turn = (round: number): Way[] => (round % 2 === 0 ? ['ours', 'bare'] : ['bare', 'ours'])

/** One patch after the other, in an environment and a graph of its own. */
async function publishAll(
  { connection, store, bare }: Place,
  way: Way,
  environment: string,
  patches: readonly GraphPatch[],
  times: readonly Times[],
): Promise<void> {
  const reading = makeReading(connection)
  const heldAt = (version: number) => ok(reading.slices(environment, { from: version, to: version }))
  await bare.clear()
  for (const [ready, patch] of patches.entries()) {
    const { writes } = differenceOf(await heldAt(ready), patch, { ready, version: ready + 1 })
    const by = { changeId: `change-${ready + 1}`, claim: '1' }
    const write =
      way === 'ours' ? () => ok(store.publish(environment, ready + 1, patch, by)) : bare.of(environment, writes)
    times[ready]![way].push(await timeOf(write))
    times[ready]!.elements = writes.length
    const next = { ready: ready + 1, version: ready + 2, isRebuilt: true }
    const { length } = differenceOf(await heldAt(ready + 1), patch, next).writes
    if (length > 0) throw new Error(`${environment}: expected the patch to be there, found ${length} elements to write`)
  }
}

/** Its first reference is to another Component, where there is one. */
function moved(state: VertexState, n: number): VertexState {
  if (state.removed || n < 2) return state
  const [one, ...others] = state.edges
  const to = idOf(n - 1) === one!.to ? idOf(n - 2) : idOf(n - 1)
  return { ...state, edges: [{ ...one!, to }, ...others] }
}

/** A new Component with three references to others that are there. */
async function measureSmall({ figure, progress }: Report, { store, bare }: Place): Promise<void> {
  progress(`${smallPatches} patches of one Component`)
  const environments = { ours: 'dev/small', bare: 'dev/bare-small' }
  const others = [...vertices(uniform(100, 3, seed), { fed: true })]
  const by = (version: number) => ({ changeId: `change-${version}`, claim: '1' })
  await bare.clear()
  await ok(store.publish(environments.ours, 1, others, by(1)))
  const times = noTimes()
  for (let n = 0; n < smallPatches; n++) {
    for (const way of turn(n)) {
      const to = [n % 100, (n + 1) % 100, (n + 2) % 100].map(idOf)
      const edges = to.map((id, k) => ({ name: `reference-${k}`, to: id, uses: ['arn', 'id'], feeds: ['name'] }))
      const state: VertexState = { id: `${way}/lambda/small-${n}`, type: 'lambda', edges }
      const { writes } = differenceOf(new Map(), [state], { ready: n + 1, version: n + 2 })
      const publish = () => ok(store.publish(environments.ours, n + 2, [state], by(n + 2)))
      times[way].push(await timeOf(way === 'ours' ? publish : bare.of(environments.bare, writes)))
      times.elements = writes.length
    }
  }
  const [ours, ceiling] = [median(times.ours), median(times.bare)]
  figure({
    name: `publish of 1 Component with 3 references, ${times.elements} elements, p50`,
    value: ours,
    unit: 'ms',
    against: `bare request ${ceiling.toFixed(2)} ms`,
    ratio: ceiling / ours,
  })
}

/** The ratio is the median of those of the rounds, for the machine is not as fast in each of them. */
function elementsPerSecond(name: string, { elements, ours, bare }: Times): Figure {
  const rate = (times: readonly number[]): number => (1000 * elements) / median(times)
  const ratio = median(ours.map((ms, round) => bare[round]! / ms))
  return { name, value: rate(ours), unit: 'elements/s', against: `bare ${Math.round(rate(bare))} elements/s`, ratio }
}

interface BareWriter {
  /** Writes them when it is called. */
  of(environment: string, writes: readonly Write[]): () => Promise<void>
  /** Empties the graph. */
  clear(): Promise<void>
  close(): Promise<void>
}

/** The ceiling: merges by the driver as it is. */
function makeBareWriter(url: string): BareWriter {
  const g = new gremlin.structure.Graph().traversal()
  const client = new gremlin.driver.Client(url, { traversalSource: 'g' })
  const submit = (traversal: GraphTraversal) =>
    client.submit(traversal.getBytecode(), null, { requestId: randomUUID(), evaluationTimeout: 60_000 })
  return {
    of: (environment, writes) => async () => {
      for (const batch of batchesOf(writes, recordsPerRequest)) {
        let traversal: GraphTraversal | undefined
        for (const write of batch) traversal = merged(traversal ?? (g as GraphTraversal), environment, write)
        await submit(traversal!.count())
      }
    },
    async clear() {
      await submit(g.E().drop().count())
      await submit(g.V().drop().count())
    },
    close: () => client.close(),
  }
}

const { t, merge, direction, cardinality } = gremlin.process

type Merging = Pick<GraphTraversal, 'mergeV' | 'mergeE'>

function merged(g: Merging, environment: string, write: Write): GraphTraversal {
  if ('close' in write) {
    const id = new Map([[t.id, write.id]])
    return write.close === 'Edge'
      ? g.mergeE(id).property('until', write.until)
      : g.mergeV(id).property(cardinality.single, 'until', write.until)
  }
  if (write.put === 'Component') {
    return g.mergeV(new Map([[t.id, write.id]])).option(merge.onCreate, new Map([[t.label, 'Component']]))
  }
  if (write.put === 'State') {
    const { component, type, since } = write
    const id = stateId(environment, component, since)
    const vertex = g.mergeV(new Map([[t.id, id]])).option(merge.onCreate, new Map([[t.label, 'State']]))
    const properties = { env: environment, component, type, since, until: open }
    return Object.entries(properties).reduce((so, [key, value]) => so.property(cardinality.single, key, value), vertex)
  }
  const { from, edge, index, since } = write
  const ends = [
    [t.id, edgeId(environment, from, index, since)],
    [t.label, 'REF'],
    [direction.from_, from],
    [direction.to, edge.to],
  ] as const
  const names = { name: edge.name, uses: namesText(edge.uses), feeds: namesText(edge.feeds) }
  const properties = { env: environment, ...names, index, since, until: open }
  return Object.entries(properties).reduce((so, [key, value]) => so.property(key, value), g.mergeE(new Map(ends)))
}

async function timeOf(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await run()
  return performance.now() - start
}
