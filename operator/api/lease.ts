/**
 * Times of a lock that is a Lease, in milliseconds. Others may take the lock `durationMs` after they saw it renewed;
 * its holder stops believing in it `renewDeadlineMs` after it sent its last renewal that was answered; it renews, and
 * others look, every `retryMs`; one request takes at most `requestTimeoutMs`.
 */
export interface LeaseTimings {
  readonly durationMs: number
  readonly renewDeadlineMs: number
  readonly retryMs: number
  readonly requestTimeoutMs: number
}

/** What a Lease says. `holder` is empty when it was released. */
export interface LeaseRecord {
  readonly holder: string
  readonly durationMs: number
  readonly resourceVersion: string
}

/** `since`: when (monotonic ms of this process) the record was first seen as it is. No record: no Lease exists. */
export interface LeaseObservation {
  readonly record: LeaseRecord | undefined
  readonly since: number
}

/** `validUntil`: monotonic ms up to which the holder may act on it. */
export interface Held {
  readonly validUntil: number
  /** monotonic ms of the moment when the request that won or renewed it was sent */
  readonly sentAt: number
  /** of the Lease as this holder wrote it last */
  readonly resourceVersion: string
}
