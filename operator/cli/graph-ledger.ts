import type { Event } from '../api/envelope.ts'
import { type Result, success } from '../api/result.ts'
import { vertexOf } from '../core/change/plan.ts'
import { type Move, versionOf } from '../core/component/history.ts'
import { identityOf } from '../core/component/identity.ts'
import type { Wanted } from '../core/component/wanted.ts'
import type { VertexState } from '../core/graph/vertex.ts'
import type { Of } from '../ports/cluster.ts'
import { readPast } from './graph-past.ts'
import { type GraphPort, makeGraphPort, type StatesAnswer, type Version, type VersionChange } from './graph-port.ts'
import { typesOf } from './local-world.ts'
import type { Desk } from './verb.ts'

/** The graph as of a version that is not held any more, and what became of it. */
export interface PastGraph {
  readonly states: StatesAnswer
  /** oldest first */
  readonly changesUpTo: (to: number) => VersionChange[]
}

/** Worked out from what is committed now and from the ledger. Fails as `readPast`. */
export const pastGraph = async (
  environment: Of<'Environment'>,
  version: number,
  desk: Desk,
): Promise<Result<PastGraph>> => {
  const { namespace = '', name } = environment.metadata
  const held = await makeGraphPort(desk.session, environment).versions(1)
  if (!held.ok) return held
  const past = await readPast({ namespace, environment: name, version }, desk)
  if (!past.ok) return past
  const { now, earlier, moves, later } = past.value
  const type = typesOf(now.types)
  const stateOf = (id: string, wanted: Wanted | null): VertexState[] => {
    const identity = identityOf(id)
    if (!identity.ok) return []
    if (wanted === null) return [{ id, removed: true }]
    const { config = {}, references = [] } = wanted
    return [vertexOf({ id, config, references }, identity.value.type, { type })]
  }
  const byVersion = Map.groupBy(moves, ({ event }) => versionOf(event) ?? 0)
  return success({
    states: {
      version,
      head: held.value.head,
      from: 'Ledger',
      states: [...earlier].flatMap(([id, wanted]) => stateOf(id, wanted)),
    },
    changesUpTo: (to) =>
      versionsAmong(later)
        .filter((told) => told.version <= to)
        .map((told) => {
          const made = byVersion.get(told.version) ?? []
          const states = (which: (move: Move) => Wanted | null) => made.flatMap((move) => stateOf(move.id, which(move)))
          return { ...told, before: states(({ before }) => before), after: states(({ after }) => after) }
        })
        .reverse(),
  })
}

/** Versions before `before` as the ledger tells of them, newest first; at most `most`. */
export const olderVersions = async (
  port: Pick<GraphPort, 'history'>,
  before: number,
  most: number,
): Promise<Result<Version[]>> => {
  const told = await port.history(Math.max(before - 1 - most, 0))
  if (!told.ok) return told
  return success(
    versionsAmong(told.value.events)
      .filter(({ version }) => version < before)
      .slice(0, most),
  )
}

/**
 * Newest first, each once. What decided one is what its Components say they were changed by; that the store was set right
 * under it, then or later, has no author.
 */
const versionsAmong = (events: readonly Event[]): Version[] => {
  const versions = Map.groupBy(events, (event) => versionOf(event) ?? 0)
  return [...versions]
    .sort(([a], [b]) => b - a)
    .flatMap(([version, told]) => {
      const published = told.find(({ event_type }) => event_type === 'graph.published')
      if (!published) return []
      const by = told
        .filter(({ event_type }) => event_type.startsWith('component.'))
        .map((event) => event.correlation_id)
      return [{ version, at: published.ts, changeId: [...new Set(by)].sort().join(',') }]
    })
}
