import { idOf, keyOf, placeOf } from '../core/component/identity.ts'
import type { Of } from '../ports/cluster.ts'
import { makeGraphHistory } from './graph-history.ts'
import { authorsAmong, authorsText } from './graph-names.ts'
import type { StatesAnswer } from './graph-port.ts'
import type { Desk } from './verb.ts'

/** Since which version a Component stands there as it does, and by what: a ChangeRequest, or itself, when it was made. */
export interface Since {
  readonly version: number
  readonly change: string
}

/**
 * Of each Component that stands in a graph, by full id. What has not changed since says it by itself; of what has, the
 * versions up to then are asked for, and it is left out where they are not known any more.
 */
export const sinceWhen = async (
  environment: Of<'Environment'>,
  { version, states }: Pick<StatesAnswer, 'version' | 'states'>,
  desk: Desk,
): Promise<ReadonlyMap<string, Since>> => {
  const { objects } = desk.session
  const { namespace = '' } = environment.metadata
  const listed = await objects.list('Component', { namespace })
  const components = listed.ok ? listed.value.items : []
  const found = new Map<string, Since>()
  for (const component of components) {
    const { committed } = component.status ?? {}
    if (!committed || committed.graphVersion > version || placeOf(component) !== keyOf(environment)) continue
    const { type, nickname } = component.spec
    const change = committed.changeRequest ?? `${type}/${nickname}`
    found.set(idOf(component), { version: committed.graphVersion, change })
  }
  if (states.every(({ id }) => found.has(id))) return found
  const [changes, requests] = await Promise.all([
    makeGraphHistory(environment, desk).changes(0, version),
    objects.list('ChangeRequest', { namespace }),
  ])
  const authorsOf = authorsAmong({ requests: requests.ok ? requests.value.items : [], components })
  const known = new Set(found.keys())
  for (const { version: at, changeId, after } of changes.ok ? changes.value.changes : [])
    for (const { id } of after)
      if (!known.has(id)) found.set(id, { version: at, change: authorsText(authorsOf(changeId, id)) })
  return found
}
