import { failure, type Result, success } from '../../api/result.ts'
import { sumOf } from '../../core/graph/content.ts'
import { makeGraph } from '../../core/graph/graph.ts'
import { latest } from '../../core/graph/vertex.ts'
import { type GraphView, makeView } from '../../core/graph/view.ts'
import type { GraphChange, GraphStore, Head, Published, VertexState } from '../../ports/graph.ts'
import { compactTo } from './compaction.ts'
import type { GremlinConnection } from './connection.ts'
import { headAs, makePublishing, refusal } from './publishing.ts'
import { makeReading, type Reading, type Slices, stateAt } from './reading.ts'

export interface GremlinGraphOptions {
  readonly connection: Pick<GremlinConnection, 'submit'>
  /** New texts each time. */
  readonly newEpoch: () => string
  readonly newAttempt: () => string
  /** epoch ms */
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  /** from 0 to below 1 */
  readonly random: () => number
  /** Records that one request may write; Neptune's advice is 200. */
  readonly recordsPerRequest?: number
}

/**
 * Components that are read together for somebody who waits: one view of a million references takes about half a minute.
 * What is compared with what is committed, or rebuilt, is read whole, however long that takes.
 */
const mostRead = 200_000

/** A reader that does not say by then how far it is, in milliseconds, is not asked: the writer knows as well. */
const readerMs = 2_000

/**
 * The graph store in Amazon Neptune, or any Gremlin server of TinkerPop 3.6 and newer. Versions by interval, published
 * all at once (model.ts, publishing.ts). Decisions read the writer; history may come from a reader, when it is as new.
 * Failures beside those of the port: `GraphTooLarge`.
 */
export const makeGremlinGraph = ({
  connection,
  newEpoch,
  newAttempt,
  now,
  sleep,
  random,
  recordsPerRequest = 200,
}: GremlinGraphOptions): GraphStore => {
  const reading = makeReading(connection)
  const replica = makeReading(connection, 'reader')
  const put = makePublishing({ connection, reading, newEpoch, newAttempt, now, sleep, random, recordsPerRequest })

  const nothing = (): Head => ({ epoch: '', version: 0, sum: sumOf([]) })

  /** The reader, as soon as it has what is asked for. */
  const readingOf = async (environment: string, version: number): Promise<Reading> => {
    const head = await replica.head(environment, readerMs)
    return head.ok && (head.value?.ready ?? 0) >= version ? replica : reading
  }

  /** undefined: the version is held */
  const whyNotHeld = async (environment: string, at: number, from = reading): Promise<Result<never> | undefined> => {
    const found = await from.head(environment)
    if (!found.ok) return found
    const { ready = 0, horizon = 0 } = found.value ?? {}
    if (at > ready || at < 0) return unknown(environment, at, ready)
    if (at < horizon) return compacted(environment, at, horizon)
    if (at === 0) return undefined
    // A store that was set right has no record of the versions that it missed.
    const record = await from.version(environment, at)
    if (!record.ok) return record
    return record.value ? undefined : unknown(environment, at, ready)
  }

  const viewAt = async (environment: string, at: number): Promise<Result<GraphView>> => {
    const refused = await whyNotHeld(environment, at)
    if (refused) return refused
    const slices = await reading.slices(environment, { from: at, to: at }, { most: mostRead })
    if (!slices.ok) return slices
    const graph = makeGraph()
    for (const [id, slice] of slices.value) graph.put(stateAt(id, slice, at))
    graph.compact()
    return success(makeView(graph.arrays))
  }

  const changesOf = (slices: Slices, record: Published): GraphChange => {
    const { version } = record
    const ids = [...slices].flatMap(([id, { states }]) =>
      states.some(({ since, until }) => since === version || until === version) ? [id] : [],
    )
    return {
      ...record,
      before: ids.map((id) => stateAt(id, slices.get(id), version - 1)),
      after: ids.map((id) => stateAt(id, slices.get(id), version)),
    }
  }

  const headNow = async (environment: string): Promise<Result<Head>> => {
    const head = await reading.head(environment)
    return head.ok ? success(head.value ? headAs(head.value) : nothing()) : head
  }

  return {
    head: headNow,

    publish: (environment, version, patch, by) =>
      put({ environment, version, by, patch: () => patch, components: [...new Set(patch.map(({ id }) => id))] }),

    async view(environment, version) {
      const view = await viewAt(environment, version)
      return view.ok ? success({ view: view.value, from: 'Store' }) : view
    },

    async load(environment, version, vertices) {
      const head = await headNow(environment)
      if (!head.ok) return head
      const sum = sumOf(vertices)
      if (head.value.version === version && head.value.sum === sum) return head
      return differs(environment, head.value, { version, sum })
    },

    rebuild(environment, version, vertices, by, onProgress) {
      const wanted = latest([...vertices])
      const rebuilt = { sum: sumOf(wanted.values()) }
      const patch = (found: Slices): VertexState[] => [
        ...[...found.keys()].filter((id) => !wanted.has(id)).map((id): VertexState => ({ id, removed: true })),
        ...wanted.values(),
      ]
      return put({
        environment,
        version,
        by,
        patch,
        also: [...wanted.keys()],
        rebuilt,
        ...(onProgress && { onProgress }),
      })
    },

    async audit(environment) {
      const head = await headNow(environment)
      if (!head.ok) return head
      const { version } = head.value
      const slices = await reading.slices(environment, { from: version, to: version })
      if (!slices.ok) return slices
      const states = [...slices.value].map(([id, slice]) => stateAt(id, slice, version))
      return success({ ...head.value, sum: sumOf(states) })
    },

    async versions(environment, limit) {
      const head = await reading.head(environment)
      if (!head.ok) return head
      // Older records are there too, of what was opened then and is there still.
      const { ready: to = 0, horizon: from = 0 } = head.value ?? {}
      return (await readingOf(environment, to)).versions(environment, { from, to }, limit)
    },

    async changes(environment, from, to) {
      const source = await readingOf(environment, to)
      for (const version of [from, to]) {
        const refused = await whyNotHeld(environment, version, source)
        if (refused) return refused
      }
      const span = { from: from + 1, to }
      const records = await source.versions(environment, span, to - from)
      if (!records.ok) return records
      const touched = await source.touched(environment, span)
      if (!touched.ok) return touched
      const slices = await source.slices(environment, { from, to }, { components: touched.value, most: mostRead })
      if (!slices.ok) return slices
      return success(records.value.reverse().map((record) => changesOf(slices.value, record)))
    },

    async compact(environment, keep) {
      const head = await reading.head(environment)
      if (!head.ok) return head
      const { ready = 0, horizon = 0 } = head.value ?? {}
      return compactTo(connection, environment, Math.max(ready - keep, horizon))
    },
  }
}

const unknown = (environment: string, at: number, newest: number): Result<never> =>
  refusal(environment, 'VersionUnknown', at > newest, `version ${at}: expected one that is held, found one that is not`)

const compacted = (environment: string, at: number, oldest: number): Result<never> =>
  refusal(
    environment,
    'VersionCompacted',
    false,
    `version ${at}: expected one that is held, found that versions before ${oldest} were compacted`,
  )

/** What the store says is not what is committed; whoever holds the environment sets it right. */
export const differs = (environment: string, found: Head, expected: Pick<Head, 'version' | 'sum'>): Result<never> =>
  failure({
    reason: 'GraphDiffers',
    message: `graph of environment ${environment}: expected version ${expected.version} with sum ${expected.sum}, as committed, found version ${found.version} with sum ${found.sum} in the store; it is set right`,
    retry: true,
  })
