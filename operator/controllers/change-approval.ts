import { approvalStatus, expiryOf, standingOf } from '../core/change/approval.ts'
import type { Clock } from '../ports/clock.ts'
import type { Caches, Cluster, Of } from '../ports/cluster.ts'
import { again, done, type Outcome, retry } from '../runtime/controller.ts'

export interface ChangeApprovalDependencies {
  readonly cluster: Pick<Cluster, 'writeStatus'>
  readonly caches: Pick<Caches, 'ChangeApproval' | 'ChangeRequest'>
  readonly clock: Pick<Clock, 'now'>
}

/** Says of each approval whether it counts. Nothing is decided here: who decides on a change asks the same rule. */
export const makeChangeApprovalReconciler =
  ({ cluster, caches, clock }: ChangeApprovalDependencies) =>
  async (key: string): Promise<Outcome> => {
    const approval = caches.ChangeApproval.get(key)
    if (!approval || approval.metadata.deletionTimestamp) return done
    // 1. Where it stands.
    const request = caches.ChangeRequest.get(`${approval.metadata.namespace}/${approval.spec.changeRequest}`)
    const now = clock.now()
    const next = approvalStatus(approval, request, now)
    // 2. Its status.
    if (!isSame(approval.status, next)) {
      const written = await cluster.writeStatus('ChangeApproval', approval, next)
      if (!written.ok && written.failure.reason !== 'NotFound') return retry(written.failure)
    }
    // 3. Once more when its time is over.
    const left = expiryOf(approval) - now
    return left > 0 && standingOf(approval, request, now).counts ? again(left) : done
  }

type Status = NonNullable<Of<'ChangeApproval'>['status']>

const isSame = (before: Status | undefined, after: Status): boolean => {
  const [was] = before?.conditions ?? []
  const [is] = after.conditions ?? []
  return (
    before?.observedGeneration === after.observedGeneration &&
    before?.expiresAt === after.expiresAt &&
    before?.changeRequestUid === after.changeRequestUid &&
    was?.status === is?.status &&
    was?.reason === is?.reason &&
    was?.message === is?.message
  )
}
