import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import gremlin, { type EnumValue, type GraphTraversal } from 'gremlin'
import { makeEmbeddedGraph } from '../../operator/adapters/graph-embedded/store.ts'
import type { GremlinConnection } from '../../operator/adapters/graph-gremlin/connection.ts'
import { makeMirroredGraph } from '../../operator/adapters/graph-gremlin/mirrored.ts'
import { makeImpact } from '../../operator/core/graph/impact.ts'
import type { Reached } from '../../operator/core/graph/reached.ts'
import type { GraphView } from '../../operator/core/graph/view.ts'
import type { GraphStore } from '../../operator/ports/graph.ts'
import { startGremlinServer } from '../cluster/gremlin-server.ts'
import { connectTo, graphOver } from '../support/gremlin-graph.ts'
import { median, ok } from './support/cluster.ts'
import type { Bench, Report } from './support/figure.ts'
import { writeGraphml } from './support/graphml.ts'
import { idOf, powerLaw, type References, randomNumbers, uniform, vertices } from './support/graphs.ts'
import { makeBareSearch, makeGraphologySearch } from './support/searches.ts'

const components = 100_000
const perComponent = 10
const environment = 'dev/dev'
/** Of graphs and of the choice of changed Components. */
const seed = 42
const rounds = 12
const small = 1000
/** What a Gremlin Server is loaded with in less than a minute. */
const componentsOfServer = 10_000

/**
 * Impact in large graphs, beside a bare search over the same arrays, graphology, and what a Gremlin Server finds itself. So that other work on the
 * machine counts little, long times are CPU times of this thread, the best of several rounds in turn; percentiles are
 * taken over changes, of each the median of its rounds.
 */
const bench: Bench = async (report) => {
  const shapes = [
    { shape: 'uniform', references: uniform(components, perComponent, seed) },
    { shape: 'power law', references: powerLaw(components, perComponent, seed) },
  ]
  for (const { shape, references } of shapes) await measureShape(report, shape, references)
  await measureAgainstServer(report)
}
export default bench

/** A function of its own, for one that goes on may hold what it used last, and memory is measured next. */
async function measureShape(report: Report, shape: string, references: References): Promise<void> {
  const view = await measureLoad(report, shape, references)
  measureAgainstBare(report, shape, view)
  measureSmall(report, shape, view)
  measureAgainstGraphology(report, shape, view, references)
  await measurePruned(report, shape, references)
}

const find = makeImpact({ now: () => performance.now() })

async function load(references: References, fed: boolean): Promise<GraphView> {
  const store = makeEmbeddedGraph({ newEpoch: () => 'bench', now: Date.now })
  await store.load(environment, 1, vertices(references, { fed }))
  const view = await store.view(environment, 1)
  if (!view.ok) throw new Error(view.failure.message)
  return view.value.view
}

async function measureLoad({ figure, progress }: Report, shape: string, references: References): Promise<GraphView> {
  progress(`${shape}: loading ${components} Components`)
  const before = await usedBytes()
  const start = cpuTime()
  const view = await load(references, false)
  const seconds = (cpuTime() - start) / 1000
  const mebibytes = ((await usedBytes()) - before) / 2 ** 20
  const many = `${components / 1000},000 Components`
  figure({
    name: `load of the mirror, ${many}, ${shape}`,
    value: seconds,
    unit: 's',
    budget: { of: 'value', atMost: 5 },
  })
  const size = `memory of the mirror, ${((references.components * perComponent) / 1e6).toFixed(0)},000,000 references, ${shape}`
  figure({ name: size, value: mebibytes, unit: 'MB', budget: { of: 'value', atMost: 150 } })
  return view
}

function measureAgainstBare({ figure, progress }: Report, shape: string, view: GraphView): void {
  const seeds = changedComponents(100)
  progress(`${shape}: ${seeds.length} changes, ${rounds} rounds`)
  const graph = view.arrays()
  const bare = makeBareSearch(graph)
  const bareTimes: number[] = []
  const times: number[] = []
  let reached = 0
  let bareReached = 0
  for (let round = 0; round < rounds; round++) {
    bareTimes.push(timeOf(() => (bareReached = sum(seeds.map((n) => bare(graph.numberOf(idOf(n))))))))
    times.push(timeOf(() => (reached = sum(seeds.map((n) => answered(view, n))))))
  }
  if (reached !== bareReached) throw new Error(`expected ${bareReached} Components reached, found ${reached}`)
  const [value, ceiling] = [Math.min(...times), Math.min(...bareTimes)]
  figure({
    name: `impact with ids, distances, outputs, one path; ${shape}, ${reached} reached`,
    value,
    unit: 'ms',
    against: `bare search ${ceiling.toFixed(0)} ms`,
    ratio: ceiling / value,
    budget: { of: 'ratio', atLeast: 0.5 },
  })
}

/** What a plan asks of an impact: all ids with distances, and the way to one of them. */
function answered(view: GraphView, n: number): number {
  const impact = find(view, [{ id: idOf(n), outputs: 'all' }])
  let last: string | undefined
  let distances = 0
  impact.each((id, distance) => {
    last = id
    distances += distance
  })
  if (last !== undefined && impact.pathTo(last)!.length > distances + 1) throw new Error('a path is too long')
  return impact.count
}

function measureSmall({ figure, progress }: Report, shape: string, view: GraphView): void {
  progress(`${shape}: sets of up to ${small} with all their paths`)
  const bare = makeBareSearch(view.arrays())
  const seeds = changedComponents(1000).filter((n) => {
    const count = bare(view.arrays().numberOf(idOf(n)))
    return count > 0 && count <= small
  })
  const times = seeds.map((): number[] => [])
  for (let round = 0; round < 9; round++) {
    seeds.forEach((n, index) => {
      // CPU time is told in steps that are too long for this.
      const start = performance.now()
      allPaths(view, n)
      times[index]!.push(1000 * (performance.now() - start))
    })
  }
  const medians = times.map((ofOne) => ofOne.sort((a, b) => a - b)[4]!)
  const sorted = medians.sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)]!
  figure({ name: `impact of up to ${small} with all paths, ${shape}, p50`, value: at(0.5), unit: 'us' })
  const name = `impact of up to ${small} with all paths, ${shape}, p99`
  figure({ name, value: at(0.99), unit: 'us', budget: { of: 'value', atMost: 250 } })
}

function allPaths(view: GraphView, n: number): number {
  const impact = find(view, [{ id: idOf(n), outputs: 'all' }])
  return sum(impact.reached.map((_, index) => impact.pathAt(index)!.length))
}

function measureAgainstGraphology(report: Report, shape: string, view: GraphView, references: References): void {
  report.progress(`${shape}: building the graphology graph`)
  const search = makeGraphologySearch(references)
  const seeds = changedComponents(20)
  report.progress(`${shape}: ${seeds.length} changes by graphology`)
  const found = (): number => sum(seeds.map((n) => find(view, [{ id: idOf(n), outputs: 'all' }]).reached.length))
  let expected = 0
  const peer = timeOf(() => (expected = sum(seeds.map((n) => search(idOf(n)).size - 1))))
  if (found() !== expected) throw new Error(`expected ${expected} Components reached, found ${found()}`)
  const value = Math.min(...Array.from({ length: rounds }, () => timeOf(found)))
  report.figure({
    name: `impact with ids and distances, ${shape}, ${expected} reached`,
    value,
    unit: 'ms',
    against: `graphology ${peer.toFixed(0)} ms`,
    ratio: peer / value,
    budget: { of: 'ratio', atLeast: 20 },
  })
}

/** How far pruning goes, and what the fixpoint costs, when references feed half of their Component's outputs. */
async function measurePruned({ figure, progress }: Report, shape: string, references: References): Promise<void> {
  progress(`${shape}: one changed output`)
  const view = await load(references, true)
  const bare = makeBareSearch(view.arrays())
  const seeds = changedComponents(100)
  let reached = 0
  const run = (): void => {
    reached = sum(seeds.map((n) => find(view, [{ id: idOf(n), outputs: ['arn'] }]).count))
  }
  const whole = (): number => sum(seeds.map((n) => bare(view.arrays().numberOf(idOf(n)))))
  const all = whole()
  const value = Math.min(...Array.from({ length: 3 }, () => timeOf(run)))
  const ceiling = Math.min(...Array.from({ length: 3 }, () => timeOf(whole)))
  figure({
    name: `impact of one changed output, ${shape}, ${reached} of ${all} reached`,
    value,
    unit: 'ms',
    against: `bare search of all ${ceiling.toFixed(0)} ms`,
    ratio: ceiling / value,
  })
}

/**
 * Copies in process of what is in a Gremlin Server, beside that server's own search. Its times are not CPU times: it works elsewhere.
 */
async function measureAgainstServer(report: Report): Promise<void> {
  await withServer(report, '2g', async (connection) => {
    const mirror = makeEmbeddedGraph({ newEpoch: randomUUID, now: Date.now })
    const graph = makeMirroredGraph({ store: graphOver(connection), mirror })
    await fill(report, graph)
    await measureMirrored(report, graph, connection)
  })
  await withServer(report, '8g', async (connection) => {
    const references = uniform(components, perComponent, seed)
    await read(report, connection, references)
    await measureAtScale(report, await load(references, false), connection)
  })
}

async function withServer(
  { progress }: Report,
  heap: string,
  measure: (connection: GremlinConnection) => Promise<void>,
): Promise<void> {
  progress('starting Gremlin Server')
  const server = await startGremlinServer({ heap, measured: true })
  const connection = connectTo(server.url, { timeoutMs: 10 * 60_000 })
  try {
    await measure(connection)
  } finally {
    await connection.close()
    await server.close()
  }
}

async function fill({ progress }: Report, graph: GraphStore): Promise<void> {
  const states = vertices(uniform(componentsOfServer, perComponent, seed), { fed: false })
  let told = -1
  const tell = (done: number, total: number): void => {
    const tenth = Math.floor((10 * done) / total)
    if (tenth > told) progress(`Gremlin Server: ${done} of ${total} elements are written`)
    told = tenth
  }
  await ok(graph.rebuild(environment, 1, states, { changeId: 'bench', claim: '1' }, tell))
}

/** It is not declared, as Karma does without. */
interface Reading {
  io(path: string): { with_(key: string, value: string): { read(): GraphTraversal } }
}

/** The same elements from a file: a million takes too long by requests. */
async function read({ progress }: Report, { submit }: GremlinConnection, references: References): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'karma-bench-'))
  const path = join(folder, 'graph.xml')
  try {
    await writeGraphml(path, environment, references)
    progress(
      `Gremlin Server: reading ${references.components} Components, ${references.components * perComponent} references`,
    )
    const g = new gremlin.structure.Graph().traversal() as unknown as Reading
    await ok(submit(g.io(path).with_('~tinkerpop.io.reader', 'graphml').read().getBytecode(), { write: true }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const reachedIn = (view: GraphView, id: string) => find(view, [{ id, outputs: 'all' }]).reached
const totalOf = (reached: Reached['reached']) => sum(reached.map(({ distance }) => distance))

/** Changes that reach somebody, and no more than `small`. */
const smallOnes = (view: GraphView, count: number, among: number): string[] =>
  changedComponents(count, among)
    .map(idOf)
    .filter((id) => reachedIn(view, id).length > 0 && reachedIn(view, id).length <= small)

const beside = (value: number, peer: number, what: string) => {
  return { value, unit: 'ms', against: `Gremlin Server${what} ${peer.toFixed(0)} ms`, ratio: peer / value } as const
}

/** Over fixed changes, ids with distances: by the mirror, before and after it has asked for the head, and by the server. */
async function measureMirrored({ figure, progress }: Report, graph: GraphStore, connection: GremlinConnection) {
  const viewNow = async (): Promise<GraphView> => {
    const { view, from } = await ok(graph.view(environment, 1))
    if (from !== 'Mirror') throw new Error(`expected a view of the mirror, found one of: ${from}`)
    return view
  }
  const view = await viewNow()
  const seeds = smallOnes(view, 150, componentsOfServer)
  progress(`Gremlin Server: ${seeds.length} changes`)
  const [mirror, withHead, server] = await timesOf(seeds, 5, [
    (id) => timeAndTotal(() => reachedIn(view, id), totalOf),
    (id) => timeAndTotal(async () => reachedIn(await viewNow(), id), totalOf),
    (id) => timeAndTotal(() => ask(connection, withSteps(dependentsOf(id))), distancesOfSteps),
  ])
  const reached = sum(seeds.map((id) => reachedIn(view, id).length))
  const size = `${componentsOfServer / 1000},000 x ${perComponent}, uniform, ${reached} reached`
  figure({ name: `impact with ids and distances by the mirror; ${size}`, ...beside(mirror!, server!, '') })
  figure({ name: '… with a read of the head before each', ...beside(withHead!, server!, '') })
}

/** The same in a graph of the size that budgets are for, also for changes that reach a good part of it. */
async function measureAtScale({ figure, progress }: Report, view: GraphView, connection: GremlinConnection) {
  const few = smallOnes(view, 200, components).slice(0, 60)
  progress(`Gremlin Server: ${few.length} changes`)
  const [mirror, server, paths] = await timesOf(few, 5, [
    (id) => timeAndTotal(() => reachedIn(view, id), totalOf),
    (id) => timeAndTotal(() => ask(connection, withSteps(dependentsOf(id))), distancesOfSteps),
    (id) => timeAndTotal(() => ask(connection, dependentsOf(id).path().by(t.id)), distancesOfPaths),
  ])
  const size = (ids: readonly string[]): string =>
    `${components / 1000},000 x ${perComponent}, uniform, ${sum(ids.map((id) => reachedIn(view, id).length))} reached`
  figure({
    name: `impact with ids and distances; ${size(few)}`,
    ...beside(mirror!, server!, ''),
    budget: { of: 'ratio', atLeast: 1000 },
  })
  figure({ name: '… beside paths, whose length is the distance', ...beside(mirror!, paths!, ', paths') })
  const many = changedComponents(200)
    .map(idOf)
    .filter((id) => reachedIn(view, id).length > 10 * small)
    .slice(0, 3)
  progress(`Gremlin Server: ${many.length} changes that reach many`)
  const [ours, theirs] = await timesOf(many, 2, [
    (id) => timeAndTotal(() => reachedIn(view, id), totalOf),
    (id) => timeAndTotal(() => ask(connection, withSteps(dependentsOf(id))), distancesOfSteps),
  ])
  figure({
    name: `impact with ids and distances; ${size(many)}`,
    ...beside(ours!, theirs!, ''),
    budget: { of: 'ratio', atLeast: 1000 },
  })
}

const ask = ({ submit }: GremlinConnection, traversal: GraphTraversal) =>
  ok(submit(traversal.getBytecode(), { write: false }))

const { t, P, statics: __ } = gremlin.process
/** Of a list itself. It is not declared, as Karma does without. */
const { local } = (gremlin.process as unknown as { scope: { local: EnumValue } }).scope

/** The server's own search, nearest first: of version 1. */
function dependentsOf(id: string): GraphTraversal {
  const dependents = __.inE('REF').has('since', P.lte(1)).has('until', P.gt(1)).outV().dedup()
  return new gremlin.structure.Graph().traversal().V(id).repeat(dependents).emit()
}

/** The fastest of several forms that were tried: the id of each, and how many elements there are on the way to it. */
const withSteps = (found: GraphTraversal): GraphTraversal => {
  const path = __.path() as unknown as { count(scope: EnumValue): GraphTraversal }
  return found.project('id', 'steps').by(t.id).by(path.count(local))
}

// On the way between two Components there is a reference.
const distancesOfSteps = (rows: readonly unknown[]): number =>
  sum((rows as Map<string, number>[]).map((row) => (Number(row.get('steps')) - 1) / 2))
const distancesOfPaths = (paths: readonly unknown[]): number =>
  sum((paths as { objects: unknown[] }[]).map(({ objects }) => (objects.length - 1) / 2))

interface TimeAndTotal {
  readonly ms: number
  /** what the answer adds up to */
  readonly total: number
}

async function timeAndTotal<T>(search: () => T | Promise<T>, add: (answer: T) => number): Promise<TimeAndTotal> {
  const start = performance.now()
  const found = search()
  const answer = found instanceof Promise ? await found : found
  return { ms: performance.now() - start, total: add(answer) }
}

/** By way, milliseconds for all changes: of each the median of rounds in which the ways take turns. */
async function timesOf(
  seeds: readonly string[],
  rounds: number,
  ways: readonly ((id: string) => Promise<TimeAndTotal>)[],
) {
  const times = ways.map(() => seeds.map((): number[] => []))
  // The first round does not count.
  for (let round = 0; round <= rounds; round++) {
    const totals: number[] = []
    for (const [way, search] of ways.entries()) {
      totals[way] = 0
      for (const [index, id] of seeds.entries()) {
        const { ms, total } = await search(id)
        if (round > 0) times[way]![index]!.push(ms)
        totals[way] += total
      }
    }
    if (new Set(totals).size > 1) throw new Error(`expected the same distances by all ways, found ${totals.join(', ')}`)
  }
  return times.map((ofWay) => sum(ofWay.map(median)))
}

const changedComponents = (count: number, of = components): number[] => {
  const random = randomNumbers(seed)
  return Array.from({ length: count }, () => Math.floor(random() * of))
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

/** Milliseconds of CPU. */
function timeOf(run: () => unknown): number {
  const start = cpuTime()
  run()
  return cpuTime() - start
}

function cpuTime(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Heap and array buffers after full collections, until one frees nothing more: some buffers go after the one that finds them. */
async function usedBytes(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let last = Number.POSITIVE_INFINITY; ; ) {
    collect()
    await sleep(10)
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    if (heapUsed + arrayBuffers > last - 2 ** 16) return heapUsed + arrayBuffers
    last = heapUsed + arrayBuffers
  }
}
