import assert from 'node:assert/strict'
import { makeEmbeddedBus } from '../../../operator/adapters/bus-embedded/bus.ts'
import type { Event } from '../../../operator/api/envelope.ts'
import { busEvent } from '../../contract/bus.ts'

const topic = 'events.normalized'
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Timers fire when the test says so. */
const makeBus = (limits: { capacity?: number; batchSize?: number } = {}) => {
  const timers = new Set<() => void>()
  const warnings: string[] = []
  const bus = makeEmbeddedBus({
    after: (_ms, run) => {
      timers.add(run)
      return () => void timers.delete(run)
    },
    backoff: () => 1000,
    log: { warn: (data) => void warnings.push(JSON.stringify(data)) },
    ...limits,
  })
  const fire = async () => {
    for (const run of [...timers]) {
      timers.delete(run)
      run()
    }
    await settle()
  }
  return { bus, timers, warnings, fire }
}

const numbers = (count: number, from = 1): Event[] => Array.from({ length: count }, (_, i) => busEvent('a', from + i))

describe('embedded bus', () => {
  it('a publish without any group is safe at once', async () => {
    await makeBus().bus.publish(topic, numbers(1))
  })

  it('a publish resolves only when every group has taken the events', async () => {
    const { bus } = makeBus()
    const gate = Promise.withResolvers<void>()
    await bus.subscribe(topic, 'quick', async () => {})
    await bus.subscribe(topic, 'slow', () => gate.promise)
    let safe = false
    const published = bus.publish(topic, numbers(1)).then(() => {
      safe = true
    })
    await settle()
    assert.equal(safe, false)
    gate.resolve()
    await published
  })

  it('puts together what is published while a take is under way, up to the batch size', async () => {
    const { bus } = makeBus({ batchSize: 5 })
    const gate = Promise.withResolvers<void>()
    const sizes: number[] = []
    await bus.subscribe(topic, 'g', async (events) => {
      sizes.push(events.length)
      await gate.promise
    })
    const published = [1, 2, 3, 2, 7].map((count) => bus.publish(topic, numbers(count)))
    await settle()
    gate.resolve()
    await Promise.all(published)
    assert.deepEqual(sizes, [1, 5, 2, 7])
  })

  it('one take at a time, and the same events again after a pause', async () => {
    const { bus, fire, warnings } = makeBus()
    let attempts = 0
    await bus.subscribe(topic, 'g', async () => {
      if (++attempts < 3) throw new Error('disk full')
    })
    const published = bus.publish(topic, numbers(1))
    await settle()
    assert.equal(attempts, 1)
    assert.match(warnings[0] ?? '', /"group":"g","failures":1,"message":"disk full"/)
    await fire()
    assert.equal(attempts, 2)
    await fire()
    await published
  })

  it('refuses what exceeds its capacity, and takes it later', async () => {
    const { bus } = makeBus({ capacity: 10 })
    const gate = Promise.withResolvers<void>()
    await bus.subscribe(topic, 'g', () => gate.promise)
    const first = bus.publish(topic, numbers(8))
    await assert.rejects(bus.publish(topic, numbers(3)), /group g: 8 events wait already, at most 10 may/)
    gate.resolve()
    await first
    await bus.publish(topic, numbers(30))
  })

  it('is not disturbed when the publisher changes its list afterwards', async () => {
    const { bus } = makeBus()
    const gate = Promise.withResolvers<void>()
    const taken: string[] = []
    await bus.subscribe(topic, 'g', async (messages) => {
      await gate.promise
      taken.push(...messages.map(({ event }) => event.id))
    })
    const list = numbers(2)
    const published = [bus.publish(topic, list), bus.publish(topic, list)]
    list.length = 0
    gate.resolve()
    await Promise.all(published)
    assert.equal(taken.length, 4)
  })

  it('a member that leaves while it waits to try again leaves its events to the next one', async () => {
    const { bus } = makeBus()
    const first = await bus.subscribe(topic, 'g', async () => {
      throw new Error('broken')
    })
    const published = bus.publish(topic, numbers(1))
    await settle()
    const taken: number[] = []
    await bus.subscribe(topic, 'g', async (events) => void taken.push(events.length))
    await first.close()
    await published
    assert.deepEqual(taken, [1])
  })

  it('closing waits for the take under way', async () => {
    const { bus, timers } = makeBus()
    const gate = Promise.withResolvers<void>()
    await bus.subscribe(topic, 'g', () => gate.promise)
    const published = bus.publish(topic, numbers(1))
    const closed = bus.close()
    await settle()
    gate.resolve()
    await Promise.all([published, closed])
    assert.equal(timers.size, 0)
  })

  it('closing gives up after its limit, and who published hears of it', async () => {
    const { bus, fire, timers } = makeBus()
    await bus.subscribe(topic, 'g', () => Promise.reject(new Error('broken')))
    const published = assert.rejects(bus.publish(topic, numbers(1)), /closed before the events were taken/)
    await settle()
    const closed = bus.close()
    await fire()
    await Promise.all([closed, published])
    await settle()
    assert.equal(timers.size, 0)
  })
})
