import type { DeadLetter } from '../api/dead-letter.ts'
import type { Event } from '../api/envelope.ts'
import type { HistoryEntry } from '../api/kinds.generated.ts'
import { isNewer } from '../api/resource-version.ts'
import type { Failure } from '../api/result.ts'
import { entityIdOf } from '../core/component/identity.ts'
import type { Teller } from '../core/event/envelope.ts'
import { eventOf } from '../core/event/envelope.ts'
import { unpublished } from '../core/event/outbox.ts'
import type { Bus } from '../ports/bus.ts'
import type { Place } from '../ports/place.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import { pause } from './pause.ts'
import { makePlaceKeeper } from './relay-place.ts'

/** One kind, as its informer shows it. */
export interface RelayKind {
  readonly kind: string
  list(): Iterable<Teller>
  onChange(handler: (change: { readonly before?: Teller; readonly after?: Teller }) => void): void
  /** The version up to which handlers have been called, once the first list is there. */
  resourceVersion(): string
}

interface Counter {
  inc(count?: number): void
}

/** prom-client's counters fit. */
export interface RelayMetrics {
  readonly published: Counter
  readonly retries: Counter
  readonly deadLetters: Counter
  readonly lost: Counter
}

export interface LaneState {
  readonly kind: string
  /** objects with entries that are not published yet */
  readonly waiting: number
  /** of the transition that waits longest: when it was; absent when none waits */
  readonly oldest?: string
  /** why the last attempt to publish failed; absent when it succeeded */
  readonly failure?: string
}

export interface LaneDependencies {
  readonly kind: RelayKind
  readonly bus: Pick<Bus, 'publish' | 'putAside'>
  readonly place: Place
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: RelayMetrics
  /** Milliseconds to wait after so many failures in a row. */
  readonly backoff: (failures: number) => number
  readonly announce: (object: Teller) => void
  /** Publishing begins to fail, or succeeds again. */
  readonly announceFailing: () => void
  /** Asked once about each object that is gone: did its deletion stop waiting for its events? */
  readonly wasGivenUp?: (uid: string) => boolean
}

export interface Lane {
  readonly kind: string
  /** wall time from which on it publishes; undefined before the place is read */
  startedAt(): number | undefined
  start(): Promise<void>
  stop(): Promise<void>
  published(uid: string): number
  state(): LaneState
}

/** Events of one publish: whole objects until this many are reached. */
const batchSize = 500

/** After an error in the relay itself, in milliseconds. */
const failedPause = 1000

/** How long the end waits for a publish under way, in milliseconds. */
const stopLimit = 5000

interface Batch {
  readonly events: readonly Event[]
  /** entries that are no events */
  readonly letters: readonly DeadLetter[]
  /** what each object had when the batch was made */
  readonly objects: readonly Teller[]
}

/** The objects that waited when the informer stood at `version`: when they are through, everything up to it is. */
interface Mark {
  readonly version: string
  readonly pending: Set<string>
}

/** Publishes one kind: a queue of objects, one batch under way. */
export const makeLane = (dependencies: LaneDependencies): Lane => {
  const {
    kind,
    bus,
    place,
    clock,
    metrics,
    backoff,
    announce,
    announceFailing,
    wasGivenUp = () => false,
  } = dependencies
  const log = dependencies.log.child({ kind: kind.kind })
  const keeper = makePlaceKeeper({ kind: kind.kind, place, clock, log, backoff })
  const stopping = new AbortController()
  /** uid -> highest seq published */
  const known = new Map<string, number>()
  /** uid -> newest state of an object with unpublished entries, the one that waits longest first */
  const waiting = new Map<string, Teller>()
  const gone = new Set<string>()
  let startedAt: number | undefined
  let running: Promise<void> | undefined
  let mark: Mark | undefined
  let failure: string | undefined

  /** The queue's first is the one that waits longest. */
  const oldestOf = (): string | undefined => {
    const [object] = waiting.values()
    return object && unpublished(object.status, known.get(uidOf(object)) ?? 0)[0]?.at
  }

  const offer = (object: Teller): void => {
    const uid = uidOf(object)
    if ((object.status?.seq ?? 0) > (known.get(uid) ?? 0)) waiting.set(uid, object)
  }

  const forget = (uid: string): void => {
    gone.delete(uid)
    known.delete(uid)
  }

  const leave = (object: Teller): void => {
    const uid = uidOf(object)
    if (wasGivenUp(uid)) waiting.delete(uid)
    if (waiting.has(uid)) gone.add(uid)
    else forget(uid)
  }

  const take = (): Batch | undefined => {
    const events: Event[] = []
    const letters: DeadLetter[] = []
    const objects: Teller[] = []
    for (const [uid, object] of waiting) {
      if (events.length >= batchSize) break
      objects.push(object)
      const since = known.get(uid) ?? 0
      const entries = unpublished(object.status, since)
      reportGap(object, since, entries[0]?.seq)
      for (const entry of entries) {
        const event = eventOf(object, entry)
        if (event.ok) events.push(event.value)
        else letters.push(letterOf(object, entry, event.failure, clock.now()))
      }
    }
    return objects.length > 0 ? { events, letters, objects } : undefined
  }

  const reportGap = (object: Teller, since: number, first: number | undefined): void => {
    const missing = since > 0 && first !== undefined ? first - since - 1 : 0
    if (missing <= 0) return
    metrics.lost.inc(missing)
    log.error({ name: object.metadata.name, uid: uidOf(object), missing }, 'events lost: pushed out of the history')
  }

  /** True when the bus has it; false when the relay stops first. */
  const deliver = async ({ events, letters }: Batch): Promise<boolean> => {
    for (let failures = 0; events.length + letters.length > 0; failures++) {
      const error = await attempt(events, letters)
      if (error === undefined) break
      if (failures === 0) log.warn({ failure: error, events: events.length }, 'events not published; trying again')
      metrics.retries.inc()
      await pause(clock, backoff(failures + 1), stopping.signal)
      if (stopping.signal.aborted) return false
    }
    return true
  }

  const attempt = async (events: readonly Event[], letters: readonly DeadLetter[]): Promise<string | undefined> => {
    try {
      await bus.publish('events.normalized', events)
      metrics.published.inc(events.length)
      if (letters.length > 0) {
        await bus.putAside(letters)
        metrics.deadLetters.inc(letters.length)
      }
      for (const { reason, message } of letters) log.error({ reason }, message)
      fail(undefined)
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error))
    }
    return failure
  }

  const fail = (message: string | undefined): void => {
    const isNews = (failure === undefined) !== (message === undefined)
    failure = message
    if (isNews) announceFailing()
  }

  const settle = ({ objects }: Batch): void => {
    for (const object of objects) {
      const uid = uidOf(object)
      known.set(uid, object.status?.seq ?? 0)
      mark?.pending.delete(uid)
      const newer = waiting.get(uid)
      waiting.delete(uid)
      // At the end of the queue: an object that changes all the time must not hold back the others.
      if (newer && newer !== object) waiting.set(uid, newer)
      else if (gone.has(uid)) forget(uid)
      announce(object)
    }
  }

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      if (waiting.size > 0) mark ??= { version: kind.resourceVersion(), pending: new Set(waiting.keys()) }
      const batch = take()
      if (!batch || !(await deliver(batch))) return
      settle(batch)
      if (mark?.pending.size === 0) {
        keeper.reached(mark.version)
        mark = undefined
      }
    }
  }

  const rest = (ms: number): void => {
    running = undefined
    // Something may have come between the last look and now.
    if (waiting.size > 0) clock.after(ms, pump)
  }

  const pump = (): void => {
    if (startedAt === undefined || running || stopping.signal.aborted) return
    running = run().then(
      () => rest(0),
      (error) => {
        log.error({ err: error }, 'relay failed; trying again')
        rest(failedPause)
      },
    )
  }

  kind.onChange(({ before, after }) => {
    if (startedAt === undefined) return
    if (before && before.metadata.uid !== after?.metadata.uid) leave(before)
    if (after) offer(after)
    if (waiting.size > 0) pump()
  })

  return {
    kind: kind.kind,
    startedAt: () => startedAt,
    start: async () => {
      const from = await keeper.read(stopping.signal)
      if (stopping.signal.aborted) return
      // Listing and beginning to listen are one step: nothing can come between them.
      startedAt = clock.now()
      const version = kind.resourceVersion()
      // Versions below the place: a restored backup, in which numbers are used again.
      const everything = from === undefined || isNewer(from, version)
      if (everything) log.info({ place: from, version }, 'publishing every history')
      for (const object of kind.list()) {
        const isNew = everything || isNewer(object.metadata.resourceVersion ?? '', from)
        if (isNew) offer(object)
        else known.set(uidOf(object), object.status?.seq ?? 0)
      }
      pump()
    },
    stop: async () => {
      stopping.abort()
      // A bus that never answers must not hold up the end; what it may have is published again next time.
      const limit = new AbortController()
      await Promise.race([running, pause(clock, stopLimit, limit.signal)])
      limit.abort()
      await keeper.close()
    },
    published: (uid) => known.get(uid) ?? 0,
    state: () => {
      const oldest = oldestOf()
      return {
        kind: kind.kind,
        waiting: waiting.size,
        ...(oldest !== undefined && { oldest }),
        ...(failure !== undefined && { failure }),
      }
    },
  }
}

const letterOf = (object: Teller, entry: HistoryEntry, why: Failure, now: number): DeadLetter => ({
  at: new Date(now).toISOString(),
  topic: 'events.normalized',
  key: entityIdOf(object),
  reason: why.reason,
  message: why.message,
  raw: new TextEncoder().encode(JSON.stringify({ uid: uidOf(object), entry })),
})

const uidOf = (object: Teller): string => object.metadata.uid ?? ''
