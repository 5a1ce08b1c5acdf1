import assert from 'node:assert/strict'
import { type Explored, explore } from './promise-exploration.ts'
import type { Setting } from './promise-world.ts'

const told = ({ states, violations, first, trace }: Explored): string =>
  `${violations} violations in ${states} states${first ? `: ${first}\n  ${trace.join('\n  ')}` : ''}`

describe('core/change/promise: every schedule of two holders, of whom one refers to what the other takes away', () => {
  let states = 0
  const hits: Record<string, number> = {}
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
      states += explored.states
      for (const [what, count] of Object.entries(explored.hits)) hits[what] = (hits[what] ?? 0) + count
      assert.equal(explored.violations, 0, told(explored))
    })
  }

  it('at least 35,000 states were seen, and every write of a promise and around it met every fault', () => {
    console.log(`      ${states} states; hits: ${JSON.stringify(hits)}`)
    assert.ok(states >= 35_000, `${states} states`)
    for (const write of [
      'Claim',
      'Promise',
      'WriteAhead',
      'Publish',
      'WriteCommitted',
      'Finish',
      'Clear',
      'TakeBack',
    ]) {
      for (const fault of ['lost answer', 'crash after', 'late', 'conflict'])
        assert.ok((hits[`${fault} ${write}`] ?? 0) > 0, `${fault} ${write} was never met`)
    }
    for (const effect of ['Settle', 'Store', 'Reread']) assert.ok((hits[effect] ?? 0) > 0, `${effect} was never done`)
  })

  // Controls: an exploration that finds nothing wrong with a broken protocol would be blind.
  const each = ['the promise', 'compare-and-set', 'heeding promises', 'having seen what came of them'] as const
  for (const without of each) {
    it(`control: without ${without} it must find a violation`, () => {
      for (const setting of [coming, asked]) {
        const explored = explore({ ...setting, faults: 0, without, untilViolation: true })
        assert.ok(explored.violations > 0, told(explored))
      }
    })
  }
})
