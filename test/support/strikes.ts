/**
 * What happens to a request: `before` it is not passed on; `during` it is, and its answer is not; `after` the answer is.
 * `run` is called at that moment, and in the first two cases the connection is cut once it has resolved.
 */
export interface Strike {
  readonly position: 'before' | 'during' | 'after'
  readonly run: () => Promise<void> | void
}

/** Asked for each request; undefined passes it. */
export type StrikeHook<T> = (request: T) => Strike | undefined

export interface Strikes<T> {
  /** Returns the way to take it off. */
  onRequest(hook: StrikeHook<T>): () => void
  at(request: T): Strike | undefined
}

export const makeStrikes = <T>(): Strikes<T> => {
  const hooks = new Set<StrikeHook<T>>()
  return {
    onRequest: (hook) => {
      hooks.add(hook)
      return () => void hooks.delete(hook)
    },
    at: (request) => [...hooks].map((hook) => hook(request)).find((one) => one !== undefined),
  }
}
