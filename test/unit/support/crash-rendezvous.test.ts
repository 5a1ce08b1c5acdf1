import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { makeRendezvous } from '../../support/crash-rendezvous.ts'

describe('one death for several workloads', () => {
  const make = () => {
    let kills = 0
    const rendezvous = makeRendezvous(async () => void kills++)
    const come = () => {
      const arrival = rendezvous.come()
      let ended = false
      void arrival.ended.then(() => {
        ended = true
      })
      const here = (urgent = false): void => {
        arrival.here(urgent)
        arrival.readyToGo()
      }
      return { ...arrival, here, hasEnded: () => ended }
    }
    const settled = async (): Promise<void> => {
      for (let i = 0; i < 5; i++) await turn()
    }
    return { rendezvous, come, settled, kills: () => kills }
  }

  it('waits for all that are expected', async () => {
    const { rendezvous, come, settled, kills } = make()
    rendezvous.expect(2)
    const [one, two] = [come(), come()]
    one.here()
    await settled()
    assert.deepEqual([kills(), one.hasEnded()], [0, false])
    two.here()
    await settled()
    assert.deepEqual([kills(), one.hasEnded(), two.hasEnded()], [1, true, true])
  })

  it('does not wait for one that does not come any more', async () => {
    const { rendezvous, come, settled, kills } = make()
    rendezvous.expect(2)
    come().here()
    rendezvous.expect(-1)
    await settled()
    assert.equal(kills(), 1)
  })

  it('comes at once for what is urgent, but not before who is about to arrive has arrived', async () => {
    const { rendezvous, come, settled, kills } = make()
    rendezvous.expect(3)
    const [urgent, coming, leaving] = [come(), come(), come()]
    urgent.here(true)
    await settled()
    assert.equal(kills(), 0)
    leaving.leave()
    coming.here()
    await settled()
    assert.deepEqual([kills(), urgent.hasEnded(), coming.hasEnded(), leaving.hasEnded()], [1, true, true, false])
  })

  it('comes once more for who comes later', async () => {
    const { rendezvous, come, settled, kills } = make()
    rendezvous.expect(1)
    come().here()
    await settled()
    const later = come()
    later.here()
    await settled()
    assert.deepEqual([kills(), later.hasEnded()], [2, true])
  })
})
