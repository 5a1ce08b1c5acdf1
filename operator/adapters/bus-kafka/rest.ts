import type { Timer } from '../../ports/timer.ts'

/** Resolves after so many milliseconds, or earlier when `until` does. */
export const rest = async (after: Timer, ms: number, until: Promise<void> = never): Promise<void> => {
  let cancel = (): void => {}
  const over = new Promise<void>((resolve) => {
    cancel = after(ms, resolve)
  })
  await Promise.race([over, until])
  cancel()
}
const never = new Promise<void>(() => {})
