export interface BackoffLimits {
  readonly minMs: number
  readonly maxMs: number
}

/** Exponential, doubling from `minMs` to `maxMs`; the upper half is random so that many waiters do not come at once. */
export const backoffMs = (attempt: number, limits: BackoffLimits, random: () => number): number => {
  const full = Math.min(limits.maxMs, limits.minMs * 2 ** Math.min(attempt, 52))
  return full / 2 + (full / 2) * random()
}
