import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Effect, effects } from './crash-effects.ts'
import { type Lane, startLane } from './crash-lane.ts'
import { type Plan, type Position, positions } from './crash-plans.ts'
import { play, type Run } from './crash-run.ts'
import { eventsIn, type Trace } from './crash-trace.ts'
import type { Workload } from './crash-workloads.ts'
import { shortLeases } from './operator-process.ts'

/** What is left to see of a lane when its last plan is through. */
export interface LaneReport {
  readonly lives: number
  /** exit codes of operators that nobody had killed: they lost a Lease on a slow machine */
  readonly unasked: readonly (number | null)[]
  /** sentences about what should not be */
  readonly faults: readonly string[]
  readonly rows: number
  readonly ids: number
}

/** Many plans over a few lanes, each of which takes the next plan as soon as it is free. */
export interface Campaign {
  /** Two undisturbed runs: the second one beside the first. */
  reference(workload: Workload): Promise<Run>
  run(plan: Plan): Promise<Run>
  reports(): Promise<readonly LaneReport[]>
  /** plans that struck so far, by effect and position */
  hits(): ReadonlyMap<string, number>
  stop(): Promise<void>
}

export interface CampaignSettings {
  readonly workloads: readonly Workload[]
  readonly plans: readonly Plan[]
  readonly lanes: number
}

/** Everything is under way when this returns; what comes of it is asked for afterwards. */
export const startCampaign = ({ workloads, plans, lanes: count }: CampaignSettings): Campaign => {
  const folder = mkdtempSync(join(tmpdir(), 'karma-crash-'))
  const references = new Map(workloads.map((workload) => [workload, makePromise<Trace>()]))
  const checks = new Map(workloads.map((workload) => [workload, makePromise<Run>()]))
  const runs = new Map(plans.map((plan) => [plan, makePromise<Run>()]))
  const hits = new Map<string, number>()

  const refer = async (lane: Lane, workload: Workload): Promise<Run> => {
    const first = await play(lane, { workload, faults: [] })
    references.get(workload)?.resolve(first.trace)
    const second = await play(lane, { workload, faults: [], reference: first.trace })
    return { ...second, violations: [...first.violations, ...second.violations] }
  }
  const disturb = async (lane: Lane, { workload, faults }: Plan): Promise<Run> => {
    const reference = await references.get(workload)?.promise
    const run = await play(lane, { workload, faults, reference })
    for (const { effect, position } of run.hits) {
      const key = hitKey(effect, position)
      hits.set(key, (hits.get(key) ?? 0) + 1)
    }
    return run
  }

  const jobs = [
    ...workloads.map((workload) => (lane: Lane) => settle(checks.get(workload)!, () => refer(lane, workload))),
    ...plans.map((plan) => (lane: Lane) => settle(runs.get(plan)!, () => disturb(lane, plan))),
  ]
  const work = async (index: number): Promise<LaneReport> => {
    const env = { ...shortLeases, KARMA_LINGER_MS: '100' }
    const lane = await startLane({ name: `crash-${index}`, env, compileCache: join(folder, 'compiled') })
    try {
      lane.operator.start()
      for (let job = jobs.shift(); job; job = jobs.shift()) await job(lane)
      return await lookBack(lane)
    } finally {
      await lane.stop()
    }
  }
  const working = Array.from({ length: count }, (_, index) => work(index))
  const reports = Promise.all(working)
  // A lane that never came up must not leave anybody waiting.
  reports.catch((cause) => {
    for (const { reject } of [...references.values(), ...checks.values(), ...runs.values()]) reject(cause)
  })

  return {
    reference: (workload) => checks.get(workload)!.promise,
    run: (plan) => runs.get(plan)!.promise,
    reports: () => reports,
    hits: () => hits,
    stop: async () => {
      jobs.length = 0
      await Promise.allSettled(working)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Nothing is written when nothing happens; the lead is given back; the ledger has every event once. */
const lookBack = async (lane: Lane): Promise<LaneReport> => {
  const { operator, recorder, writes, namespaces } = lane
  const faults: string[] = recorder.gaps() > 0 ? ['the recorder missed states'] : []
  if (!(await isIdle(lane)))
    faults.push(
      `still writing: ${writes()
        .slice(-5)
        .map(({ effect }) => effect)}`,
    )
  const unknown = new Set(writes().flatMap(({ effect }) => (effect.startsWith('unknown') ? [effect] : [])))
  faults.push(...unknown)
  await operator.end()
  const isFree = (): true | undefined =>
    recorder.latest('Lease', 'karma-system', 'karma-leader')?.spec.holderIdentity === '' ? true : undefined
  await recorder.until('the lead is given back', isFree, 5_000).catch(({ message }) => faults.push(message))
  const transitions = namespaces().flatMap((namespace) => [...eventsIn(recorder.states(namespace)).keys()])
  const { rows, ids } = await lane.ledgerRows()
  if (ids !== transitions.length) faults.push(`the ledger has ${ids} events, of ${transitions.length} transitions`)
  return { lives: operator.lives(), unasked: operator.unasked(), faults, rows, ids }
}

/** True when a second passes without a write; the relay notes its place at most once a second. */
const isIdle = async ({ writes }: Lane): Promise<boolean> => {
  for (let tries = 0; tries < 10; tries++) {
    const before = writes().length
    await sleep(1_000)
    if (
      writes()
        .slice(before)
        .every(({ effect }) => effect === 'other')
    )
      return true
  }
  return false
}

const hitKey = (effect: Effect, position: Position): string => `${effect} ${position}`

/** One line per effect: how often it was hit in each position. */
export const tableOf = (hits: ReadonlyMap<string, number>): string => {
  const row = (cells: readonly (string | number)[]): string =>
    cells.map((cell, index) => (index === 0 ? String(cell).padEnd(22) : String(cell).padStart(8))).join('')
  const lines = effects.map((effect) => row([effect, ...positions.map((at) => hits.get(hitKey(effect, at)) ?? 0)]))
  return [row(['effect', ...positions]), ...lines].join('\n')
}

/** What was never hit. */
export const missesOf = (hits: ReadonlyMap<string, number>): string[] =>
  effects.flatMap((effect) => positions.map((at) => hitKey(effect, at))).filter((key) => !hits.has(key))

/** A promise that nobody needs to be waiting for when it fails. */
const makePromise = <T>() => {
  const made = Promise.withResolvers<T>()
  made.promise.catch(() => {})
  return made
}

const settle = async <T>(promise: PromiseWithResolvers<T>, work: () => Promise<T>): Promise<void> => {
  try {
    promise.resolve(await work())
  } catch (cause) {
    promise.reject(cause)
  }
}
