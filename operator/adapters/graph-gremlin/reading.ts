import type { Bytecode } from 'gremlin'
import { failure, type Result, success } from '../../api/result.ts'
import type { Published, VertexState } from '../../ports/graph.ts'
import type { GremlinConnection } from './connection.ts'
import { type EdgeRecord, type HeadRecord, headId, isThereAt, type StateRecord } from './model.ts'
import { edgesOf, headsOf, statesOf, textsOf, versionsOf } from './records.ts'
import type { Span } from './statements.ts'
import * as statements from './statements.ts'

/** What is known of one Component in a span of versions: each of its states and references that was there at some time. */
export interface Slice {
  readonly states: readonly StateRecord[]
  readonly edges: readonly EdgeRecord[]
}

export type Slices = ReadonlyMap<string, Slice>

export type Endpoint = 'writer' | 'reader'

export interface Reading {
  head(environment: string, withinMs?: number): Promise<Result<HeadRecord | undefined>>
  /**
   * `components` absent: all, and `also` these, of which there may be references alone. Those of which there was nothing
   * at any time are left out. Fails with `GraphTooLarge` when they are more than `most`.
   */
  slices(
    environment: string,
    span: Span,
    of?: {
      readonly components?: readonly string[] | undefined
      readonly also?: readonly string[] | undefined
      readonly most?: number
    },
  ): Promise<Result<Slices>>
  /** Components that a version of the span has changed, each once. */
  touched(environment: string, span: Span): Promise<Result<string[]>>
  version(environment: string, version: number): Promise<Result<Published | undefined>>
  /** newest first */
  versions(environment: string, span: Span, limit: number): Promise<Result<Published[]>>
}

/** Components whose states and references are asked for together. */
const pageSize = 250

/** What stands in the store. */
export const makeReading = (connection: Pick<GremlinConnection, 'submit'>, endpoint: Endpoint = 'writer'): Reading => {
  const ask = async <T>(
    bytecode: Bytecode,
    parse: (values: readonly unknown[]) => Result<T[]>,
    timeoutMs?: number,
  ): Promise<Result<T[]>> => {
    const options = { write: false, endpoint, ...(timeoutMs !== undefined && { timeoutMs }) }
    const answer = await connection.submit(bytecode, options)
    return answer.ok ? parse(answer.value) : answer
  }

  const page = async (
    environment: string,
    span: Span,
    components: readonly string[],
    into: Map<string, { states: StateRecord[]; edges: EdgeRecord[] }>,
  ): Promise<Result<undefined>> => {
    const [states, edges] = await Promise.all([
      ask(statements.readStates(environment, components, span), statesOf),
      ask(statements.readEdges(environment, components, span), edgesOf),
    ])
    if (!states.ok) return states
    if (!edges.ok) return edges
    for (const state of states.value) {
      const slice = into.get(state.component)
      if (slice) slice.states.push(state)
      else into.set(state.component, { states: [state], edges: [] })
    }
    // One without a state is seen by nobody, and would be when that comes back.
    for (const edge of edges.value) {
      const slice = into.get(edge.from)
      if (slice) slice.edges.push(edge)
      else into.set(edge.from, { states: [], edges: [edge] })
    }
    return success(undefined)
  }

  return {
    async head(environment, withinMs) {
      const heads = await ask(statements.readHead(environment), headsOf, withinMs)
      return heads.ok ? success(heads.value[0]) : heads
    },

    async slices(environment, span, { components, also = [], most = Number.POSITIVE_INFINITY } = {}) {
      const found = components
        ? success([...components])
        : await ask(statements.readComponents(environment, span), (values) => textsOf('ids of Components', values))
      if (!found.ok) return found
      const ids = [...new Set([...found.value, ...also])]
      if (ids.length > most) return tooLarge(environment, ids.length, most)
      const slices = new Map<string, { states: StateRecord[]; edges: EdgeRecord[] }>()
      for (let at = 0; at < ids.length; at += pageSize) {
        const read = await page(environment, span, ids.slice(at, at + pageSize), slices)
        if (!read.ok) return read
      }
      return success(slices)
    },

    async touched(environment, span) {
      const ids = new Set<string>()
      for (const key of ['since', 'until'] as const) {
        const found = await ask(statements.readTouched(environment, key, span), (values) =>
          textsOf('ids of Components', values),
        )
        if (!found.ok) return found
        for (const id of found.value) ids.add(id)
      }
      return success([...ids].sort())
    },

    async version(environment, version) {
      const found = await ask(statements.readVersion(environment, version), versionsOf)
      return found.ok ? success(found.value[0]) : found
    },

    versions: (environment, span, limit) => ask(statements.readVersions(environment, span, limit), versionsOf),
  }
}

/** The Component as of a version; what is not there is removed. */
export const stateAt = (id: string, slice: Slice | undefined, version: number): VertexState => {
  const isThen = isThereAt(version)
  const state = slice?.states.find(isThen)
  if (!state) return { id, removed: true }
  const edges = (slice?.edges ?? []).filter(isThen).sort((a, b) => a.index - b.index)
  return { id, type: state.type, edges: edges.map(({ edge }) => edge) }
}

const tooLarge = (environment: string, found: number, most: number): Result<never> =>
  failure({
    reason: 'GraphTooLarge',
    message: `${headId(environment)}: expected at most ${most} Components to be read at once, found ${found}; ask for a version that is held in process`,
    retry: false,
  })
