import type { ChangeRequest } from '../../api/kinds.generated.ts'
import { display, undisplay } from '../component/identity.ts'
import type { InFlight } from '../guard/facts.ts'
import { askedBy } from './asked.ts'

/** What a request that is being written keeps others from touching, as its status tells it, seen from a namespace. */
export const inFlightOf = (
  { metadata, spec, status }: ChangeRequest,
  seenFrom = metadata.namespace ?? '',
): InFlight => {
  const { namespace = '' } = metadata
  const names = [...askedBy(spec), ...(status?.images ?? [])].map(({ component }) => component)
  const affected = new Set([...names, ...(status?.affectedComponents ?? [])].map((name) => undisplay(name, namespace)))
  return { object: display(`${namespace}/changerequest/${metadata.name}`, seenFrom), affected }
}
