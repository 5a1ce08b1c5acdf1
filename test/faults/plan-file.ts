import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
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
 * What there is to see of runs in which something was wrong, in files beside that of their plans: every state that was stored, a
 * line of JSON each, in their order (`.states.jsonl`), and the log of their operator (`.log`). Gives these paths.
 */
export const writeEvidence = (planPath: string, runs: readonly Pick<Run, 'violations' | 'states' | 'log'>[]) => {
  const wrong = runs.filter(({ violations }) => violations.length > 0)
  const beside = (ending: string): string => planPath.replace(/\.json$/, ending)
  const paths = { states: beside('.states.jsonl'), log: beside('.log') }
  const states = wrong.flatMap((run) => run.states())
  writeFileSync(paths.states, states.map((state) => `${JSON.stringify(state)}\n`).join(''))
  // All of a group have the same operator.
  if (wrong[0] && existsSync(wrong[0].log)) copyFileSync(wrong[0].log, paths.log)
  return paths
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
