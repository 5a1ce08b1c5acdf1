import type { ComponentType, Condition, Environment, HistoryEntry, ObjectMeta } from '../api/kinds.generated.ts'
import type { Failure } from '../api/result.ts'
import { conditionOf } from '../core/change/status.ts'
import type { Teller } from '../core/event/envelope.ts'
import type { Recorder, Regarding } from '../runtime/recorder.ts'

/** What people are told of through Kubernetes Events, and whether it is bad news. The rest is in the ledger. */
const told: Readonly<Record<string, { type: 'Normal' | 'Warning'; action: string }>> = {
  'change.queued': { type: 'Normal', action: 'Queue' },
  'change.awaiting-approval': { type: 'Normal', action: 'AwaitApproval' },
  'change.approved': { type: 'Normal', action: 'Approve' },
  'change.denied': { type: 'Warning', action: 'Deny' },
  'change.planned': { type: 'Normal', action: 'Plan' },
  'change.applied': { type: 'Normal', action: 'Apply' },
  'change.rejected': { type: 'Warning', action: 'Reject' },
  'change.cancelled': { type: 'Normal', action: 'Cancel' },
  'change.withdrawn': { type: 'Warning', action: 'Withdraw' },
  'component.blocked': { type: 'Warning', action: 'Block' },
  'component.drifted': { type: 'Warning', action: 'Drift' },
  'component.converged': { type: 'Normal', action: 'Converge' },
  'component.removed': { type: 'Normal', action: 'Remove' },
}

interface Told<T> {
  onChange(handler: (change: { readonly before?: T | undefined; readonly after?: T | undefined }) => void): unknown
}

/** Transitions that a watch shows become Kubernetes Events. What was there before this process began is not told again. */
export const noticeTransitions = (caches: readonly Told<Teller>[], record: Recorder['record']): void => {
  for (const cache of caches) {
    cache.onChange(({ before, after }) => {
      if (!before || !after) return
      for (const entry of after.status?.history ?? []) {
        if (entry.seq > (before.status?.seq ?? 0)) notice(after, entry, record)
      }
    })
  }
}

const notice = (
  object: Teller,
  { seq, type, reason = '', message = '' }: HistoryEntry,
  record: Recorder['record'],
): void => {
  const how = told[type]
  // A plan that goes on to be applied is told by its end, and one that was denied is rejected for it.
  if (!how || (type === 'change.planned' && reason !== 'Planned')) return
  if (type === 'change.rejected' && reason === 'Denied') return
  record({
    regarding: regarding(object),
    type: how.type,
    action: how.action,
    reason,
    note: message,
    occurrence: seq,
  })
}

/** What holds guards, and a ComponentType its schema. */
type Holder = ComponentType | Environment

/** What cannot be used, and what can again, becomes a Kubernetes Event; what is usable from the start goes without saying. */
export const noticeReadiness = (caches: readonly Told<Holder>[], record: Recorder['record']): void => {
  for (const cache of caches) {
    cache.onChange(({ before, after }) => {
      if (!before || !after) return
      const [was, is] = [readyOf(before), readyOf(after)]
      if (!is || !isNews(was, is)) return
      record({
        regarding: regarding(after),
        type: is.status === 'True' ? 'Normal' : 'Warning',
        action: 'Check',
        reason: is.reason,
        note: is.message,
        occurrence: is.observedGeneration ?? 0,
      })
    })
  }
}

const readyOf = ({ status }: Holder): Condition | undefined => conditionOf(status?.conditions, 'Ready')

const isNews = (was: Condition | undefined, is: Condition): boolean =>
  is.status === 'True' ? was?.status === 'False' : was?.status !== 'False' || was.message !== is.message

const regarding = ({
  apiVersion,
  kind,
  metadata: { name, namespace, uid = '' },
}: {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
}): Regarding => ({ apiVersion, kind, name, uid, ...(namespace !== undefined && { namespace }) })

/**
 * The API server has no room for the status of this object (reason TooLarge). That is final: only an Event can say it,
 * and whoever sees it deletes the object.
 */
export type NoRoom = (object: Teller, failure: Failure) => void

export const makeNoRoom =
  (record: Recorder['record']): NoRoom =>
  (object, { reason, message }) => {
    const { kind, metadata } = object
    record({
      regarding: regarding(object),
      type: 'Warning',
      action: 'GiveUp',
      reason,
      note: `${kind} ${metadata.name}: expected room for status beside spec, found that the API server takes no more (${message}); delete it, and ask for less`,
    })
  }
