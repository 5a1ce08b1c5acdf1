import type { Place } from '../ports/place.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import { pause } from './pause.ts'

export interface PlaceKeeperDependencies {
  readonly kind: string
  readonly place: Place
  readonly clock: Clock
  readonly log: Logger
  readonly backoff: (failures: number) => number
}

export interface PlaceKeeper {
  /** The place that was noted last; tried until it is read, or the signal is aborted. */
  read(signal: AbortSignal): Promise<string | undefined>
  /** Everything up to this version is published. */
  reached(version: string): void
  /** Notes what is not noted yet, once. */
  close(): Promise<void>
}

/** The place of one kind is written at most once in this time, in milliseconds. */
const interval = 1000

/** Writes the place rarely, one write at a time, and not at all while it does not move. */
export const makePlaceKeeper = ({ kind, place, clock, log, backoff }: PlaceKeeperDependencies): PlaceKeeper => {
  let wanted: string | undefined
  let noted: string | undefined
  let failures = 0
  let earliest = Number.NEGATIVE_INFINITY
  let cancel: (() => void) | undefined
  let writing: Promise<void> | undefined
  let closed = false

  const write = async (): Promise<void> => {
    const version = wanted
    if (version === undefined || version === noted) return
    const written = await place.write(kind, version)
    failures = written.ok ? 0 : failures + 1
    earliest = clock.monotonic() + (written.ok ? interval : Math.max(interval, backoff(failures)))
    if (written.ok) noted = version
    else log.warn({ reason: written.failure.reason, message: written.failure.message }, 'place of the relay not noted')
  }

  const schedule = (): void => {
    if (closed || cancel || writing || wanted === noted) return
    cancel = clock.after(Math.max(0, earliest - clock.monotonic()), () => {
      cancel = undefined
      writing = write().finally(() => {
        writing = undefined
        schedule()
      })
    })
  }

  return {
    read: async (signal) => {
      for (let attempt = 1; !signal.aborted; attempt++) {
        const found = await place.read(kind)
        if (found.ok) {
          noted = found.value
          return found.value
        }
        log.warn({ reason: found.failure.reason, message: found.failure.message }, 'place of the relay not read')
        await pause(clock, backoff(attempt), signal)
      }
      return undefined
    },
    reached: (version) => {
      wanted = version
      schedule()
    },
    close: async () => {
      closed = true
      cancel?.()
      await writing
      await write()
    },
  }
}
