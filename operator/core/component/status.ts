import type { Committed, Component, ComponentStatus, Condition, JsonObject } from '../../api/kinds.generated.ts'
import { patchBetween } from '../../api/merge-patch.ts'
import { sentences } from '../change/bounds.ts'
import { withCondition } from '../change/status.ts'
import { append, type Transition } from '../event/outbox.ts'
import type { Verdict } from '../guard/facts.ts'
import type { Drift } from './drift.ts'
import { hashOf, type Wanted, wantedOf } from './wanted.ts'

/*
 * The status of a Component after each thing that can happen to it. `now` is epoch milliseconds.
 */

export interface Commit {
  readonly wanted: Wanted
  readonly version: number
  /** name and uid of the ChangeRequest; absent for a creation */
  readonly change?: { readonly name: string; readonly uid: string } | undefined
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
  const before = component.status?.committed?.config ?? {}
  const after = wanted.config ?? {}
  const attrs: JsonObject = {
    version,
    hash,
    ...(change && { change: change.uid, request: change.name }),
    forward: patchBetween(before, after),
    ...(component.status?.committed && { inverse: patchBetween(after, before) }),
  }
  const reason = change ? 'Applied' : 'Created'
  const message = change ? `by ChangeRequest ${change.name}, as version ${version}` : `created in version ${version}`
  const transition: Transition = { type: 'component.committed', reason, message, attrs }
  // Known from the start: nobody committed can refer to what was never committed.
  const status = { dependents: 0, ...component.status, committed }
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

/** It has left the graph; what is left of it can go. */
export const removedStatus = (
  component: Component,
  { version, now }: { version: number; now: number },
): ComponentStatus => {
  const { committed, ...status } = component.status ?? {}
  const attrs: JsonObject = { version, inverse: committed?.config ?? {} }
  const message = `taken out of the graph in version ${version}`
  return { ...status, ...append(status, [{ type: 'component.removed', reason: 'Removed', message, attrs }], now) }
}

export interface Standing {
  /** what its references still lack, one sentence each */
  readonly unresolved: readonly string[]
  /** what keeps it from being committed */
  readonly heldBack: readonly (Pick<Verdict, 'reason' | 'message'> & { readonly verdict?: Verdict['verdict'] })[]
  /** absent: there is nothing to compare */
  readonly drift?: Drift | undefined
}

/** The conditions of a Component, from what is wanted, what is committed and where it stands. */
export const conditionsOf = (
  component: Component,
  { unresolved, heldBack, drift }: Standing,
  at: string,
): Condition[] => {
  const { metadata, spec, status } = component
  const generation = metadata.generation ?? 1
  const hash = hashOf(wantedOf(spec))
  const isCommitted = status?.committed?.hash === hash
  const say = (said: Parameters<typeof withCondition>[1]): Condition =>
    withCondition(status?.conditions, said, { generation, at })
  const set = (type: string, value: boolean, reason: string, message: string): Condition =>
    say({ type, status: value ? 'True' : 'False', reason, message })
  const held = heldWhy(heldBack)
  const committed = committedWhy(component, isCommitted, held)
  // What only waits for something else goes on by itself.
  const stuck = heldBack.some(({ verdict }) => verdict !== 'Queue')
  const ready = isCommitted && unresolved.length === 0 && !metadata.deletionTimestamp
  const leaving = metadata.deletionTimestamp ? (held ?? (['Removed', 'is being deleted'] as const)) : undefined
  return [
    set('Ready', ready, ...readyWhy(ready, committed, unresolved, leaving)),
    set('Committed', isCommitted, ...committed),
    unresolved.length === 0
      ? set('Resolved', true, 'Resolved', 'every reference leads to a committed Component and its outputs')
      : set('Resolved', false, 'Unresolved', sentences(unresolved)),
    set('Reconciling', !isCommitted && !stuck && !status?.committed, ...committed),
    set('Stalled', stuck, ...((stuck && held) || (['Passed', 'nothing holds it back for good'] as const))),
    ...(drift ? [say({ type: 'Drifted', ...drift })] : []),
  ]
}

type Words = readonly [reason: string, message: string]

/** What keeps it from being committed, or from leaving. */
const heldWhy = (heldBack: Standing['heldBack']): Words | undefined => {
  const [first] = heldBack
  return first && [first.reason, sentences(heldBack.map(({ message }) => message))]
}

const committedWhy = ({ status }: Component, isCommitted: boolean, held: Words | undefined): Words => {
  const { committed } = status ?? {}
  if (isCommitted && committed) return ['Committed', `as version ${committed.graphVersion}`]
  if (held) return held
  if (!committed) return ['Accepted', 'waits for its environment']
  const message = `spec differs from what is committed (version ${committed.graphVersion}); ask for it with a ChangeRequest, or set spec back`
  return ['Edited', message]
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
