import type { ObjectMeta, Requester } from './kinds.generated.ts'

/** Somebody's word about one plan of a ChangeRequest, as far as the command line writes and reads it. */
export interface ChangeApproval {
  readonly apiVersion: 'usekarma.dev/v1alpha1'
  readonly kind: 'ChangeApproval'
  readonly metadata: ObjectMeta
  readonly spec: {
    readonly changeRequest: string
    readonly planHash: string
    readonly decision: 'Approve' | 'Deny'
    readonly reason?: string
    readonly approver: Requester
    readonly validForSeconds?: number
  }
}
