import assert from 'node:assert/strict'
import { newPass } from '../../operator/core/change/commit.ts'
import { newSpanning, nextSpanningEffects, type Spanning, tookSpanning } from '../../operator/core/change/spanning.ts'
import { assertClean, assertFound, makeTally } from '../support/exploration/explored.ts'
import { explore, sentOverAll } from './spanning-exploration.ts'
import { makeServer } from './spanning-server.ts'
import { type Content, keyOf, type Setting, startOf } from './spanning-world.ts'

/** The writes to the API server of a change of both that nobody disturbs, in their order. */
const undisturbed = (setting: Setting): string[] => {
  const perform = makeServer(setting)
  const writes: string[] = []
  let { server } = startOf(setting)
  let spanning: Spanning<Content> = newSpanning(
    [0, 1].map((e) => ({ environment: keyOf(e), pass: newPass<Content>() })),
  )
  for (;;) {
    const [effect] = nextSpanningEffects(spanning)
    if (!effect) return writes
    const [after, answer] = perform(server, sentOverAll(spanning, effect))[0]!
    server = after
    spanning = tookSpanning(spanning, effect, answer)
    const step = effect.do === 'Pass' ? effect.effect.do : effect.do
    if (answer.is !== 'Written' || step === 'Store') continue
    writes.push(effect.do === 'Pass' ? `${step} in ${effect.lane.environment}` : step)
  }
}

describe('core/change/spanning: every schedule of two holders over two environments', () => {
  const tally = makeTally()
  const both: Setting = { components: [0, 1], changes: [[0, 1]], faults: 1 }
  const besideOne: Setting = { ...both, changes: [[0, 1], [1]], forgetful: true }
  const referring: Setting = { ...besideOne, changes: [[0], [1]], referring: 0 }
  const abandoned: Setting = { ...both, narrowing: true, abandoned: true }

  const clean = [
    { title: 'a change of both, and one of the second alone', setting: besideOne },
    { title: 'a change of the first that refers to the second, and one of the second alone', setting: referring },
    { title: 'a change left prepared in both, then about the first alone; holders that remember', setting: abandoned },
  ]
  for (const { title, setting } of clean) {
    it(`${title}: both or neither, nothing is lost or left half done, all comes to rest`, function () {
      this.timeout(60_000)
      const explored = explore(setting)
      tally.add(explored)
      assertClean(explored)
    })
  }

  it('at least 100,000 states were seen, and every write met every fault', () => {
    tally.assertSeen(100_000)
    const inOne = [
      'Claim',
      'WriteAhead',
      'Publish',
      'WriteSpec',
      'WriteCommitted',
      'Finish',
      'TakeBack',
      'Clear',
      'Prepare',
    ]
    const overAll = ['WriteAhead', 'Decide', 'Finish'].map((step) => `${step} over all`)
    tally.assertMet([...inOne, ...overAll], ['lost answer', 'crash after', 'late', 'conflict'])
    tally.assertDone(['Store', 'Reread', 'Look', 'Plan', 'Plan over all'])
  })

  it('undisturbed, it costs a write more for each environment that it prepares, and one for the decision', () => {
    assert.deepEqual(undisturbed(both), [
      ...['Claim in n/0', 'Claim in n/1', 'WriteAhead', 'Prepare in n/0', 'Prepare in n/1', 'Decide'],
      ...['Publish in n/0', 'WriteSpec in n/0', 'WriteCommitted in n/0'],
      ...['Publish in n/1', 'WriteSpec in n/1', 'WriteCommitted in n/1', 'Finish'],
    ])
  })

  const alone: Setting = { ...both, forgetful: true }
  const controls = [
    { without: 'comparing when deciding', setting: alone },
    { without: 'comparing when taking back', setting: alone },
    { without: 'asking what was prepared', setting: alone },
    { without: 'preparing in the second', setting: alone },
    { without: 'waiting for the other', setting: alone },
    { without: 'waiting where it writes nothing', setting: { ...alone, changes: [[0]], referring: 0 } },
    { without: 'the claim in the second', setting: besideOne },
    { without: 'binding to the write-ahead', setting: { ...abandoned, forgetful: true } },
  ] as const
  for (const { without, setting } of controls) {
    it(`control: without ${without} it must find a violation`, function () {
      this.timeout(60_000)
      assertFound(explore({ ...setting, without, untilViolation: true }))
    })
  }
})
