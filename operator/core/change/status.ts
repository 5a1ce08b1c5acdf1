import type { ChangeRequestStatus, Condition, Phase } from '../../api/kinds.generated.ts'
import { cut } from '../../api/text.ts'
import { bounds } from './bounds.ts'

type Answer = Condition['status']

/** The one table from phase to conditions. `phase` is the stored step; conditions are computed from it and nothing else. */
const table: Readonly<
  Record<Phase, readonly [succeeded: Answer, finished: Answer, reconciling: Answer, stalled: Answer]>
> = {
  Pending: ['Unknown', 'False', 'True', 'False'],
  Applying: ['Unknown', 'False', 'True', 'False'],
  Queued: ['Unknown', 'False', 'True', 'False'],
  AwaitingApproval: ['Unknown', 'False', 'True', 'False'],
  Applied: ['True', 'True', 'False', 'False'],
  Planned: ['True', 'True', 'False', 'False'],
  Cancelled: ['False', 'True', 'False', 'False'],
  Superseded: ['False', 'True', 'False', 'False'],
  Expired: ['False', 'True', 'False', 'False'],
  Rejected: ['False', 'True', 'False', 'True'],
}

/** A phase of a later release is none that this one knows the end of. */
export const isFinished = (phase: Phase | undefined): boolean => phase !== undefined && table[phase]?.[1] === 'True'

/** The ends of a request. */
export const finishedPhases: readonly Phase[] = (Object.keys(table) as Phase[]).filter(isFinished)

export interface Why {
  readonly reason: string
  readonly message: string
}

export const conditionsOf = (
  phase: Phase,
  why: Why,
  { previous, generation, at }: { previous: readonly Condition[] | undefined; generation: number; at: string },
): Condition[] => {
  const [succeeded, finished, reconciling, stalled] = table[phase]
  const set = (type: string, status: Answer) => withCondition(previous, { type, status, ...why }, { generation, at })
  return [
    set('Succeeded', succeeded),
    set('Finished', finished),
    set('Reconciling', reconciling),
    set('Stalled', stalled),
  ]
}

/** Of any kind that has conditions. */
export const conditionOf = (conditions: readonly Condition[] | undefined, type: string): Condition | undefined =>
  conditions?.find((condition) => condition.type === type)

/** A condition; the time moves only when the status does (Kubernetes API conventions). */
export const withCondition = (
  previous: readonly Condition[] | undefined,
  { type, status, reason, message }: Why & { type: string; status: Answer },
  { generation, at }: { generation: number; at: string },
): Condition => {
  const was = conditionOf(previous, type)
  const lastTransitionTime = was?.status === status ? was.lastTransitionTime : at
  const short = cut(message, bounds.conditionMessage)
  return { type, status, reason, message: short, lastTransitionTime, observedGeneration: generation }
}

/** The phase of a request that has not been written yet is Pending. */
export const phaseOf = (status: ChangeRequestStatus | undefined): Phase => status?.phase ?? 'Pending'
