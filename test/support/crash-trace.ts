import { eventOf, type Teller } from '../../operator/core/event/envelope.ts'
import type { Recorded, State } from './recorder.ts'

/** What a run came to: it must be the same whether the operator was killed or not. */
export interface Trace {
  /** end state of each object that is there, without what must differ between two runs */
  readonly end: Readonly<Record<string, unknown>>
  /** what happened to each object, in order, without what a takeover may repeat */
  readonly story: Readonly<Record<string, readonly string[]>>
  /** in how many states each object was */
  readonly counts: Readonly<Record<string, number>>
}

export const titleOf = ({ kind, metadata }: Recorded): string => `${kind} ${metadata.name}`

/** By object, in the order in which they appeared. */
export const statesByObject = (states: readonly State[]): Map<string, State[]> => {
  const objects = new Map<string, State[]>()
  for (const state of states) {
    const { uid } = state.object.metadata
    const known = objects.get(uid)
    if (known) known.push(state)
    else objects.set(uid, [state])
  }
  return objects
}

/** What may differ between two runs, see crash-workloads.ts. `versionsVary`: also the order of what was published. */
interface Varying {
  readonly versionsVary?: boolean
  readonly passedBy?: readonly string[]
}

export const traceOf = (states: readonly State[], { versionsVary = false, passedBy = [] }: Varying = {}): Trace => {
  const objects = [...statesByObject(states).values()]
  const names = new Map(objects.map(([first]) => [first!.object.metadata.uid as string, titleOf(first!.object)]))
  const end: Record<string, unknown> = {}
  const story: Record<string, string[]> = {}
  const counts: Record<string, number> = {}
  for (const one of objects) {
    const last = one.at(-1)!
    const title = titleOf(last.object)
    if (last.type !== 'DELETED') {
      const isBrief = passedBy.length > 0 && last.object.kind === 'ChangeRequest'
      end[title] = isBrief ? briefly(last.object) : masked(last.object, names, versionsVary)
    }
    const told = storyOf(one, versionsVary).filter((word) => !passedBy.includes(word))
    story[title] = [...(story[title] ?? []), ...told]
    counts[title] = (counts[title] ?? 0) + one.length
  }
  return { end, story, counts }
}

const storyOf = (states: readonly State[], versionsVary: boolean): string[] => {
  const told: string[] = []
  let before: Recorded
  for (const { type, object } of states) {
    if (type === 'ADDED') told.push('added')
    const changes = storyTellers[object.kind as keyof typeof storyTellers](before, object)
    told.push(...(type === 'DELETED' ? [...changes, 'deleted'] : changes))
    before = object
  }
  const words = versionsVary ? told.map(withoutVersions).sort() : told
  return withoutTakeovers(words)
}

/** What the effects of a change leave on an object: each must stand there once. */
const storyTellers = {
  ChangeRequest: (before: Recorded, { status }: Recorded): string[] =>
    status?.phase === before?.status?.phase ? [] : [status?.phase ?? 'Pending'],
  Component: (before: Recorded, { spec, status }: Recorded): string[] => {
    const told: string[] = []
    if (before && JSON.stringify(before.spec) !== JSON.stringify(spec)) {
      const { config, references } = spec
      told.push(`spec ${JSON.stringify({ config, references })}`)
    }
    const [was, is] = [before?.status?.committed, status?.committed]
    if (was?.graphVersion !== is?.graphVersion || was?.hash !== is?.hash)
      told.push(is ? `committed by ${is.changeRequest ?? 'its creation'} as version ${is.graphVersion}` : 'removed')
    return told
  },
  Environment: (before: Recorded, { status }: Recorded): string[] => {
    const { version, applying = [] } = status ?? {}
    if (version === undefined || version === before?.status?.version) return []
    return applying.map(({ kind, name }: Recorded) => `version ${version}: ${kind} ${name}`).sort()
  },
}

/** How it ended, not on what way. */
const briefly = ({ status }: Recorded): unknown => ({
  phase: status?.phase,
  reason: status?.conditions?.find(({ type }: Recorded) => type === 'Succeeded')?.reason,
})

const withoutVersions = (text: string): string => text.replaceAll(/version \d+/g, 'version N')

/** What was written ahead and taken back has not happened. */
const withoutTakeovers = (told: readonly string[]): string[] => {
  const kept: string[] = []
  for (const phase of told) {
    if (phase === 'Pending' && kept.at(-1) === 'Applying') kept.pop()
    else kept.push(phase)
  }
  return kept
}

/** Fields that are times, counts of etcd, names of processes, or made of uids. */
const unlike = new Set([
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'managedFields',
  'lastTransitionTime',
  'at',
  'since',
  'history',
  'seq',
  'committedResourceVersion',
  'logEntryId',
])

/** The hash of a plan is over ids with their namespace, and each run has one of its own. */
const planHash = /sha256:[0-9a-f]{64}/g

const masked = (object: Recorded, names: ReadonlyMap<string, string>, versionsVary: boolean): unknown => {
  const { namespace } = object.metadata
  const text = (value: string): string => {
    const plain = (names.get(value) ?? value).replaceAll(namespace, 'NAMESPACE')
    return versionsVary ? withoutVersions(plain) : plain
  }
  const walk = (value: unknown, field: string): unknown => {
    if (typeof value === 'string') return field === 'message' ? text(value).replaceAll(planHash, 'HASH') : text(value)
    if (Array.isArray(value)) return (field === 'promised' ? lastOfEach(value) : value).map((item) => walk(item, ''))
    if (typeof value !== 'object' || value === null) {
      return versionsVary && ['version', 'graphVersion'].includes(field) ? 'N' : value
    }
    const members = Object.entries(value)
      .filter(([name]) => !unlike.has(name) && !(field === 'plan' && name === 'hash'))
      .map(([name, member]) => [text(name), walk(member, name)] as const)
    return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)))
  }
  return walk(object, '')
}

/** A promise that was kept stands until the next write of whoever it was made to has seen so, and a newer one beside it. */
const lastOfEach = (promises: readonly Recorded[]): Recorded[] => [
  ...new Map(promises.map((promise) => [promise.environment, promise])).values(),
]

/** Ids of the events that every transition in etcd stands for, with what each is. */
export const eventsIn = (states: readonly State[]): Map<string, string> => {
  const events = new Map<string, string>()
  for (const { object } of states) {
    for (const entry of object.status?.history ?? []) {
      const event = eventOf(object as Teller, entry)
      const title = `${titleOf(object)} ${entry.seq} ${entry.type}`
      events.set(event.ok ? event.value.id : `invalid: ${title}`, title)
    }
  }
  return events
}
