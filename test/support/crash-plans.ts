import type { Effect } from './crash-effects.ts'
import { change, type Workload, workloads } from './crash-workloads.ts'

/**
 * Where the operator is killed: `before` the request is forwarded; `during`: the API server has carried it out, and the
 * answer is lost; `after` the answer was handed over, at once.
 */
export const positions = ['before', 'during', 'after'] as const
export type Position = (typeof positions)[number]

export interface Fault {
  readonly effect: Effect
  readonly position: Position
}

/** One workload in a namespace of its own, with kills one after another: each waits until the one before has struck. */
export interface Plan {
  readonly name: string
  readonly workload: Workload
  readonly faults: readonly Fault[]
}

const planOf = (workload: Workload, ...faults: Fault[]): Plan => {
  const where = faults.map(({ effect, position }) => `${position} "${effect}"`).join(', then ')
  return { name: `${workload.name}, killed ${where}`, workload, faults }
}

/** Every effect of every workload in each position; effects of a recovery alone need a kill before. */
export const crashPlans: readonly Plan[] = [
  ...workloads.flatMap((workload) =>
    workload.effects.flatMap((effect) => positions.map((position) => planOf(workload, { effect, position }))),
  ),
  ...positions.map((position) =>
    planOf(change, { effect: 'publish change', position: 'during' }, { effect: 'lead', position }),
  ),
  ...positions.map((position) =>
    planOf(change, { effect: 'write ahead', position: 'during' }, { effect: 'take back', position }),
  ),
  // Killed again while it completes what was decided.
  ...(['committed change', 'finish'] as const).map((effect) =>
    planOf(change, { effect: 'spec', position: 'during' }, { effect, position: 'during' }),
  ),
]
