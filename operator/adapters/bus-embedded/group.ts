import type { Timer } from '../../ports/timer.ts'

export type Take<T> = (items: readonly T[]) => Promise<void>

/** What was published together, and what to do when it is taken, or never will be. */
export interface Parcel<T> {
  readonly items: readonly T[]
  readonly taken: () => void
  readonly refused: (error: Error) => void
}

export interface Group<T> {
  /** Items that wait, those under way included. */
  size(): number
  put(parcel: Parcel<T>): void
  /** Returns the function that leaves; it waits for a take under way. */
  join(take: Take<T>): () => Promise<void>
  /** Resolves when nothing waits any more. */
  drained(): Promise<void>
  /** Gives up what waits. */
  end(error: Error): void
}

export interface GroupDependencies {
  readonly after: Timer
  /** Milliseconds to wait after so many failures in a row. */
  readonly backoff: (failures: number) => number
  readonly failed: (error: unknown, failures: number) => void
  /** Items of one take: parcels are put together up to this many. */
  readonly batchSize: number
}

/**
 * One group of one topic: a queue and the member that takes from it. The first member takes, the next one stands by
 * until it leaves; without members the events wait. One take at a time keeps the order.
 */
export const makeGroup = <T>({ after, backoff, failed, batchSize }: GroupDependencies): Group<T> => {
  const parcels: Parcel<T>[] = []
  const members: Take<T>[] = []
  const idle: (() => void)[] = []
  let size = 0
  let running: Promise<void> | undefined
  let taking: Promise<void> | undefined
  let wake = (): void => {}

  const next = (): Parcel<T>[] => {
    const batch: Parcel<T>[] = []
    let count = 0
    for (const parcel of parcels) {
      if (batch.length > 0 && count + parcel.items.length > batchSize) break
      batch.push(parcel)
      count += parcel.items.length
    }
    return batch
  }

  const done = (batch: readonly Parcel<T>[]): void => {
    // Refused meanwhile: they are out of the queue already.
    for (const parcel of batch) {
      if (parcels[0] !== parcel) continue
      parcels.shift()
      size -= parcel.items.length
      parcel.taken()
    }
  }

  const run = async (): Promise<void> => {
    let failures = 0
    for (;;) {
      const [take] = members
      const batch = next()
      if (!take || batch.length === 0) return
      try {
        taking = take(batch.flatMap((parcel) => parcel.items))
        await taking
        failures = 0
        done(batch)
      } catch (error) {
        failed(error, ++failures)
        await rest(backoff(failures))
      }
    }
  }

  const rest = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      wake = () => {
        cancel()
        resolve()
      }
      const cancel = after(ms, resolve)
    })

  const pump = (): void => {
    if (running || members.length === 0 || parcels.length === 0) return
    running = run().finally(() => {
      running = undefined
      if (parcels.length === 0) for (const resolve of idle.splice(0)) resolve()
      else pump()
    })
  }

  return {
    size: () => size,
    put: (parcel) => {
      parcels.push(parcel)
      size += parcel.items.length
      pump()
    },
    join: (take) => {
      members.push(take)
      pump()
      return async () => {
        const place = members.indexOf(take)
        if (place < 0) return
        members.splice(place, 1)
        wake()
        if (place === 0) await taking?.catch(() => {})
      }
    },
    drained: () => (parcels.length === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve))),
    end: (error) => {
      members.length = 0
      size = 0
      for (const parcel of parcels.splice(0)) parcel.refused(error)
      wake()
    },
  }
}
