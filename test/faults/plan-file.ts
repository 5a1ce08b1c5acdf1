import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { effects } from '../support/crash-effects.ts'
import { type Fault, positions } from '../support/crash-fault.ts'
import { type Plan, planOf } from '../support/crash-plans.ts'
import type { Run } from '../support/crash-run.ts'
import { workloads } from '../support/crash-workloads.ts'

/** Plans that run side by side, as a file that alone is enough to run them again. */
export const writePlanFile = (path: string, group: readonly Plan[]): void => {
  mkdirSync(dirname(path), { recursive: true })
  const plans = group.map(({ workload, faults }) => ({ workload: workload.name, faults }))
  writeFileSync(path, `${JSON.stringify({ plans }, undefined, 2)}\n`)
}

/**
 * Every state that was stored in the runs of these plans, in a file beside theirs: a line of JSON each, in their order, runs
 * in which something was wrong alone. Gives its path.
 */
export const writeStates = (planPath: string, runs: readonly Pick<Run, 'violations' | 'states'>[]): string => {
  const path = planPath.replace(/\.json$/, '.states.jsonl')
  const states = runs.flatMap((run) => (run.violations.length > 0 ? run.states() : []))
  writeFileSync(path, states.map((state) => `${JSON.stringify(state)}\n`).join(''))
  return path
}

/** Throws an Error that says what is wrong with the file. */
export const readPlanFile = (path: string): Plan[] => {
  if (!existsSync(path)) throw new Error(`${path}: expected a file of plans, found none`)
  const { plans } = JSON.parse(readFileSync(path, 'utf8')) as { plans?: { workload: string; faults: Fault[] }[] }
  if (!Array.isArray(plans) || plans.length === 0) throw new Error(`${path}: plans: expected at least one, found none`)
  return plans.map(({ workload: name, faults }, index) => {
    const workload = workloads.find((one) => one.name === name)
    const at = `${path}: plans[${index}]`
    if (!workload) throw new Error(`${at}.workload: expected one of ${workloads.map((one) => one.name)}, found ${name}`)
    for (const { effect, position } of faults) {
      if (!effects.includes(effect)) throw new Error(`${at}.faults: expected effects of Karma, found ${effect}`)
      if (!positions.includes(position))
        throw new Error(`${at}.faults: expected one of ${positions}, found ${position}`)
    }
    return planOf(workload, ...faults)
  })
}
