import assert from 'node:assert/strict'
import { backoffMs } from '../../../operator/runtime/backoff.ts'
import { sleep, systemClock } from '../../../operator/runtime/clock.ts'
import { hasFinalizer, withFinalizer, withoutFinalizer } from '../../../operator/runtime/finalizer.ts'

describe('finalizers', () => {
  const cases: [string[] | undefined, string[], string[]][] = [
    [undefined, ['f'], []],
    [[], ['f'], []],
    [['f'], ['f'], []],
    [
      ['a', 'f', 'b'],
      ['a', 'f', 'b'],
      ['a', 'b'],
    ],
    [['a'], ['a', 'f'], ['a']],
  ]
  for (const [list, added, removed] of cases) {
    it(`${JSON.stringify(list)} with and without`, () => {
      assert.deepEqual(withFinalizer(list, 'f'), added)
      assert.deepEqual(withoutFinalizer(list, 'f'), removed)
      assert.equal(hasFinalizer(list, 'f'), list?.includes('f') ?? false)
    })
  }

  it('stay the same list when there is nothing to change', () => {
    const list = ['a', 'f']
    assert.equal(withFinalizer(list, 'f'), list)
    assert.equal(withoutFinalizer(list, 'g'), list)
  })
})

describe('backoff', () => {
  const limits = { minMs: 100, maxMs: 1000 }
  const cases: [number, number, number][] = [
    [0, 1, 100],
    [0, 0, 50],
    [3, 1, 800],
    [4, 1, 1000],
    [4, 0, 500],
    [5000, 1, 1000],
  ]
  for (const [attempt, random, expected] of cases) {
    it(`attempt ${attempt}, random ${random}: ${expected} ms`, () => {
      assert.equal(
        backoffMs(attempt, limits, () => random),
        expected,
      )
    })
  }
})

describe('the system clock', () => {
  it('runs timers, calls them off, and ends a sleep early', async () => {
    const clock = systemClock()
    let ran = 0
    const cancel = clock.after(1, () => {
      ran += 10
    })
    cancel()
    await new Promise<void>((resolve) => {
      clock.after(2, () => {
        ran++
        resolve()
      })
    })
    assert.equal(ran, 1)
    const abort = new AbortController()
    const sleeping = sleep(clock, 1e12, abort.signal)
    abort.abort()
    await sleeping
    await sleep(clock, 1e12, abort.signal)
  })
})
