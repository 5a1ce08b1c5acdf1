import assert from 'node:assert/strict'
import { type LeaderAnswer, type LeaderLease, makeLeader } from '../../../operator/runtime/leader.ts'
import { makeCollectedLog } from '../../support/collected-log.ts'
import { makeFakeClock } from '../../support/fake-clock.ts'

interface TestHeld {
  readonly validUntil: number
}
type Answer = LeaderAnswer<TestHeld>

const refused = (reason: string, retry: boolean, waitMs?: number): Answer => ({
  ok: false,
  failure: { reason, message: `scripted ${reason}`, retry, ...(waitMs === undefined ? {} : { waitMs }) },
})

const makeFixture = (script: { acquire?: Answer[]; renew?: (Answer | 'hang' | 'throw')[] } = {}) => {
  const clock = makeFakeClock()
  const calls: string[] = []
  const told: string[] = []
  const held = (): Answer => ({ ok: true, value: { validUntil: clock.monotonic() + 10_000 } })
  const lease: LeaderLease<TestHeld> = {
    acquire: async () => {
      calls.push(`acquire ${clock.monotonic()}`)
      return script.acquire?.shift() ?? held()
    },
    renew: async () => {
      calls.push(`renew ${clock.monotonic()}`)
      const next = script.renew?.shift()
      if (next === 'hang') return new Promise(() => {})
      if (next === 'throw') throw new Error('broken')
      return next ?? held()
    },
    release: async () => {
      calls.push('release')
      return { ok: true, value: undefined }
    },
  }
  const leader = makeLeader({
    lease,
    retryMs: 2000,
    clock,
    random: () => 0,
    log: makeCollectedLog(),
    onAcquired: () => void told.push('acquired'),
    onLost: (message) => void told.push(`lost at ${clock.monotonic()}: ${message}`),
  })
  return { clock, calls, told, leader }
}

describe('leader', () => {
  it('looks again until it gets the lease, at most retryMs later', async () => {
    const acquire = [refused('LeaseHeld', true, 15_000), refused('Unavailable', true), refused('LeaseHeld', true, 500)]
    const { clock, calls, told, leader } = makeFixture({ acquire })
    leader.start()
    await clock.advance(4400)
    assert.deepEqual([leader.isLeader(), told], [false, []])
    await clock.advance(100)
    assert.deepEqual([leader.isLeader(), told], [true, ['acquired']])
    assert.deepEqual(calls, ['acquire 0', 'acquire 2000', 'acquire 4000', 'acquire 4500'])
    await leader.stop()
  })

  it('renews for as long as it lives', async () => {
    const { clock, calls, told, leader } = makeFixture()
    leader.start()
    await clock.advance(100_000)
    assert.equal(calls.filter((call) => call.startsWith('renew')).length, 50)
    assert.deepEqual([leader.isLeader(), told], [true, ['acquired']])
    await leader.stop()
  })

  const losses: [string, (Answer | 'hang' | 'throw')[], string][] = [
    [
      'renewals fail until the time is up',
      Array(5).fill(refused('Unavailable', true)),
      'lost at 10000: the lease could not be renewed in time: scripted Unavailable',
    ],
    ['a renewal hangs', ['hang'], 'lost at 10000: the lease could not be renewed in time: no answer'],
    ['renewals throw', Array(5).fill('throw'), 'lost at 10000: the lease could not be renewed in time: broken'],
    ['another has it', [refused('LeaseLost', false)], 'lost at 2000: scripted LeaseLost'],
  ]
  for (const [name, renew, expected] of losses) {
    it(`says once that it is over when ${name}`, async () => {
      const { clock, told, calls, leader } = makeFixture({ renew })
      leader.start()
      await clock.advance(60_000)
      assert.deepEqual(told, ['acquired', expected])
      assert.equal(leader.isLeader(), false)
      await leader.stop()
      assert.equal(calls.filter((call) => call.startsWith('acquire')).length, 1, 'it does not run again')
      assert.ok(!calls.includes('release'), 'there is nothing to give back')
    })
  }

  it('survives renewals that fail for a while', async () => {
    const renew = [refused('Unavailable', true), refused('Unavailable', true), refused('Unavailable', true)]
    const { clock, told, leader } = makeFixture({ renew })
    leader.start()
    await clock.advance(60_000)
    assert.deepEqual([told, leader.isLeader()], [['acquired'], true])
    await leader.stop()
  })

  it('is no leader any more after its time, even before it could find out', async () => {
    const { clock, leader } = makeFixture({ renew: ['hang'] })
    leader.start()
    await clock.advance(9999)
    assert.equal(leader.isLeader(), true)
    // A process that was stopped for a while: the clock has moved, nothing else has run.
    clock.jump(1)
    assert.equal(leader.isLeader(), false)
    await leader.stop()
  })

  it('gives the lease back when it is stopped, and is not lost', async () => {
    const { clock, calls, told, leader } = makeFixture()
    leader.start()
    await clock.advance(3000)
    await leader.stop()
    assert.deepEqual([calls.at(-1), told, leader.isLeader(), clock.pending()], ['release', ['acquired'], false, 0])
  })

  it('can be stopped before it ever was the leader', async () => {
    const { clock, calls, leader } = makeFixture({ acquire: Array(100).fill(refused('LeaseHeld', true)) })
    leader.start()
    await clock.advance(3000)
    await leader.stop()
    assert.deepEqual([calls.includes('release'), clock.pending()], [false, 0])
  })
})
