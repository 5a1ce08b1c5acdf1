import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { bugs, withBug } from '../../faults/bugs.ts'
import { readPlanFile } from '../../faults/plan-file.ts'

describe('bugs seeded on purpose', () => {
  it('are ten at least', () => assert.ok(bugs().length >= 10, `expected at least ten, found ${bugs().length}`))

  for (const bug of bugs()) {
    it(`${bug.name} fits what operator/ is now, and names plans that there are`, () => {
      const { program, remove } = withBug(bug)
      try {
        assert.ok(existsSync(program))
        if (bug.plans !== undefined) assert.ok(readPlanFile(bug.plans).length > 0)
      } finally {
        remove()
      }
    })
  }
})
