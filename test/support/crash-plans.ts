import { effects } from './crash-effects.ts'
import { deedName, type Fault, positions } from './crash-fault.ts'
import { change, creation, type Workload, workloads } from './crash-workloads.ts'

/** One workload in a namespace of its own, with kills one after another: each waits until the one before has struck. */
export interface Plan {
  readonly name: string
  readonly workload: Workload
  readonly faults: readonly Fault[]
}

export const planOf = (workload: Workload, ...faults: Fault[]): Plan => {
  const where = faults.map((fault) => {
    const { effect, position, nth = 1 } = fault
    return `${deedName(fault)} ${position} ${nth > 1 ? `the ${nth}nd ` : ''}"${effect}"`
  })
  return { name: `${workload.name}, ${where.join(', then ')}`, workload, faults }
}

/** Every effect of every workload in each position; effects of a recovery alone need a kill before. */
export const crashPlans: readonly Plan[] = [
  ...workloads.flatMap((workload) => [
    ...workload.effects.flatMap((effect) => positions.map((position) => planOf(workload, { effect, position }))),
    ...(workload.seconds ?? []).map((effect) => planOf(workload, { effect, position: 'during', nth: 2 })),
  ]),
  ...positions.map((position) =>
    planOf(change, { effect: 'publish change', position: 'during' }, { effect: 'lead', position }),
  ),
  ...positions.map((position) =>
    planOf(change, { effect: 'write ahead', position: 'during' }, { effect: 'take back', position }),
  ),
  // Refused until the holder has no patience left, and leaves the change in the middle.
  planOf(change, { effect: 'committed change', position: 'before', deed: { do: 'refuse', status: 503, times: 12 } }),
  planOf(creation, {
    effect: 'committed creation',
    position: 'before',
    deed: { do: 'refuse', status: 503, times: 12 },
  }),
  // Killed again while it completes what was decided.
  ...(['committed change', 'finish'] as const).map((effect) =>
    planOf(change, { effect: 'spec', position: 'during' }, { effect, position: 'during' }),
  ),
]

/** How many faults those of a group have together: with one each, and with more. */
const together = { once: 20, again: 12 }

/**
 * Plans that share an operator, and its deaths: those that strike early first, so that none waits long for the others. A second
 * fault of a plan is met alone: with too many in a group the last one would wait for all these deaths, of ten seconds each.
 */
export const groupsOf = (plans: readonly Plan[]): Plan[][] => {
  const depth = ({ faults }: Plan): number => 100 * faults.length + effects.indexOf(faults[0]!.effect)
  const groups: Plan[][] = []
  let count = Number.POSITIVE_INFINITY
  for (const plan of plans.toSorted((a, b) => depth(a) - depth(b))) {
    const most = plan.faults.length > 1 ? together.again : together.once
    count += plan.faults.length
    if (count > most) {
      groups.push([])
      count = plan.faults.length
    }
    groups.at(-1)!.push(plan)
  }
  return groups
}

export const chunked = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size))
