import type { Teller } from '../core/event/envelope.ts'
import { roomIn } from '../core/event/outbox.ts'
import { type LaneDependencies, type LaneState, makeLane, type RelayKind } from './relay-lane.ts'

export type { RelayKind } from './relay-lane.ts'

/**
 * What a finalizer must know before it goes:
 * - `Drained`: every event of the object is published;
 * - `Waiting`: not yet; ask again after `ms`, or when `onPublished` names the object;
 * - `Lost`: the time is over; `count` events were never published, and the counter has them.
 */
export type Drain =
  | { readonly kind: 'Drained' }
  | { readonly kind: 'Waiting'; readonly ms: number }
  | { readonly kind: 'Lost'; readonly count: number }

/** How long a deletion waits for the object's last events, in milliseconds. */
export const drainLimit = 30_000

export interface Relay {
  /** Call it when the informers have synced and the subscribers stand. Returns at once. */
  start(): void
  /** Ends when what is being published is through, or the bus gives up; then notes the place. */
  stop(): Promise<void>
  /** The highest seq of this object that is known to be published; 0 when nothing is known. */
  published(uid: string): number
  /** How many entries may be appended to this object without losing an unpublished one. */
  room(object: Teller): number
  drained(object: Teller): Drain
  /** `listener` hears of each object whose entries have been published, so that who waits for it can look again. */
  onPublished(listener: (object: Teller) => void): void
  /** `listener` hears when publishing of a kind begins to fail, and when it succeeds again. */
  onFailing(listener: () => void): void
  /** One line per kind: objects that wait, and why the last attempt failed, if it did. */
  state(): LaneState[]
}

export interface RelayDependencies
  extends Omit<LaneDependencies, 'kind' | 'announce' | 'announceFailing' | 'wasGivenUp'> {
  readonly kinds: readonly RelayKind[]
}

/**
 * Carries the transitions that objects remember in `status.history` to the bus: at least once each, in order per
 * object, one publish under way per kind. See docs/decisions/0020-outbox.md.
 */
export const makeRelay = ({ kinds, ...shared }: RelayDependencies): Relay => {
  const { clock, log, metrics } = shared
  const publishedListeners: ((object: Teller) => void)[] = []
  const failingListeners: (() => void)[] = []
  const givenUp = new Set<string>()

  /** One that throws keeps nobody else from hearing, and stops no publishing. */
  const announce = <Args extends unknown[]>(listeners: readonly ((...args: Args) => void)[], ...said: Args): void => {
    for (const listener of listeners) {
      try {
        listener(...said)
      } catch (error) {
        log.error({ err: error }, 'listener of the relay failed')
      }
    }
  }

  const lanes = kinds.map((kind) =>
    makeLane({
      ...shared,
      kind,
      announce: (object) => announce(publishedListeners, object),
      announceFailing: () => announce(failingListeners),
      wasGivenUp: (uid) => givenUp.delete(uid),
    }),
  )
  const published = (uid: string): number => Math.max(0, ...lanes.map((lane) => lane.published(uid)))

  const drained = (object: Teller): Drain => {
    const { uid = '', deletionTimestamp } = object.metadata
    const count = (object.status?.seq ?? 0) - published(uid)
    if (count <= 0) return { kind: 'Drained' }
    const last = object.status?.history?.at(-1)?.at
    // Time in which nobody could publish does not count.
    const since = lanes.find((lane) => lane.kind === object.kind)?.startedAt() ?? clock.now()
    const ms = Math.max(wallTime(deletionTimestamp), wallTime(last), since) + drainLimit - clock.now()
    if (ms > 0) return { kind: 'Waiting', ms: Math.min(ms, drainLimit) }
    if (!givenUp.has(uid)) {
      givenUp.add(uid)
      metrics.lost.inc(count)
      log.error(
        { kind: object.kind, name: object.metadata.name, uid, count },
        'events lost: deleted before they were published',
      )
    }
    return { kind: 'Lost', count }
  }

  return {
    start: () => lanes.forEach((lane) => void lane.start()),
    stop: async () => {
      await Promise.all(lanes.map((lane) => lane.stop()))
    },
    published,
    room: (object) => Math.max(0, roomIn(object.status, published(object.metadata.uid ?? ''))),
    drained,
    onPublished: (listener) => void publishedListeners.push(listener),
    onFailing: (listener) => void failingListeners.push(listener),
    state: () => lanes.map((lane) => lane.state()),
  }
}

const wallTime = (text: string | undefined): number => {
  const time = Date.parse(text ?? '')
  return Number.isNaN(time) ? 0 : time
}
