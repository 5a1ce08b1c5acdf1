import type { Event } from '../api/envelope.ts'
import { type Failure, type Result, success } from '../api/result.ts'

/** What is read at once. `next`: what comes behind it; `again`: what may still have been on its way. */
export interface Tail {
  readonly events: readonly Event[]
  readonly next: string
  readonly again: string
}

export interface FollowingDependencies {
  /** as the ledger got them, behind `after`; without it the latest */
  readonly read: (limit: number, after?: string) => Promise<Result<Tail>>
  readonly show: (events: readonly Event[]) => void
  /** A reading that failed, and is tried again. */
  readonly failed: (failure: Failure) => void
  readonly pause: () => Promise<void>
  readonly isOver: () => boolean
}

/** Events that are shown to begin with. */
export const screenful = 20
const pageSize = 500
/** Every so many readings goes back to what may have been on its way. */
const lookBackEvery = 10
/** Ids that are remembered, beyond those of the last look back: what was replayed is not shown again. */
const remembered = 100_000

/**
 * Shows the latest events, then each that comes, once. The ledger does not show them strictly in the order in which it got
 * them, so reading on from the last one is not enough: it is looked back, and what was seen is known by its id. Resolves
 * when it is over, or a reading failed for good.
 */
export const follow = async ({ read, show, failed, pause, isOver }: FollowingDependencies): Promise<Result<void>> => {
  const seen = makeSeen()
  const first = await read(screenful)
  if (!first.ok) return first
  let { next, again } = first.value

  /** Reads all that is behind `after`. What was read before a failure stays read. */
  const readOn = async (after: string, take: (events: readonly Event[]) => void): Promise<Result<number>> => {
    let count = 0
    for (let place = after; ; ) {
      const page = await read(pageSize, place)
      if (!page.ok) return page
      const { events } = page.value
      if (events.length === 0 || isOver()) return success(count)
      take(events)
      count += events.length
      place = page.value.next
      next = place
      again = page.value.again
    }
  }
  const unseen = (events: readonly Event[]): Event[] => events.filter(({ id }) => seen.isNew(id))

  // What is there before the first look back is old, and known from now on.
  let latest = unseen(first.value.events)
  const begun = await readOn(again, (events) => {
    const known = new Set(events.map(({ id }) => id))
    latest = [...latest.filter(({ id }) => !known.has(id)), ...events].slice(-screenful)
    unseen(events)
  })
  if (!begun.ok) return begun
  show(latest)

  for (let round = 1; ; round++) {
    await pause()
    if (isOver()) return success(undefined)
    const isLookBack = round % lookBackEvery === 0
    const more = await readOn(isLookBack ? again : next, (events) => show(unseen(events)))
    if (isOver()) return success(undefined)
    if (!more.ok && !more.failure.retry) return more
    if (!more.ok) failed(more.failure)
    else if (isLookBack) seen.forget(more.value)
  }
}

/** In the order in which ids were last met. */
const makeSeen = () => {
  const ids = new Set<string>()
  return {
    isNew: (id: string): boolean => {
      const isNew = !ids.delete(id)
      ids.add(id)
      return isNew
    },
    /** `needed`: so many of the last ones may come again. */
    forget: (needed: number): void => {
      for (const id of ids) {
        if (ids.size <= Math.max(needed, remembered)) return
        ids.delete(id)
      }
    },
  }
}
