import { assertClean, assertFound, makeTally } from '../support/exploration/explored.ts'
import { explore } from './promise-exploration.ts'
import type { Setting } from './promise-world.ts'

describe('core/change/promise: every schedule of two holders, of whom one refers to what the other takes away', () => {
  const tally = makeTally()
  const coming: Setting = { kinds: ['Removal', 'Creation'], faults: 1 }
  const asked: Setting = { kinds: ['ChangeRequest', 'ChangeRequest'], faults: 1 }

  const clean = [
    { title: 'Components that come and go', setting: coming },
    { title: 'requests', setting: asked },
  ]
  for (const { title, setting } of clean) {
    it(`${title}: one of both passes and never the other, and all comes to rest`, function () {
      this.timeout(60_000)
      const explored = explore(setting)
      tally.add(explored)
      assertClean(explored)
    })
  }

  it('at least 35,000 states were seen, and every write of a promise and around it met every fault', () => {
    tally.assertSeen(35_000)
    tally.assertMet(
      ['Claim', 'Promise', 'WriteAhead', 'Publish', 'WriteCommitted', 'Finish', 'Clear', 'TakeBack'],
      ['lost answer', 'crash after', 'late', 'conflict'],
    )
    tally.assertDone(['Settle', 'Store', 'Reread'])
  })

  const each = ['the promise', 'compare-and-set', 'heeding promises', 'having seen what came of them'] as const
  for (const without of each) {
    it(`control: without ${without} it must find a violation`, () => {
      for (const setting of [coming, asked]) {
        assertFound(explore({ ...setting, faults: 0, without, untilViolation: true }))
      }
    })
  }
})
