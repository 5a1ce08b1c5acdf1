import { isDeepStrictEqual } from 'node:util'
import { decisionFaults } from './crash-decisions.ts'
import { statesByObject, titleOf } from './crash-trace.ts'
import type { Recorded, State } from './recorder.ts'

/** What must hold in every state that was ever stored, with one sentence per violation. `states`: in their order. */
export const violationsIn = (states: readonly State[]): string[] => [
  ...[...statesByObject(states).values()].flatMap((one) => [
    ...historyFaults(one),
    ...each(one, generationFault),
    ...(objectRules[one[0]!.kind] ?? []).flatMap((rule) => each(one, rule)),
  ]),
  ...decisionFaults(states),
]

type Rule = (before: Recorded | undefined, after: Recorded) => string | undefined

const each = (states: readonly State[], rule: Rule): string[] =>
  states.flatMap(({ object, type, resourceVersion }, index) => {
    const fault = type === 'DELETED' ? undefined : rule(states[index - 1]?.object, object)
    return fault === undefined ? [] : [`${titleOf(object)} at ${resourceVersion}: ${fault}`]
  })

/** Transitions are numbered without a gap, and what stands in the history is never rewritten. */
const historyFaults = (states: readonly State[]): string[] => {
  const entries = new Map<number, Recorded>()
  const faults: string[] = []
  const title = titleOf(states[0]!.object)
  for (const { object } of states) {
    for (const entry of object.status?.history ?? []) {
      const known = entries.get(entry.seq)
      if (known && !isDeepStrictEqual(known, entry)) faults.push(`${title}: history entry ${entry.seq} was rewritten`)
      entries.set(entry.seq, entry)
    }
    const last = object.status?.seq ?? 0
    if (last !== entries.size) faults.push(`${title}: seq is ${last}, but ${entries.size} transitions were seen`)
  }
  return [...new Set(faults)]
}

const generationFault: Rule = (_, { metadata, status }) =>
  (status?.observedGeneration ?? 0) > (metadata.generation ?? 0) ? 'observedGeneration is ahead' : undefined

const next: Readonly<Record<string, readonly string[]>> = {
  Pending: ['Queued', 'AwaitingApproval', 'Applying', 'Applied', 'Planned', 'Rejected', 'Cancelled', 'Expired'],
  Queued: ['AwaitingApproval', 'Applying', 'Applied', 'Planned', 'Rejected', 'Cancelled', 'Expired'],
  AwaitingApproval: ['Queued', 'Applying', 'Applied', 'Planned', 'Rejected', 'Cancelled', 'Expired'],
  // Taken back by whoever takes over.
  Applying: ['Applied', 'Pending'],
}

const phaseFault: Rule = (before, { status }) => {
  const from = before?.status?.phase ?? 'Pending'
  const to = status?.phase ?? 'Pending'
  return from === to || next[from]?.includes(to) ? undefined : `phase went from ${from} to ${to}`
}

const requesterFault: Rule = (before, { spec }) =>
  before && !isDeepStrictEqual(before.spec.requestedBy, spec.requestedBy) ? 'requestedBy changed' : undefined

const versionFault: Rule = (before, { status }) => {
  const step = (status?.version ?? 0) - (before?.status?.version ?? 0)
  return step === 0 || step === 1 ? undefined : `version went by ${step}`
}

const committedFault: Rule = (before, { status }) => {
  const [was, is] = [before?.status?.committed, status?.committed]
  if (!was || !is || isDeepStrictEqual(was, is)) return undefined
  return is.graphVersion > was.graphVersion ? undefined : `committed again at version ${is.graphVersion}`
}

const objectRules: Readonly<Record<string, readonly Rule[]>> = {
  ChangeRequest: [phaseFault, requesterFault],
  Component: [committedFault],
  Environment: [versionFault],
}
