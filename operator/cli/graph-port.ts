import type { Event } from '../api/envelope.ts'
import { failure, type Result } from '../api/result.ts'
import { keyOf } from '../core/component/identity.ts'
import type { Of } from '../ports/cluster.ts'
import type { GraphChange, Head, Place, Published, VertexState } from '../ports/graph.ts'
import { notKarma } from './log.ts'
import type { Session } from './session.ts'

/** A version. Of one that only the ledger knows there is no sum and no epoch. */
export type Version = Pick<Published, 'version' | 'changeId' | 'at'> & Partial<Published>

/** What a version made of Components, as in GraphChange. */
export type VersionChange = Version & Pick<GraphChange, 'before' | 'after'>

export interface VersionsAnswer {
  readonly head: Head
  /** newest first */
  readonly versions: readonly Version[]
  readonly truncated: boolean
}

export interface ChangesAnswer {
  /** oldest first */
  readonly changes: readonly VersionChange[]
}

export interface StatesAnswer {
  readonly version: number
  readonly head: Head
  readonly from: Place | 'Ledger'
  readonly states: readonly VertexState[]
}

export interface ProgressAnswer {
  /** elements written, of how many; absent: nothing is being built */
  readonly progress?: { readonly done: number; readonly total: number }
}

export interface HistoryAnswer {
  /** after a version, and of each Component the one before that, as far as it is there */
  readonly events: readonly Event[]
}

/** What the operator knows of the graph of one environment. Failures as the operator gives them. */
export interface GraphPort {
  versions(limit: number | string | undefined): Promise<Result<VersionsAnswer>>
  changes(from: number, to: number): Promise<Result<ChangesAnswer>>
  /** default: the head */
  states(version: number | undefined): Promise<Result<StatesAnswer>>
  history(after: number): Promise<Result<HistoryAnswer>>
  progress(): Promise<Result<ProgressAnswer>>
}

export const makeGraphPort = ({ operator }: Pick<Session, 'operator'>, environment: Of<'Environment'>): GraphPort => {
  const ask = async <T>(
    what: string,
    field: keyof T & string,
    isIt: (value: unknown) => boolean,
    parameters: Readonly<Record<string, number | string | undefined>>,
  ): Promise<Result<T>> => {
    const query = new URLSearchParams({ environment: keyOf(environment) })
    for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, String(value))
    const answer = await operator(`/api/v1/graph/${what}?${query}`)
    if (!answer.ok) return answer.failure.reason === 'NotFound' ? tooOld(answer.failure.message) : answer
    return isIt((answer.value as Record<string, unknown>)[field]) ? (answer as Result<T>) : notKarma(field)
  }
  return {
    versions: (limit) => ask<VersionsAnswer>('versions', 'versions', Array.isArray, { limit }),
    changes: (from, to) => ask<ChangesAnswer>('changes', 'changes', Array.isArray, { from, to }),
    states: (version) => ask<StatesAnswer>('states', 'states', Array.isArray, { version }),
    history: (after) => ask<HistoryAnswer>('history', 'events', Array.isArray, { after }),
    progress: () =>
      ask<ProgressAnswer>('progress', 'progress', (value) => value === undefined || typeof value === 'object', {}),
  }
}

/** An operator without these routes. */
const tooOld = (message: string): Result<never> =>
  failure({ reason: 'NotFound', message: `the operator does not answer about its graph: ${message}`, retry: false })

/** A version that is not held (any more). */
export const isUnheld = (answer: Result<unknown>): boolean =>
  !answer.ok && ['VersionUnknown', 'VersionCompacted'].includes(answer.failure.reason)

/** That the graph has not taken in yet what was decided; empty: it has. */
export const behindNote = ({ version }: Head, environment: Of<'Environment'>): string => {
  const decided = environment.status?.version ?? 0
  if (version >= decided) return ''
  return `warning: the operator’s graph of ${keyOf(environment)} is at version ${version}, and the environment at ${decided}: what came after is not in it yet\n`
}

const places: Readonly<Record<StatesAnswer['from'], string>> = {
  Process: 'in the operator',
  Mirror: 'in the operator’s copy of the store',
  Store: 'in the store',
  Ledger: 'in the ledger, as it is not held any more',
}

/** Which version was read, and where. */
export const readNote = ({ version, head, from }: StatesAnswer, environment: Of<'Environment'>): string => {
  const newest = version === head.version ? ', the newest' : `; the newest is ${head.version}`
  return `${keyOf(environment)} at version ${version}${newest} (read ${places[from] ?? from})\n${behindNote(head, environment)}`
}
