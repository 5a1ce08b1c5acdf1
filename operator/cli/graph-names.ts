import type { Event } from '../api/envelope.ts'
import type { Result } from '../api/result.ts'
import { display, idOf, resolveId } from '../core/component/identity.ts'
import type { Of } from '../ports/cluster.ts'
import type { Objects } from '../ports/objects.ts'
import type { HistoryAnswer } from './graph-port.ts'

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

/** Versions of which the authors are to be named, and what the ledger tells of what came after one. */
export interface Told {
  readonly versions: readonly { readonly version: number; readonly changeId: string }[]
  readonly history: (after: number) => Promise<Result<HistoryAnswer>>
}

/** Those that are gone are named by the ledger; where that may not be read, or does not reach back, they have no name. */
export const readAuthors = async (
  objects: Objects,
  namespace: string,
  { versions, history }: Told,
): Promise<AuthorsOf> => {
  const [requests, components] = await Promise.all([
    objects.list('ChangeRequest', { namespace }),
    objects.list('Component', { namespace }),
  ])
  const there = {
    requests: requests.ok ? requests.value.items : [],
    components: components.ok ? components.value.items : [],
  }
  const known = authorsAmong(there)
  const unnamed = versions.filter(({ changeId }) => known(changeId).some(({ name }) => name === undefined))
  if (unnamed.length === 0) return known
  const told = await history(Math.max(Math.min(...unnamed.map(({ version }) => version)) - 1, 0))
  return told.ok ? authorsAmong({ ...there, events: told.value.events }) : known
}

interface Known {
  readonly requests: readonly Of<'ChangeRequest'>[]
  readonly components: readonly Of<'Component'>[]
  /** of the ledger */
  readonly events?: readonly Event[]
}

export const authorsAmong = ({ requests, components, events = [] }: Known): AuthorsOf => {
  const known = new Map<string, { name: string; wrote: readonly string[] }>()
  for (const { event_type, correlation_id: uid, entity_id: id, attrs } of events) {
    if (!event_type.startsWith('component.')) continue
    const name = typeof attrs.request === 'string' ? attrs.request : display(id, id.slice(0, id.indexOf('/')))
    known.set(uid, { name, wrote: [...(known.get(uid)?.wrote ?? []), id] })
  }
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
