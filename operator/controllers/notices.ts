import type { HistoryEntry } from '../api/kinds.generated.ts'
import type { Failure } from '../api/result.ts'
import type { Teller } from '../core/event/envelope.ts'
import type { Recorder } from '../runtime/recorder.ts'

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
  { type, reason = '', message = '' }: HistoryEntry,
  record: Recorder['record'],
): void => {
  const how = told[type]
  // A plan that goes on to be applied is told by its end, and one that was denied is rejected for it.
  if (!how || (type === 'change.planned' && reason !== 'Planned')) return
  if (type === 'change.rejected' && reason === 'Denied') return
  const { apiVersion, kind, metadata } = object
  const { name, namespace = '', uid = '' } = metadata
  record({
    regarding: { apiVersion, kind, name, namespace, uid },
    type: how.type,
    action: how.action,
    reason,
    note: message,
  })
}

/**
 * The API server has no room for the status of this object (reason TooLarge). That is final: only an Event can say it,
 * and whoever sees it deletes the object.
 */
export type NoRoom = (object: Teller, failure: Failure) => void

export const makeNoRoom =
  (record: Recorder['record']): NoRoom =>
  ({ apiVersion, kind, metadata }, { reason, message }) => {
    const { name, namespace = '', uid = '' } = metadata
    record({
      regarding: { apiVersion, kind, name, namespace, uid },
      type: 'Warning',
      action: 'GiveUp',
      reason,
      note: `${kind} ${name}: expected room for status beside spec, found that the API server takes no more (${message}); delete it, and ask for less`,
    })
  }
