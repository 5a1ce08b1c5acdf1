import { assertClean, assertFound, makeTally } from '../../../support/exploration/explored.ts'
import { explore } from './exploration.ts'

describe('core/change/commit: every schedule of two holders, with crashes, pauses, lost answers and late writes', () => {
  const tally = makeTally()

  const clean = [
    { title: 'two changes of one Component, and a report in between', changes: [0, 0], faults: 1, reports: 1 },
    { title: 'two changes that may share a publish', changes: [0, 1], faults: 1, reports: 0 },
    {
      title: 'one change, and a graph store that has to be set right',
      changes: [0],
      faults: 2,
      reports: 0,
      differing: 1,
    },
    { title: 'one change that is taken back while the one who does it fails', changes: [0], faults: 2, reports: 0 },
  ]
  for (const { title, ...setting } of clean) {
    it(`${title}: nothing is lost, doubled or left half done`, function () {
      this.timeout(60_000)
      const explored = explore(setting)
      tally.add(explored)
      assertClean(explored)
    })
  }

  it('at least 100,000 states were seen, and every write met every fault', () => {
    tally.assertSeen(100_000)
    const writes = [
      'Claim',
      'Settle',
      'WriteAhead',
      'Publish',
      'Repair',
      'WriteSpec',
      'WriteCommitted',
      'Finish',
      'TakeBack',
      'Clear',
    ]
    tally.assertMet(writes, ['lost answer', 'crash after', 'late'])
    tally.assertDone(['Store', 'Reread', 'Look', 'Plan'])
  })

  for (const without of ['claim', 'compare-and-set', 'comparing claims'] as const) {
    it(`control: without ${without} it must find a violation`, function () {
      this.timeout(60_000)
      assertFound(explore({ changes: [0, 0], faults: 2, reports: 0, without, untilViolation: true }))
    })
  }
})
