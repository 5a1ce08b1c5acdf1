import { failure, type Result, success } from '../../api/result.ts'
import type { GraphArrays } from '../../core/graph/arrays.ts'
import { makeContentSum, sumOf } from '../../core/graph/content.ts'
import { makeGraph } from '../../core/graph/graph.ts'
import { patched } from '../../core/graph/patched.ts'
import { latest as latestStates } from '../../core/graph/vertex.ts'
import { following, type GraphView, makeView } from '../../core/graph/view.ts'
import type { GraphChange, GraphPatch, Head, Published, VertexState } from '../../ports/graph.ts'

const unheld = 'expected one that is held, found one that is not'

/** The graph of one environment: the head in arrays that are written in place, earlier versions as patches back. */
export interface EnvironmentGraph {
  head(): Head
  publish(version: number, patch: GraphPatch, changeId: string): Result<Head>
  view(version: number): Result<GraphView>
  /** the head, its sum worked out from what is held */
  audit(): Head
  /** newest first */
  versions(limit: number): readonly Published[]
  changes(from: number, to: number): Result<readonly GraphChange[]>
  compact(keep: number): void
}

interface Start {
  readonly environment: string
  readonly epoch: string
  readonly version: number
  readonly vertices: Iterable<VertexState>
  readonly changeId?: string | undefined
  /** versions before the head that are held */
  readonly keep: number
  /** epoch ms */
  readonly now: () => number
}

export function makeEnvironmentGraph({
  environment,
  epoch,
  version,
  vertices,
  changeId,
  keep,
  now,
}: Start): EnvironmentGraph {
  const graph = makeGraph()
  const live = makeView(graph.arrays)
  const sum = makeContentSum()
  /** by version: the patch from it back to the version before */
  const undos = new Map<number, GraphPatch>()
  /** by version, of those that are held; what decided the first one may not be known */
  const records = new Map<number, Published>()
  const views = new Map<number, GraphView>()
  let latest = version
  let oldest = version

  const stateOf = (id: string): VertexState => live.stateOf(id) ?? { id, removed: true }

  const put = (state: VertexState): void => {
    if (live.has(state.id)) sum.subtract(stateOf(state.id))
    sum.add(state)
    graph.put(state)
  }

  const head = (): Head => ({ epoch, version: latest, sum: sum.toString() })

  const record = (change: string): void => {
    const at = new Date(now()).toISOString()
    records.set(latest, { version: latest, changeId: change, at, sum: sum.toString(), epoch })
  }

  const refusal = (reason: string, retry: boolean, message: string): Result<never> =>
    failure({ reason, retry, message: `graph of environment ${environment}: ${message}` })

  const repeat = (at: number, change: string): Result<Head> => {
    const known = records.get(at)?.changeId
    if (known === change) return success(head())
    const found =
      known === undefined ? 'that version, by a change that is not known any more' : `that of change ${known}`
    return refusal(
      'VersionTaken',
      false,
      `version ${at}: expected that of change ${change}, found ${found}; plan again`,
    )
  }

  const apply = (patch: GraphPatch, change: string): void => {
    const undo = [...latestStates(patch).keys()].map(stateOf)
    patch.forEach(put)
    latest++
    undos.set(latest, undo)
    record(change)
    forgetAllBut(keep)
  }

  const forgetAllBut = (kept: number): void => {
    while (latest - oldest > kept) {
      records.delete(oldest)
      views.delete(oldest)
      oldest++
      undos.delete(oldest)
    }
  }

  const viewAt = (at: number): GraphView => {
    const view = views.get(at) ?? makeView(following(graph.arrays, (current) => arraysAt(at, current)))
    views.set(at, view)
    return view
  }

  const changeOf = (at: number): GraphChange => {
    const before = undos.get(at)!
    const view = viewAt(at)
    const after = before.map(({ id }): VertexState => view.stateOf(id) ?? { id, removed: true })
    return { ...records.get(at)!, before, after }
  }

  const isHeld = (at: number): boolean => at >= oldest && at <= latest
  const unknown = (at: number): Result<never> => refusal('VersionUnknown', at > latest, `version ${at}: ${unheld}`)

  /** The head's arrays, or what they were at `at`. */
  const arraysAt = (at: number, now: GraphArrays): GraphArrays => {
    if (at < oldest) {
      const expected = `expected one that is held, ${oldest} to ${latest}`
      throw new Error(`a view was used for too long: graph of environment ${environment}: version ${at}: ${expected}`)
    }
    if (at === latest) return now
    const back: VertexState[] = []
    // Where several versions changed a Component, the undo of the first of them comes last and counts.
    for (let from = latest; from > at; from--) back.push(...undos.get(from)!)
    return patched(now, back)
  }

  for (const state of vertices) put(state)
  graph.compact()
  // Version 0 is what was before any: nobody made it.
  if (changeId !== undefined && version > 0) record(changeId)

  return {
    head,
    publish(next, patch, change) {
      if (next <= latest) return repeat(next, change)
      if (next !== latest + 1) {
        const advice = 'load the environment again'
        return refusal('VersionGap', false, `expected version ${latest + 1} next, found ${next}; ${advice}`)
      }
      apply(patch, change)
      return success(head())
    },
    view(at) {
      return isHeld(at) ? success(viewAt(at)) : unknown(at)
    },
    audit: () => ({ ...head(), sum: sumOf([...live.ids()].map(stateOf)) }),
    versions: (limit) => [...records.values()].reverse().slice(0, limit),
    changes(from, to) {
      const missing = [from, to].find((at) => !isHeld(at))
      if (missing !== undefined) return unknown(missing)
      const later = [...undos.keys()].filter((at) => at > from && at <= to)
      return success(later.map(changeOf))
    },
    compact: forgetAllBut,
  }
}
