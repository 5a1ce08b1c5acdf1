import assert from 'node:assert/strict'
import type { Held, LeaseRecord, LeaseTimings } from '../../../../operator/api/lease.ts'
import { decide, type ElectionStep, heldSince, observe, timingFault } from '../../../../operator/core/lock/election.ts'

const timings: LeaseTimings = { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2000, requestTimeoutMs: 2000 }
const record = (holder: string, resourceVersion = '1'): LeaseRecord => ({ holder, durationMs: 15_000, resourceVersion })
const held = (sentAt: number): Held => heldSince(sentAt, '1', timings)

describe('election', () => {
  const cases: [string, { record?: LeaseRecord; since?: number; held?: Held; now: number }, ElectionStep | 'lost'][] = [
    ['there is no Lease', { now: 0 }, { kind: 'acquire' }],
    ['it was released', { record: record(''), now: 0 }, { kind: 'acquire' }],
    ['an answer of ours was lost', { record: record('me'), now: 0 }, { kind: 'acquire' }],
    ['another holds it, seen just now', { record: record('you'), since: 100, now: 100 }, { kind: 'wait', ms: 15_000 }],
    ['another holds it, seen for a while', { record: record('you'), since: 100, now: 15_099 }, { kind: 'wait', ms: 1 }],
    ['another was silent for its whole time', { record: record('you'), since: 100, now: 15_100 }, { kind: 'acquire' }],
    ['ours, renewed just now', { record: record('me'), held: held(1000), now: 1500 }, { kind: 'wait', ms: 1500 }],
    ['ours, due', { record: record('me'), held: held(1000), now: 3000 }, { kind: 'renew' }],
    ['ours, late but in time', { record: record('me'), held: held(1000), now: 10_999 }, { kind: 'renew' }],
    ['ours, too late', { record: record('me'), held: held(1000), now: 11_000 }, 'lost'],
    ['ours, taken', { record: record('you'), held: held(1000), now: 1500 }, 'lost'],
    ['ours, emptied', { record: record(''), held: held(1000), now: 1500 }, 'lost'],
    ['ours, deleted', { held: held(1000), now: 1500 }, 'lost'],
  ]
  for (const [name, facts, expected] of cases) {
    it(`${name}: ${expected === 'lost' ? 'lost' : JSON.stringify(expected)}`, () => {
      const observed = { record: facts.record, since: facts.since ?? 0 }
      const step = decide({ observed, held: facts.held, now: facts.now, identity: 'me', timings })
      if (expected === 'lost') assert.equal(step.kind, 'lost')
      else assert.deepEqual(step, expected)
    })
  }

  it('counts from the moment it first saw the record, and from anew when it changed', () => {
    const first = observe(undefined, record('you', '1'), 100)
    const same = observe(first, record('you', '1'), 5000)
    assert.equal(same.since, 100)
    assert.equal(observe(same, record('you', '2'), 6000).since, 6000)
    assert.equal(observe(same, undefined, 7000).since, 7000)
  })

  describe('times', () => {
    const faults: [Partial<LeaseTimings>, RegExp | undefined][] = [
      [{}, undefined],
      [{ durationMs: 14_400 }, /^durationMs: expected more than .* = 14400, found 14400$/],
      [{ requestTimeoutMs: 5000 }, /^durationMs: expected more than/],
      [{ retryMs: 10_000 }, /^retryMs: expected less than renewDeadlineMs 10000, found 10000$/],
      [{ retryMs: 0 }, /^retryMs: expected a number above 0, found 0$/],
      [{ durationMs: Number.NaN }, /^durationMs: expected a number above 0, found NaN$/],
    ]
    for (const [change, expected] of faults) {
      it(`${JSON.stringify(change)}: ${expected ?? 'fine'}`, () => {
        const fault = timingFault({ ...timings, ...change })
        if (expected) assert.match(fault ?? '', expected)
        else assert.equal(fault, undefined)
      })
    }
  })
})
