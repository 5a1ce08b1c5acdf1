import type { ChangeRequest } from '../api/kinds.generated.ts'
import { finishedPhases } from '../core/change/status.ts'

/** The Components that a request is about, in short. */
export const subjectOf = ({ spec, status }: ChangeRequest): string => {
  const { added = [], changed = [], removed = [] } = status?.plan ?? {}
  const [first = spec.component, ...others] = [...changed, ...added, ...removed]
  return others.length > 0 ? `${first} and ${others.length} more` : (first ?? '')
}

/** A field selector for those that have not ended: in GitOps the ended ones stay for ever. */
export const unfinished = finishedPhases.map((phase) => `status.phase!=${phase}`).join(',')
