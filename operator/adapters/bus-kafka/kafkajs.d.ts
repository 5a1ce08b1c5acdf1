/** The part of kafkajs that idle-timer.ts sets right; it has no types of its own. */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    readonly pending: readonly unknown[]
    /** epoch milliseconds; -1: never was */
    readonly throttledUntil: number
    scheduleCheckPendingRequests(): void
  }
}
