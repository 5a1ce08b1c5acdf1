import { type Clock, sleep } from './clock.ts'
import { described, type Logger } from './log.ts'

/** A lock that is held for a time. Each call is one attempt; `retry: false` from `renew` means that it is lost. */
export interface LeaderLease<H extends { readonly validUntil: number }> {
  acquire(): Promise<LeaderAnswer<H>>
  renew(held: H): Promise<LeaderAnswer<H>>
  release(held: H): Promise<LeaderAnswer<unknown>>
}
export type LeaderAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false
      readonly failure: {
        readonly reason: string
        readonly message: string
        readonly retry: boolean
        readonly waitMs?: number
      }
    }

export interface LeaderDependencies<H extends { readonly validUntil: number }> {
  readonly lease: LeaderLease<H>
  /** how often to renew, and for others to look */
  readonly retryMs: number
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  readonly onAcquired: () => void
  /** Called at most once. It is over for this process then: whoever is called should end it. */
  readonly onLost: (message: string) => void
}

export interface Leader {
  start(): void
  /** Gives the lease back, so that the next one need not wait. `onLost` is not called. */
  stop(): Promise<void>
  /** To be asked right before each effect: true only while the lease is valid by the monotonic clock. */
  isLeader(): boolean
}

export const makeLeader = <H extends { readonly validUntil: number }>(dependencies: LeaderDependencies<H>): Leader => {
  const { lease, retryMs, clock, random, log, onAcquired, onLost } = dependencies
  const stopping = new AbortController()
  let held: H | undefined
  let running: Promise<void> | undefined
  const jittered = (ms: number): number => ms * (1 + 0.2 * random())
  const isLeader = (): boolean => held !== undefined && clock.monotonic() < held.validUntil

  const acquire = async (): Promise<void> => {
    while (!stopping.signal.aborted && !isLeader()) {
      const answer = await attempt(lease.acquire())
      if (answer.ok) {
        held = answer.value
        continue
      }
      const { reason, message, waitMs } = answer.failure
      log.debug({ reason, message }, 'not the leader yet')
      // Looks every retryMs although the holder may be silent for longer: it may also release the lease.
      await sleep(clock, jittered(Math.min(waitMs ?? retryMs, retryMs)), stopping.signal)
    }
  }

  /** One renewal; an answer that comes too late is no answer. */
  const renew = async (mine: H): Promise<LeaderAnswer<H>> => {
    const left = mine.validUntil - clock.monotonic()
    const answer = await within(clock, left, attempt(lease.renew(mine)), stopping.signal)
    return answer ?? { ok: false, failure: { reason: 'Unavailable', message: 'no answer', retry: true } }
  }

  /** Renews until that fails for good; resolves with the reason, or undefined when stopped. */
  const keep = async (current: H): Promise<string | undefined> => {
    let mine = current
    let message = 'this process was held up'
    for (;;) {
      await sleep(clock, Math.max(0, Math.min(retryMs, mine.validUntil - clock.monotonic())), stopping.signal)
      if (stopping.signal.aborted) return undefined
      if (clock.monotonic() >= mine.validUntil) return `the lease could not be renewed in time: ${message}`
      const answer = await renew(mine)
      if (stopping.signal.aborted) return undefined
      if (answer.ok) {
        mine = answer.value
        held = mine
        continue
      }
      message = answer.failure.message
      if (!answer.failure.retry) return message
      log.warn({ message }, 'renewing the lease failed, will try again')
    }
  }

  const run = async (): Promise<void> => {
    await acquire()
    if (!held || stopping.signal.aborted) return
    log.info({}, 'became the leader')
    onAcquired()
    const message = await keep(held)
    if (message === undefined) return
    held = undefined
    log.error({ message }, 'is not the leader any more')
    onLost(message)
  }

  return {
    start: () => {
      running ??= run().catch((error) => {
        held = undefined
        log.error({ error: described(error) }, 'leader election failed')
        onLost(described(error).message)
      })
    },
    stop: async () => {
      stopping.abort()
      await running
      const last = held
      held = undefined
      if (!last) return
      const answer = await attempt(lease.release(last))
      if (!answer.ok) log.warn({ message: answer.failure.message }, 'the lease could not be given back')
    },
    isLeader,
  }
}

const attempt = <T>(answer: Promise<LeaderAnswer<T>>): Promise<LeaderAnswer<T>> =>
  answer.catch((error) => ({
    ok: false,
    failure: { reason: 'Unexpected', message: described(error).message, retry: true },
  }))

/** Undefined when it takes longer than `ms`, or when the signal is aborted. */
const within = async <T>(clock: Clock, ms: number, work: Promise<T>, signal: AbortSignal): Promise<T | undefined> => {
  const ended = new AbortController()
  const over = sleep(clock, ms, AbortSignal.any([ended.signal, signal])).then(() => undefined)
  try {
    return await Promise.race([work, over])
  } finally {
    ended.abort()
  }
}
