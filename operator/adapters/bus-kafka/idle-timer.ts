import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'

const original = RequestQueue.prototype.scheduleCheckPendingRequests
let isMended = false

/**
 * kafkajs 2.2.4 wakes a thousand times a second for each connection on which nothing happens: the time until a throttle
 * ends is negative where there is none, and a timer of negative time fires at once, for ever
 * (https://github.com/tulios/kafkajs/issues/1751). Nothing has to be checked while nothing waits and nothing is throttled.
 */
export const mendIdleTimer = (): void => {
  if (isMended) return
  isMended = true
  RequestQueue.prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length === 0 && this.throttledUntil <= Date.now()) return
    original.call(this)
  }
}
