import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expectedIn, generate, sample, whole } from '../../faults/generate.ts'
import { readPlanFile, writeEvidence, writePlanFile } from '../../faults/plan-file.ts'
import { effects } from '../../support/crash-effects.ts'
import { deedOf, positions } from '../../support/crash-fault.ts'
import type { State } from '../../support/recorder.ts'

describe('a campaign of faults', () => {
  const groups = generate(1, whole)

  it('has a thousand plans, and every fault', () => {
    assert.ok(groups.flat().length >= 1_000, `expected at least 1000, found ${groups.flat().length}`)
    for (const [name, count] of expectedIn(groups))
      assert.ok(count >= 20, `${name}: expected at least 20, found ${count}`)
  })

  it('kills at every effect in every position', () => {
    const kills = groups.flat().flatMap(({ faults }) => faults.filter((fault) => deedOf(fault).do === 'kill'))
    const there = new Set(kills.map(({ effect, position }) => `${effect} ${position}`))
    assert.deepEqual(
      effects.flatMap((effect) => positions.map((position) => `${effect} ${position}`)).filter((at) => !there.has(at)),
      [],
    )
  })

  it('is the same for the same seed, and another for another', () => {
    const names = (seed: number): string[] => generate(seed, sample).flatMap((group) => group.map(({ name }) => name))
    assert.deepEqual(names(5), names(5))
    assert.notDeepEqual(names(5), names(6))
  })

  describe('as a file', () => {
    let folder: string
    let path: string
    // In a hook: where none of these tests is chosen nothing is made, and nothing left.
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'karma-plans-'))
      path = join(folder, 'plan.json')
    })
    after(() => rmSync(folder, { recursive: true }))

    it('has beside it the states of the runs in which something was wrong, a line each, and the log of their operator', () => {
      const state = (name: string): State => {
        return { type: 'ADDED', kind: 'Component', object: { metadata: { name } }, resourceVersion: 1 }
      }
      const log = join(folder, 'operator.log')
      writeFileSync(log, 'lost the lead\n')
      const wrong = { violations: ['lost'], states: () => [state('a'), state('b')], log }
      const well = { violations: [], states: () => [state('c')], log }
      const written = writeEvidence(path, [well, wrong])
      const lines = readFileSync(written.states, 'utf8').trimEnd().split('\n')
      assert.deepEqual(
        lines.map((line) => JSON.parse(line)),
        [state('a'), state('b')],
      )
      assert.equal(readFileSync(written.log, 'utf8'), 'lost the lead\n')
    })

    it('is read as it was written', () => {
      for (const group of groups.slice(0, 20)) {
        writePlanFile(path, group)
        assert.deepEqual(readPlanFile(path), group)
      }
    })

    const cases: [string, unknown, RegExp][] = [
      ['no plan', { plans: [] }, /plans: expected at least one, found none/],
      ['a workload that is not there', { plans: [{ workload: 'x', faults: [] }] }, /plans\[0\].workload: .*found x/],
      [
        'an effect that is not there',
        { plans: [{ workload: 'change', faults: [{ effect: 'x', position: 'after' }] }] },
        /plans\[0\].faults: expected effects of Karma, found x/,
      ],
    ]
    for (const [title, content, message] of cases) {
      it(`is refused with ${title}`, () => {
        writeFileSync(path, JSON.stringify(content))
        assert.throws(() => readPlanFile(path), message)
      })
    }
  })
})
