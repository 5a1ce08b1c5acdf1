import type { Held, LeaseObservation, LeaseRecord, LeaseTimings } from '../../api/lease.ts'

export type ElectionStep =
  | { readonly kind: 'acquire' }
  | { readonly kind: 'renew' }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'lost'; readonly message: string }

export interface ElectionFacts {
  readonly observed: LeaseObservation
  /** what this process believes to hold */
  readonly held?: Held | undefined
  /** monotonic ms */
  readonly now: number
  readonly identity: string
  readonly timings: LeaseTimings
}

/**
 * What a contender for a Lease does next. It goes by its own monotonic clock alone: other clocks, and the times that
 * stand in the Lease, may be wrong. So it is a lock as far as clocks run at about the same rate, and no further:
 * nothing that must not happen twice may rest on it.
 */
export const decide = (facts: ElectionFacts): ElectionStep => (facts.held ? keep(facts, facts.held) : contend(facts))

const keep = ({ observed: { record }, now, identity, timings }: ElectionFacts, held: Held): ElectionStep => {
  if (!record) return { kind: 'lost', message: 'the Lease was deleted' }
  if (record.holder !== identity) {
    return { kind: 'lost', message: record.holder === '' ? 'the Lease was released' : `held by ${record.holder} now` }
  }
  if (now >= held.validUntil) return { kind: 'lost', message: `not renewed for ${Math.round(now - held.sentAt)} ms` }
  const due = held.sentAt + timings.retryMs
  return now >= due ? { kind: 'renew' } : { kind: 'wait', ms: due - now }
}

const contend = ({ observed: { record, since }, now, identity }: ElectionFacts): ElectionStep => {
  if (!record || record.holder === '') return { kind: 'acquire' }
  // An identity is of one process: this is a request of ours whose answer was lost.
  if (record.holder === identity) return { kind: 'acquire' }
  const end = since + record.durationMs
  return now >= end ? { kind: 'acquire' } : { kind: 'wait', ms: end - now }
}

/** A record that has not changed keeps the moment when it was first seen. Any write to the Lease counts as a change. */
export const observe = (
  previous: LeaseObservation | undefined,
  record: LeaseRecord | undefined,
  now: number,
): LeaseObservation =>
  previous && record && previous.record?.resourceVersion === record.resourceVersion ? previous : { record, since: now }

/** What a request sent at `sentAt` gives, once it has succeeded. */
export const heldSince = (sentAt: number, resourceVersion: string, timings: LeaseTimings): Held => ({
  sentAt,
  resourceVersion,
  validUntil: sentAt + timings.renewDeadlineMs,
})

/** What is wrong with these times, or undefined. An effect begun at the last moment must end before others may begin. */
export const timingFault = ({ durationMs, renewDeadlineMs, retryMs, requestTimeoutMs }: LeaseTimings) => {
  const times = { durationMs, renewDeadlineMs, retryMs, requestTimeoutMs }
  for (const [name, value] of Object.entries(times)) {
    if (!(value > 0)) return `${name}: expected a number above 0, found ${value}`
  }
  if (retryMs >= renewDeadlineMs)
    return `retryMs: expected less than renewDeadlineMs ${renewDeadlineMs}, found ${retryMs}`
  const needed = renewDeadlineMs + requestTimeoutMs + 1.2 * retryMs
  if (needed < durationMs) return undefined
  return `durationMs: expected more than renewDeadlineMs + requestTimeoutMs + 1.2 * retryMs = ${needed}, found ${durationMs}`
}
