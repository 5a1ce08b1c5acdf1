import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Fault } from './crash-fault.ts'
import { violationsIn } from './crash-invariants.ts'
import type { Lane } from './crash-lane.ts'
import { makeRendezvous, type Rendezvous } from './crash-rendezvous.ts'
import type { Stage } from './crash-stage.ts'
import { type Armed, arm } from './crash-strike.ts'
import { type Trace, traceOf } from './crash-trace.ts'
import type { Workload } from './crash-workloads.ts'
import type { State } from './recorder.ts'

export interface Run {
  readonly trace: Trace
  readonly violations: readonly string[]
  /** faults that struck, in their order */
  readonly hits: readonly Fault[]
  /** how many should have struck, and have not */
  readonly missed: number
  /** from the first kill to the end of the workload, with nothing left under way */
  readonly recoveredMs: number
  readonly ms: number
  /** every state that its objects have been in, up to now */
  readonly states: () => readonly State[]
  /** path of the log of its operator, as long as there is the lane */
  readonly log: string
  /** how what it left behind differs by now from an undisturbed run: nothing touches that any more */
  readonly atLast: () => readonly string[]
}

export interface Played {
  readonly workload: Workload
  readonly faults: readonly Fault[]
  /** what an undisturbed run came to; the end is waited for until it is the same */
  readonly reference?: Trace | undefined
}

/** Alone, and with its own idea of what a kill is. */
export const play = async (lane: Lane, played: Played, strike?: () => Promise<void>): Promise<Run> =>
  (await playTogether(lane, [played], strike))[0]!

/**
 * Plays workloads side by side, each in a namespace of its own with its faults, and looks at everything that was ever
 * stored. They share the operator, and its deaths: one that is to be killed waits for the others, so that one process
 * less has to start for each. What one workload meets from the faults of the others comes on top of its own.
 */
export const playTogether = async (
  lane: Lane,
  plays: readonly Played[],
  strike: () => Promise<void> = lane.operator.kill,
): Promise<Run[]> => {
  const rendezvous = makeRendezvous(strike)
  const set = await Promise.all(plays.map((played) => prepare(lane, played)))
  const armed = set.map((one) => armedFor(lane, one, rendezvous))
  const faults = plays.reduce((sum, played) => sum + played.faults.length, 0)
  return Promise.all(set.map((one, index) => finish(lane, one, armed[index]!, faults)))
}

interface Prepared extends Played {
  readonly stage: Stage
  readonly begun: number
  readonly violations: string[]
}

const prepare = async (lane: Lane, played: Played): Promise<Prepared> => {
  const begun = performance.now()
  const stage = await lane.stage()
  const violations: string[] = []
  await played.workload.setup?.(stage).catch((cause: Error) => violations.push(`before any fault: ${cause.message}`))
  return { ...played, stage, begun, violations }
}

const armedFor = (lane: Lane, { stage, faults, violations }: Prepared, rendezvous: Rendezvous): Armed => {
  return arm({
    proxy: lane.proxy,
    namespace: stage.namespace,
    faults: violations.length > 0 ? [] : faults,
    rendezvous,
    begin: String(lane.recorder.reached()),
  })
}

const finish = async (
  lane: Lane,
  { workload, faults, reference, stage, begun, violations }: Prepared,
  armed: Armed,
  allFaults: number,
): Promise<Run> => {
  const { recorder } = lane
  const { namespace } = stage
  const trace = (): Trace => traceOf(recorder.states(namespace), workload)
  const untilSame = async (): Promise<void> => {
    if (!reference) return
    const same = (): true | undefined => (isDeepStrictEqual(trace().end, reference.end) ? true : undefined)
    await recorder.until(`${namespace}: the end state of an undisturbed run`, same, 30_000).catch(() => {})
  }
  try {
    if (violations.length === 0) await workload.act(stage)
    if (!(await within(strikeMs, armed.struck))) violations.push(`${missed} ${armed.hits.length} of ${faults.length}`)
    armed.disarm()
    await stage.quiet()
    await untilSame()
  } catch (cause) {
    violations.push((cause as Error).message)
  } finally {
    armed.disarm()
  }
  const ended = performance.now()
  const fault = await lane.ledgerFault(namespace)
  if (fault !== undefined) violations.push(fault)
  // Kinds are watched each by itself: before the last state of one came it may have looked the same already.
  await untilSame()
  violations.push(...violationsIn(recorder.states(namespace)))
  const run = {
    trace: trace(),
    hits: armed.hits,
    missed: faults.filter(({ optional }) => !optional).length - armed.hits.filter(({ optional }) => !optional).length,
    recoveredMs: ended - (armed.firstAt() ?? ended),
    ms: performance.now() - begun,
    states: () => recorder.states(namespace),
    log: lane.log,
    atLast: () => differencesIn('end', trace(), reference).map((difference) => `at last, ${namespace}: ${difference}`),
  }
  violations.push(...differences(run.trace, reference), ...tooManyWrites(run.trace, reference, allFaults))
  return { ...run, violations }
}

/** What a fault may add to the writes of an object: a step done again, a take-back, a claim, conditions in between. */
const writesPerFault = 8

const tooManyWrites = ({ counts }: Trace, reference: Trace | undefined, faults: number): string[] =>
  Object.entries(reference?.counts ?? {}).flatMap(([title, expected]) => {
    const most = expected + writesPerFault * (faults + 1)
    const found = counts[title] ?? 0
    return found <= most ? [] : [`${title} was written ${found} times, undisturbed ${expected} times`]
  })

const missed = 'faults that struck:'
/** It says that a fault never struck: of the operator that proves nothing. */
export const isMiss = (violation: string): boolean => violation.includes(missed)

/** How long after a workload its last effects, such as letting go of the lock, may take to come. */
const strikeMs = 30_000

const within = (ms: number, work: Promise<unknown>): Promise<boolean> => {
  const over = new AbortController()
  const late = sleep(ms, false, { signal: over.signal }).catch(() => false)
  return Promise.race([work.then(() => true), late]).finally(() => over.abort())
}

const differences = (trace: Trace, reference: Trace | undefined): string[] =>
  (['end', 'story'] as const).flatMap((part) => differencesIn(part, trace, reference))

const differencesIn = (part: 'end' | 'story', trace: Trace, reference: Trace | undefined): string[] => {
  if (!reference) return []
  const titles = new Set([...Object.keys(trace[part]), ...Object.keys(reference[part])])
  return [...titles].flatMap((title) => {
    const [found, expected] = [trace[part][title], reference[part][title]]
    if (isDeepStrictEqual(found, expected)) return []
    return [`${part} of ${title}:\n  expected ${JSON.stringify(expected)}\n  found    ${JSON.stringify(found)}`]
  })
}
