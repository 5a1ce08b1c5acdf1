import { isDeepStrictEqual } from 'node:util'
import { type Done, namesAsked, type Parts, type Past, partsAfter, partsOf } from './crash-asked.ts'
import { titleOf } from './crash-trace.ts'
import type { Recorded, State } from './recorder.ts'

interface Decided {
  readonly version: number
  readonly applying: readonly Recorded[]
}

/** The newest state of all that is there, and what led to it. */
interface Now extends Past {
  /** by uid */
  readonly objects: Map<string, Recorded>
  readonly done: Map<string, Map<string, Done>>
  /** by the name of the environment */
  readonly decided: Map<string, Decided>
}

const nothingDecided: Decided = { version: 0, applying: [] }
const decidedIn = ({ decided }: Now, environment: string): Decided => decided.get(environment) ?? nothingDecided

const changeAnnotation = 'usekarma.dev/change'

/** Nothing is written on a Component, and no request ends as applied, but what its environment has decided. */
export const decisionFaults = (states: readonly State[]): string[] => {
  const now: Now = { objects: new Map(), done: new Map(), decided: new Map() }
  return states.flatMap(({ object, type, resourceVersion }) => {
    const { uid } = object.metadata
    if (type === 'DELETED') {
      now.objects.delete(uid)
      const isLeft = object.kind === 'Component' && object.status?.committed
      return isLeft ? [`${titleOf(object)} at ${resourceVersion}: gone without having left the graph`] : []
    }
    const before = now.objects.get(uid)
    const faults = rules[object.kind as keyof typeof rules](before, object, now)
    now.objects.set(uid, object)
    return faults.map((fault) => `${titleOf(object)} at ${resourceVersion}: ${fault}`)
  })
}

const onEnvironment = (_: Recorded, { metadata, status }: Recorded, now: Now): string[] => {
  const next = { version: status?.version ?? 0, applying: status?.applying ?? [] }
  const open = unfinished(decidedIn(now, metadata.name), next, now.objects)
  now.decided.set(metadata.name, next)
  return open.map((name) => `${name} was not finished when the environment went on`)
}

/** What was decided and has left `applying` must have been carried through. */
const unfinished = (before: Decided, next: Decided, objects: ReadonlyMap<string, Recorded>): string[] =>
  before.applying
    .filter(({ uid }) => before.version !== next.version || !next.applying.some((still) => still.uid === uid))
    .flatMap(({ kind, uid, name }) => {
      const object = objects.get(uid)
      const { phase, committed } = object?.status ?? {}
      const isOpen = {
        ChangeRequest: phase === 'Applying',
        Creation: object !== undefined && !committed,
        Removal: Boolean(committed),
      }
      return isOpen[kind as keyof typeof isOpen] ? [name] : []
    })

const onRequest = (before: Recorded, request: Recorded, now: Now): string[] => {
  const { status, metadata } = request
  const faults: string[] = []
  if (status?.phase === 'Applied' && before?.status?.phase === 'Applying') {
    if (!decidedIn(now, status.environment).applying.some(({ uid }) => uid === metadata.uid))
      faults.push('applied without having been decided')
    for (const name of namesAsked(request, now)) {
      if (!now.done.get(metadata.name)?.has(name)) faults.push(`applied, but Component ${name} does not carry it`)
    }
  }
  const by = status?.rolledBackBy
  if (by !== before?.status?.rolledBackBy) {
    const other = [...now.objects.values()].find(
      ({ kind, metadata: { name } }) => kind === 'ChangeRequest' && name === by,
    )
    const undoes = other?.status?.phase === 'Applied' && other.spec.rollbackOf === metadata.name
    if (!undoes) faults.push(`said to be rolled back by ${by}, which has not undone it`)
  }
  return faults
}

const onComponent = (before: Recorded, component: Recorded, now: Now): string[] =>
  [
    specFault(before, component, now),
    committedFault(before, component, now),
    ...danglingFaults(component, now),
  ].flatMap((fault) => fault ?? [])

/** What refers into another environment leads to something, whatever happens there. */
const danglingFaults = ({ metadata, spec, status }: Recorded, { objects }: Now): string[] => {
  const components = [...objects.values()].filter(({ kind }) => kind === 'Component')
  const elsewhere = components.filter((other) => other.spec.environment !== spec.environment)
  const targets = (status?.committed?.references ?? []).map(({ component }: Recorded) => component.replace('/', '.'))
  const gone = elsewhere.filter((other) => targets.includes(other.metadata.name) && !other.status?.committed)
  const left = elsewhere.filter(({ status: of }) =>
    of?.committed?.references?.some(({ component }: Recorded) => component.replace('/', '.') === metadata.name),
  )
  return [
    ...gone.map((other) => `refers to ${other.metadata.name}, which is not committed`),
    ...(status?.committed ? [] : left.map((other) => `is not committed, but ${other.metadata.name} refers to it`)),
  ]
}

/** A spec that carries a request's uid is exactly what was asked for. */
const specFault = (before: Recorded, { metadata, spec }: Recorded, now: Now): string | undefined => {
  const { applying } = decidedIn(now, spec.environment)
  const change = metadata.annotations?.[changeAnnotation]
  if (change === before?.metadata.annotations?.[changeAnnotation]) return undefined
  if (!applying.some(({ uid }) => uid === change)) return 'spec was written for a request that was not decided'
  const asked = partsAfter(partsOf(before?.status?.committed), metadata.name, now.objects.get(change), now)
  return isDeepStrictEqual(partsOf(spec), asked) ? undefined : `spec is not what was asked for: ${JSON.stringify(spec)}`
}

/** Every `committed` says exactly what was asked for and decided. */
const committedFault = (before: Recorded, { metadata, spec, status }: Recorded, now: Now): string | undefined => {
  const { version, applying } = decidedIn(now, spec.environment)
  const [was, is] = [before?.status?.committed, status?.committed]
  if (isDeepStrictEqual(was, is)) return undefined
  if (is && is.graphVersion !== version)
    return `committed as version ${is.graphVersion} while the environment is at ${version}`
  const isDecided = (kind: string): boolean => applying.some((one) => one.kind === kind && one.uid === metadata.uid)
  if (!is && isDecided('Removal')) return undefined
  if (!was && isDecided('Creation'))
    return isDeepStrictEqual(partsOf(is), partsOf(spec)) ? undefined : 'committed is not what was created'
  const earlier = partsOf(was)
  const after = partsOf(is)
  const requests = applying.flatMap(({ kind, uid }) => (kind === 'ChangeRequest' ? (now.objects.get(uid) ?? []) : []))
  const request = requests.find((one) => namesAsked(one, now).includes(metadata.name))
  if (!request)
    return is ? 'committed without having been decided' : 'taken out of the graph without having been decided'
  if (is && is.changeRequest !== request.metadata.name)
    return `committed for ${is.changeRequest}, which was not decided`
  const asked = partsAfter(earlier, metadata.name, request, now)
  if (!isDeepStrictEqual(after, asked)) return `committed is not what was asked for: ${JSON.stringify(is ?? null)}`
  carry(request.metadata.name, metadata.name, { before: earlier, after }, now)
  return undefined
}

const carry = (request: string, component: string, done: { before: Parts; after: Parts }, { done: all }: Now): void => {
  const known = all.get(request) ?? new Map<string, Done>()
  all.set(request, known.set(component, done))
}

const rules = { Environment: onEnvironment, ChangeRequest: onRequest, Component: onComponent }
