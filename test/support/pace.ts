/**
 * Milliseconds to rest before the next look at what is waited for, since `waitedMs`. Who looks often takes the machine
 * from those for whom he waits.
 */
export const restMs = (waitedMs: number): number => Math.min(25 + waitedMs / 8, 250)
