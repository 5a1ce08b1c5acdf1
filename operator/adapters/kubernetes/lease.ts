import type { Held, LeaseObservation, LeaseRecord, LeaseTimings } from '../../api/lease.ts'
import type { KubernetesClient } from './client.ts'
import { type Answer, failure, type KubernetesFailure, success } from './failure.ts'
import { pathOf } from './path.ts'

/** The rules, which are pure: core/lock/election.ts. */
export interface Election {
  decide(facts: {
    observed: LeaseObservation
    held?: Held | undefined
    now: number
    identity: string
    timings: LeaseTimings
  }): { kind: 'acquire' } | { kind: 'renew' } | { kind: 'wait'; ms: number } | { kind: 'lost'; message: string }
  observe(previous: LeaseObservation | undefined, record: LeaseRecord | undefined, now: number): LeaseObservation
  heldSince(sentAt: number, resourceVersion: string, timings: LeaseTimings): Held
}

/** `LeaseHeld`: somebody has it, look again in `waitMs`. `LeaseLost`: what was held is not held any more; final. */
export interface LeaseFailure extends KubernetesFailure {
  readonly waitMs?: number
}
export type LeaseAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: LeaseFailure }

/**
 * One Lease as a lock of this process: one user at a time (`acquire` fails while it is held). Each call is one
 * attempt; who calls decides when to try again.
 */
export interface Lease {
  acquire(): Promise<LeaseAnswer<Held>>
  renew(held: Held): Promise<LeaseAnswer<Held>>
  /** Empties the holder, so that others need not wait. The Lease stays. */
  release(held: Held): Promise<Answer<void>>
}

export interface LeaseDependencies {
  readonly client: KubernetesClient
  readonly namespace: string
  readonly name: string
  /** of this process start: pod name and a random part */
  readonly identity: string
  readonly timings: LeaseTimings
  readonly clock: { now(): number; monotonic(): number }
  readonly election: Election
}

interface LeaseObject {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly resourceVersion?: string }
  readonly spec?: LeaseSpec
}
interface LeaseSpec {
  readonly holderIdentity?: string
  readonly leaseDurationSeconds?: number
  readonly acquireTime?: string
  readonly renewTime?: string
  readonly leaseTransitions?: number
}

export const makeLease = (dependencies: LeaseDependencies): Lease => {
  const { client, namespace, name, identity, timings, clock, election } = dependencies
  const collection = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' }
  const path = pathOf(collection, { namespace, name })
  const request = { timeoutMs: timings.requestTimeoutMs }
  const title = `Lease ${namespace}/${name}`
  /** the Lease as last read or written; undefined: not looked at, or there is none */
  let known: LeaseObject | undefined
  let observed: LeaseObservation | undefined
  let holding: Held | undefined

  const see = (lease: LeaseObject | undefined): LeaseObservation => {
    known = lease
    observed = election.observe(observed, lease && recordOf(lease), clock.monotonic())
    return observed
  }
  const look = async (): Promise<Answer<LeaseObservation>> => {
    const answer = await client.get(path, request)
    if (answer.ok) return success(see(answer.value as LeaseObject))
    return answer.failure.reason === 'NotFound' ? success(see(undefined)) : answer
  }

  /** PUT with the resourceVersion that was looked at: a patch would overwrite what somebody else wrote since. */
  const write = async (holder: string, base: LeaseObject | undefined): Promise<Answer<Held>> => {
    const sentAt = clock.monotonic()
    const body = leaseOf(base, {
      holder,
      name,
      namespace,
      now: clock.now(),
      seconds: Math.ceil(timings.durationMs / 1000),
    })
    const answer = base
      ? await client.put(path, body, request)
      : await client.create(pathOf(collection, { namespace }), body, request)
    if (!answer.ok) return answer
    const lease = answer.value as LeaseObject
    see(lease)
    return success(election.heldSince(sentAt, lease.metadata.resourceVersion ?? '', timings))
  }

  const step = (held?: Held) =>
    election.decide({
      observed: observed ?? { record: undefined, since: clock.monotonic() },
      held,
      now: clock.monotonic(),
      identity,
      timings,
    })

  const isHeldHere = (): boolean => holding !== undefined && clock.monotonic() < holding.validUntil
  const take = (held: Held): LeaseAnswer<Held> => {
    holding = held
    return success(held)
  }

  /** Ours last, so probably free still: one request instead of two. A wrong guess is a 409. */
  const acquireUnseen = async (): Promise<Answer<Held> | undefined> => {
    const holder = known?.spec?.holderIdentity ?? ''
    if (!known || (holder !== '' && holder !== identity)) return undefined
    const answer = await write(identity, known)
    return answer.ok || !['Conflict', 'NotFound'].includes(answer.failure.reason) ? answer : undefined
  }

  const acquire = async (): Promise<LeaseAnswer<Held>> => {
    if (isHeldHere()) return heldBy('this process', holding!.validUntil - clock.monotonic())
    const unseen = await acquireUnseen()
    if (unseen) return unseen.ok ? take(unseen.value) : unseen
    const looked = await look()
    if (!looked.ok) return looked
    const next = step()
    if (next.kind === 'wait') return heldBy(looked.value.record?.holder ?? '', next.ms)
    const answer = await write(identity, known)
    if (answer.ok) return take(answer.value)
    const overtaken = ['Conflict', 'AlreadyExists'].includes(answer.failure.reason)
    return overtaken ? heldBy('somebody who was faster', timings.retryMs) : answer
  }

  const heldBy = (who: string, waitMs: number): LeaseAnswer<never> => ({
    ok: false,
    failure: { reason: 'LeaseHeld', message: `${title} is held by ${who}`, retry: true, waitMs },
  })
  const lost = (message: string): LeaseAnswer<never> => {
    holding = undefined
    return failure({ reason: 'LeaseLost', message: `${title}: ${message}`, retry: false })
  }

  const renew = async (held: Held): Promise<LeaseAnswer<Held>> => {
    if (holding === undefined) return lost('not held')
    if (clock.monotonic() >= held.validUntil) {
      return lost(`not renewed for ${Math.round(clock.monotonic() - held.sentAt)} ms`)
    }
    const answer = await write(identity, known)
    if (answer.ok) return take(answer.value)
    if (!['Conflict', 'NotFound', 'AlreadyExists'].includes(answer.failure.reason)) return answer
    // Somebody wrote it: another holder, or an earlier renewal of ours whose answer was lost.
    const looked = await look()
    if (!looked.ok) return looked
    const next = step(held)
    if (next.kind === 'lost') return lost(next.message)
    const again = await write(identity, known)
    return again.ok ? take(again.value) : again
  }

  const release = async (): Promise<Answer<void>> => {
    holding = undefined
    // Not to be emptied if somebody else has been seen in it.
    if (known?.spec?.holderIdentity !== identity) return success(undefined)
    let answer = await write('', known)
    if (!answer.ok && answer.failure.reason === 'Conflict') {
      const looked = await look()
      if (!looked.ok) return looked
      if (looked.value.record?.holder !== identity) return success(undefined)
      answer = await write('', known)
    }
    return answer.ok || answer.failure.reason === 'NotFound' ? success(undefined) : answer
  }

  return { acquire, renew, release }
}

const recordOf = ({ metadata, spec }: LeaseObject): LeaseRecord => ({
  holder: spec?.holderIdentity ?? '',
  durationMs: (spec?.leaseDurationSeconds ?? 0) * 1000,
  resourceVersion: metadata.resourceVersion ?? '',
})

interface Writing {
  readonly holder: string
  readonly name: string
  readonly namespace: string
  /** epoch ms */
  readonly now: number
  readonly seconds: number
}

const leaseOf = (base: LeaseObject | undefined, { holder, name, namespace, now, seconds }: Writing) => {
  const before = base?.spec
  const same = before?.holderIdentity === holder
  const time = microTime(now)
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: base ? { ...base.metadata, managedFields: undefined } : { name, namespace },
    spec: {
      ...before,
      holderIdentity: holder,
      leaseDurationSeconds: seconds,
      renewTime: time,
      acquireTime: same || holder === '' ? (before?.acquireTime ?? time) : time,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (same || holder === '' || !before ? 0 : 1),
    },
  }
}

/** Lease times have six decimals; the API server refuses a plain ISO date. */
const microTime = (epochMs: number): string => new Date(epochMs).toISOString().replace('Z', '000Z')
