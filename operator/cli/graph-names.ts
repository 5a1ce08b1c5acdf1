import { idOf, resolveId } from '../core/component/identity.ts'
import type { Of } from '../ports/cluster.ts'
import type { Objects } from '../ports/objects.ts'

/** Who did it, for people and machines. `name`: of a ChangeRequest, or of a Component that came or went by itself. */
export interface Author {
  readonly uid: string
  readonly name?: string
}

/**
 * From a version's changeId to who decided it. Of several that decided it together only those count that wrote the
 * Component with this id, where that is known.
 */
export type AuthorsOf = (changeId: string, component?: string) => readonly Author[]

/** Those that are gone, or may not be read, have no name. */
export const readAuthors = async (objects: Objects, namespace: string): Promise<AuthorsOf> => {
  const [requests, components] = await Promise.all([
    objects.list('ChangeRequest', { namespace }),
    objects.list('Component', { namespace }),
  ])
  return authorsAmong(requests.ok ? requests.value.items : [], components.ok ? components.value.items : [])
}

export const authorsAmong = (
  requests: readonly Of<'ChangeRequest'>[],
  components: readonly Of<'Component'>[],
): AuthorsOf => {
  const known = new Map<string, { name: string; wrote: readonly string[] }>()
  for (const component of components) {
    const { metadata, spec } = component
    if (metadata.uid) known.set(metadata.uid, { name: `${spec.type}/${spec.nickname}`, wrote: [idOf(component)] })
  }
  for (const request of requests) {
    if (request.metadata.uid)
      known.set(request.metadata.uid, { name: request.metadata.name, wrote: writtenBy(request) })
  }
  return (changeId, component) => {
    const uids = changeId.split(',').filter((uid) => uid !== '')
    const writers = uids.filter((uid) => component !== undefined && known.get(uid)?.wrote.includes(component))
    return (writers.length > 0 ? writers : uids).map((uid) => {
      const name = known.get(uid)?.name
      return { uid, ...(name !== undefined && { name }) }
    })
  }
}

const writtenBy = ({ metadata, status }: Of<'ChangeRequest'>): string[] =>
  (status?.images ?? []).flatMap(({ component }) => {
    const id = resolveId(component, metadata.namespace ?? '')
    return id.ok ? [id.value] : []
  })

/** For a line of a table. */
export const authorsText = (authors: readonly Author[]): string =>
  authors.length === 0 ? '<none>' : authors.map(({ uid, name }) => name ?? uid).join(', ')
