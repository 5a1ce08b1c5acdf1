import assert from 'node:assert/strict'
import { makeDelays } from '../../../operator/controllers/delays.ts'
import { makeWorld } from '../relay/world.ts'

const watch = () => {
  const world = makeWorld()
  const relay = world.startRelay()
  const said: (string | undefined)[] = []
  const delays = makeDelays({ relay, after: world.clock.after, onChange: () => void said.push(delays.why()) })
  return { world, said }
}

describe('controllers/delays', () => {
  it('says that the bus is away, once, and that it is back', async () => {
    const { world, said } = watch()
    world.bus.down = true
    world.transit('a')
    await world.clock.pass(60_000)
    assert.deepEqual(said, ['broker away'])
    world.bus.down = false
    await world.clock.pass(60_000)
    assert.deepEqual(said, ['broker away', undefined])
  })

  it('says nothing of what is over within a second', async () => {
    const { world, said } = watch()
    world.bus.down = true
    world.transit('a')
    await world.clock.pass(20)
    world.bus.down = false
    await world.clock.pass(60_000)
    assert.deepEqual([world.told(), said], [['a:1'], []])
  })
})
