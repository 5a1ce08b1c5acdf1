import type { Clock } from '../../operator/runtime/clock.ts'

/** A clock that stands still until it is moved. */
export interface FakeClock extends Clock {
  /** Moves on by `ms`, running what falls due on the way, each followed by all that it sets off. */
  advance(ms: number): Promise<void>
  /** Time goes by and nothing runs, as in a process that was stopped. */
  jump(ms: number): void
  /** Lets all promises that can go on do so; time stands still. */
  settle(): Promise<void>
  /** timers that wait */
  pending(): number
}

export const makeFakeClock = (start = 1_000_000): FakeClock => {
  let time = 0
  let sequence = 0
  const timers = new Map<number, { due: number; run: () => void }>()

  const settle = async (): Promise<void> => {
    // Each turn runs all microtasks; a few turns reach what passes through several macrotasks.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  const nextDue = (limit: number): number | undefined => {
    let found: number | undefined
    for (const [id, { due }] of timers) {
      if (due <= limit && (found === undefined || due < timers.get(found)!.due)) found = id
    }
    return found
  }

  return {
    now: () => start + time,
    monotonic: () => time,
    after: (ms, run) => {
      const id = sequence++
      timers.set(id, { due: time + ms, run })
      return () => timers.delete(id)
    },
    settle,
    jump: (ms) => {
      time += ms
    },
    pending: () => timers.size,
    advance: async (ms) => {
      const end = time + ms
      await settle()
      for (let id = nextDue(end); id !== undefined; id = nextDue(end)) {
        const { due, run } = timers.get(id)!
        timers.delete(id)
        time = Math.max(time, due)
        run()
        await settle()
      }
      time = end
    },
  }
}
