import assert from 'node:assert/strict'
import fc from 'fast-check'
import { makeWorkQueue, type WorkQueue } from '../../../operator/runtime/workqueue.ts'
import { type FakeClock, makeFakeClock } from '../../support/fake-clock.ts'

const makeFixture = (random = () => 1) => {
  const clock = makeFakeClock()
  return { clock, queue: makeWorkQueue({ clock, random }) }
}

/** Takes all that can be taken now. */
const taken = async (queue: WorkQueue): Promise<string[]> => {
  const keys: string[] = []
  while (queue.length() > 0) keys.push((await queue.get())!)
  return keys
}

describe('workqueue', () => {
  it('holds a key once, in the order of coming', async () => {
    const { queue } = makeFixture()
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key)
    assert.deepEqual(await taken(queue), ['a', 'b', 'c'])
    assert.equal(queue.processing(), 3)
  })

  it('gives a key that comes while it is worked on again after that, once, and not before', async () => {
    const { queue } = makeFixture()
    queue.add('a')
    await queue.get()
    queue.add('a')
    queue.add('a')
    assert.equal(queue.length(), 0)
    queue.done('a')
    assert.deepEqual(await taken(queue), ['a'])
    queue.done('a')
    assert.equal(queue.length(), 0)
  })

  it('serves those who wait in the order of asking', async () => {
    const { queue } = makeFixture()
    const both = Promise.all([queue.get(), queue.get()])
    queue.add('a')
    queue.add('b')
    assert.deepEqual(await both, ['a', 'b'])
  })

  describe('addAfter', () => {
    const cases: [string, [number, number][], number][] = [
      ['one delay', [[0, 100]], 100],
      [
        'a shorter one later',
        [
          [0, 100],
          [10, 20],
        ],
        30,
      ],
      [
        'a longer one later',
        [
          [0, 100],
          [10, 500],
        ],
        100,
      ],
      [
        'the same again',
        [
          [0, 100],
          [0, 100],
        ],
        100,
      ],
      ['no delay', [[0, 0]], 0],
    ]
    for (const [name, delays, expected] of cases) {
      it(`${name}: comes at ${expected} ms and only then`, async () => {
        const { clock, queue } = makeFixture()
        for (const [at, ms] of delays) {
          await clock.advance(at - clock.monotonic())
          queue.addAfter('a', ms)
        }
        if (expected > 0) {
          await clock.advance(expected - 1 - clock.monotonic())
          assert.equal(queue.length(), 0)
          await clock.advance(1)
        }
        assert.deepEqual(await taken(queue), ['a'])
        queue.done('a')
        await clock.advance(1000)
        assert.deepEqual([queue.length(), queue.delayed()], [0, 0])
      })
    }
  })

  it('retries with delays that double up to the limit, per key, until it is forgotten', async () => {
    const { clock, queue } = makeFixture()
    const delayOf = async (key: string): Promise<number> => {
      const from = clock.monotonic()
      queue.retry(key)
      while (queue.length() === 0) await clock.advance(5)
      await taken(queue)
      queue.done(key)
      return clock.monotonic() - from
    }
    const delays: number[] = []
    for (let attempt = 0; attempt < 15; attempt++) delays.push(await delayOf('a'))
    assert.deepEqual(delays.slice(0, 5), [5, 10, 20, 40, 80])
    assert.deepEqual(delays.slice(-2), [30_000, 30_000])
    assert.equal(await delayOf('b'), 5)
    queue.forget('a')
    assert.equal(await delayOf('a'), 5)
    assert.equal(queue.counts.retries, 17)
  })

  it('spreads retries over the upper half of the delay', async () => {
    const { clock, queue } = makeFixture(() => 0)
    queue.retry('a')
    await clock.advance(2.5)
    assert.equal(queue.length(), 1)
  })

  it('after shutdown gives nothing, takes nothing, and waits for those at work', async () => {
    const { clock, queue } = makeFixture()
    queue.add('a')
    await queue.get()
    const waiting = queue.get()
    queue.addAfter('later', 100)
    queue.shutdown()
    queue.add('b')
    queue.retry('c')
    assert.deepEqual([await waiting, await queue.get(), clock.pending()], [undefined, undefined, 0])
    let drained = false
    const end = queue.drained().then(() => {
      drained = true
    })
    await clock.settle()
    assert.equal(drained, false)
    queue.done('a')
    await end
  })

  it('loses no key and gives none to two at once, whatever happens in whatever order', async () => {
    const hits: Record<string, number> = {}
    const seed = 20262
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(5), fc.nat(4)), { maxLength: 80, size: 'max' }), async (steps) => {
        const { clock, queue } = makeFixture()
        await checkRandomly(queue, clock, steps, hits)
      }),
      { seed, numRuns: 40 },
    )
    console.log(`        seed ${seed}, ${JSON.stringify(hits)}`)
    for (const name of ['add', 'addAfter', 'retry', 'get', 'done', 'again'])
      assert.ok(hits[name], `${name} was never hit`)
  })

  it('keeps its order and speed over many keys', async () => {
    const { queue } = makeFixture()
    for (let at = 0; at < 50_000; at++) queue.add(`key-${at}`)
    for (let at = 0; at < 50_000; at++) assert.equal(await queue.get(), `key-${at}`)
  })
})

const operations = ['add', 'addAfter', 'retry', 'get', 'done', 'advance'] as const

const checkRandomly = async (
  queue: WorkQueue,
  clock: FakeClock,
  steps: [number, number][],
  hits: Record<string, number>,
): Promise<void> => {
  const count = (counts: Record<string, number>, name: string): number => {
    counts[name] = (counts[name] ?? 0) + 1
    return counts[name]
  }
  const asks: Record<string, number> = {}
  const gives: Record<string, number> = {}
  /** asked for since they were given last */
  const owed = new Set<string>()
  const inWork = new Set<string>()
  const ask = (key: string, how: () => void): void => {
    count(asks, key)
    owed.add(key)
    how()
  }
  const take = async (): Promise<void> => {
    if (queue.length() === 0) return
    const key = (await queue.get())!
    assert.ok(!inWork.has(key), `${key} was given to two`)
    assert.ok(count(gives, key) <= asks[key]!, `${key} was given for nothing`)
    owed.delete(key)
    inWork.add(key)
  }
  const finish = (key: string): void => {
    if (!inWork.delete(key)) return
    if (owed.has(key)) count(hits, 'again')
    queue.done(key)
  }
  const act: Record<(typeof operations)[number], (key: string, which: number) => void | Promise<void>> = {
    add: (key) => ask(key, () => queue.add(key)),
    addAfter: (key, which) => ask(key, () => queue.addAfter(key, which * 10)),
    retry: (key) => ask(key, () => queue.retry(key)),
    get: take,
    done: finish,
    advance: (_key, which) => clock.advance(which * 5),
  }
  for (const [kind, which] of steps) {
    const operation = operations[kind]!
    count(hits, operation)
    await act[operation](`k${which}`, which)
  }
  for (let round = 0; owed.size > 0 && round < 100; round++) {
    await clock.advance(60_000)
    for (const key of [...inWork]) finish(key)
    while (queue.length() > 0) await take()
  }
  assert.deepEqual([...owed], [], 'keys that never came')
}
