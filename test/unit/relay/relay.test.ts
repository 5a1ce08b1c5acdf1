import assert from 'node:assert/strict'
import { drainLimit } from '../../../operator/controllers/relay.ts'
import { makeWorld } from './world.ts'

const deleted = (at: number) => ({ deletionTimestamp: new Date(at).toISOString() })

describe('relay', () => {
  it('publishes what stands there at the start, and then what is new, in order per object', async () => {
    const world = makeWorld()
    world.transit('a', 2)
    const relay = world.startRelay()
    await world.clock.settle()
    world.transit('a')
    world.transit('b')
    world.transit('a')
    await world.clock.settle()
    assert.deepEqual(
      world.told().filter((line) => line.startsWith('a')),
      ['a:1', 'a:2', 'a:3', 'a:4'],
    )
    assert.ok(world.told().includes('b:1'))
    assert.equal(relay.published('uid-a'), 4)
    assert.equal(world.metrics.published.value(), 5)
  })

  it('has one publish under way, and puts together what comes meanwhile', async () => {
    const world = makeWorld()
    const gate = Promise.withResolvers<void>()
    world.bus.hold = gate.promise
    world.startRelay()
    await world.clock.settle()
    world.transit('a')
    await world.clock.settle()
    for (const name of ['b', 'c', 'd', 'a']) world.transit(name)
    world.bus.hold = undefined
    gate.resolve()
    await world.clock.settle()
    assert.deepEqual(world.publishes, [1, 4])
    assert.deepEqual(world.told(), ['a:1', 'b:1', 'c:1', 'd:1', 'a:2'])
  })

  it('tries again when the bus is down, with the same ids, and says so', async () => {
    const world = makeWorld()
    world.bus.down = true
    const relay = world.startRelay()
    world.transit('a')
    await world.clock.pass(3000)
    assert.deepEqual(relay.state(), [
      { kind: 'ChangeRequest', waiting: 1, oldest: '2026-01-31T00:00:00.000Z', failure: 'broker away' },
    ])
    assert.ok(world.metrics.retries.value() >= 3)
    assert.deepEqual(world.placeWrites, [])
    world.bus.down = false
    await world.clock.pass(30_000)
    assert.deepEqual(world.told(), ['a:1'])
    assert.deepEqual(relay.state(), [{ kind: 'ChangeRequest', waiting: 0 }])
  })

  it('tells listeners when the bus begins to fail and when it is back, and survives one that throws', async () => {
    const world = makeWorld()
    const relay = world.startRelay()
    const heard: boolean[] = []
    relay.onFailing(() => {
      throw new Error('listener')
    })
    relay.onFailing(() => void heard.push(relay.state().some(({ failure }) => failure !== undefined)))
    world.bus.down = true
    world.transit('a')
    await world.clock.pass(1_000)
    world.bus.down = false
    await world.clock.pass(60_000)
    assert.deepEqual(heard, [true, false])
    assert.deepEqual(world.told(), ['a:1'])
  })

  describe('place', () => {
    it('moves at most once a second, only to what is published, and not while nothing is published', async () => {
      const world = makeWorld()
      world.startRelay()
      for (let i = 0; i < 50; i++) {
        world.transit(`r${i % 5}`)
        await world.clock.pass(100)
      }
      assert.ok(
        world.placeWrites.length >= 5 && world.placeWrites.length <= 7,
        `${world.placeWrites.length} writes in 5 s`,
      )
      await world.clock.pass(2000)
      assert.equal(world.place.value, String(world.version()))
      const writes = world.placeWrites.length
      for (let i = 0; i < 20; i++) {
        world.touch('r0')
        await world.clock.pass(1000)
      }
      assert.equal(world.placeWrites.length, writes)
      assert.equal(world.clock.timers(), 0)
    })

    it('does not pass an object that is not published', async () => {
      const world = makeWorld()
      world.startRelay()
      await world.clock.settle()
      world.bus.down = true
      world.transit('a')
      world.transit('b')
      await world.clock.pass(60_000)
      assert.deepEqual(world.placeWrites, [])
    })

    it('does not move when only the first of several publishes went through', async () => {
      const world = makeWorld()
      for (let i = 0; i < 40; i++) world.transit(`r${i}`, 32)
      world.bus.capacity = 500
      world.startRelay()
      await world.clock.pass(5000)
      assert.equal(world.published.length, 512)
      assert.deepEqual(world.placeWrites, [])
    })

    it('moves while there is always something new', async () => {
      const world = makeWorld()
      world.startRelay()
      await world.clock.settle()
      const gates: PromiseWithResolvers<void>[] = []
      for (let i = 0; i < 8; i++) {
        const gate = Promise.withResolvers<void>()
        gates.push(gate)
        world.bus.hold = gate.promise
        world.transit(`r${i}`)
        gates[i - 1]?.resolve()
        await world.clock.pass(1000)
      }
      assert.ok(world.placeWrites.length >= 4, `${world.placeWrites.length} writes`)
      for (const rv of world.placeWrites) assert.ok(Number(rv) < world.version())
    })

    it('is tried again when it cannot be written, without holding up events', async () => {
      const world = makeWorld()
      world.startRelay()
      await world.clock.settle()
      world.place.down = true
      world.transit('a')
      await world.clock.pass(5000)
      assert.deepEqual(world.told(), ['a:1'])
      world.place.down = false
      await world.clock.pass(30_000)
      assert.equal(world.place.value, String(world.version()))
    })

    it('is noted at the end', async () => {
      const world = makeWorld()
      const relay = world.startRelay()
      world.transit('a')
      await world.clock.settle()
      world.transit('a')
      await world.clock.settle()
      await relay.stop()
      assert.equal(world.place.value, String(world.version()))
      assert.equal(world.clock.timers(), 0)
    })
  })

  describe('restart', () => {
    it('publishes again what lies above the place, with the same ids, and nothing below it', async () => {
      const world = makeWorld()
      const first = world.startRelay()
      world.transit('old', 3)
      await world.clock.pass(5000)
      await first.stop()
      world.kill()
      world.transit('new', 2)
      const before = world.told().length
      const relay = world.startRelay()
      await world.clock.pass(5000)
      assert.deepEqual(world.told().slice(before), ['new:1', 'new:2'])
      assert.equal(relay.published('uid-old'), 3)
    })

    it('killed after the bus had the events and before the place was noted: the same ids again', async () => {
      const world = makeWorld()
      world.startRelay()
      world.transit('a', 3)
      await world.clock.settle()
      assert.equal(world.place.value, undefined)
      world.kill()
      world.startRelay()
      await world.clock.pass(5000)
      assert.equal(world.published.length, 6)
      assert.equal(world.ids().size, 3)
    })

    it('waits for its place, and holds appends back meanwhile', async () => {
      const world = makeWorld()
      const first = world.startRelay()
      const full = world.transit('a', 40)
      await world.clock.pass(5000)
      await first.stop()
      world.kill()
      world.place.down = true
      const relay = world.startRelay()
      await world.clock.pass(1000)
      assert.equal(relay.room(full), 0)
      world.place.down = false
      await world.clock.pass(30_000)
      assert.equal(relay.room(full), 10)
      assert.equal(world.published.length, 32)
    })

    it('after versions went back (a restored backup) everything is published again, and the place goes back', async () => {
      const world = makeWorld()
      world.transit('a')
      world.transit('b')
      const backup = { version: world.version(), objects: [...world.objects.values()] }
      const first = world.startRelay()
      await world.clock.pass(5000)
      world.transit('a', 3)
      await world.clock.pass(5000)
      await first.stop()
      world.kill()
      world.restore(backup.version, backup.objects)
      const before = world.told().length
      world.startRelay()
      await world.clock.pass(5000)
      assert.deepEqual(world.told().slice(before), ['a:1', 'b:1'])
      assert.equal(world.place.value, String(backup.version))
      await world.clock.pass(1000)
      world.transit('a')
      await world.clock.pass(5000)
      assert.equal(world.told().at(-1), 'a:2')
    })
  })

  describe('holds controllers back', () => {
    it('room is what may be appended without losing an unpublished entry', async () => {
      const world = makeWorld()
      const relay = world.startRelay()
      await world.clock.settle()
      world.bus.down = true
      assert.equal(relay.room(world.transit('a', 30)), 2)
      assert.equal(relay.room(world.transit('a', 2)), 0)
      world.bus.down = false
      await world.clock.pass(60_000)
      assert.equal(relay.room(world.objects.get('a')!), 10)
      assert.equal(world.metrics.lost.value(), 0)
    })

    it('an entry that was pushed out unpublished is counted as lost', async () => {
      const world = makeWorld()
      world.startRelay()
      world.transit('a')
      await world.clock.settle()
      world.bus.down = true
      world.transit('b')
      await world.clock.settle()
      world.transit('a', 35)
      world.bus.down = false
      await world.clock.pass(60_000)
      assert.equal(world.metrics.lost.value(), 3)
      assert.equal(world.told().at(-1), 'a:36')
    })

    it('tells listeners what has been published, and survives one that throws', async () => {
      const world = makeWorld()
      const relay = world.startRelay()
      const heard: string[] = []
      relay.onPublished(() => {
        throw new Error('listener')
      })
      relay.onPublished((object) => void heard.push(object.metadata.name))
      world.transit('a')
      world.transit('b')
      await world.clock.settle()
      assert.deepEqual(heard, ['a', 'b'])
    })
  })

  describe('deletion', () => {
    it('is drained when the last event is out', async () => {
      const world = makeWorld()
      const relay = world.startRelay()
      await world.clock.settle()
      world.bus.down = true
      world.transit('a')
      const object = world.put('a', (o) => ({ ...o, metadata: { ...o.metadata, ...deleted(world.clock.now()) } }))
      assert.deepEqual(relay.drained(object), { kind: 'Waiting', ms: drainLimit })
      world.bus.down = false
      await world.clock.pass(10_000)
      assert.deepEqual(relay.drained(object), { kind: 'Drained' })
      assert.deepEqual(world.told(), ['a:1'])
    })

    it('waits 30 s from the last event on, then counts what is lost, once', async () => {
      const world = makeWorld()
      const relay = world.startRelay()
      await world.clock.settle()
      world.bus.down = true
      world.put('a', (o) => ({ ...o, metadata: { ...o.metadata, ...deleted(world.clock.now()) } }))
      await world.clock.pass(60_000)
      const object = world.transit('a', 2)
      assert.deepEqual(relay.drained(object), { kind: 'Waiting', ms: drainLimit })
      await world.clock.pass(drainLimit)
      assert.deepEqual(relay.drained(object), { kind: 'Lost', count: 2 })
      assert.deepEqual(relay.drained(object), { kind: 'Lost', count: 2 })
      assert.equal(world.metrics.lost.value(), 2)
      world.remove('a')
      assert.deepEqual(
        relay.state().map((lane) => lane.waiting),
        [0],
      )
    })

    it('that stood there when the relay began waits as long, counted from then', async () => {
      const world = makeWorld()
      const object = world.transit('a')
      const doomed = world.put('a', (o) => ({ ...o, metadata: { ...o.metadata, ...deleted(world.clock.now()) } }))
      await world.clock.pass(3_600_000)
      world.bus.down = true
      world.place.down = true
      const relay = world.startRelay()
      await world.clock.pass(60_000)
      assert.deepEqual(relay.drained(doomed), { kind: 'Waiting', ms: drainLimit })
      world.place.down = false
      await world.clock.pass(40_000)
      assert.equal(relay.drained(doomed).kind, 'Waiting')
      world.bus.down = false
      await world.clock.pass(30_000)
      assert.deepEqual(relay.drained(object), { kind: 'Drained' })
      assert.equal(world.metrics.lost.value(), 0)
    })

    it('of an object whose events are under way: they still come, once', async () => {
      const world = makeWorld()
      const relay = world.startRelay()
      await world.clock.settle()
      world.bus.down = true
      world.transit('a')
      world.remove('a')
      world.bus.down = false
      await world.clock.pass(10_000)
      assert.deepEqual(world.told(), ['a:1'])
      assert.equal(relay.published('uid-a'), 0, 'nothing is remembered of what is gone')
    })

    it('an object of the same name with another uid begins again', async () => {
      const world = makeWorld()
      world.startRelay()
      world.transit('a', 2)
      await world.clock.settle()
      world.put('a', (o) => ({ ...o, metadata: { ...o.metadata, uid: 'uid-second' }, status: {} }))
      world.transit('a')
      await world.clock.settle()
      assert.deepEqual(world.told(), ['a:1', 'a:2', 'a:1'])
      assert.equal(world.ids().size, 3)
    })
  })

  it('an entry that is no event goes to the dead letters, and the rest goes on', async () => {
    const world = makeWorld()
    world.startRelay()
    await world.clock.settle()
    world.bus.asideDown = true
    world.put('a', (o) => ({
      ...o,
      status: {
        seq: 2,
        history: [
          { seq: 1, at: 'nonsense', type: 'change.requested' },
          { seq: 2, at: '2026-01-31T00:00:00Z', type: 'change.queued' },
        ],
      },
    }))
    const before = world.place.value
    await world.clock.pass(5000)
    assert.deepEqual([...new Set(world.told())], ['a:2'])
    assert.equal(world.metrics.deadLetters.value(), 0)
    assert.equal(world.place.value, before, 'the place does not pass what is not put aside')
    world.bus.asideDown = false
    await world.clock.pass(20_000)
    assert.equal(world.metrics.deadLetters.value(), 1)
    const [letter, ...others] = world.letters
    assert.deepEqual(others, [])
    assert.equal(letter?.reason, 'EventInvalid')
    assert.match(letter.message, /history entry 1: at: expected a time .*, found "nonsense"/)
    assert.deepEqual(JSON.parse(new TextDecoder().decode(letter.raw)), {
      uid: 'uid-a',
      entry: { seq: 1, at: 'nonsense', type: 'change.requested' },
    })
    assert.equal(world.place.value, String(world.version()))
  })

  it('ends within its limit when the bus does not answer', async () => {
    const world = makeWorld()
    world.bus.hold = new Promise(() => {})
    const relay = world.startRelay()
    world.transit('a')
    await world.clock.settle()
    const stopped = relay.stop()
    await world.clock.pass(5000)
    await stopped
    assert.deepEqual(world.placeWrites, [])
  })

  it('takes 100 objects of 32 entries in publishes of about 500', async () => {
    const world = makeWorld()
    for (let i = 0; i < 100; i++) world.transit(`r${i}`, 32)
    world.startRelay()
    await world.clock.settle()
    assert.equal(world.ids().size, 3200)
    assert.deepEqual([...new Set(world.publishes)], [512, 128])
  })
})
