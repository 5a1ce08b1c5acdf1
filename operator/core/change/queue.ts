import type { ChangeRequest } from '../../api/kinds.generated.ts'
import { askedBy } from './asked.ts'

/** The Components that a request changes, as it names them. A rollback is known by its plan. */
export const changedNames = ({ spec, status }: ChangeRequest): string[] => {
  const { added = [], changed = [], removed = [] } = status?.plan ?? {}
  return [...new Set([...askedBy(spec).map(({ component }) => component), ...added, ...changed, ...removed])]
}

/** It has been planned, and waits for something. */
export const isWaiting = ({ status }: ChangeRequest): boolean =>
  status?.phase === 'Queued' || status?.phase === 'AwaitingApproval'

/** `changerequest/name` of the first among those that wait with one of its Components, if it came before this one. */
export const firstAhead = (request: ChangeRequest, waiting: Iterable<ChangeRequest>): string | undefined => {
  const [first] = [...waiting]
    .filter((other) => other.metadata.uid !== request.metadata.uid && byArrival(other, request) < 0)
    .sort(byArrival)
  return first && `changerequest/${first.metadata.name}`
}

/** A request's place: by creation time, then name. */
export const byArrival = (a: ChangeRequest, b: ChangeRequest): number =>
  compare(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') ||
  compare(a.metadata.name, b.metadata.name)

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Place of a request among those that wait in its environment, beginning with 1. */
export const positionOf = (request: ChangeRequest, waiting: Iterable<ChangeRequest>): number => {
  let ahead = 0
  for (const other of waiting) if (other.metadata.uid !== request.metadata.uid && byArrival(other, request) < 0) ahead++
  return ahead + 1
}
