import type { Effect } from '../support/crash-effects.ts'
import {
  type Deed,
  deedName,
  disturbances,
  type Fault,
  type Position,
  positions,
  type Resource,
  refusals,
  resources,
} from '../support/crash-fault.ts'
import { crashPlans, groupsOf, type Plan, planOf } from '../support/crash-plans.ts'
import { type Workload, workloads } from '../support/crash-workloads.ts'
import { type Random, randomOf } from './random.ts'

/** How many plans of each sort a campaign has. */
export interface Size {
  /** kills at every effect of every workload in every position; false: a few of them */
  readonly everyKill: boolean
  readonly kills: number
  readonly doubleKills: number
  readonly staleKills: number
  readonly disturbed: number
  /** a watch is disturbed, then the operator is killed */
  readonly disturbedKills: number
  readonly refused: number
  readonly lost: number
  readonly delayed: number
}

export const whole: Size = {
  everyKill: true,
  kills: 0,
  doubleKills: 160,
  staleKills: 160,
  disturbed: 210,
  disturbedKills: 60,
  refused: 120,
  lost: 120,
  delayed: 40,
}

/** What `npm test` has of it: kills are in the suite `crash`. */
export const sample: Size = {
  everyKill: false,
  kills: 0,
  doubleKills: 1,
  staleKills: 2,
  disturbed: 5,
  disturbedKills: 1,
  refused: 2,
  lost: 1,
  delayed: 1,
}

/** As many of a kind in all: the same for the same seed. */
export const generate = (seed: number, size: Size): Plan[][] => {
  const random = randomOf(seed)
  // From another workload on each time, so that a few plans are not always those of the first ones.
  const many = (count: number, make: (index: number) => Plan): Plan[] => {
    const from = random.below(workloads.length * disturbances.length * refusals.length)
    return Array.from({ length: count }, (_, i) => make(from + i))
  }
  const one = (index: number, deed: (index: number) => Deed, at: readonly Position[] = positions): Plan => {
    const workload = workloads[index % workloads.length]!
    return planOf(workload, { ...place(workload, random), position: random.pick(at), deed: deed(index) })
  }
  const everywhere = random.shuffled(everyKill())
  const kills = size.everyKill ? everywhere : everywhere.slice(0, size.kills)
  const disturbed = many(size.disturbed, (i) => one(i, (index) => disturbance(index, random)))
  const quiet = [
    ...many(size.refused, (i) => one(i, (index) => refusal(index, random), ['before'])),
    ...many(size.lost, (i) => one(i, () => ({ do: 'lose' }), ['before', 'during'])),
    ...many(size.delayed, (i) => one(i, () => ({ do: 'delay', ms: 100 + random.below(3_000) }), ['before', 'during'])),
  ]
  const deadly = [
    ...many(size.doubleKills, (i) => twice(workloads[i % workloads.length]!, random)),
    ...many(size.staleKills, (i) => one(i, (index) => ({ do: 'kill', stale: staleness[index % staleness.length]! }))),
    ...many(size.disturbedKills, (i) => disturbedKill(workloads[i % workloads.length]!, i, random)),
  ]
  return random.shuffled([...groupsOf(kills), ...groupsOf(deadly), ...groupsOf(disturbed), ...groupsOf(quiet)])
}

/** In every position at every effect that a workload has, and after another kill. */
const everyKill = (): Plan[] => [
  ...crashPlans,
  ...workloads.flatMap((workload) =>
    (workload.also ?? []).flatMap((effect) => positions.map((position) => planOf(workload, { effect, position }))),
  ),
]

const effectsOf = ({ effects, also = [] }: Workload): readonly Effect[] => [...effects, ...also]

const place = (workload: Workload, random: Random): Pick<Fault, 'effect'> => ({
  effect: random.pick(effectsOf(workload)),
})

/** Killed, and killed again somewhere in what follows, if that comes. */
const twice = (workload: Workload, random: Random): Plan => {
  const again = random.pick<Effect>([...effectsOf(workload), 'lead', 'take back'])
  return planOf(
    workload,
    { ...place(workload, random), position: random.pick(positions) },
    { effect: again, position: random.pick(positions), optional: true },
  )
}

/** What the next one knows at first is old: all of it, or of one kind alone. */
const staleness: readonly (readonly Resource[])[] = [resources, ['components'], ['changerequests'], ['environments']]

const disturbance = (index: number, random: Random): Deed => ({
  do: 'disturb',
  how: disturbances[index % disturbances.length]!,
  resource: random.pick(resources),
  ms: random.pick([100, 500, 1_500]),
})

const disturbedKill = (workload: Workload, index: number, random: Random): Plan =>
  planOf(
    workload,
    { ...place(workload, random), position: random.pick(positions), deed: disturbance(index, random) },
    { ...place(workload, random), position: random.pick(positions), optional: true },
  )

const refusal = (index: number, random: Random): Deed => ({
  do: 'refuse',
  status: refusals[index % refusals.length]!,
  times: 1 + random.below(3),
})

/** Everything that a campaign of this size must have come to. */
export const expectedIn = (groups: readonly (readonly Plan[])[]): Map<string, number> => {
  const expected = new Map<string, number>()
  for (const { faults } of groups.flat()) {
    for (const fault of faults) {
      if (!fault.optional) expected.set(deedName(fault), (expected.get(deedName(fault)) ?? 0) + 1)
    }
  }
  return expected
}
