import type { ChangeRequest } from '../api/kinds.generated.ts'
import { subjectOf as subjectIn } from '../core/change/asked.ts'
import { finishedPhases } from '../core/change/status.ts'

/** What a request is about, in short. */
export const subjectOf = ({ spec, status }: ChangeRequest): string => status?.subject ?? subjectIn(spec)

/** A field selector for those that have not ended: in GitOps the ended ones stay for ever. */
export const unfinished = finishedPhases.map((phase) => `status.phase!=${phase}`).join(',')
