import type { ChangeRequest } from '../../api/kinds.generated.ts'
import type { InFlight } from '../guard/facts.ts'

/** What a request that is being written keeps others from touching, as its status tells it. */
export const inFlightOf = ({ metadata, spec, status }: ChangeRequest): InFlight => {
  const names = [spec.component, ...(status?.affectedComponents ?? [])]
  const affected = new Set(names.map((name) => `${metadata.namespace}/${name}`))
  return { object: `changerequest/${metadata.name}`, affected }
}
