import { latest } from '../../core/graph/vertex.ts'
import type { Edge, GraphPatch, VertexState } from '../../ports/graph.ts'
import { type EdgeRecord, isThereAt, namesText, type Write } from './model.ts'
import { type Slices, stateAt } from './reading.ts'

/** What a version writes, and how the Components that it changes were and are. */
export interface Difference {
  readonly writes: readonly Write[]
  readonly before: readonly VertexState[]
  readonly after: readonly VertexState[]
}

/**
 * What has to be written so that version `version` is what the patch makes of the version `ready`. `slices`: at least
 * the Components of the patch, as of `ready`. An edge that stays is not touched: it says when it was opened. A state is
 * written for each Component of the patch, as it says when that was changed, be it in nothing that the graph knows; not
 * so when the graph is rebuilt (`isRebuilt`), for then nobody has changed what is as it was.
 */
export const differenceOf = (
  slices: Slices,
  patch: GraphPatch,
  { ready, version, isRebuilt = false }: { ready: number; version: number; isRebuilt?: boolean },
): Difference => {
  const isThere = isThereAt(ready)
  const identities = new Set<string>()
  const writes: Write[] = []
  const before: VertexState[] = []
  const after: VertexState[] = []

  const identify = (id: string): void => {
    if (identities.has(id)) return
    identities.add(id)
    writes.push({ put: 'Component', id })
  }

  for (const [id, next] of latest(patch)) {
    const slice = slices.get(id)
    const was = stateAt(id, slice, ready)
    const states = (slice?.states ?? []).filter(isThere)
    const open = (slice?.edges ?? []).filter(isThere)
    if (!isOdd(states, open) && isNothing(was, next, isRebuilt)) continue
    before.push(was)
    after.push(next)
    // One that somebody else has put beside it is closed too.
    const held = new Map(open.map((record) => [record.index, record]))
    for (const state of states) writes.push({ close: 'State', id: state.id, until: version })
    const edges = next.removed ? [] : next.edges
    for (const record of open) {
      const isHeld = held.get(record.index) === record && isKept(record, edges[record.index])
      if (!isHeld) writes.push({ close: 'Edge', id: record.id, until: version })
    }
    if (next.removed) continue
    identify(id)
    writes.push({ put: 'State', component: id, type: next.type, since: version })
    edges.forEach((edge, index) => {
      const record = held.get(index)
      if (record && isKept(record, edge)) return
      identify(edge.to)
      writes.push({ put: 'Edge', from: id, edge, index, since: version })
    })
  }
  return { writes, before, after }
}

/** Two states, or edges without one: somebody else has written there. */
const isOdd = (states: readonly unknown[], open: readonly unknown[]): boolean =>
  states.length > 1 || (states.length === 0 && open.length > 0)

const isNothing = (was: VertexState, next: VertexState, isRebuilt: boolean): boolean =>
  was.removed ? next.removed === true : isRebuilt && isSame(was, next)

const isKept = ({ edge }: EdgeRecord, next: Edge | undefined): boolean => next !== undefined && isSameEdge(edge, next)

const isSameEdge = (one: Edge, other: Edge): boolean =>
  one.name === other.name &&
  one.to === other.to &&
  namesText(one.uses) === namesText(other.uses) &&
  namesText(one.feeds) === namesText(other.feeds)

const isSame = (one: VertexState, other: VertexState): boolean => {
  if (one.removed || other.removed) return one.removed === other.removed
  if (one.type !== other.type || one.edges.length !== other.edges.length) return false
  return one.edges.every((edge, index) => isSameEdge(edge, other.edges[index]!))
}
