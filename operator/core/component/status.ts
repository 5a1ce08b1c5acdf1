import type {
  AppliedRequest,
  Committed,
  Component,
  ComponentStatus,
  Condition,
  JsonObject,
} from '../../api/kinds.generated.ts'
import { patchBetween } from '../../api/merge-patch.ts'
import { cut } from '../../api/text.ts'
import { sentences } from '../change/bounds.ts'
import { stateOf } from '../change/image.ts'
import { isFinished, withCondition } from '../change/status.ts'
import { append, type Transition } from '../event/outbox.ts'
import type { Verdict } from '../guard/facts.ts'
import type { Drift } from './drift.ts'
import type { EditStanding } from './edit.ts'
import { hashOf, type Wanted, wantedOf } from './wanted.ts'

/*
 * The status of a Component after each thing that can happen to it. `now` is epoch milliseconds.
 */

/** The ChangeRequest that brought something about. `hash`: of what it asks for. */
export interface AppliedChange {
  readonly name: string
  readonly uid: string
  readonly hash: string
}

export interface Commit {
  readonly wanted: Wanted
  readonly version: number
  /** absent for a creation */
  readonly change?: AppliedChange | undefined
  readonly now: number
}

/** Step 8: what was let through. */
export const committedStatus = (component: Component, { wanted, version, change, now }: Commit): ComponentStatus => {
  const hash = hashOf(wanted)
  const at = new Date(now).toISOString()
  const committed: Committed = {
    ...wanted,
    hash,
    graphVersion: version,
    at,
    ...(change && { changeRequest: change.name }),
  }
  const was = component.status?.committed
  const [before, after] = [stateOf(wantedOf(was ?? {})), stateOf(wanted)]
  const attrs: JsonObject = {
    version,
    hash,
    ...(change && { change: change.uid, request: change.name }),
    // Which commit it came from is asked of every event; the patch has it only where it is another.
    ...(wanted.source?.revision !== undefined && { revision: cut(wanted.source.revision, longestRevision) }),
    forward: patchBetween(before, after),
    ...(was && { inverse: patchBetween(after, before) }),
  }
  const reason = change ? 'Applied' : 'Created'
  const message = change ? `by ChangeRequest ${change.name}, as version ${version}` : `created in version ${version}`
  const transition: Transition = { type: 'component.committed', reason, message, attrs }
  // Known from the start: nobody committed can refer to what was never committed.
  const status: ComponentStatus = { dependents: 0, ...component.status, committed }
  if (change) status.applied = remembered(component.status?.applied, change)
  return {
    ...status,
    ...append(status, [transition], now),
    observedGeneration: component.metadata.generation ?? 1,
    conditions: [
      ...conditionsOf({ ...component, status }, { unresolved: [], heldBack: [] }, at),
      // Whether the real world is like this will be seen; until then it stands as it was.
      ...(component.status?.conditions ?? []).filter(({ type }) => type === 'Drifted'),
    ],
  }
}

/** In bytes: what the schema lets a revision of plain characters have. */
const longestRevision = 253

/** How many bytes of JSON the requests that a Component remembers may take: 64 of them, with names of usual length. */
const mostApplied = 8_192

const remembered = (applied: readonly AppliedRequest[] = [], { name, hash }: AppliedChange): AppliedRequest[] => {
  const kept = [...applied.slice(-63), { name, hash }]
  while (JSON.stringify(kept).length > mostApplied) kept.shift()
  return kept
}

/** It has left the graph; what is left of it can go. */
export const removedStatus = (
  component: Component,
  { version, now, change }: { version: number; now: number; change?: AppliedChange },
): ComponentStatus => {
  const { committed, ...status } = component.status ?? {}
  const inverse = stateOf(wantedOf(committed ?? {}))
  const attrs: JsonObject = { version, ...(change && { change: change.uid, request: change.name }), inverse }
  const by = change ? ` by ChangeRequest ${change.name}` : ''
  const message = `taken out of the graph in version ${version}${by}`
  return { ...status, ...append(status, [{ type: 'component.removed', reason: 'Removed', message, attrs }], now) }
}

export interface Standing {
  /** what its references still lack, one sentence each */
  readonly unresolved: readonly string[]
  /** what keeps it from being committed */
  readonly heldBack: readonly (Pick<Verdict, 'reason' | 'message'> & { readonly verdict?: Verdict['verdict'] })[]
  /** why nobody can tell yet whether anything does */
  readonly blind?: string | undefined
  /** how the request fares that a direct edit of spec became */
  readonly edit?: EditStanding | undefined
  /** absent: there is nothing to compare */
  readonly drift?: Drift | undefined
}

/** The conditions of a Component, from what is wanted, what is committed and where it stands. */
export const conditionsOf = (component: Component, standing: Standing, at: string): Condition[] => {
  const { unresolved, heldBack, blind, edit, drift } = standing
  const { metadata, spec, status } = component
  const generation = metadata.generation ?? 1
  const hash = hashOf(wantedOf(spec))
  const isCommitted = status?.committed?.hash === hash && edit === undefined
  const say = (said: Parameters<typeof withCondition>[1]): Condition =>
    withCondition(status?.conditions, said, { generation, at })
  const set = (type: string, value: boolean, reason: string, message: string): Condition =>
    say({ type, status: value ? 'True' : 'False', reason, message })
  const held = heldWhy(heldBack) ?? (blind === undefined ? undefined : (['GraphUnavailable', blind] as const))
  const committed = committedWhy(component, isCommitted, held, edit)
  // What only waits for something else goes on by itself.
  const stuck = heldBack.some(({ verdict }) => verdict !== 'Queue') || isRefused(edit)
  const ready = isCommitted && unresolved.length === 0 && !metadata.deletionTimestamp
  const leaving = metadata.deletionTimestamp ? (held ?? (['Removed', 'is being deleted'] as const)) : undefined
  return [
    set('Ready', ready, ...readyWhy(ready, committed, unresolved, leaving)),
    set('Committed', isCommitted, ...committed),
    unresolved.length === 0
      ? set('Resolved', true, 'Resolved', 'every reference leads to a committed Component and its outputs')
      : set('Resolved', false, 'Unresolved', sentences(unresolved)),
    set('Reconciling', !isCommitted && !stuck && (!status?.committed || isOnItsWay(edit)), ...committed),
    set(
      'Stalled',
      stuck,
      ...((stuck && (held ?? committed)) || (['Passed', 'nothing holds it back for good'] as const)),
    ),
    ...(drift ? [say({ type: 'Drifted', ...drift })] : []),
  ]
}

type Words = readonly [reason: string, message: string]

/** What keeps it from being committed, or from leaving. */
const heldWhy = (heldBack: Standing['heldBack']): Words | undefined => {
  const [first] = heldBack
  return first && [first.reason, sentences(heldBack.map(({ message }) => message))]
}

const isOnItsWay = (edit: EditStanding | undefined): boolean => edit !== undefined && !isFinished(edit.phase)
const isRefused = (edit: EditStanding | undefined): boolean =>
  edit !== undefined && isFinished(edit.phase) && edit.phase !== 'Applied'

const committedWhy = (
  { status }: Component,
  isCommitted: boolean,
  held: Words | undefined,
  edit: EditStanding | undefined,
): Words => {
  const { committed } = status ?? {}
  if (isCommitted && committed) return ['Committed', `as version ${committed.graphVersion}`]
  if (held) return held
  if (!committed) return ['Accepted', 'waits for its environment']
  const differs = `spec differs from what is committed (version ${committed.graphVersion})`
  return edit ? editWhy(edit, differs) : ['Edited', differs]
}

/** What became of an edit, in the words of its request. */
const editWhy = ({ name, phase, reason, message }: EditStanding, differs: string): Words => {
  if (phase === 'Pending' || phase === 'Applying')
    return ['Edited', `${differs}; ChangeRequest ${name} brings it through`]
  if (!isFinished(phase)) return [reason, `${differs}; ChangeRequest ${name} waits: ${message}`]
  if (name === undefined) return [reason, `${differs}: ${message}; set it right, or set spec back`]
  const next = `set spec back, edit it again, or delete the ChangeRequest to have it tried again`
  return [reason, `${differs}; ChangeRequest ${name} is ${phase}: ${message}; ${next}`]
}

const readyWhy = (
  ready: boolean,
  committed: Words,
  unresolved: readonly string[],
  leaving: Words | undefined,
): Words => {
  if (ready) return ['Ready', 'committed, and all it refers to is there']
  if (leaving) return leaving
  return unresolved.length > 0 && committed[0] === 'Committed' ? ['Unresolved', sentences(unresolved)] : committed
}
