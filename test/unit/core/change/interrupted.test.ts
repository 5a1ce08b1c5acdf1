import assert from 'node:assert/strict'
import {
  type Answer,
  closing,
  type Effect,
  type Member,
  newPass,
  nextEffects,
  type Pass,
  resume,
  took,
} from '../../../../operator/core/change/commit.ts'

/*
 * A pass may be left in the middle, with the lock kept: an effect had no answer too often, or the lock could not be
 * renewed in time. A creation and a removal have no request in phase Applying that would tell of it.
 */
describe('core/change/commit: a pass that was interrupted', () => {
  const member: Member<null> = {
    applying: { kind: 'Creation', name: 'site.a', uid: 'u1', hash: 'h' },
    stage: 'Ahead',
    resourceVersion: '',
    targets: [{ component: 'site.a', resourceVersion: '5', stage: 'Committed' }],
    content: null,
  }
  const environment = { resourceVersion: '7', version: 0, applying: [], highest: '0' }
  const answers: readonly Answer<null>[] = [
    { is: 'Environment', environment },
    { is: 'Written', resourceVersion: '8' },
    { is: 'Seen', open: [], stale: [] },
    { is: 'Batch', members: [member] },
    { is: 'Written', resourceVersion: '9' },
    { is: 'Written', resourceVersion: '' },
    { is: 'Written', resourceVersion: '10' },
  ]
  /** As it is after so many effects, each the first of those that may be done. */
  const passAfter = (count: number): Pass<null> =>
    answers.slice(0, count).reduce((pass, answer) => took(pass, nextEffects(pass)[0]!, answer), newPass<null>())
  const next = (pass: Pass<null>): Effect<null>['do'][] => nextEffects(pass).map((effect) => effect.do)

  const cases: [string, number, Pass<null>['stage'], Effect<null>['do'], Effect<null>['do'] | 'nothing'][] = [
    ['when it has claimed', 2, 'Look', 'ReadEnvironment', 'nothing'],
    ['when it has looked', 3, 'Plan', 'Plan', 'Clear'],
    ['when it has planned', 4, 'Publish', 'ReadEnvironment', 'nothing'],
    ['when it has published', 5, 'Store', 'ReadEnvironment', 'nothing'],
    ['when it has told the graph', 6, 'Commit', 'ReadEnvironment', 'nothing'],
    ['when it has carried it through', 7, 'Plan', 'Plan', 'Clear'],
  ]
  for (const [title, count, stage, resumed, closed] of cases) {
    it(`${title} goes on with ${resumed}, and at the end does ${closed}`, () => {
      const pass = passAfter(count)
      assert.equal(pass.stage, stage)
      assert.deepEqual(next(resume(pass, false)), [resumed])
      assert.deepEqual(next(closing(pass)), closed === 'nothing' ? [] : [closed])
    })
  }

  it('looks for what it has left, also when the environment was given free in between', () => {
    assert.deepEqual(next(resume(closing(passAfter(6)), false)), ['ReadEnvironment'])
  })
})
