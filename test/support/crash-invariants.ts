import { isDeepStrictEqual } from 'node:util'
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
  Pending: ['Queued', 'AwaitingApproval', 'Applying', 'Applied', 'Planned', 'Rejected', 'Cancelled'],
  Queued: ['AwaitingApproval', 'Applying', 'Applied', 'Planned', 'Rejected', 'Cancelled'],
  AwaitingApproval: ['Queued', 'Applying', 'Applied', 'Planned', 'Rejected', 'Cancelled'],
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

interface Decided {
  readonly version: number
  readonly applying: readonly Recorded[]
}

/** Nothing is written on a Component, and no request ends as applied, but what its environment has decided. */
const decisionFaults = (states: readonly State[]): string[] => {
  const latest = new Map<string, Recorded>()
  const faults: string[] = []
  let decided: Decided = { version: 0, applying: [] }
  for (const { object, type, resourceVersion } of states) {
    const { uid } = object.metadata
    const before = latest.get(uid)
    if (type !== 'DELETED') {
      if (object.kind === 'Environment') {
        const now = { version: object.status?.version ?? 0, applying: object.status?.applying ?? [] }
        const open = unfinished(decided, now, latest)
        faults.push(
          ...open.map((name) => `${name} was not finished when the environment went on, at ${resourceVersion}`),
        )
        decided = now
      } else {
        const fault =
          object.kind === 'Component' ? writeFault(before, object, decided, latest) : endFault(before, object, decided)
        if (fault !== undefined) faults.push(`${titleOf(object)} at ${resourceVersion}: ${fault}`)
      }
    }
    latest.set(uid, object)
  }
  return faults
}

/** What was decided and has left `applying` must have been carried through. */
const unfinished = (before: Decided, now: Decided, latest: ReadonlyMap<string, Recorded>): string[] =>
  before.applying
    .filter(({ uid }) => before.version !== now.version || !now.applying.some((still) => still.uid === uid))
    .flatMap(({ kind, uid, name }) => {
      const { phase, committed } = latest.get(uid)?.status ?? {}
      const isOpen = { ChangeRequest: phase === 'Applying', Creation: !committed, Removal: Boolean(committed) }
      return isOpen[kind as keyof typeof isOpen] ? [name] : []
    })

const endFault = (before: Recorded, request: Recorded, { applying }: Decided): string | undefined => {
  const ends = request.status?.phase === 'Applied' && before?.status?.phase === 'Applying'
  const isDecided = applying.some(({ uid }) => uid === request.metadata.uid)
  return ends && !isDecided ? 'applied without having been decided' : undefined
}

/** A spec that carries a request's uid, and every `committed`, say exactly what was asked for and decided. */
const writeFault = (
  before: Recorded,
  component: Recorded,
  { version, applying }: Decided,
  latest: ReadonlyMap<string, Recorded>,
): string | undefined => {
  const { metadata, spec, status } = component
  const change = metadata.annotations?.['usekarma.dev/change']
  if (change !== before?.metadata.annotations?.['usekarma.dev/change']) {
    if (!applying.some(({ uid }) => uid === change)) return 'spec was written for a request that was not decided'
    const asked = configAfter(before.status?.committed?.config, latest.get(change)?.spec)
    if (!isDeepStrictEqual(spec.config, asked)) return `spec is not what was asked for: ${JSON.stringify(spec.config)}`
  }
  const [was, is] = [before?.status?.committed, status?.committed]
  if (isDeepStrictEqual(was, is)) return undefined
  if (!is) {
    const leaves = applying.some(({ kind, uid }) => kind === 'Removal' && uid === metadata.uid)
    return leaves ? undefined : 'taken out of the graph without having been decided'
  }
  if (is.graphVersion !== version)
    return `committed as version ${is.graphVersion} while the environment is at ${version}`
  if (!was) {
    if (!applying.some(({ kind, uid }) => kind === 'Creation' && uid === metadata.uid))
      return 'creation was not decided'
    return isDeepStrictEqual(is.config, spec.config) ? undefined : 'committed is not what was created'
  }
  const decided = applying.find(({ kind, name }) => kind === 'ChangeRequest' && name === is.changeRequest)
  if (!decided) return `committed for ${is.changeRequest}, which was not decided`
  const asked = configAfter(was.config, latest.get(decided.uid)?.spec)
  return isDeepStrictEqual(is.config, asked)
    ? undefined
    : `committed is not what was asked for: ${JSON.stringify(is.config)}`
}

/** Worked out again, apart from the product: workloads change and remove top-level fields only. */
const configAfter = (before: Recorded = {}, request: Recorded = {}): unknown => {
  const after = { ...before, ...request.proposedChange }
  for (const pointer of request.remove ?? []) delete after[pointer.slice(1)]
  return after
}
