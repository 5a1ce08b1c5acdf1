/** Runs `run` once, `ms` milliseconds from now; what it returns calls that off. */
export type Timer = (ms: number, run: () => void) => () => void

/** Resolves after so many milliseconds, or earlier when `until` does. */
export const rest = async (after: Timer, ms: number, until?: Promise<unknown>): Promise<void> => {
  let cancel = (): void => {}
  const over = new Promise<void>((resolve) => {
    cancel = after(ms, resolve)
  })
  await (until === undefined ? over : Promise.race([over, until]))
  cancel()
}
