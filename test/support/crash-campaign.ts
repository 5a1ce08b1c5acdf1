import { setTimeout as sleep } from 'node:timers/promises'
import { type Effect, effects } from './crash-effects.ts'
import { deedOf, type Fault, type Position, positions } from './crash-fault.ts'
import { type Graph, type Lane, startLane } from './crash-lane.ts'
import { chunked, type Plan } from './crash-plans.ts'
import { isMiss, type Played, playTogether, type Run } from './crash-run.ts'
import { goneLine } from './crash-strike.ts'
import { eventsIn, type Trace } from './crash-trace.ts'
import type { Workload } from './crash-workloads.ts'
import { shortLeases } from './operator-process.ts'
import type { Recorded } from './recorder.ts'

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
  /** all faults that struck so far */
  struck(): readonly Fault[]
  /** kills that struck so far, by effect and position */
  hits(): ReadonlyMap<string, number>
  stop(): Promise<void>
}

export interface CampaignSettings {
  readonly workloads: readonly Workload[]
  /** Those of a group share an operator, and its deaths. */
  readonly groups: readonly (readonly Plan[])[]
  readonly lanes: number
  readonly graph?: Graph | undefined
  /** the operator's program, if it is not this one */
  readonly program?: string | undefined
  /** how long something may take to come */
  readonly patienceMs?: number | undefined
}

/** Everything is under way when this returns; what comes of it is asked for afterwards. */
export const startCampaign = ({
  workloads,
  groups,
  lanes: laneCount,
  graph,
  program,
  patienceMs,
}: CampaignSettings): Campaign => {
  const references = new Map(workloads.map((workload) => [workload, makePromise<Trace>()]))
  const checks = new Map(workloads.map((workload) => [workload, makePromise<Run>()]))
  const runs = new Map(groups.flat().map((plan) => [plan, makePromise<Run>()]))
  const hits = new Map<string, number>()
  const struck: Fault[] = []

  const refer = async (lane: Lane, group: readonly Workload[]): Promise<Run[]> => {
    const first = await playTogether(lane, group.map(undisturbed))
    group.forEach((workload, index) => void references.get(workload)?.resolve(first[index]!.trace))
    const again = group.map((workload, index) => ({ workload, faults: [], reference: first[index]!.trace }))
    const second = await playTogether(lane, again)
    group.forEach((workload, index) => {
      const violations = [first, second].flatMap((runs) => runs[index]!.violations)
      checks.get(workload)!.resolve({ ...second[index]!, violations })
    })
    return second
  }
  const disturb = async (lane: Lane, group: readonly Plan[]): Promise<Run[]> => {
    const plays = group.map(async ({ workload, faults }) => {
      return { workload, faults, reference: await references.get(workload)?.promise }
    })
    const ready = await Promise.all(plays)
    const played = await playTogether(lane, ready)
    // The death that another one brought may have come in its last moments, or an operator on a machine too busy to renew
    // its lead took the effect with it: those who met no fault are played once more, and who misses it again alone. What was
    // wrong before stays wrong.
    const again = async (indices: readonly number[]): Promise<void> => {
      const runs = await playTogether(
        lane,
        indices.map((index) => ready[index]!),
      )
      for (const [at, index] of indices.entries()) {
        const before = played[index]!.violations.filter((one) => !isMiss(one))
        played[index] = { ...runs[at]!, violations: [...before, ...runs[at]!.violations] }
      }
    }
    const missed = (): number[] => [...played.keys()].filter((index) => hasMissed(played[index]!))
    if (missed().length > 0) await again(missed())
    for (const index of missed()) await again([index])
    group.forEach((plan, index) => {
      const run = played[index]!
      for (const fault of run.hits) {
        struck.push(fault)
        if (deedOf(fault).do === 'kill') count(hits, fault)
      }
      runs.get(plan)!.resolve(run)
    })
    return played
  }

  const jobs = [
    ...chunked(workloads, 6).map((group) => (lane: Lane) => guarded(group, checks, () => refer(lane, group))),
    ...groups.map((group) => (lane: Lane) => guarded(group, runs, () => disturb(lane, group))),
  ]
  const work = async (index: number): Promise<LaneReport> => {
    const env = { ...shortLeases, KARMA_LINGER_MS: '100' }
    const lane = await startLane({ name: `crash-${index}`, env, graph, program, patienceMs })
    try {
      lane.operator.start()
      const played: Run[] = []
      for (let job = jobs.shift(); job; job = jobs.shift()) played.push(...(await job(lane)))
      return await lookBack(lane, played)
    } finally {
      await lane.stop()
    }
  }
  const working = Array.from({ length: laneCount }, (_, index) => work(index))
  const reports = Promise.all(working)
  // A lane that never came up must not leave anybody waiting.
  reports.catch((cause) => {
    for (const { reject } of [...references.values(), ...checks.values(), ...runs.values()]) reject(cause)
  })

  return {
    reference: (workload) => checks.get(workload)!.promise,
    run: (plan) => runs.get(plan)!.promise,
    reports: () => reports,
    struck: () => struck,
    hits: () => hits,
    stop: async () => {
      jobs.length = 0
      await Promise.allSettled(working)
    },
  }
}

/**
 * Nothing is written when nothing happens; what came out well is still as it was; the lead is given back; the ledger has
 * every event once.
 */
const lookBack = async (lane: Lane, played: readonly Run[]): Promise<LaneReport> => {
  const { operator, recorder, writes, namespaces } = lane
  const faults: string[] = recorder.gaps() > 0 ? ['the recorder missed states'] : []
  if (!(await isIdle(lane)))
    faults.push(
      `still writing: ${writes()
        .slice(-5)
        .map(({ effect }) => effect)}`,
    )
  else faults.push(...(await restless(lane)))
  const unknown = new Set(writes().flatMap(({ effect }) => (effect.startsWith('unknown') ? [effect] : [])))
  faults.push(...unknown)
  faults.push(...played.flatMap(({ violations, atLast }) => (violations.length > 0 ? [] : atLast())))
  faults.push(...(await lane.graphFaults()))
  await leads(lane)
  await operator.end()
  const isFree = (): true | undefined =>
    recorder.latest('Lease', 'karma-system', 'karma-leader')?.spec.holderIdentity === '' ? true : undefined
  await recorder.until('the lead is given back', isFree, 5_000).catch(({ message }) => faults.push(message))
  const transitions = namespaces().flatMap((namespace) => [...eventsIn(recorder.states(namespace)).keys()])
  const { rows, ids } = await lane.ledgerRows()
  if (ids !== transitions.length) faults.push(`the ledger has ${ids} events, of ${transitions.length} transitions`)
  return { lives: operator.lives(), unasked: operator.unasked(), faults, rows, ids }
}

/** What has just started could not give back anything. */
const leads = async ({ recorder }: Lane): Promise<void> => {
  const spec = (): Recorded | undefined => recorder.latest('Lease', 'karma-system', 'karma-leader')?.spec
  const before = spec()
  await recorder.until('somebody leads', () => {
    const now = spec()
    return now?.holderIdentity && now.renewTime !== before?.renewTime ? true : undefined
  })
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

/**
 * What is written when every informer lists again, three times, although nothing has changed. An operator on a machine too
 * busy to renew its lead ends, and the next one takes the lead: then it is looked at again.
 */
const restless = async (lane: Lane, tries = 5): Promise<string[]> => {
  const { proxy, writes } = lane
  const before = writes().length
  for (let round = 0; round < 3; round++) {
    proxy.watches.inject(goneLine)
    await sleep(500)
  }
  const since = writes()
    .slice(before)
    .flatMap(({ effect }) => (effect === 'other' ? [] : [effect]))
  if (since.includes('lead') && tries > 1) return restless(lane, tries - 1)
  return since.map((effect) => `written after the end: ${effect}`)
}

const hitKey = (effect: Effect, position: Position): string => `${effect} ${position}`

const count = (hits: Map<string, number>, { effect, position }: Fault): void => {
  const key = hitKey(effect, position)
  hits.set(key, (hits.get(key) ?? 0) + 1)
}

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

/** What goes wrong with a group goes wrong with all of it. */
const guarded = async <K>(
  group: readonly K[],
  promises: ReadonlyMap<K, { reject(cause: unknown): void }>,
  work: () => Promise<Run[]>,
): Promise<Run[]> => {
  try {
    return await work()
  } catch (cause) {
    for (const one of group) promises.get(one)!.reject(cause)
    return []
  }
}

const hasMissed = ({ missed }: Run): boolean => missed > 0

const undisturbed = (workload: Workload): Played => ({ workload, faults: [] })
