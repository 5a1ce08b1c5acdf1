import type { ChangeRequest } from '../../api/kinds.generated.ts'
import type { InFlight } from '../guard/facts.ts'
import { askedBy } from './asked.ts'

/** What a request that is being written keeps others from touching, as its status tells it. */
export const inFlightOf = ({ metadata, spec, status }: ChangeRequest): InFlight => {
  const names = [...askedBy(spec), ...(status?.images ?? [])].map(({ component }) => component)
  const affected = new Set(
    [...names, ...(status?.affectedComponents ?? [])].map((name) => `${metadata.namespace}/${name}`),
  )
  return { object: `changerequest/${metadata.name}`, affected }
}
