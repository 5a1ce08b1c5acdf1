import type { Clock } from './clock.ts'
import type { InformerCounts } from './informer.ts'
import type { Logger } from './log.ts'
import type { ObjectIdentity } from './object.ts'
import { expired, type Source, type SourceFailure, type SourcePage } from './source.ts'
import type { Entry } from './store.ts'
import { watchEventOf } from './watch-event.ts'

/** Where what is read goes. */
export interface Sink<T> {
  entries(items: readonly unknown[]): Entry<T>[]
  /** false: the list is older than what is known already */
  replace(entries: ReadonlyMap<string, Entry<T>>, version: string): boolean
  put(raw: unknown, identity: ObjectIdentity): void
  remove(identity: ObjectIdentity): void
  advance(version: string): void
  reached(): string
}

interface Dependencies<T> {
  readonly source: Source
  readonly into: Sink<T>
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  readonly counts: InformerCounts
  readonly pageSize: number
  readonly watchSeconds: number
  readonly idleTimeoutMs: number
  readonly relistMs: number
}

/** `healthy`: all is well. `onward`: go on at once, which proves nothing yet. `wait`: with growing backoff, at least `ms`. */
export type Step =
  | { readonly kind: 'healthy' }
  | { readonly kind: 'onward' }
  | { readonly kind: 'wait'; readonly ms: number }

export interface Reflector {
  /** Lists if it must, else watches until that ends. */
  step(signal: AbortSignal): Promise<Step>
  lastContact(): number | undefined
}

type Ending =
  | { readonly kind: 'ended' }
  | { readonly kind: 'cut'; readonly message: string; readonly waitMs?: number }
  | { readonly kind: 'relist'; readonly message: string }

/** A watch that has lived so long was not refused, so the next try need not wait. */
const healthyMs = 2000

/** List, then watch from there; list again when the thread is lost. */
export const makeReflector = <T>(dependencies: Dependencies<T>): Reflector => {
  const { source, into, clock, random, log, counts, pageSize, watchSeconds, idleTimeoutMs, relistMs } = dependencies
  let mustList = true
  let nextList = Number.POSITIVE_INFINITY
  let contact: number | undefined

  const list = async (signal: AbortSignal): Promise<Step> => {
    counts.lists++
    const answer = await listAll(signal)
    if (signal.aborted) return wait()
    if (!answer.ok) {
      log.warn({ reason: answer.failure.reason, message: answer.failure.message }, 'listing failed, will try again')
      return wait(answer.failure.retryAfterMs)
    }
    const { entries, version } = answer
    if (!into.replace(entries, version)) {
      counts.staleLists++
      log.error(
        { listed: version, reached: into.reached() },
        'the server listed an older state than it has shown before',
      )
      return wait()
    }
    contact = clock.monotonic()
    mustList = false
    if (relistMs > 0) nextList = contact + relistMs * (0.9 + 0.2 * random())
    log.debug({ objects: entries.size, resourceVersion: version }, 'listed')
    return { kind: 'onward' }
  }

  const listAll = async (signal: AbortSignal): Promise<Listed<T>> => {
    const entries = new Map<string, Entry<T>>()
    const take = (page: SourcePage): void => {
      for (const entry of into.entries(page.items)) entries.set(entry.key, entry)
    }
    let limit: number | undefined = pageSize
    let next: string | undefined
    for (;;) {
      const answer = await source.list({ limit, continue: next, signal })
      if (answer.ok) {
        take(answer.value)
        next = answer.value.continue
        if (next === undefined) return { ok: true, entries, version: answer.value.resourceVersion }
      } else if (answer.failure.reason === expired && next !== undefined) {
        // The server has compacted the version that the pages belong to: all at once, then, as one page.
        entries.clear()
        next = undefined
        limit = undefined
      } else {
        return answer
      }
    }
  }

  const watch = async (signal: AbortSignal): Promise<Step> => {
    counts.watches++
    const started = clock.monotonic()
    const ending = await watchOnce(signal)
    if (signal.aborted) return wait()
    const lived = clock.monotonic() - started >= healthyMs
    if (ending.kind !== 'ended')
      log.warn({ message: ending.message }, `watch ${ending.kind === 'cut' ? 'cut' : 'lost'}`)
    else if (lived) contact = clock.monotonic()
    if (ending.kind === 'relist' || clock.monotonic() >= nextList) mustList = true
    if (ending.kind === 'cut' && ending.waitMs !== undefined) return wait(ending.waitMs)
    return lived ? { kind: 'healthy' } : wait()
  }

  const watchOnce = async (signal: AbortSignal): Promise<Ending> => {
    const given = new AbortController()
    const giveUp = () => given.abort()
    signal.addEventListener('abort', giveUp)
    const idle = watchdog(clock, idleTimeoutMs, giveUp)
    try {
      const answer = await source.watch({
        resourceVersion: into.reached(),
        timeoutSeconds: watchSeconds,
        signal: given.signal,
        onBytes: idle.touch,
      })
      if (!answer.ok) return endingOf(answer.failure)
      const ending = await follow(answer.value)
      return idle.expired() ? { kind: 'cut', message: `nothing came for ${idleTimeoutMs} ms` } : ending
    } finally {
      idle.end()
      giveUp()
      signal.removeEventListener('abort', giveUp)
    }
  }

  const follow = async (lines: AsyncIterable<string>): Promise<Ending> => {
    try {
      for await (const line of lines) {
        const ending = takeLine(line)
        if (ending) return ending
      }
      return { kind: 'ended' }
    } catch (error) {
      return { kind: 'cut', message: (error as Error).message }
    }
  }

  const takeLine = (line: string): Ending | undefined => {
    const event = watchEventOf(line, source.decode)
    switch (event.type) {
      case 'bad':
        counts.badLines++
        return { kind: 'relist', message: `a line of the watch was not understood: ${event.message}` }
      case 'error':
        return endingOf(source.failureOf(event.status))
      case 'bookmark':
        into.advance(event.resourceVersion)
        break
      case 'put':
        into.put(event.raw, event.identity)
        break
      case 'remove':
        into.remove(event.identity)
    }
    counts.events++
    contact = clock.monotonic()
    return undefined
  }

  return {
    step: (signal) => (mustList ? list(signal) : watch(signal)),
    lastContact: () => contact,
  }
}

const wait = (ms = 0): Step => ({ kind: 'wait', ms })

type Listed<T> =
  | { readonly ok: true; readonly entries: ReadonlyMap<string, Entry<T>>; readonly version: string }
  | { readonly ok: false; readonly failure: SourceFailure }

const endingOf = ({ reason, message, retryAfterMs }: SourceFailure): Ending => {
  if (reason === expired) return { kind: 'relist', message }
  return { kind: 'cut', message, ...(retryAfterMs === undefined ? {} : { waitMs: retryAfterMs }) }
}

/** Calls `expire` once when `touch` has not been called for `ms`. One timer, however often it is touched. */
const watchdog = (clock: Clock, ms: number, expire: () => void) => {
  let last = clock.monotonic()
  let hasExpired = false
  let cancel = () => {}
  const check = (): void => {
    const rest = last + ms - clock.monotonic()
    if (rest > 0) {
      cancel = clock.after(rest, check)
      return
    }
    hasExpired = true
    expire()
  }
  cancel = clock.after(ms, check)
  return {
    touch: () => {
      last = clock.monotonic()
    },
    expired: () => hasExpired,
    end: () => cancel(),
  }
}
