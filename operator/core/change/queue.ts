import type { ChangeRequest } from '../../api/kinds.generated.ts'

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
