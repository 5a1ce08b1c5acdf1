import assert from 'node:assert/strict'
import { makeLifecycle, type Part } from '../../../operator/runtime/lifecycle.ts'
import { makeCollectedLog } from '../../support/collected-log.ts'
import { makeFakeClock } from '../../support/fake-clock.ts'

const makeFixture = (...changes: Partial<Part>[]) => {
  const calls: string[] = []
  const clock = makeFakeClock()
  const log = makeCollectedLog()
  const parts = ['a', 'b', 'c'].map((name, at) => ({
    name,
    start: () => void calls.push(`start ${name}`),
    stop: () => void calls.push(`stop ${name}`),
    ...changes[at],
  }))
  return { calls, clock, log, lifecycle: makeLifecycle({ parts, clock, log }) }
}
const never = () => new Promise<void>(() => {})
const broken = () => {
  throw new Error('broken')
}

describe('lifecycle', () => {
  it('starts in order and stops in reverse order, once', async () => {
    const { calls, lifecycle, clock } = makeFixture()
    await lifecycle.start()
    await Promise.all([lifecycle.stop(), lifecycle.stop()])
    assert.deepEqual(calls, ['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a'])
    assert.equal(clock.pending(), 0)
  })

  it('stops what runs when a later part does not start, and says why', async () => {
    const { calls, lifecycle } = makeFixture({}, {}, { start: broken })
    await assert.rejects(lifecycle.start(), /broken/)
    assert.deepEqual(calls, ['start a', 'start b', 'stop b', 'stop a'])
  })

  it('leaves a part that does not stop in its time', async () => {
    const { calls, lifecycle, clock, log } = makeFixture({}, { stop: never, stopTimeoutMs: 500 }, {})
    await lifecycle.start()
    const stopping = lifecycle.stop()
    await clock.advance(500)
    await stopping
    assert.deepEqual(calls.slice(3), ['stop c', 'stop a'])
    assert.deepEqual(log.lines.filter(({ level }) => level === 'error')[0]?.data, { part: 'b', limitMs: 500 })
  })

  it('goes on when a part fails to stop', async () => {
    const { calls, lifecycle } = makeFixture({}, { stop: broken }, {})
    await lifecycle.start()
    await lifecycle.stop()
    assert.deepEqual(calls.slice(3), ['stop c', 'stop a'])
  })

  it('asked to stop while it starts, starts nothing more and leaves nothing running', async () => {
    let go = () => {}
    const start = () =>
      new Promise<void>((resolve) => {
        go = resolve
      })
    const { calls, lifecycle, clock } = makeFixture({}, { start }, {})
    const starting = lifecycle.start()
    await clock.settle()
    const stopping = lifecycle.stop()
    go()
    await Promise.all([starting, stopping])
    assert.deepEqual(calls, ['start a', 'stop a', 'stop b'])
  })
})
