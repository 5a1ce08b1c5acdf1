import assert from 'node:assert/strict'
import { bugs, misfit } from '../../faults/bugs.ts'
import { readPlanFile } from '../../faults/plan-file.ts'

describe('bugs seeded on purpose', () => {
  it('are ten at least', () => assert.ok(bugs().length >= 10, `expected at least ten, found ${bugs().length}`))

  for (const bug of bugs()) {
    it(`${bug.name} fits what operator/ is now, and names plans that there are`, () => {
      assert.equal(misfit(bug), undefined)
      if (bug.plans !== undefined) assert.ok(readPlanFile(bug.plans).length > 0)
    })
  }
})
