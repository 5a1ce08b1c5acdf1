import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { DeadLetter } from '../../operator/api/dead-letter.ts'
import type { Event, Message } from '../../operator/api/envelope.ts'
import type { Bus } from '../../operator/ports/bus.ts'

/** A bus of its own for each test; `close` is the test's. */
export type MakeBus = () => Promise<Bus>

const topic = 'events.normalized'
const start = Date.UTC(2026, 0, 31)

export const busEvent = (entity: string, number: number): Event => ({
  id: `${entity}-${number}`,
  ts: new Date(start + number).toISOString(),
  event_type: 'component.committed',
  entity_id: `dev/site/${entity}`,
  correlation_id: 'u-1',
  tags: { namespace: 'dev' },
  attrs: { number, text: 'ü\n"\u0000' },
})

const idsOf = (messages: readonly Message[]): string[] => messages.map(({ event }) => event.id)

export const eventually = async (what: string, holds: () => boolean, ms = 10_000): Promise<void> => {
  for (const begun = performance.now(); !holds(); ) {
    if (performance.now() - begun > ms) assert.fail(`never came: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** What port `bus` promises, whatever carries it. */
export const busContract = (name: string, makeBus: MakeBus, { runs = 40 } = {}): void => {
  describe(`bus: ${name}`, function () {
    this.timeout(120_000)
    let bus: Bus
    beforeEach(async () => {
      bus = await makeBus()
    })
    afterEach(() => bus.close())

    it('carries events as they are, to every group', async () => {
      const taken: Record<string, Event[]> = { one: [], two: [] }
      for (const group of ['one', 'two']) {
        await bus.subscribe(
          topic,
          group,
          async (messages) => void taken[group]!.push(...messages.map(({ event }) => event)),
        )
      }
      const events = [busEvent('a', 1), busEvent('b', 1)]
      await bus.publish(topic, events)
      await eventually('both events in both groups', () => taken.one!.length >= 2 && taken.two!.length >= 2)
      const byId = (list: Event[]) => list.toSorted((x, y) => (x.id < y.id ? -1 : 1))
      assert.deepEqual(byId(taken.one!), events)
      assert.deepEqual(byId(taken.two!), events)
    })

    it('carries again what was on it, with members that no event has', async () => {
      const taken: Message[] = []
      await bus.subscribe(topic, 'g', async (messages) => void taken.push(...messages))
      const event = busEvent('a', 1)
      const raw = `{ "more" : 1.50 , ${JSON.stringify(event).slice(1)}`
      await bus.republish(topic, [{ event, raw }])
      await eventually('the message', () => taken.length > 0)
      assert.deepEqual(taken[0], { event, raw })
    })

    it('keeps topics apart', async () => {
      const taken: string[] = []
      await bus.subscribe('actions.results', 'g', async (messages) => void taken.push(...idsOf(messages)))
      await bus.subscribe(topic, 'g', async () => {})
      await bus.publish(topic, [busEvent('a', 1)])
      await bus.publish('actions.results', [busEvent('b', 1)])
      await eventually('the result', () => taken.length > 0)
      assert.deepEqual(taken, ['b-1'])
    })

    it('publishes nothing without complaint', async () => {
      await bus.publish(topic, [])
    })

    it('gives events again when they were not taken, and nothing of the same entity before them', async () => {
      const taken: string[] = []
      let refusals = 3
      await bus.subscribe(topic, 'g', async (messages) => {
        if (refusals-- > 0) throw new Error('ledger away')
        taken.push(...idsOf(messages))
      })
      const first = bus.publish(topic, [busEvent('a', 1), busEvent('a', 2)])
      const second = bus.publish(topic, [busEvent('a', 3)])
      await Promise.all([first, second])
      await eventually('the last event', () => taken.includes('a-3'))
      assert.deepEqual([...new Set(taken)], ['a-1', 'a-2', 'a-3'])
    })

    it('says how far a group is behind', async () => {
      let refuse = true
      const taken: string[] = []
      await bus.subscribe(topic, 'g', async (messages) => {
        if (refuse) throw new Error('ledger away')
        taken.push(...idsOf(messages))
      })
      const behind = () => bus.lag().filter((lag) => lag.topic === topic && lag.group === 'g')
      const published = bus.publish(topic, [busEvent('a', 1), busEvent('a', 2), busEvent('b', 1)])
      await eventually('three messages that wait', () => behind()[0]?.messages === 3)
      refuse = false
      await published
      await eventually('all three', () => taken.length >= 3)
      await eventually('nothing that waits', () => behind()[0]?.messages === 0)
      assert.equal(behind().length, 1)
    })

    it('shares a group among its members, and goes on when one leaves', async () => {
      const taken: string[] = []
      const take = async (messages: readonly Message[]) => void taken.push(...idsOf(messages))
      const first = await bus.subscribe(topic, 'g', (messages) => take(messages))
      await bus.subscribe(topic, 'g', (messages) => take(messages))
      await bus.publish(topic, [busEvent('a', 1)])
      await eventually('the first event', () => taken.includes('a-1'))
      await first.close()
      await bus.publish(topic, [busEvent('a', 2)])
      await eventually('the second event', () => taken.includes('a-2'))
    })

    it('keeps events for a group whose members have all left', async () => {
      const taken: string[] = []
      const take = async (messages: readonly Message[]) => void taken.push(...idsOf(messages))
      const first = await bus.subscribe(topic, 'g', take)
      await bus.publish(topic, [busEvent('a', 1)])
      await eventually('the first event', () => taken.includes('a-1'))
      await first.close()
      const published = bus.publish(topic, [busEvent('a', 2)])
      await bus.subscribe(topic, 'g', take)
      await published
      await eventually('the second event', () => taken.includes('a-2'))
    })

    it('order per entity, at least once, whatever is published at the same time and refused', async () => {
      let refused = 0
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ entity: fc.constantFrom('a', 'b', 'c'), size: fc.integer({ min: 1, max: 5 }) }), {
            maxLength: 20,
          }),
          fc.array(fc.boolean(), { maxLength: 6 }),
          async (publishes, refusals) => {
            const own = await makeBus()
            try {
              const taken: string[] = []
              const answers = [...refusals]
              await own.subscribe(topic, 'g', async (messages) => {
                if (answers.shift()) {
                  refused++
                  throw new Error('not now')
                }
                taken.push(...idsOf(messages))
              })
              const numbers: Record<string, number> = {}
              const next = (entity: string) => {
                numbers[entity] = (numbers[entity] ?? 0) + 1
                return busEvent(entity, numbers[entity])
              }
              await Promise.all(
                publishes.map(({ entity, size }) =>
                  own.publish(
                    topic,
                    Array.from({ length: size }, () => next(entity)),
                  ),
                ),
              )
              const all = Object.values(numbers).reduce((a, b) => a + b, 0)
              await eventually('every event', () => new Set(taken).size === all)
              for (const [entity, count] of Object.entries(numbers)) {
                const order = [...new Set(taken)].filter((id) => id.startsWith(entity))
                assert.deepEqual(
                  order,
                  Array.from({ length: count }, (_, i) => `${entity}-${i + 1}`),
                )
              }
            } finally {
              await own.close()
            }
          },
        ),
        { seed: 5, numRuns: runs },
      )
      assert.ok(refused >= runs / 2, `only ${refused} refusals with seed 5`)
    })

    it('puts aside what is no event, and gives it to every group that asks for it', async () => {
      const letters: DeadLetter[] = []
      let refusals = 1
      await bus.subscribeToDeadLetters(topic, 'g', async (more) => {
        if (refusals-- > 0) throw new Error('not now')
        letters.push(...more)
      })
      const none: DeadLetter[] = []
      await bus.subscribeToDeadLetters('actions.results', 'g', async (more) => void none.push(...more))
      const letter: DeadLetter = {
        at: new Date(start).toISOString(),
        topic,
        partition: 2,
        offset: '9007199254740993',
        key: 'dev/site/a',
        reason: 'NotJson',
        message: 'value: expected JSON, found "ü\n"',
        raw: Buffer.from([0, 255, 0xc3, 0x28]),
      }
      const other: DeadLetter = {
        at: letter.at,
        topic,
        reason: 'EventInvalid',
        message: 'no type',
        raw: Buffer.from('{}'),
      }
      await bus.putAside([letter, other])
      await eventually('both letters', () => letters.length >= 2)
      const byReason = letters.toSorted((a, b) => (a.reason < b.reason ? 1 : -1))
      assert.deepEqual(
        byReason.map((one) => ({ ...one, raw: Buffer.from(one.raw) })),
        [letter, other],
      )
      assert.deepEqual(none, [])
    })

    it('when closed it refuses', async () => {
      const own = await makeBus()
      await own.close()
      await assert.rejects(own.publish(topic, [busEvent('a', 1)]), /closed/)
      await assert.rejects(
        own.subscribe(topic, 'g', async () => {}),
        /closed/,
      )
      await assert.rejects(
        own.subscribeToDeadLetters(topic, 'g', async () => {}),
        /closed/,
      )
      await assert.rejects(
        own.putAside([{ at: '', topic, reason: 'NotJson', message: '', raw: Buffer.from('') }]),
        /closed/,
      )
    })
  })
}
