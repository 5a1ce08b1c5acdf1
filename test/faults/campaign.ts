import { join, resolve } from 'node:path'
import { type LaneReport, missesOf, startCampaign, tableOf } from '../support/crash-campaign.ts'
import { deedName, type Fault, positions } from '../support/crash-fault.ts'
import type { Graph } from '../support/crash-lane.ts'
import type { Plan } from '../support/crash-plans.ts'
import { workloads } from '../support/crash-workloads.ts'
import { expectedIn } from './generate.ts'
import { writeEvidence, writePlanFile } from './plan-file.ts'

export interface Settings {
  readonly groups: readonly (readonly Plan[])[]
  readonly lanes: number
  readonly graph?: Graph
  /** another operator than this one, such as one with a bug */
  readonly program?: string
  /** how long something may take to come */
  readonly patienceMs?: number
  readonly print: (line: string) => void
  /** where plans that failed are written */
  readonly folder?: string
}

export interface Outcome {
  readonly plans: number
  /** one sentence each */
  readonly faults: readonly string[]
  readonly struck: readonly Fault[]
  readonly kills: ReadonlyMap<string, number>
  readonly reports: readonly LaneReport[]
}

const defaultFolder = resolve(import.meta.dirname, '../../.karma/faults')

/** Runs groups of plans, and says what came of them. */
export const runCampaign = async (settings: Settings): Promise<Outcome> => {
  const { groups, lanes, graph, program, patienceMs, print, folder = defaultFolder } = settings
  const needed = workloads.filter((workload) => groups.flat().some((plan) => plan.workload === workload))
  const campaign = startCampaign({ workloads: needed, groups, lanes, graph, program, patienceMs })
  const faults: string[] = []
  const say = (sentence: string): void => {
    faults.push(sentence)
    print(sentence)
  }
  try {
    for (const workload of needed) {
      const { violations } = await campaign.reference(workload)
      for (const violation of violations) say(`${workload.name}, undisturbed: ${violation}`)
    }
    for (const [index, group] of groups.entries()) {
      const runs = await Promise.all(group.map((plan) => campaign.run(plan)))
      const broken = group.flatMap((plan, at) => runs[at]!.violations.map((violation) => `${plan.name}: ${violation}`))
      if (broken.length > 0) {
        const path = join(folder, `${process.pid}-${index}.json`)
        writePlanFile(path, group)
        for (const sentence of broken) say(sentence)
        const { states, log } = writeEvidence(path, runs)
        print(`  again: npm run faults -- --plan ${path}; every state is in ${states}, its log in ${log}`)
      }
      if (index % 10 === 9) print(`${index + 1} of ${groups.length} groups`)
    }
    const reports = await campaign.reports()
    for (const sentence of reports.flatMap((report) => report.faults)) say(sentence)
    return { plans: groups.flat().length, faults, struck: campaign.struck(), kills: campaign.hits(), reports }
  } finally {
    await campaign.stop()
  }
}

/** By what went wrong, and where. */
export const deedTable = (struck: readonly Fault[]): string => {
  const names = [...new Set(struck.map(deedName))].sort()
  const row = (cells: readonly (string | number)[]): string =>
    cells.map((cell, index) => (index === 0 ? String(cell).padEnd(22) : String(cell).padStart(8))).join('')
  const of = (name: string, position: string): number =>
    struck.filter((fault) => deedName(fault) === name && fault.position === position).length
  return [
    row(['fault', ...positions]),
    ...names.map((name) => row([name, ...positions.map((at) => of(name, at))])),
  ].join('\n')
}

export const summaryOf = ({ struck, kills, reports, plans }: Outcome, seconds: number): string => {
  const sum = (of: (report: LaneReport) => number): number => reports.reduce((total, report) => total + of(report), 0)
  return `
${deedTable(struck)}

${tableOf(kills)}

${plans} plans, ${struck.length} faults struck, ${sum(({ lives }) => lives)} processes, of which ${sum(({ unasked }) => unasked.length)} ended by themselves, in ${seconds.toFixed(0)} s;
ledger: ${sum(({ ids }) => ids)} events in ${sum(({ rows }) => rows)} rows`
}

/** What should have been hit and never was. `everyKill`: each effect in each position. */
export const missesIn = (
  { struck, kills }: Outcome,
  groups: readonly (readonly Plan[])[],
  everyKill: boolean,
): string[] => {
  const names = new Set(struck.map(deedName))
  const deeds = [...expectedIn(groups).keys()].filter((name) => !names.has(name))
  return [...deeds, ...(everyKill ? missesOf(kills) : [])].map((what) => `never hit: ${what}`)
}
