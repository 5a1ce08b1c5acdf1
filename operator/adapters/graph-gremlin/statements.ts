import type { Bytecode, GraphTraversal } from 'gremlin'
import gremlin from 'gremlin'
import type { Head, Publisher } from '../../ports/graph.ts'
import { edgeId, type HeadRecord, headId, namesText, open, stateId, versionId, type Write } from './model.ts'

/*
 * Every request to the store, as bytecode: values are never part of a text. Only steps that Neptune has. A write ends
 * with `count`: 1 says that its condition held, 0 that nothing was done.
 */

const { t, merge, direction, P, statics: __ } = gremlin.process
const { single } = gremlin.process.cardinality
const { desc } = gremlin.process.order
const g = new gremlin.structure.Graph().traversal()

const headKeys = ['epoch', 'ready', 'building', 'claim', 'attempt', 'sum', 'horizon'] as const

const projected = (traversal: GraphTraversal, keys: readonly string[]): GraphTraversal =>
  keys.reduce((so, key) => so.by(key), traversal.project(...keys))

export const readHead = (environment: string): Bytecode => projected(g.V(headId(environment)), headKeys).getBytecode()

/** Made when an environment is published to for the first time; one that is there stays as it is. */
export const makeHead = (environment: string, { epoch, sum }: Pick<Head, 'epoch' | 'sum'>): Bytecode =>
  g
    .mergeV(new Map([[t.id, headId(environment)]]))
    .option(
      merge.onCreate,
      new Map<unknown, unknown>([
        [t.label, 'Head'],
        ['env', environment],
        ['epoch', epoch],
        ['ready', 0],
        ['building', 0],
        ['claim', 0],
        ['attempt', ''],
        ['sum', sum],
        ['horizon', 0],
      ]),
    )
    .count()
    .getBytecode()

export interface Step {
  readonly environment: string
  /** as it was read */
  readonly head: HeadRecord
  readonly attempt: string
  /** of the Environment */
  readonly claim: number
  /** Whatever claim the store has seen, this one counts from now on. */
  readonly isForced: boolean
}

const matching = ({ environment, head, claim, isForced }: Step): GraphTraversal => {
  const found = g.V(headId(environment)).has('attempt', head.attempt).has('ready', head.ready).has('epoch', head.epoch)
  return isForced ? found : found.has('claim', P.lte(claim))
}

const claiming = (found: GraphTraversal, { attempt, claim }: Step): GraphTraversal =>
  found.property(single, 'attempt', attempt).property(single, 'claim', claim)

/** From here on requests of others, and earlier ones of this publisher, do nothing. */
export const claimHead = (step: Step): Bytecode => claiming(matching(step), step).count().getBytecode()

/** It is read and rewritten: two that only read it would both go on. */
const guarded = (environment: string, attempt: string): GraphTraversal =>
  g.V(headId(environment)).has('attempt', attempt).property(single, 'attempt', attempt)

/** Elements of this version may be there from now on. */
export const beginBuilding = (environment: string, attempt: string, version: number): Bytecode =>
  guarded(environment, attempt).property(single, 'building', version).count().getBytecode()

export const stage = (environment: string, attempt: string, writes: readonly Write[]): Bytecode =>
  written(guarded(environment, attempt), environment, writes).count().getBytecode()

export interface Mark extends Pick<Publisher, 'changeId'> {
  readonly environment: string
  readonly head: Head
  readonly at: string
}

/** The version is there for every reader, all at once. */
export const markReady = (environment: string, attempt: string, ready: number, mark: Mark): Bytecode =>
  marked(guarded(environment, attempt).has('ready', ready), mark).count().getBytecode()

/** The same for what fits in one request: elements and mark together, while nobody else is building. */
export const publishAtOnce = (step: Step, writes: readonly Write[], mark: Mark): Bytecode => {
  const { environment } = step
  const ready = marked(claiming(matching(step).has('building', 0), step), mark)
  return written(ready, environment, writes).count().getBytecode()
}

const marked = (traversal: GraphTraversal, { environment, head, changeId, at }: Mark): GraphTraversal =>
  traversal
    .property(single, 'ready', head.version)
    .property(single, 'building', 0)
    .property(single, 'sum', head.sum)
    .property(single, 'epoch', head.epoch)
    .mergeV(new Map([[t.id, versionId(environment, head.version)]]))
    .option(merge.onCreate, new Map<unknown, unknown>([[t.label, 'Version']]))
    .property(single, 'env', environment)
    .property(single, 'version', head.version)
    .property(single, 'change', changeId)
    .property(single, 'at', at)
    .property(single, 'sum', head.sum)
    .property(single, 'epoch', head.epoch)

const written = (traversal: GraphTraversal, environment: string, writes: readonly Write[]): GraphTraversal =>
  writes.reduce((so, write) => append(so, environment, write), traversal)

const append = (traversal: GraphTraversal, environment: string, write: Write): GraphTraversal => {
  if ('close' in write) {
    // An edge that is not there is an error, and the whole request is rolled back.
    const id = new Map([[t.id, write.id]])
    return write.close === 'Edge'
      ? traversal.mergeE(id).property('until', write.until)
      : traversal.mergeV(id).property(single, 'until', write.until)
  }
  if (write.put === 'Component') {
    return traversal.mergeV(new Map([[t.id, write.id]])).option(merge.onCreate, new Map([[t.label, 'Component']]))
  }
  if (write.put === 'State') {
    const { component, type, since } = write
    return traversal
      .mergeV(new Map([[t.id, stateId(environment, component, since)]]))
      .option(merge.onCreate, new Map([[t.label, 'State']]))
      .property(single, 'env', environment)
      .property(single, 'component', component)
      .property(single, 'type', type)
      .property(single, 'since', since)
      .property(single, 'until', open)
  }
  const { from, edge, index, since } = write
  return traversal
    .mergeE(
      new Map<unknown, unknown>([
        [t.id, edgeId(environment, from, index, since)],
        [t.label, 'REF'],
        [direction.from_, from],
        [direction.to, edge.to],
      ]),
    )
    .property('env', environment)
    .property('name', edge.name)
    .property('uses', namesText(edge.uses))
    .property('feeds', namesText(edge.feeds))
    .property('index', index)
    .property('since', since)
    .property('until', open)
}

/** Of the head that every request rewrites. */
export const guardRecords = 1
/** Of the head and the Version that make a version ready. */
export const markRecords = 13

/** What an element costs, in records as Neptune counts them: an element with its label, and each property. */
export const recordsOf = (write: Write): number =>
  'close' in write ? 1 : { Component: 1, State: 6, Edge: 8 }[write.put]

/** Which elements a version has opened, or closed, that was never marked; a page of ids. */
export const touchedBy = (
  environment: string,
  what: 'State' | 'REF',
  key: 'since' | 'until',
  version: number,
  limit: number,
): Bytecode => all(what, environment).has(key, version).limit(limit).id().getBytecode()

/** Elements of an environment; for edges Neptune and TinkerGraph both go by the property. */
const all = (what: 'State' | 'REF' | 'Version', environment: string): GraphTraversal =>
  (what === 'REF' ? g.E() : g.V()).hasLabel(what).has('env', environment)

const these = (what: 'State' | 'REF', ids: readonly string[]): GraphTraversal =>
  what === 'REF' ? __.E(...ids) : __.V(...ids)

export const sweepOpened = (
  environment: string,
  attempt: string,
  what: 'State' | 'REF',
  ids: readonly string[],
): Bytecode => guarded(environment, attempt).sideEffect(these(what, ids).drop()).count().getBytecode()

export const sweepClosed = (
  environment: string,
  attempt: string,
  what: 'State' | 'REF',
  ids: readonly string[],
): Bytecode => {
  const closed = these(what, ids)
  const reopened = what === 'REF' ? closed.property('until', open) : closed.property(single, 'until', open)
  return guarded(environment, attempt).sideEffect(reopened).count().getBytecode()
}

/** Between two versions, both included: what was there at some time. */
export interface Span {
  readonly from: number
  readonly to: number
}

const within = (traversal: GraphTraversal, { from, to }: Span): GraphTraversal =>
  traversal.has('since', P.lte(to)).has('until', P.gt(from))

/** Ids of the Components that were committed in this time; one that changed stands there more than once. */
export const readComponents = (environment: string, span: Span): Bytecode =>
  within(all('State', environment), span).values('component').getBytecode()

/** Those that a version in this time opened or closed. */
export const readTouched = (environment: string, key: 'since' | 'until', { from, to }: Span): Bytecode =>
  all('State', environment).has(key, P.gte(from)).has(key, P.lte(to)).values('component').getBytecode()

const stateKeys = ['component', 'type', 'since', 'until'] as const

export const readStates = (environment: string, components: readonly string[], span: Span): Bytecode => {
  const found = g
    .V()
    .hasLabel('State')
    .has('component', P.within(...components))
    .has('env', environment)
  const keyed = within(found, span)
    .project('id', ...stateKeys)
    .by(t.id)
  return stateKeys.reduce((so, key) => so.by(key), keyed).getBytecode()
}

const edgeKeys = ['name', 'uses', 'feeds', 'index', 'since', 'until'] as const

export const readEdges = (environment: string, components: readonly string[], span: Span): Bytecode => {
  const found = within(
    g
      .V(...components)
      .outE('REF')
      .has('env', environment),
    span,
  )
  const keyed = found
    .project('id', 'from', 'to', ...edgeKeys)
    .by(t.id)
    .by(__.outV().id())
    .by(__.inV().id())
  return edgeKeys.reduce((so, key) => so.by(key), keyed).getBytecode()
}

const versionKeys = ['version', 'change', 'at', 'sum', 'epoch'] as const

export const readVersion = (environment: string, version: number): Bytecode =>
  projected(g.V(versionId(environment, version)), versionKeys).getBytecode()

export const readVersions = (environment: string, { from, to }: Span, limit: number): Bytecode =>
  projected(
    all('Version', environment)
      .has('version', P.gte(from))
      .has('version', P.lte(to))
      .order()
      .by('version', desc)
      .limit(limit),
    versionKeys,
  ).getBytecode()

/** Nobody may ask for what is older any more. */
export const raiseHorizon = (environment: string, horizon: number): Bytecode =>
  g.V(headId(environment)).has('horizon', P.lt(horizon)).property(single, 'horizon', horizon).count().getBytecode()

/** What was closed up to the horizon; a page of ids. */
export const closedUntil = (environment: string, what: 'State' | 'REF', horizon: number, limit: number): Bytecode =>
  all(what, environment).has('until', P.lte(horizon)).limit(limit).id().getBytecode()

/** Versions older than the horizon that have a record. */
export const versionsBefore = (environment: string, horizon: number): Bytecode =>
  all('Version', environment).has('version', P.lt(horizon)).values('version').getBytecode()

/** Versions older than the horizon that opened what is still there. */
export const openersBefore = (environment: string, what: 'State' | 'REF', horizon: number): Bytecode =>
  all(what, environment).has('since', P.lt(horizon)).values('since').dedup().getBytecode()

export const dropAll = (what: 'State' | 'REF' | 'Version', ids: readonly string[]): Bytecode =>
  (what === 'REF' ? g.E(...ids) : g.V(...ids)).drop().count().getBytecode()
