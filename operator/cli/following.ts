import type { Event } from '../api/envelope.ts'
import { type Failure, type Result, success } from '../api/result.ts'

/** What is read at once. `next`: what comes behind it; `again`: what may still have been on its way. */
export interface Tail {
  readonly events: readonly Event[]
  readonly next: string
  readonly again: string
}

export interface FollowingDependencies {
  /** as the ledger got them, behind `after`; without it the latest, or the first */
  readonly read: (limit: number, after?: string) => Promise<Result<Tail>>
  readonly show: (events: readonly Event[]) => void
  /** A reading that failed, and is tried again. */
  readonly failed: (failure: Failure) => void
  readonly pause: () => Promise<void>
  readonly isOver: () => boolean
  /** All is shown from the first on, not from the latest. */
  readonly fromFirst: boolean
  /** What is there now is all that is wanted. */
  readonly isLast: () => boolean
}

/** Events that are shown to begin with. */
export const screenful = 20
const pageSize = 500
/** Every so many readings goes back to what may have been on its way. */
const lookBackEvery = 10
/** Ids that are remembered, beyond those of the last look back: what was replayed is not shown again. */
const remembered = 100_000

/**
 * Shows the latest events, or all, then each that comes, once. The ledger does not show them strictly in the order in which it got
 * them, so reading on from the last one is not enough: it is looked back, and what was seen is known by its id. Resolves
 * when it is over, or a reading failed for good.
 */
export const follow = async (dependencies: FollowingDependencies): Promise<Result<void>> => {
  const { read, fromFirst, isLast } = dependencies
  const isEnough = isLast()
  const first = await read(fromFirst ? pageSize : screenful)
  if (!first.ok) return first
  const seen = makeSeen()
  const following = {
    ...dependencies,
    reading: makeReading(first.value, dependencies),
    seen,
    unseen: (events: readonly Event[]): Event[] => events.filter(({ id }) => seen.isNew(id)),
  }
  const begun = await (fromFirst ? showAll : showLatest)(first.value.events, following)
  if (!begun.ok) return begun
  return isEnough ? success(undefined) : showWhatComes(following)
}

interface Following extends FollowingDependencies {
  readonly reading: ReturnType<typeof makeReading>
  readonly seen: ReturnType<typeof makeSeen>
  readonly unseen: (events: readonly Event[]) => Event[]
}

const showAll = (events: readonly Event[], { reading, show, unseen }: Following): Promise<Result<number>> => {
  show(unseen(events))
  return reading.on('next', (more) => show(unseen(more)))
}

/** What is there before the first look back is old, and known from now on. */
const showLatest = async (events: readonly Event[], { reading, show, unseen }: Following): Promise<Result<number>> => {
  let latest = unseen(events)
  const begun = await reading.on('again', (more) => {
    const known = new Set(more.map(({ id }) => id))
    latest = [...latest.filter(({ id }) => !known.has(id)), ...more].slice(-screenful)
    unseen(more)
  })
  if (begun.ok) show(latest)
  return begun
}

const showWhatComes = async (following: Following): Promise<Result<void>> => {
  const { reading, show, unseen, seen, failed, pause, isOver, isLast } = following
  for (let round = 1, isEnough = false; !isEnough; round++) {
    await pause()
    if (isOver()) break
    const isToBeLast = isLast()
    const isLookBack = isToBeLast || round % lookBackEvery === 0
    const more = await reading.on(isLookBack ? 'again' : 'next', (events) => show(unseen(events)))
    if (isOver()) break
    if (!more.ok && !more.failure.retry) return more
    if (!more.ok) failed(more.failure)
    else if (isLookBack) seen.forget(more.value)
    isEnough = isToBeLast && more.ok
  }
  return success(undefined)
}

/** Goes on where the last page ended. */
const makeReading = (first: Tail, { read, isOver }: Pick<FollowingDependencies, 'read' | 'isOver'>) => {
  const at = { next: first.next, again: first.again }
  return {
    /** Takes all that is behind that place; how many. What was read before a failure stays read. */
    async on(from: 'next' | 'again', take: (events: readonly Event[]) => void): Promise<Result<number>> {
      let count = 0
      for (let place = at[from]; ; place = at.next) {
        const page = await read(pageSize, place)
        if (!page.ok) return page
        const { events, next, again } = page.value
        if (events.length === 0 || isOver()) return success(count)
        take(events)
        count += events.length
        at.next = next
        at.again = again
      }
    },
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
