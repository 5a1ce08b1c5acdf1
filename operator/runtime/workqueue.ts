import { type BackoffLimits, backoffMs } from './backoff.ts'
import type { Clock } from './clock.ts'

export interface WorkQueueDependencies {
  readonly clock: Clock
  readonly random: () => number
  /** of `retry`, per key; default 5 ms to 30 s */
  readonly backoff?: BackoffLimits
}

/**
 * Keys that wait to be looked at. A key is there once, however often it is added; one that is added while somebody works
 * on it comes again after `done`, so that nobody works on it twice at a time and no change goes unseen.
 */
export interface WorkQueue {
  add(key: string): void
  /** Adds it `ms` from now. Of several delays of one key the one that ends first counts. */
  addAfter(key: string, ms: number): void
  /** Adds it after a delay that grows each time, until `forget`. */
  retry(key: string): void
  forget(key: string): void
  /** The next key, when there is one; undefined after `shutdown`. The taker owes a `done`. */
  get(): Promise<string | undefined>
  done(key: string): void
  /** Nothing more is taken in or given out. */
  shutdown(): void
  /** Resolves when nobody works on a key any more. */
  drained(): Promise<void>
  /** waiting to be taken */
  length(): number
  /** waiting for their time */
  delayed(): number
  /** being worked on */
  processing(): number
  readonly counts: { readonly adds: number; readonly retries: number }
}

export const makeWorkQueue = ({ clock, random, backoff }: WorkQueueDependencies): WorkQueue => {
  const limits = backoff ?? { minMs: 5, maxMs: 30_000 }
  const waiting = makeFifo()
  /** to be looked at: in `waiting`, or again after `done` */
  const dirty = new Set<string>()
  const inWork = new Set<string>()
  const delays = new Map<string, { readonly due: number; readonly cancel: () => void }>()
  const attempts = new Map<string, number>()
  const takers: ((key: string | undefined) => void)[] = []
  const drainers: (() => void)[] = []
  const counts = { adds: 0, retries: 0 }
  let down = false

  const offer = (key: string): void => {
    const taker = takers.shift()
    if (taker) take(key, taker)
    else waiting.push(key)
  }
  const take = (key: string, taker: (key: string) => void): void => {
    dirty.delete(key)
    inWork.add(key)
    taker(key)
  }
  const add = (key: string): void => {
    if (down || dirty.has(key)) return
    counts.adds++
    dirty.add(key)
    if (!inWork.has(key)) offer(key)
  }
  const addAfter = (key: string, ms: number): void => {
    if (down) return
    if (ms <= 0) {
      add(key)
      return
    }
    const due = clock.monotonic() + ms
    const earlier = delays.get(key)
    if (earlier && earlier.due <= due) return
    earlier?.cancel()
    const cancel = clock.after(ms, () => {
      delays.delete(key)
      add(key)
    })
    delays.set(key, { due, cancel })
  }

  return {
    add,
    addAfter,
    retry: (key) => {
      const attempt = attempts.get(key) ?? 0
      attempts.set(key, attempt + 1)
      counts.retries++
      addAfter(key, backoffMs(attempt, limits, random))
    },
    forget: (key) => void attempts.delete(key),
    get: () =>
      new Promise((resolve) => {
        if (down) return resolve(undefined)
        const key = waiting.shift()
        if (key === undefined) takers.push(resolve)
        else take(key, resolve)
      }),
    done: (key) => {
      inWork.delete(key)
      if (!down && dirty.has(key)) offer(key)
      if (inWork.size === 0) for (const resolve of drainers.splice(0)) resolve()
    },
    shutdown: () => {
      down = true
      for (const { cancel } of delays.values()) cancel()
      delays.clear()
      for (const taker of takers.splice(0)) taker(undefined)
    },
    drained: () =>
      new Promise((resolve) => {
        if (inWork.size === 0) resolve()
        else drainers.push(resolve)
      }),
    length: () => waiting.length(),
    delayed: () => delays.size,
    processing: () => inWork.size,
    counts,
  }
}

/** Array.shift moves all that is behind; with tens of thousands of keys that is felt. */
const makeFifo = () => {
  let keys: string[] = []
  let head = 0
  return {
    push: (key: string): void => void keys.push(key),
    shift: (): string | undefined => {
      if (head === keys.length) return undefined
      const key = keys[head++]
      if (head > 1024 && head * 2 > keys.length) {
        keys = keys.slice(head)
        head = 0
      }
      return key
    },
    length: (): number => keys.length - head,
  }
}
