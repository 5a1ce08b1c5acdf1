/** Runs `run` once, `ms` milliseconds from now; what it returns calls that off. */
export type Timer = (ms: number, run: () => void) => () => void
