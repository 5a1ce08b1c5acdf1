import assert from 'node:assert/strict'
import { deedTable, missesIn, type Outcome, runCampaign } from './campaign.ts'
import { generate, sample } from './generate.ts'
import { contestsOf, nemeses, runContest } from './locks.ts'
import { randomOf } from './random.ts'
import { runTellings, tellingMisses, tellingsOf, tellingTable } from './telling.ts'

/*
 * A sample of `npm run faults`: plans of each sort, an episode of some of the nemeses, a kill at each step of telling, about
 * two minutes of them. The seed is printed, and SEED repeats it.
 */
const seed = process.env.SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(process.env.SEED)
const print = (line: string): void => void process.stdout.write(`      ${line}\n`)

/** each of another nemesis */
const episodesOfSample = 4

describe(`faults, seed ${seed}`, function () {
  this.timeout(10 * 60_000)
  const groups = generate(seed, sample)
  let outcome: Outcome

  it(`${groups.flat().length} plans leave nothing behind that an undisturbed run would not`, async () => {
    outcome = await runCampaign({ groups, lanes: 1, print })
    process.stdout.write(`${deedTable(outcome.struck)}\n`)
    assert.deepEqual(outcome.faults, [])
  })

  it('every fault struck', () => assert.deepEqual(missesIn(outcome, groups, false), []))

  it('several operators: each effect takes place once, whoever believes to lead', async () => {
    const contests = contestsOf(randomOf(seed), nemeses.length)
    const episodes = contests.flatMap((contest) => contest.episodes).slice(0, episodesOfSample)
    const { violations, struck } = await runContest({ contenders: 3, clocks: 'wrong', episodes }, { print })
    assert.deepEqual(violations, [])
    process.stdout.write(`      ${[...struck.keys()].join(', ')}\n`)
    assert.deepEqual([...struck.keys()].sort(), episodes.map(({ nemesis }) => nemesis).sort())
  })

  it('killed at each step of telling: etcd, Kafka and the ledger have the same events', async () => {
    const tellings = tellingsOf(randomOf(seed), 'sample')
    const outcome = await runTellings({ tellings, name: 'tell', print })
    process.stdout.write(`${tellingTable([outcome])}\n`)
    assert.deepEqual(outcome.faults, [])
    assert.deepEqual(tellingMisses([outcome], tellings), [])
  })
})
