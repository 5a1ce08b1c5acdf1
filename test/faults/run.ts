/**
 * `npm run faults`: operators as processes of their own, and everything that can go wrong with them. Three suites:
 * `plans` (kills, stale lists, disturbed watches, refused and lost requests: generate.ts), `locks` (several operators:
 * locks.ts) and `telling` (from status over Kafka into the ledger: telling.ts).
 *
 *   --seed N          the same campaign again
 *   --suite NAME      one suite alone
 *   --plan FILE       the plans of one file, which the campaign wrote when they failed
 *   --bugs [NAME …]   operators with bugs seeded on purpose: each must be found
 *   --lanes N         how many control planes side by side (2)
 *   --graph NAME      where operators have their graph: embedded, or gremlin, which is a Gremlin Server for each lane (embedded)
 *   --sample          as many plans as `npm test` has
 */
import { findBinaries } from '../cluster/binaries.ts'
import { readFlags } from '../cluster/flags.ts'
import { isMiss } from '../support/crash-run.ts'
import { type Bug, bugs, withBug } from './bugs.ts'
import { missesIn, runCampaign, summaryOf } from './campaign.ts'
import { generate, sample, whole } from './generate.ts'
import { type Contest, contestsOf, type Nemesis, nemeses, runContest } from './locks.ts'
import { readPlanFile } from './plan-file.ts'
import { randomOf } from './random.ts'
import { readTellings, runTellings, tellingMisses, tellingsOf, tellingTable } from './telling.ts'

const { values, positionals } = readFlags(
  'npm run faults',
  {
    seed: { type: 'string' },
    suite: { type: 'string' },
    plan: { type: 'string' },
    bugs: { type: 'boolean', default: false },
    lanes: { type: 'string', default: '2' },
    graph: { type: 'string', default: 'embedded' },
    sample: { type: 'boolean', default: false },
  },
  { positionals: true },
)
const lanes = Number(values.lanes)
if (values.graph !== 'embedded' && values.graph !== 'gremlin')
  throw new Error(`--graph: expected embedded or gremlin, found ${JSON.stringify(values.graph)}`)
const graph = values.graph
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)

const print = (line: string): void => void process.stdout.write(`${line}\n`)

/** Gives how much was wrong. */
const plans = async (): Promise<number> => {
  const size = values.sample ? sample : whole
  const groups = values.plan === undefined ? generate(seed, size) : [readPlanFile(values.plan)]
  print(`${groups.flat().length} plans in ${groups.length} groups`)
  const begun = performance.now()
  const outcome = await runCampaign({ groups, lanes: Math.min(lanes, groups.length), graph, print })
  print(summaryOf(outcome, (performance.now() - begun) / 1000))
  const misses = missesIn(outcome, groups, values.plan === undefined && size.everyKill)
  for (const miss of misses) print(miss)
  return outcome.faults.length + misses.length
}

/** An operator in which nothing stops one who has been overtaken: what these episodes do to it must show. */
const unfenced = 'unfenced'
const control: Contest = {
  contenders: 3,
  clocks: 'right',
  episodes: (['stopped', 'partitioned'] as const).flatMap((nemesis) =>
    (['publish change', 'write ahead'] as const).map((effect) => ({
      nemesis,
      effect,
      position: 'before',
      workloads: ['change', 'set'],
    })),
  ),
}

const locks = async (): Promise<number> => {
  const begun = performance.now()
  const contests = contestsOf(randomOf(seed), values.sample ? 6 : 72)
  print(`${contests.reduce((sum, { episodes }) => sum + episodes.length, 0)} episodes in ${contests.length} contests`)
  const struck = new Map<Nemesis, number>()
  let wrong = 0
  let acquisitions = 0
  for (const contest of contests) {
    const outcome = await runContest(contest, { print })
    wrong += outcome.violations.length
    acquisitions += outcome.acquisitions
    for (const [nemesis, count] of outcome.struck) struck.set(nemesis, (struck.get(nemesis) ?? 0) + count)
  }
  for (const nemesis of nemeses) print(`${nemesis.padEnd(22)}${String(struck.get(nemesis) ?? 0).padStart(8)}`)
  const missed = nemeses.filter((nemesis) => !struck.has(nemesis))
  for (const nemesis of missed) print(`never struck: ${nemesis}`)
  print(`Leases were taken ${acquisitions} times, in ${((performance.now() - begun) / 1000).toFixed(0)} s`)
  return wrong + missed.length + ((await isFound(bugs().find(({ name }) => name === unfenced)!)) ? 0 : 1)
}

const violationsOf = async ({ plans: own, tellings }: Bug, program: string): Promise<readonly string[]> => {
  const how = { program, patienceMs, print: () => {} }
  if (tellings !== undefined)
    return (await runTellings({ tellings: readTellings(tellings), name: 'tell', ...how })).faults
  if (own === undefined) return (await runContest(control, { untilViolation: true, ...how })).violations
  return (await runCampaign({ groups: [readPlanFile(own)], lanes: 1, ...how })).faults
}

/** Whether its plans or runs, or for the locks its episodes, find a bug. */
const isFound = async (bug: Bug): Promise<boolean> => {
  const { program, remove } = withBug(bug)
  try {
    const violations = await violationsOf(bug, program)
    const proofs = violations.filter((violation) => !isMiss(violation))
    print(`${bug.name.padEnd(28)}${proofs.length > 0 ? 'found' : 'NOT FOUND'}  ${(proofs[0] ?? '').slice(0, 160)}`)
    return proofs.length > 0
  } finally {
    remove()
  }
}
/** What a bug keeps from coming is not waited for as long as on a busy machine. */
const patienceMs = 40_000

const seededBugs = async (): Promise<number> => {
  const chosen = bugs().filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  if (chosen.length === 0)
    throw new Error(`--bugs: expected some of ${bugs().map(({ name }) => name)}, found ${positionals}`)
  const left = [...chosen]
  let found = 0
  const work = async (): Promise<void> => {
    for (let bug = left.shift(); bug; bug = left.shift()) if (await isFound(bug)) found++
  }
  await Promise.all(Array.from({ length: Math.min(lanes, chosen.length) }, work))
  print(`${found} of ${chosen.length} bugs found`)
  return chosen.length - found
}

/** Each lane has a broker and an engine of its own. */
const telling = async (): Promise<number> => {
  const begun = performance.now()
  const tellings = tellingsOf(randomOf(seed), values.sample ? 'sample' : 'whole')
  print(`${tellings.length} runs`)
  const shares = Array.from({ length: Math.min(lanes, tellings.length) }, (_, lane) =>
    tellings.filter((_, i) => i % lanes === lane),
  )
  const outcomes = await Promise.all(
    shares.map((share, lane) => runTellings({ tellings: share, name: `tell-${lane}`, print })),
  )
  print(tellingTable(outcomes))
  const faults = outcomes.flatMap((outcome) => outcome.faults)
  const missed = tellingMisses(outcomes, tellings)
  for (const one of [...faults, ...missed]) print(one)
  print(`in ${((performance.now() - begun) / 1000).toFixed(0)} s`)
  return faults.length + missed.length
}

const suites: Readonly<Record<string, () => Promise<number>>> = { plans, locks, telling }

const main = async (): Promise<number> => {
  await findBinaries()
  if (values.bugs) return seededBugs()
  if (values.suite !== undefined && !(values.suite in suites))
    throw new Error(`--suite: expected one of ${Object.keys(suites)}, found ${values.suite}`)
  print(`seed ${seed}`)
  const chosen = values.plan === undefined ? (values.suite ?? Object.keys(suites)) : 'plans'
  let wrong = 0
  for (const name of [chosen].flat()) {
    print(`\n=== ${name} ===`)
    wrong += await suites[name]!()
  }
  print(`\n${wrong} violations${values.plan === undefined ? `; again: npm run faults -- --seed ${seed}` : ''}`)
  return wrong
}

process.exitCode = (await main()) === 0 ? 0 : 1
