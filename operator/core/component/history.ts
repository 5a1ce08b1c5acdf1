import type { Event } from '../../api/envelope.ts'
import type { Json } from '../../api/kinds.generated.ts'
import { emptyObject, isObject, mergePatch } from '../../api/merge-patch.ts'
import { failure, type Result, success } from '../../api/result.ts'
import { readImage, type State, stateOf, wantedFrom } from '../change/image.ts'
import { hashOf, type Wanted } from './wanted.ts'

/*
 * What was committed at an earlier version, worked out by walking back from what is committed now. Nothing is guessed:
 * each event says by a hash what it led to, and the walk ends with a failure where that is not what stands there.
 */

/** The events that a walk back needs, of one environment. */
export const historyTypes = ['component.committed', 'component.removed', 'graph.published', 'graph.repaired'] as const

/** The version that an event of these types tells of. */
export const versionOf = ({ attrs }: Event): number | undefined =>
  typeof attrs.version === 'number' && Number.isSafeInteger(attrs.version) ? attrs.version : undefined

export interface Present {
  readonly wanted: Wanted
  /** in which it was committed */
  readonly version: number
}

export interface Walk {
  /** `namespace/name` of the environment */
  readonly environment: string
  /** what is committed now, by full id */
  readonly present: ReadonlyMap<string, Present>
  /** the environment's version now */
  readonly head: number
  /** to which it goes back */
  readonly version: number
  /**
   * Of `historyTypes`, in any order; those above `head` are left out. Of each Component that was there, and is other by
   * now, the last one up to `version` is needed too: it has to say what the walk comes to.
   */
  readonly events: readonly Event[]
  /** The text of the before-image that the request with this uid keeps of a Component: for events that were cut. */
  readonly imageOf?: (change: string, id: string) => string | undefined
}

/** What one version made of a Component; null: it was not there. */
export interface Move {
  readonly id: string
  readonly event: Event
  readonly before: Wanted | null
  readonly after: Wanted | null
}

export interface Walked {
  /** what was committed at the version, by full id */
  readonly committed: ReadonlyMap<string, Wanted>
  /** what came after it, of each Component the latest first */
  readonly moves: readonly Move[]
}

/** Goes back to `version`. Fails (HistoryIncomplete) where events are missing. */
export const walkBack = (walk: Walk): Result<Walked> => {
  const unknown = untold(walk)
  if (unknown) return unknown
  const known = walk.events.filter((event) => isMove(event) && (versionOf(event) ?? Infinity) <= walk.head)
  const told = Map.groupBy(known.toSorted(latestFirst), (event) => event.entity_id)
  const committed = new Map<string, Wanted>()
  const moves: Move[] = []
  for (const id of new Set([...walk.present.keys(), ...told.keys()])) {
    const wanted = wantedBefore(id, told.get(id) ?? [], walk, moves)
    if (!wanted.ok) return wanted
    if (wanted.value !== null) committed.set(id, wanted.value)
  }
  return success({ committed, moves })
}

/** Whether what undoes it did not fit into the event. */
export const isCut = (event: Event): boolean => {
  const { omitted } = event.attrs
  return isMove(event) && Array.isArray(omitted) && (omitted.includes('inverse') || omitted.includes('*'))
}

const isMove = ({ event_type }: Event): boolean => event_type.startsWith('component.')

const isAfter = (event: Event, version: number): boolean => (versionOf(event) ?? 0) > version

const seqOf = ({ attrs }: Event): number => (typeof attrs.seq === 'number' ? attrs.seq : 0)

/** One that was deleted and made again counts its entries from 1 again. */
const latestFirst = (a: Event, b: Event): number => (a.ts < b.ts ? 1 : a.ts > b.ts ? -1 : seqOf(b) - seqOf(a))

/** Versions of which nobody told: the ledger began later, lags, or was lost. */
const untold = ({ environment, version, head, events }: Walk): Result<never> | undefined => {
  const told = new Set(events.filter((event) => !isMove(event)).map(versionOf))
  let missing = head
  while (missing > version && told.has(missing)) missing--
  if (missing === version) return undefined
  const next =
    missing === head
      ? 'events may come later than what they tell of: try again'
      : `the oldest version that can be worked out is ${missing}`
  return incomplete(
    `environment ${environment}: expected an event graph.published of each version from ${version + 1} to ${head}, found none of ${missing}; ${next}`,
  )
}

/** `known`: all that is told of it, latest first. Adds what came after the version to `into`. */
const wantedBefore = (id: string, known: readonly Event[], walk: Walk, into: Move[]): Result<Wanted | null> => {
  const moves = known.filter((event) => isAfter(event, walk.version))
  const unmet = untoldCommit(id, moves[0], walk)
  if (unmet !== undefined) return incomplete(unmet)
  let wanted = walk.present.get(id)?.wanted ?? null
  for (const move of moves) {
    const fault = faultIn(move, wanted)
    if (fault !== undefined) return incomplete(`Component ${id}: ${fault}: events in between are missing`)
    const before = undone(move, wanted, walk)
    if (before === undefined) {
      return incomplete(
        `Component ${id}: expected what undoes version ${versionOf(move)}, found an event that was too large to hold it, and no ChangeRequest that still keeps it`,
      )
    }
    into.push({ id, event: move, before, after: wanted })
    wanted = before
  }
  const last = known[moves.length]
  if (!last && moves.length > 0 && wanted !== null) {
    return incomplete(
      `Component ${id}: expected the event component.committed by which it came to what it was at version ${walk.version}, found none: the ledger began later`,
    )
  }
  const fault = last && faultIn(last, wanted)
  return fault === undefined ? success(wanted) : incomplete(`Component ${id}: ${fault}: events after that are missing`)
}

/** That nobody told how it came to what is committed. */
const untoldCommit = (id: string, last: Event | undefined, { present, version }: Walk): string | undefined => {
  const now = present.get(id)
  if (!now || (now.version <= version && !last) || now.version === (last && versionOf(last))) return undefined
  const found = last ? `one of version ${versionOf(last)} as the last` : `none after version ${version}`
  return `Component ${id}: expected an event component.committed of version ${now.version}, in which it was committed, found ${found}`
}

/** Why the event did not lead to what stands there; undefined: it did. */
const faultIn = ({ event_type, attrs }: Event, wanted: Wanted | null): string | undefined => {
  const leaves = event_type === 'component.removed'
  const expected = leaves ? 'none' : String(attrs.hash)
  const found = wanted === null ? 'none' : hashOf(wanted)
  return expected === found ? undefined : `after version ${attrs.version}: expected ${expected}, found ${found}`
}

/** Null: it was not there. Undefined: nothing says what was. */
const undone = (move: Event, wanted: Wanted | null, { imageOf }: Walk): Wanted | null | undefined => {
  const patch = isCut(move) ? imageIn(move, imageOf) : (move.attrs.inverse as State | undefined)
  if (patch === undefined) return isCut(move) || move.event_type === 'component.removed' ? undefined : null
  if (patch === null) return null
  return wantedFrom(mergePatch(wanted === null ? emptyObject() : stateOf(wanted), patch as Json) as State)
}

const imageIn = ({ attrs, entity_id }: Event, imageOf: Walk['imageOf']): State | null | undefined => {
  const text = typeof attrs.change === 'string' ? imageOf?.(attrs.change, entity_id) : undefined
  const image = text === undefined ? undefined : readImage(text)
  return image === null || isObject(image) ? image : undefined
}

const incomplete = (message: string): Result<never> =>
  failure({ reason: 'HistoryIncomplete', message: `ledger: ${message}`, retry: false })
