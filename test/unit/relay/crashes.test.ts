import assert from 'node:assert/strict'
import fc from 'fast-check'
import { makeWorld } from './world.ts'

const seed = 20260131
const names = ['a', 'b', 'c']

type Step =
  | { readonly do: 'transit'; readonly name: string; readonly count: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'bus' | 'place'; readonly down: boolean }
  | { readonly do: 'kill' | 'restart' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('transit' as const),
      name: fc.constantFrom(...names),
      count: fc.integer({ min: 1, max: 20 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(0, 50, 700, 1500, 20_000) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('bus' as const, 'place' as const), down: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('kill' as const, 'restart' as const) }) },
)

/** A world, what must be told in the end, and how often each fault took place. */
const makeTrial = (hits: Record<string, number>) => {
  const world = makeWorld()
  /** `name:seq` of each transition, with the version of its write */
  const expected = new Map<string, number>()
  let relay = world.startRelay()
  const hit = (what: string) => {
    hits[what] = (hits[what] ?? 0) + 1
  }

  const transit = (name: string, count: number): void => {
    const before = world.objects.get(name)
    // As a controller does: what would push an unpublished entry out of the ring waits.
    if (before && relay.room(before) < count) {
      hit('heldBack')
      return
    }
    const { status, metadata } = world.transit(name, count)
    const last = status?.seq ?? 0
    for (let seq = last - count + 1; seq <= last; seq++)
      expected.set(`${name}:${seq}`, Number(metadata.resourceVersion))
    hit('transits')
  }

  const begin = (): void => {
    world.kill()
    relay = world.startRelay()
    hit('kills')
  }

  return {
    world,
    expected,
    take: async (one: Step): Promise<void> => {
      if (one.do === 'transit') return transit(one.name, one.count)
      if (one.do === 'pass') return world.clock.pass(one.ms)
      if (one.do === 'bus' || one.do === 'place') {
        world[one.do].down = one.down
        return one.down ? hit(`${one.do} down`) : undefined
      }
      if (one.do === 'restart') await Promise.all([relay.stop(), world.clock.pass(6000)])
      begin()
    },
    recover: async (): Promise<void> => {
      world.bus.down = false
      world.place.down = false
      await world.clock.pass(120_000)
      if (world.told().length > expected.size) hit('resent')
    },
    assertPlace: (): void => {
      const told = new Set(world.told())
      const place = Number(world.place.value ?? 0)
      for (const [line, version] of expected) {
        assert.ok(told.has(line) || version > place, `${line} is not published, and the place is ${place}`)
      }
    },
  }
}

describe('relay killed and cut off anywhere', () => {
  it('every transition is published, in order, under one id, and the place never passes one that is not', async () => {
    const hits: Record<string, number> = {
      transits: 0,
      heldBack: 0,
      kills: 0,
      'bus down': 0,
      'place down': 0,
      resent: 0,
    }
    const run = async (steps: Step[]): Promise<void> => {
      const { world, expected, take, recover, assertPlace } = makeTrial(hits)
      for (const one of steps) {
        await take(one)
        assertPlace()
      }
      await recover()
      const told = [...new Set(world.told())]
      for (const name of names) {
        const of = (lines: Iterable<string>) => [...lines].filter((line) => line.startsWith(name))
        assert.deepEqual(of(told), of(expected.keys()))
      }
      assert.equal(world.ids().size, expected.size)
      assert.equal(world.metrics.lost.value(), 0)
    }
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), run), { seed, numRuns: 100 })
    console.log(`        seed ${seed}: ${JSON.stringify(hits)}`)
    for (const [what, count] of Object.entries(hits)) assert.ok(count > 10, `${what}: ${count} with seed ${seed}`)
  }).timeout(20_000)
})
