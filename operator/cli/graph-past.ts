import type { Event } from '../api/envelope.ts'
import { failure, type Result, success } from '../api/result.ts'
import { historyTypes, isCut, type Move, type Present, versionOf, walkBack } from '../core/component/history.ts'
import { idOf, keyOf, placeOf, resolveId } from '../core/component/identity.ts'
import { type Wanted, wantedOf } from '../core/component/wanted.ts'
import { eventOf } from '../core/event/envelope.ts'
import type { VertexState } from '../core/graph/vertex.ts'
import type { Of } from '../ports/cluster.ts'
import type { Objects } from '../ports/objects.ts'
import { chosen } from './graph-place.ts'
import { type GraphPort, makeGraphPort } from './graph-port.ts'
import { beingWritten, isWholeIn, type Snapshot } from './local-world.ts'
import { readSnapshot } from './snapshot.ts'
import type { Desk } from './verb.ts'

/** What was committed in an environment at an earlier version, beside what stands there now. */
export interface Past {
  readonly now: Snapshot
  readonly environment: Of<'Environment'>
  readonly version: number
  /** by full id */
  readonly present: ReadonlyMap<string, Present>
  readonly earlier: ReadonlyMap<string, Wanted>
  /** what was done to Components since */
  readonly moves: readonly Move[]
  /** what is told of versions since, and of what they did, in any order */
  readonly later: readonly Event[]
  /** names of the requests that were applied since */
  readonly since: ReadonlySet<string>
}

export interface Asked {
  readonly namespace: string
  readonly environment: string | undefined
  readonly version: number
  /** of which requests the snapshot has to know */
  readonly about?: Parameters<typeof readSnapshot>[2]
}

const attempts = 10
const pause = 200
const nobody = { undone: [], asked: [] }

/**
 * Reads what is committed now and walks back by what the ledger tells. Fails with `VersionUnknown`, with what the
 * operator answers, or with `HistoryIncomplete`: nothing is guessed.
 */
export const readPast = async (asked: Asked, { session, terminal }: Desk): Promise<Result<Past>> => {
  for (let attempt = 1; ; attempt++) {
    const now = await readSnapshot(session.objects, asked.namespace, asked.about ?? nobody)
    if (!now.ok) return now
    const environment = chosen(now.value.environments, asked.namespace, asked.environment)
    if (!environment.ok) return environment
    if (isWholeIn(environment.value, now.value)) {
      const port = makeGraphPort(session, environment.value)
      return walkedBack(
        { now: now.value, environment: environment.value, version: asked.version, port },
        session.objects,
      )
    }
    if (attempt === attempts) return beingWritten(environment.value)
    await terminal.sleep(pause)
  }
}

interface Start extends Pick<Past, 'now' | 'environment' | 'version'> {
  readonly port: GraphPort
}

const walkedBack = async ({ port, ...start }: Start, objects: Objects): Promise<Result<Past>> => {
  const { now, environment, version } = start
  const { version: head = 0 } = environment.status ?? {}
  if (version > head) return yetToCome(environment, version, head)
  const components = now.components.filter((component) => placeOf(component) === keyOf(environment))
  const present = presentOf(components)
  const history = version === head ? success({ events: [] }) : await port.history(version)
  if (!history.ok) return history
  const told = [...history.value.events, ...toldBy(components), ...toldBy([environment])]
  const events = [...new Map(told.map((event) => [event.id, event])).values()]
  const later = events.filter((event) => (versionOf(event) ?? 0) > version)
  const images = later.some(isCut) ? await readImages(objects, now.namespace) : success(() => undefined)
  if (!images.ok) return images
  const walk = { environment: keyOf(environment), present, head, version, events, imageOf: images.value }
  const walked = walkBack(walk)
  if (!walked.ok) return walked
  const { committed: earlier, moves } = walked.value
  // Where the graph of that version is held, and was not wrong, it has to say the same.
  const repaired = later.some(({ event_type }) => event_type === 'graph.repaired')
  const graph = version === head || repaired ? undefined : await port.states(version)
  const fault = graph?.ok ? unlike(earlier, graph.value.states) : undefined
  if (fault !== undefined) return differs(environment, version, fault)
  const since = later.flatMap(({ attrs }) => (typeof attrs.request === 'string' ? [attrs.request] : []))
  return success({ now, environment, version, present, earlier, moves, later, since: new Set(since) })
}

const presentOf = (components: readonly Of<'Component'>[]): Map<string, Present> =>
  new Map(
    components.flatMap((component) => {
      const { committed } = component.status ?? {}
      if (!committed) return []
      return [[idOf(component), { wanted: wantedOf(committed), version: committed.graphVersion }] as const]
    }),
  )

/** What may be on its way to the ledger still. */
const toldBy = (objects: readonly (Of<'Component'> | Of<'Environment'>)[]): Event[] =>
  objects.flatMap((object) =>
    (object.status?.history ?? []).flatMap((entry) => {
      if (!historyTypes.includes(entry.type as (typeof historyTypes)[number])) return []
      const event = eventOf(object, entry)
      return event.ok ? [event.value] : []
    }),
  )

type ImageOf = (change: string, id: string) => string | undefined

const readImages = async (objects: Objects, namespace: string): Promise<Result<ImageOf>> => {
  const listed = await objects.list('ChangeRequest', { namespace })
  if (!listed.ok) return listed
  const byUid = new Map(listed.value.items.map((request) => [request.metadata.uid, request]))
  return success((change, id) => {
    const images = byUid.get(change)?.status?.images ?? []
    const image = images.find(({ component }) => {
      const full = resolveId(component, namespace)
      return full.ok && full.value === id
    })
    return image?.before
  })
}

/** The first Component of which the graph says something else: whether it was there, and what it referred to. */
const unlike = (earlier: ReadonlyMap<string, Wanted>, states: readonly VertexState[]): string | undefined => {
  const held = new Map(states.flatMap((state) => (state.removed ? [] : [[state.id, state.edges] as const])))
  return [...new Set([...held.keys(), ...earlier.keys()])].find((id) => {
    const [edges, wanted] = [held.get(id), earlier.get(id)]
    if (!edges || !wanted) return true
    const named = (wanted.references ?? []).map(({ name, component }) => {
      const to = resolveId(component, id.slice(0, id.indexOf('/')))
      return `${name} ${to.ok ? to.value : component}`
    })
    return edges.some(({ name, to }) => !named.includes(`${name} ${to}`)) || edges.length !== named.length
  })
}

const differs = ({ metadata }: Of<'Environment'>, version: number, id: string): Result<never> =>
  failure({
    reason: 'HistoryIncomplete',
    message: `Component ${id}: expected the graph of ${metadata.namespace}/${metadata.name} at version ${version} and the ledger to agree, found that they differ: events are missing`,
    retry: false,
  })

const yetToCome = ({ metadata }: Of<'Environment'>, version: number, head: number): Result<never> =>
  failure({
    reason: 'VersionUnknown',
    message: `Environment ${metadata.namespace}/${metadata.name}: expected a version from 0 to ${head}, found ${version}; kubectl karma graph versions lists them`,
    retry: false,
  })
