import type { Failure, Result } from '../api/result.ts'
import { isUnreadable } from '../ports/graph.ts'
import type { Timer } from '../ports/timer.ts'

/**
 * Environments that wait for their graph store, as whoever holds them met it last: what they wait for cannot be found out
 * by others, who would only see that something is being written.
 */
export interface Outages {
  /** in a sentence; undefined: it is not known to wait */
  why(environmentKey: string): string | undefined
  /** The graph was read, or was not. */
  read(environmentKey: string, result: Result<unknown>): void
  /** Somebody who does not hold the environment has asked. What its holder has met counts for more. */
  asked(environmentKey: string, result: Result<unknown>): void
  /** The store is to take this version. One that takes long is waited for before it is known what comes of it. */
  written<T>(environmentKey: string, version: number, writing: Promise<Result<T>>): Promise<Result<T>>
  /** The environment is there no more, or asks nothing of the store. */
  over(environmentKey: string): void
}

/** A store that takes longer to write is told of, in milliseconds. */
const slowMs = 2_000

/**
 * `onChange`: who waits at the gate of this environment waits for something else now. Somebody must ask from then on until
 * it is over: who met it may be gone by then.
 */
export const makeOutages = ({
  after,
  onChange,
}: {
  readonly after: Timer
  readonly onChange: (environmentKey: string) => void
}): Outages => {
  const known = new Map<string, string>()
  /** those of which the holder has met nothing */
  const onlyAsked = new Set<string>()

  const set = (key: string, message: string | undefined): void => {
    onlyAsked.delete(key)
    if (known.get(key) === message) return
    if (message === undefined) known.delete(key)
    else known.set(key, message)
    onChange(key)
  }

  return {
    why: (key) => known.get(key),
    read: (key, result) => set(key, unreadIn(key, result)),
    asked(key, result) {
      const message = unreadIn(key, result)
      if (message === undefined && onlyAsked.has(key)) set(key, undefined)
      if (message === undefined || known.has(key)) return
      set(key, message)
      onlyAsked.add(key)
    },
    async written(key, version, writing) {
      const cancel = after(slowMs, () => set(key, known.get(key) ?? unwrittenMessage(key, version, {})))
      const result = await writing
      cancel()
      const isAway = !result.ok && isUnreadable(result.failure)
      set(key, isAway ? unwrittenMessage(key, version, result.failure) : undefined)
      return result
    },
    over: (key) => set(key, undefined),
  }
}

const unreadIn = (key: string, result: Result<unknown>): string | undefined =>
  !result.ok && isUnreadable(result.failure) ? unreadMessage(key, result.failure) : undefined

/** The same text each time, as long as the cause is: it stands in status. */
export const unreadMessage = (environmentKey: string, { reason, message, cause }: Failure): string =>
  reason === 'GraphUnavailable'
    ? `the graph of ${environmentKey} cannot be read${because(cause)}; it is asked again until it answers`
    : message

const unwrittenMessage = (environmentKey: string, version: number, { cause }: Pick<Failure, 'cause'>): string =>
  `the graph store has yet to take version ${version} of ${environmentKey}${because(cause)}; it is tried again until it does`

const because = (cause: string | undefined): string => (cause === undefined ? '' : `: ${cause}`)
