import assert from 'node:assert/strict'
import { again, done, makeController, type Outcome, retry } from '../../../operator/runtime/controller.ts'
import { makeWorkQueue } from '../../../operator/runtime/workqueue.ts'
import { makeCollectedLog } from '../../support/collected-log.ts'
import { makeFakeClock } from '../../support/fake-clock.ts'

const makeFixture = (reconcile: (key: string, run: number) => Promise<Outcome>, workers = 1) => {
  const clock = makeFakeClock()
  const log = makeCollectedLog()
  const queue = makeWorkQueue({ clock, random: () => 1 })
  const runs: { key: string; at: number }[] = []
  const results: string[] = []
  let ids = 0
  const controller = makeController({
    name: 'things',
    queue,
    workers,
    clock,
    log,
    nextId: () => `run-${++ids}`,
    metrics: { reconciled: (_name, result) => void results.push(result) },
    reconcile: (key, runLog) => {
      runs.push({ key, at: clock.monotonic() })
      runLog.debug({}, 'reconciling')
      return reconcile(key, runs.length)
    },
  })
  return { clock, log, queue, runs, results, controller }
}

describe('controller', () => {
  const outcomes: [string, Outcome | 'throw', number[], string[]][] = [
    ['done: not again', done, [0], ['done']],
    ['after: again in that time', again(200), [0, 200], ['after', 'done']],
    ['retry: again with growing delay', retry({ reason: 'Busy', message: 'try later' }), [0, 5], ['retry', 'done']],
    ['a throw: again with growing delay', 'throw', [0, 5], ['error', 'done']],
  ]
  for (const [name, outcome, times, results] of outcomes) {
    it(name, async () => {
      const fixture = makeFixture(async (_key, run) => {
        if (run > 1) return done
        if (outcome === 'throw') throw new Error('broken')
        return outcome
      })
      fixture.controller.start()
      fixture.queue.add('ns/a')
      await fixture.clock.advance(100_000)
      assert.deepEqual(
        fixture.runs.map(({ at }) => at),
        times,
      )
      assert.deepEqual(fixture.results, results)
      await fixture.controller.stop()
    })
  }

  it('forgets the failures of a key that has succeeded', async () => {
    const plan: Outcome[] = [retry({ reason: 'A', message: '' }), retry({ reason: 'A', message: '' }), again(1000)]
    plan.push(retry({ reason: 'A', message: '' }), done)
    const { clock, queue, runs, controller } = makeFixture(async (_key, run) => plan[run - 1]!)
    controller.start()
    queue.add('a')
    await clock.advance(10_000)
    assert.deepEqual(
      runs.map(({ at }) => at),
      [0, 5, 15, 1015, 1020],
    )
    await controller.stop()
  })

  it('logs a throw with its stack, controller, key and the id of the run', async () => {
    const { clock, queue, log, controller } = makeFixture(async (_key, run) => {
      if (run === 1) throw new Error('broken')
      return done
    })
    controller.start()
    queue.add('ns/a')
    await clock.advance(100)
    const line = log.lines.find(({ level }) => level === 'error')!
    const { error, ...bindings } = line.data as { error: { message: string; stack: string } }
    assert.deepEqual(bindings, { controller: 'things', key: 'ns/a', reconcileId: 'run-1' })
    assert.equal(error.message, 'broken')
    assert.match(error.stack, /controller\.test\.ts/)
    await controller.stop()
  })

  it('works on as many keys at a time as it has workers, never on one key twice', async () => {
    let atWork = 0
    let most = 0
    const release: (() => void)[] = []
    const { clock, queue, controller, runs } = makeFixture(async () => {
      most = Math.max(most, ++atWork)
      await new Promise<void>((resolve) => release.push(resolve))
      atWork--
      return done
    }, 3)
    controller.start()
    for (const key of ['a', 'b', 'c', 'd', 'e']) queue.add(key)
    await clock.settle()
    queue.add('a')
    await clock.settle()
    assert.deepEqual([most, runs.length], [3, 3])
    while (runs.length < 6 || atWork > 0) {
      release.shift()?.()
      await clock.settle()
    }
    assert.deepEqual([most, runs.filter(({ key }) => key === 'a').length], [3, 2])
    await controller.stop()
  })

  it('stops when those at work have finished, and takes nothing more', async () => {
    let finish = () => {}
    const { clock, queue, controller, runs } = makeFixture(async () => {
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      return again(10)
    })
    controller.start()
    queue.add('a')
    queue.add('b')
    await clock.settle()
    let stopped = false
    const stopping = controller.stop().then(() => {
      stopped = true
    })
    await clock.settle()
    assert.equal(stopped, false)
    finish()
    await stopping
    await clock.advance(1000)
    assert.deepEqual([runs.length, clock.pending()], [1, 0])
  })
})
