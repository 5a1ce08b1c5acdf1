/**
 * `now`: wall time in epoch milliseconds, for what people read. `monotonic`: milliseconds, for what has a deadline.
 * `after` runs once, `ms` from now, and returns the function that calls it off.
 */
export interface Clock {
  now(): number
  monotonic(): number
  after(ms: number, run: () => void): () => void
}

/** setTimeout counts in 32 bits and fires at once beyond them. */
const longestTimer = 2 ** 31 - 1

export const systemClock = (): Clock => ({
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, Math.min(ms, longestTimer))
    return () => clearTimeout(timer)
  },
})

/** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
export const sleep = (clock: Clock, ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const end = () => {
      cancel()
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(ms, end)
    signal?.addEventListener('abort', end)
  })
