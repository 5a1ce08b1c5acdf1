import gremlin, { type Bytecode, type GraphTraversal, type Spawning } from 'gremlin'
import { mostRecords, mostSteps } from './gremlin-bytecode.ts'

const { t, merge, direction, P, statics, cardinality } = gremlin.process
const { single } = cardinality
const inner = statics
const g = new gremlin.structure.Graph().traversal()
const vertex = new Map<unknown, unknown>([[t.id, 'v']])
const edge = new Map<unknown, unknown>([
  [t.id, 'e'],
  [t.label, 'REF'],
  [direction.from_, 'v'],
  [direction.to, 'w'],
])
const times = (n: number, start: GraphTraversal, step: (so: GraphTraversal) => GraphTraversal): GraphTraversal =>
  Array.from({ length: n }).reduce<GraphTraversal>((so) => step(so), start)
export const texts = (n: number): string[] => Array.from({ length: n }, (_, i) => `v${i}`)

/** A step that its types do not have. */
const raw = (traversal: object, step: string, ...values: unknown[]): GraphTraversal => {
  const bytecode = (traversal as GraphTraversal).getBytecode() as unknown as {
    addStep(name: string, values: unknown[]): Bytecode
  }
  bytecode.addStep(step, values)
  return traversal as GraphTraversal
}

/** Nothing is wrong with these. */
export const accepted: { title: string; traversal: GraphTraversal }[] = [
  {
    title: 'an upsert',
    traversal: g
      .mergeV(vertex)
      .option(merge.onCreate, new Map([[t.label, 'A']]))
      .count(),
  },
  { title: 'a property of a vertex', traversal: g.V('v').has('n', P.lte(3)).property(single, 'n', 4).count() },
  { title: 'a property of an edge', traversal: g.mergeE(edge).property('n', 'x').count() },
  {
    title: 'properties in what is made',
    traversal: g
      .mergeV(vertex)
      .option(merge.onCreate, new Map([['n', 0]]))
      .count(),
  },
  { title: 'a vertex at the end of an edge', traversal: g.E('e').outV().property(single, 'n', 1).count() },
  { title: 'edges of a side effect', traversal: g.V('v').sideEffect(inner.E('e').property('n', 1)).count() },
  { title: 'a write as large as may be', traversal: times(200, g.V('v'), (so) => so.property(single, 'n', 1)).count() },
]

/** Something is wrong with each of these, and the checker must say what. */
export const refused: { title: string; traversal: GraphTraversal; says: string }[] = [
  { title: 'iterate as 3.8 has it', traversal: raw(g.V('v').drop(), 'discard'), says: 'step discard' },
  { title: 'iterate as 3.7 has it', traversal: raw(g.V('v').drop(), 'none'), says: 'step none' },
  { title: 'io', traversal: raw(g.inject(0), 'io', 'file'), says: 'step io' },
  { title: 'subgraph', traversal: raw(g.E(), 'subgraph', 'x'), says: 'step subgraph' },
  { title: 'addV', traversal: raw(g.inject(0), 'addV', 'A').count(), says: 'step addV' },
  {
    title: 'addE within',
    traversal: g
      .V('v')
      .sideEffect(raw(inner.V('w'), 'addE', 'A'))
      .count(),
    says: 'step addE',
  },
  { title: 'a lambda', traversal: raw(g.V('v'), 'map', () => 'it.get()'), says: 'a lambda in map' },
  {
    title: 'a strategy',
    traversal: ((source: Spawning) =>
      (source as unknown as { withSideEffect(k: string, v: number): Spawning }).withSideEffect('x', 1).V('v'))(g),
    says: 'a source instruction',
  },
  {
    title: 'option with a traversal',
    traversal: raw(g.mergeV(vertex), 'option', merge.onCreate, inner.constant(1)).count(),
    says: 'option with something else than a Map',
  },
  { title: 'onMatch', traversal: g.mergeV(vertex).option(merge.onMatch, new Map()).count(), says: 'option onMatch' },
  { title: 'no cardinality', traversal: g.V('v').property('n', 1).count(), says: 'without cardinality single' },
  { title: 'set', traversal: g.V('v').property(cardinality.set, 'n', 1).count(), says: 'cardinality set' },
  {
    title: 'no cardinality, after an edge',
    traversal: g.mergeE(edge).property('n', 1).mergeV(vertex).property('n', 1).count(),
    says: 'without cardinality single',
  },
  {
    title: 'no cardinality, within',
    traversal: g.E('e').sideEffect(inner.V('v').property('n', 1)).count(),
    says: 'without cardinality single',
  },
  { title: 'single of an edge', traversal: g.E('e').property(single, 'n', 1).count(), says: 'with a cardinality' },
  { title: 'no count', traversal: g.V('v').property(single, 'n', 1), says: 'does not end with count' },
  { title: 'limit', traversal: g.V('v').property(single, 'n', 1).limit(1).count(), says: 'limit in a write' },
  { title: 'an id of V', traversal: g.V(1), says: 'an id of V that is not text' },
  {
    title: 'an id of E',
    traversal: g.V('v').sideEffect(inner.E(7).drop()).count(),
    says: 'an id of E that is not text',
  },
  { title: 'ids as a list', traversal: g.V(['v', 'w']), says: 'an id of V that is not text' },
  { title: 'an id of mergeV', traversal: g.mergeV(new Map([[t.id, 1]])).count(), says: 'an id of mergeV' },
  {
    title: 'an end of mergeE',
    traversal: g.mergeE(new Map<unknown, unknown>([...edge, [direction.to, 3]])).count(),
    says: 'an id of mergeE',
  },
  { title: 'mergeV without an id', traversal: g.mergeV(new Map([['n', 'x']])).count(), says: 'mergeV without an id' },
  {
    title: 'a property in the Map',
    traversal: g.mergeV(new Map<unknown, unknown>([...vertex, ['n', 1]])).count(),
    says: 'a property in the Map of mergeV',
  },
  ...[1.5, true, null, 2n ** 60n, new Date(0), ['x'], new Map(), Number.NaN, undefined].map((wrong) => ({
    title: `a property that is ${wrong === null ? 'null' : (wrong?.constructor.name ?? 'undefined')} ${wrong}`,
    traversal: g.V('v').property(single, 'n', wrong).count(),
    says: 'neither text nor a whole number',
  })),
  {
    title: 'a fraction in what is made',
    traversal: g
      .mergeV(vertex)
      .option(merge.onCreate, new Map([['n', 0.5]]))
      .count(),
    says: 'neither text nor a whole number',
  },
  { title: 'a fraction to compare with', traversal: g.V('v').has('n', P.lte(0.5)), says: 'neither text nor' },
  { title: 'a label of two', traversal: g.V().hasLabel('A::B'), says: 'label "A::B"' },
  {
    title: 'a property of a property',
    traversal: raw(g.V('v'), 'property', single, 'n', 1, 'm', 2).count(),
    says: 'with properties of its own',
  },
  { title: '1,501 steps', traversal: times(mostSteps, g.V('v'), (so) => so.identity()), says: '1501 steps' },
  {
    title: 'steps within',
    traversal: g.V('v').where(times(mostSteps, inner.identity(), (so) => so.identity())),
    says: '1503 steps',
  },
  {
    title: '201 records',
    traversal: times(mostRecords, g.V('v').property(single, 'n', 1), (so) => so.mergeE(edge)).count(),
    says: '201 records',
  },
  {
    title: '201 that are dropped',
    traversal: g
      .V(...texts(201))
      .drop()
      .count(),
    says: '201 records',
  },
]
