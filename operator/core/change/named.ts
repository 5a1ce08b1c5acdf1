import type { BlockedBy, ChangeRequest, Component } from '../../api/kinds.generated.ts'
import type { Result } from '../../api/result.ts'
import { knownOf, uncommittedOf } from '../component/committed.ts'
import { environmentKey, placeOf, resolveId } from '../component/identity.ts'
import type { Known } from '../guard/facts.ts'
import { type Asked, askedBy } from './asked.ts'
import { bounds } from './bounds.ts'
import { contentHash } from './hash.ts'
import { environmentIn } from './image.ts'
import { newlyReferred } from './pledge.ts'
import { undoable } from './rollback.ts'
import { wishedBy } from './wished.ts'

/** What a request is about, as it stands before anything is planned. */
export interface Named {
  /** those of its Components that are there */
  readonly present: readonly Component[]
  /** those it asks for that are not */
  readonly missing: readonly Asked[]
  /** full ids of all that are not, with what the request that it undoes has written */
  readonly absent: readonly string[]
  /** `namespace/name` of the environments that it passes, sorted */
  readonly environments: readonly string[]
  /** of a rollback: the request that it undoes, or why that cannot be undone */
  readonly undone?: Result<ChangeRequest>
  /** its Components remember a request of the same name and content that was applied */
  readonly applied: boolean
}

export interface Lookups {
  /** by full id */
  component(id: string): Component | undefined
  /** by name, in the namespace of the request */
  changeRequest(name: string): ChangeRequest | undefined
}

/** Full ids of all Components that a request names, or that the one which it undoes has written. */
export const idsNamedBy = (
  { spec, metadata }: ChangeRequest,
  { changeRequest }: Pick<Lookups, 'changeRequest'>,
): string[] => {
  const undone = spec.rollbackOf === undefined ? undefined : changeRequest(spec.rollbackOf)
  const names = [...askedBy(spec), ...(undone?.status?.images ?? [])].map(({ component }) => component)
  return names.flatMap((name) => {
    const id = resolveId(name, metadata.namespace ?? '')
    return id.ok ? [id.value] : []
  })
}

export const namedBy = (request: ChangeRequest, lookups: Lookups): Named => {
  const { namespace = '', name } = request.metadata
  const ids = [...new Set(idsNamedBy(request, lookups))]
  const present = ids.flatMap((id) => lookups.component(id) ?? [])
  const hash = contentHash(request.spec)
  return {
    present,
    missing: askedBy(request.spec).filter(({ component }) => {
      const id = resolveId(component, namespace)
      return id.ok && lookups.component(id.value) === undefined
    }),
    absent: ids.filter((id) => lookups.component(id) === undefined),
    ...(request.spec.rollbackOf !== undefined && { undone: undoable(request.spec.rollbackOf, lookups) }),
    environments: environmentsOf(request, present, lookups),
    applied: present.some(({ status }) =>
      (status?.applied ?? []).some((one) => one.name === name && one.hash === hash),
    ),
  }
}

/**
 * Those of its Components. One that passes several passes those too into which it newly refers (docs/decisions/0040), as far
 * as there is room for them.
 */
const environmentsOf = (request: ChangeRequest, present: readonly Component[], lookups: Lookups): string[] => {
  const own = new Set([...present.map(placeOf), ...placesOfDeleted(request, lookups)])
  const further = own.size > 1 ? placesReferred(request, lookups).filter((place) => !own.has(place)) : []
  const room = Math.max(bounds.environments - own.size, 0)
  return [...own, ...[...new Set(further)].sort().slice(0, room)].sort()
}

/** Where in its namespace it newly refers to. */
const placesReferred = (request: ChangeRequest, { component, changeRequest }: Lookups): string[] => {
  const { namespace = '' } = request.metadata
  const known = (id: string): Known | undefined => {
    const found = component(id)
    return found && knownOf(found)
  }
  const isThere = (id: string): boolean => component(id) !== undefined
  const wished = wishedBy(request, { namespace, known, isThere, changeRequest })
  const items = wished.ok ? wished.value.items : []
  return items
    .flatMap(({ before, after }) => newlyReferred(before, after, namespace))
    .flatMap((id) => component(id) ?? [])
    .filter(({ metadata }) => metadata.namespace === namespace)
    .map(placeOf)
}

/** Where those come back that the request to be undone has deleted. */
const placesOfDeleted = ({ spec, metadata }: ChangeRequest, { changeRequest }: Lookups): string[] => {
  const undone = spec.rollbackOf === undefined ? undefined : changeRequest(spec.rollbackOf)
  return (undone?.status?.images ?? []).flatMap((image) => {
    const environment = image.after === 'null' ? environmentIn(image) : undefined
    return environment === undefined ? [] : [environmentKey(metadata.namespace ?? '', environment)]
  })
}

/** All that it changes is there and committed, but for what it deletes. */
export const isPlannable = ({ missing, present }: Named): boolean =>
  missing.every(({ operation }) => operation === 'Delete') && present.every(({ status }) => status?.committed)

/** Components that are not committed yet hold their changes back. */
export const blockersAmong = ({ present }: Named): BlockedBy[] =>
  present.flatMap((component) => uncommittedOf(component) ?? [])
