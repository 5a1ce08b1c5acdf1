import assert from 'node:assert/strict'
import type { KubernetesClient } from '../../../../operator/adapters/kubernetes/client.ts'
import { type LeaseAnswer, makeLease } from '../../../../operator/adapters/kubernetes/lease.ts'
import type { LeaseTimings } from '../../../../operator/api/lease.ts'
import * as election from '../../../../operator/core/lock/election.ts'
import { makeFakeClock } from '../../../support/fake-clock.ts'
import { makeFakeObjects } from '../../../support/fake-objects.ts'

const timings: LeaseTimings = { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2000, requestTimeoutMs: 2000 }
const path = '/apis/coordination.k8s.io/v1/namespaces/ns/leases/lock'

const makeFixture = () => {
  const clock = makeFakeClock(Date.parse('2026-01-02T03:04:05.678Z'))
  const objects = makeFakeObjects()
  const contender = (identity: string) =>
    makeLease({
      client: objects.client as KubernetesClient,
      namespace: 'ns',
      name: 'lock',
      identity,
      timings,
      clock,
      election,
    })
  const spec = () => objects.stored(path)?.spec as Record<string, unknown>
  return { clock, objects, contender, spec, mine: contender('me'), yours: contender('you') }
}

const value = <T>(answer: LeaseAnswer<T>): T => {
  if (!answer.ok) throw new Error(`${answer.failure.reason}: ${answer.failure.message}`)
  return answer.value
}
const refusal = (answer: LeaseAnswer<unknown>): unknown[] =>
  answer.ok ? ['ok'] : [answer.failure.reason, answer.failure.retry, answer.failure.waitMs]

describe('lease', () => {
  it('is created when absent, with what people and others need to know', async () => {
    const { mine, spec, objects } = makeFixture()
    const held = value(await mine.acquire())
    assert.deepEqual(spec(), {
      holderIdentity: 'me',
      leaseDurationSeconds: 15,
      renewTime: '2026-01-02T03:04:05.678000Z',
      acquireTime: '2026-01-02T03:04:05.678000Z',
      leaseTransitions: 0,
    })
    assert.deepEqual(held, { sentAt: 0, validUntil: 10_000, resourceVersion: '101' })
    assert.deepEqual(objects.requests, ['get', 'create'])
  })

  it('is not to be had while another renews it', async () => {
    const { clock, mine, yours } = makeFixture()
    let held = value(await mine.acquire())
    for (let round = 0; round < 10; round++) {
      assert.deepEqual(refusal(await yours.acquire()), ['LeaseHeld', true, 15_000])
      await clock.advance(5000)
      held = value(await mine.renew(held))
      assert.equal(held.validUntil, clock.monotonic() + 10_000)
    }
  })

  it('is taken over when its holder was silent for its whole time, counted from first sight', async () => {
    const { clock, mine, yours, spec } = makeFixture()
    const held = value(await mine.acquire())
    await clock.advance(9000)
    assert.deepEqual(refusal(await yours.acquire()), ['LeaseHeld', true, 15_000])
    await clock.advance(14_999)
    assert.deepEqual(refusal(await yours.acquire()), ['LeaseHeld', true, 1])
    await clock.advance(1)
    value(await yours.acquire())
    assert.deepEqual([spec().holderIdentity, spec().leaseTransitions], ['you', 1])
    assert.deepEqual(refusal(await mine.renew(held)).slice(0, 2), ['LeaseLost', false])
  })

  it('released, is there for the next one at once, and stays as an object', async () => {
    const { mine, yours, spec } = makeFixture()
    const held = value(await mine.acquire())
    value(await mine.release(held))
    assert.equal(spec().holderIdentity, '')
    value(await yours.acquire())
    assert.equal(spec().holderIdentity, 'you')
  })

  it('that was ours last is taken again with one request', async () => {
    const { mine, objects } = makeFixture()
    value(await mine.release(value(await mine.acquire())))
    objects.requests.length = 0
    value(await mine.acquire())
    assert.deepEqual(objects.requests, ['put'])
  })

  it("that was ours last but is another one's now is looked at", async () => {
    const { mine, yours, objects } = makeFixture()
    value(await mine.release(value(await mine.acquire())))
    value(await yours.acquire())
    objects.requests.length = 0
    assert.deepEqual(refusal(await mine.acquire()).slice(0, 2), ['LeaseHeld', true])
    assert.deepEqual(objects.requests, ['put', 'get'])
  })

  it('is not given twice within one process', async () => {
    const { mine, clock } = makeFixture()
    const held = value(await mine.acquire())
    await clock.advance(1000)
    assert.deepEqual(refusal(await mine.acquire()), ['LeaseHeld', true, 9000])
    value(await mine.release(held))
    value(await mine.acquire())
  })

  it('goes to one of two who come at the same time', async () => {
    const { objects, clock, contender } = makeFixture()
    const contenders = ['a', 'b', 'c'].map(contender)
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(contenders.map((one) => one.acquire()))
      const winners = answers.flatMap((answer, at) => (answer.ok ? [{ at, held: answer.value }] : []))
      assert.equal(winners.length, 1)
      await contenders[winners[0]!.at]!.release(winners[0]!.held)
      await clock.advance(100)
    }
    assert.ok(objects.requests.length > 0)
  })

  describe('when answers are lost', () => {
    it('an acquisition that took place is recognised', async () => {
      const { mine, objects, spec } = makeFixture()
      objects.mishaps.push(undefined, 'answer-lost')
      assert.deepEqual(refusal(await mine.acquire()).slice(0, 2), ['Unavailable', true])
      assert.equal(spec().holderIdentity, 'me')
      value(await mine.acquire())
      assert.equal(spec().leaseTransitions, 0)
    })

    it('a renewal that took place is recognised', async () => {
      const { mine, objects, clock } = makeFixture()
      const held = value(await mine.acquire())
      await clock.advance(2000)
      objects.mishaps.push('answer-lost')
      assert.deepEqual(refusal(await mine.renew(held)).slice(0, 2), ['Unavailable', true])
      await clock.advance(1000)
      assert.equal(value(await mine.renew(held)).validUntil, 13_000)
    })

    it('a renewal that comes too late is not tried', async () => {
      const { mine, objects, clock } = makeFixture()
      const held = value(await mine.acquire())
      await clock.advance(10_000)
      objects.requests.length = 0
      assert.deepEqual(refusal(await mine.renew(held)).slice(0, 2), ['LeaseLost', false])
      assert.deepEqual(objects.requests, [])
    })

    it('a release that was lost does not empty what another holds by then', async () => {
      const { mine, yours, objects, clock, spec } = makeFixture()
      const held = value(await mine.acquire())
      await yours.acquire()
      await clock.advance(15_000)
      value(await yours.acquire())
      value(await mine.release(held))
      assert.equal(spec().holderIdentity, 'you')
      objects.requests.length = 0
      value(await mine.release(held))
      assert.deepEqual(objects.requests, [], 'it knows by now')
    })
  })

  it('is renewed over a write of somebody who changes something else', async () => {
    const { mine, objects, clock } = makeFixture()
    const held = value(await mine.acquire())
    await clock.advance(2000)
    objects.write(path, { labelled: true })
    assert.equal(value(await mine.renew(held)).validUntil, 12_000)
    assert.equal(objects.stored(path)?.metadata.resourceVersion, '103')
  })

  it('is lost when it was deleted', async () => {
    const { mine, objects, clock } = makeFixture()
    const held = value(await mine.acquire())
    await clock.advance(2000)
    objects.write(path, undefined)
    assert.deepEqual(refusal(await mine.renew(held)).slice(0, 2), ['LeaseLost', false])
    value(await mine.acquire())
  })
})
