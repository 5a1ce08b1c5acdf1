import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { effectOf } from './crash-effects.ts'
import { violationsIn } from './crash-invariants.ts'
import type { Lane } from './crash-lane.ts'
import type { Fault } from './crash-plans.ts'
import { type Trace, traceOf } from './crash-trace.ts'
import type { Workload } from './crash-workloads.ts'
import type { Action, ProxiedRequest } from './proxy.ts'

export interface Run {
  readonly trace: Trace
  readonly violations: readonly string[]
  /** faults that struck, in their order */
  readonly hits: readonly Fault[]
  /** from the first kill to the end of the workload, with nothing left under way */
  readonly recoveredMs: number
  readonly ms: number
}

/** Strikes at each of `faults` in turn; the way to see which have struck, and to let it be. */
const arm = (lane: Lane, namespace: string, faults: readonly Fault[], act: () => Promise<void>) => {
  const hits: Fault[] = []
  const due = [...faults]
  const struck = Promise.withResolvers<void>()
  if (faults.length === 0) struck.resolve()
  let firstAt: number | undefined
  const strike = (fault: Fault): boolean => {
    if (due[0] !== fault) return false
    due.shift()
    hits.push(fault)
    firstAt ??= performance.now()
    if (due.length === 0) struck.resolve()
    return true
  }
  const kill = (fault: Fault) => (): Promise<void> => (strike(fault) ? act() : Promise.resolve())
  const when = (status: number): boolean => status < 300
  const actionOn = (request: ProxiedRequest): Action | undefined => {
    const [fault] = due
    if (!fault || effectOf(request) !== fault.effect || !isOf(request, namespace)) return undefined
    if (fault.position === 'before') return { kind: 'delay', until: kill(fault)(), next: { kind: 'cut-before' } }
    return { kind: fault.position === 'during' ? 'instead-of-answer' : 'after', run: kill(fault), when }
  }
  const disarm = lane.proxy.onRequest(actionOn)
  return { hits, disarm, struck: struck.promise, firstAt: () => firstAt }
}

/** What Karma keeps for itself in its own namespace belongs to every run. */
const isOf = ({ namespace }: ProxiedRequest, own: string): boolean => namespace === own || namespace === 'karma-system'

export interface Played {
  readonly workload: Workload
  readonly faults: readonly Fault[]
  /** what an undisturbed run came to; the end is waited for until it is the same */
  readonly reference?: Trace | undefined
  /** what a fault does; by default it kills the operator */
  readonly strike?: () => Promise<void>
}

/** Plays a workload in a namespace of its own, with these faults, and looks at everything that was ever stored. */
export const play = async (
  lane: Lane,
  { workload, faults, reference, strike = lane.operator.kill }: Played,
): Promise<Run> => {
  const { recorder } = lane
  const begun = performance.now()
  const stage = await lane.stage()
  const { namespace } = stage
  const trace = (): Trace => traceOf(recorder.states(namespace), workload)
  const violations: string[] = []
  let armed: ReturnType<typeof arm> | undefined
  try {
    await workload.setup?.(stage)
    armed = arm(lane, namespace, faults, strike)
    await workload.act(stage)
    if (!(await within(strikeMs, armed.struck)))
      violations.push(`only ${armed.hits.length} of ${faults.length} kills struck`)
    await stage.quiet()
    const same = (): true | undefined =>
      !reference || isDeepStrictEqual(trace().end, reference.end) ? true : undefined
    await recorder.until(`${namespace}: the end state of an undisturbed run`, same, 30_000).catch(() => {})
  } catch (cause) {
    violations.push((cause as Error).message)
  } finally {
    armed?.disarm()
  }
  const ended = performance.now()
  const fault = await lane.ledgerFault(namespace)
  if (fault !== undefined) violations.push(fault)
  violations.push(...violationsIn(recorder.states(namespace)))
  const run = {
    trace: trace(),
    hits: armed?.hits ?? [],
    recoveredMs: ended - (armed?.firstAt() ?? ended),
    ms: performance.now() - begun,
  }
  return { ...run, violations: [...violations, ...differences(run.trace, reference)] }
}

/** How long after a workload its last effects, such as letting go of the lock, may take to come. */
const strikeMs = 30_000

const within = (ms: number, work: Promise<unknown>): Promise<boolean> => {
  const over = new AbortController()
  const late = sleep(ms, false, { signal: over.signal }).catch(() => false)
  return Promise.race([work.then(() => true), late]).finally(() => over.abort())
}

const differences = (trace: Trace, reference: Trace | undefined): string[] =>
  !reference
    ? []
    : (['end', 'story'] as const).flatMap((part) => {
        const titles = new Set([...Object.keys(trace[part]), ...Object.keys(reference[part])])
        return [...titles].flatMap((title) => {
          const [found, expected] = [trace[part][title], reference[part][title]]
          if (isDeepStrictEqual(found, expected)) return []
          return [`${part} of ${title}:\n  expected ${JSON.stringify(expected)}\n  found    ${JSON.stringify(found)}`]
        })
      })
