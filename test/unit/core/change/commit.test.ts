import assert from 'node:assert/strict'
import { type Explored, explore } from './exploration.ts'

const told = ({ states, violations, first, trace }: Explored): string =>
  `${violations} violations in ${states} states${first ? `: ${first}\n  ${trace.join('\n  ')}` : ''}`

describe('core/change/commit: every schedule of two holders, with crashes, pauses, lost answers and late writes', () => {
  let states = 0
  const hits: Record<string, number> = {}

  const clean = [
    { title: 'two changes of one Component, and a report in between', changes: [0, 0], faults: 1, reports: 1 },
    { title: 'two changes that may share a publish', changes: [0, 1], faults: 1, reports: 0 },
    { title: 'one change that is taken back while the one who does it fails', changes: [0], faults: 2, reports: 0 },
  ]
  for (const { title, ...setting } of clean) {
    it(`${title}: nothing is lost, doubled or left half done`, function () {
      this.timeout(60_000)
      const explored = explore(setting)
      states += explored.states
      for (const [what, count] of Object.entries(explored.hits)) hits[what] = (hits[what] ?? 0) + count
      assert.equal(explored.violations, 0, told(explored))
    })
  }

  it('at least 100,000 states were seen, and every write met every fault', () => {
    console.log(`      ${states} states; hits: ${JSON.stringify(hits)}`)
    assert.ok(states >= 100_000, `${states} states`)
    const writes = [
      'Claim',
      'Settle',
      'WriteAhead',
      'Publish',
      'WriteSpec',
      'WriteCommitted',
      'Finish',
      'TakeBack',
      'Clear',
    ]
    for (const write of writes) {
      for (const fault of ['lost answer', 'crash after', 'late']) {
        assert.ok((hits[`${fault} ${write}`] ?? 0) > 0, `${fault} ${write} was never met`)
      }
    }
    for (const effect of ['Store', 'Reread', 'Look', 'Plan'])
      assert.ok((hits[effect] ?? 0) > 0, `${effect} was never done`)
  })

  // Controls: an exploration that finds nothing wrong with a broken protocol would be blind.
  for (const without of ['claim', 'compare-and-set', 'comparing claims'] as const) {
    it(`control: without ${without} it must find a violation`, function () {
      this.timeout(60_000)
      const explored = explore({ changes: [0, 0], faults: 2, reports: 0, without, untilViolation: true })
      assert.ok(explored.violations > 0, told(explored))
    })
  }
})
