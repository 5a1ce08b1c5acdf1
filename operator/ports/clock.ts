/** `now` is wall time in epoch milliseconds, for what people read; `monotonic` in milliseconds, for what has a deadline. */
export interface Clock {
  now(): number
  monotonic(): number
}
