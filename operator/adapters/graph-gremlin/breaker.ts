import type { Failure } from '../../api/result.ts'
import type { GremlinConnection } from './connection.ts'

/** A store that gave no answer is asked by one at a time, and not again for so long, in milliseconds. */
const restMs = 500

/**
 * While a store gives no answer one read at a time finds out whether it does again; the others fail at once with what that
 * one met. Else each of a thousand requests that wait for the graph would wait for the time-out, and hold up those of
 * environments that need nothing. Writes always pass: somebody has decided that they are to be made. What one endpoint
 * met says nothing of the other.
 */
export const withBreaker = (
  connection: GremlinConnection,
  clock: { readonly monotonic: () => number },
): GremlinConnection => {
  const ways = { writer: oneAtATime(connection, clock), reader: oneAtATime(connection, clock) }
  return {
    submit(bytecode, options) {
      if (options.write) return connection.submit(bytecode, options)
      return ways[options.endpoint ?? 'writer'](bytecode, options)
    },
    close: () => connection.close(),
  }
}

const oneAtATime = (
  connection: Pick<GremlinConnection, 'submit'>,
  { monotonic }: { readonly monotonic: () => number },
): GremlinConnection['submit'] => {
  let last: { readonly failure: Failure; readonly at: number } | undefined
  let isAsked = false

  return async (bytecode, options) => {
    if (last && (isAsked || monotonic() - last.at < restMs)) return { ok: false, failure: last.failure }
    isAsked = last !== undefined
    const answer = await connection.submit(bytecode, options)
    isAsked = false
    const isAway = !answer.ok && answer.failure.reason === 'GraphUnavailable'
    last = isAway ? { failure: answer.failure, at: monotonic() } : undefined
    return answer
  }
}
