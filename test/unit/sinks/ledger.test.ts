import assert from 'node:assert/strict'
import { type Event, type Message, messageOf } from '../../../operator/api/envelope.ts'
import type { Bus } from '../../../operator/ports/bus.ts'
import { startLedgerSink } from '../../../operator/sinks/ledger.ts'
import { busEvent } from '../../contract/bus.ts'

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A ledger whose inserts end when the test says so, and a bus that hands over what the test gives it. */
const makeWorld = async (batchSize?: number, isLongRest = false) => {
  const inserts: { ids: string[]; end: PromiseWithResolvers<void> }[] = []
  const measured: string[] = []
  const rested: number[] = []
  const cancelled: number[] = []
  let take: (messages: readonly Message[]) => Promise<void> = async () => {}
  const bus: Pick<Bus, 'subscribe'> = {
    subscribe: async (topic, group, given) => {
      assert.deepEqual([topic, group], ['events.normalized', 'ledger'])
      take = given
      return { close: async () => {} }
    },
  }
  const ledger = {
    append: (messages: readonly Message[]) => {
      const end = Promise.withResolvers<void>()
      inserts.push({ ids: messages.map(({ event }) => event.id), end })
      return end.promise
    },
  }
  await startLedgerSink({
    bus,
    ledger,
    clock: {
      monotonic: () => 0,
      after: (ms, run) => {
        rested.push(ms)
        if (!isLongRest) run()
        return () => void cancelled.push(ms)
      },
    },
    metrics: {
      appended: (events, newest) => void measured.push(`${events} up to ${new Date(newest).toISOString()}`),
      failed: () => void measured.push('failed'),
    },
    ...(batchSize !== undefined && { batchSize }),
  })
  return { inserts, measured, rested, cancelled, take: (...events: Event[]) => take(events.map(messageOf)) }
}

describe('ledger sink', () => {
  it('inserts together what comes while an insert is under way, each id once', async () => {
    const { inserts, take } = await makeWorld()
    const takes = [take(busEvent('a', 1)), take(busEvent('a', 2), busEvent('b', 1)), take(busEvent('a', 2))]
    assert.deepEqual(
      inserts.map((insert) => insert.ids),
      [['a-1']],
    )
    inserts[0]?.end.resolve()
    await takes[0]
    await settle()
    assert.deepEqual(
      inserts.map((insert) => insert.ids),
      [['a-1'], ['a-2', 'b-1']],
    )
    inserts[1]?.end.resolve()
    await Promise.all(takes)
  })

  it('a failed insert is everybody’s who is in it, and nobody else’s', async () => {
    const { inserts, measured, take } = await makeWorld()
    const first = take(busEvent('a', 1))
    const others = [take(busEvent('b', 1)), take(busEvent('c', 1))]
    inserts[0]?.end.resolve()
    await first
    await settle()
    const failed = others.map((other) => assert.rejects(other, /disk full/))
    inserts[1]?.end.reject(new Error('disk full'))
    await Promise.all(failed)
    const again = take(busEvent('b', 1))
    await settle()
    inserts[2]?.end.resolve()
    await again
    const at = '2026-01-31T00:00:00.001Z'
    assert.deepEqual(measured, [`1 up to ${at}`, 'failed', `1 up to ${at}`])
  })

  it('does not split what the bus handed over, nor exceed the batch size otherwise', async () => {
    const { inserts, take } = await makeWorld(3)
    const lists = [[1], [2, 3], [4, 5], [6, 7, 8, 9], [10]].map((numbers) => numbers.map((n) => busEvent('a', n)))
    const takes = lists.map((list) => take(...list))
    for (let i = 0; i < 5; i++) {
      inserts[i]?.end.resolve()
      await settle()
    }
    await Promise.all(takes)
    assert.deepEqual(
      inserts.map((insert) => insert.ids.length),
      [1, 2, 2, 4, 1],
    )
  })

  it('waits for more between two inserts, unless as many events wait as one insert takes', async () => {
    const { inserts, rested, take } = await makeWorld(3)
    const lists = [[1], [2, 3], [4, 5, 6], [7]].map((numbers) => numbers.map((n) => busEvent('a', n)))
    const first = lists.slice(0, 3).map((list) => take(...list))
    inserts[0]?.end.resolve()
    await settle()
    assert.deepEqual(rested, [], 'five wait')
    inserts[1]?.end.resolve()
    await settle()
    const last = take(...lists[3]!)
    assert.deepEqual(rested, [], 'three wait')
    inserts[2]?.end.resolve()
    await settle()
    assert.deepEqual(rested, [500], 'one waits')
    inserts[3]?.end.resolve()
    await Promise.all([...first, last])
  })

  it('does not wait behind a large insert: the bus may have more', async () => {
    const { inserts, rested, take } = await makeWorld()
    for (const [size, rests] of [
      [499, [500]],
      [500, [500]],
    ] as const) {
      const taken = take(...Array.from({ length: size }, (_, n) => busEvent('a', n + 1)))
      inserts.at(-1)?.end.resolve()
      await taken
      await settle()
      assert.deepEqual(rested, rests, `${size} events`)
    }
  })

  it('does not wait any longer when enough has come meanwhile', async () => {
    const { inserts, rested, cancelled, take } = await makeWorld(undefined, true)
    const events = (from: number, size: number) => Array.from({ length: size }, (_, n) => busEvent('a', from + n))
    const first = take(...events(1, 1))
    inserts[0]?.end.resolve()
    await first
    await settle()
    assert.deepEqual(rested, [500])
    const takes = [take(...events(2, 300)), take(...events(302, 199))]
    await settle()
    assert.equal(inserts.length, 1, '499 wait')
    takes.push(take(...events(501, 1)))
    await settle()
    assert.deepEqual(
      inserts.map(({ ids }) => ids.length),
      [1, 500],
    )
    assert.deepEqual(cancelled, [500])
    inserts[1]?.end.resolve()
    await Promise.all(takes)
  })
})
