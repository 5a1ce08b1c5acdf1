import type { ChangeRequest } from '../../api/kinds.generated.ts'
import type { Reason } from '../../api/reasons.ts'
import { failure, type Result, success } from '../../api/result.ts'
import { resolveId } from '../component/identity.ts'
import { wantedOf } from '../component/wanted.ts'
import type { World } from '../guard/facts.ts'
import { type Asked, askedBy } from './asked.ts'
import { type Item, itemAsked, itemOf } from './item.ts'
import { itemsUndone } from './rollback.ts'

/** What a request is about, worked out on what is committed. */
export interface Wished {
  readonly items: readonly Item[]
  readonly warnings: readonly string[]
}

/** What is committed, and other requests. */
export type Committed = Pick<World, 'namespace' | 'known' | 'isThere' | 'changeRequest'>

/** Fails when it makes no sense on that; the reason is the one the request is rejected with. */
export const wishedBy = (request: ChangeRequest, world: Committed): Result<Wished> => {
  if (request.spec.rollbackOf !== undefined) return itemsUndone(request, world)
  return request.spec.origin === 'Edit' ? itemEdited(request, world) : itemsOf(request, world)
}

/** What somebody wrote into the spec. (That it is still what the request is about is asked before.) */
const itemEdited = ({ spec }: ChangeRequest, world: Committed): Result<Wished> => {
  const [asked] = askedBy(spec)
  const id = resolveId(asked?.component ?? '', world.namespace)
  if (!id.ok) return id
  const known = world.known(id.value)
  if (!known) return refuse('UnknownComponent', unknown(asked!))
  return success({ items: [itemOf(known, wantedOf(known.component.spec))], warnings: [] })
}

const itemsOf = ({ spec }: ChangeRequest, world: Committed): Result<Wished> => {
  const items = new Map<string, Item>()
  const warnings: string[] = []
  for (const asked of askedBy(spec)) {
    const id = resolveId(asked.component, world.namespace)
    if (!id.ok) return id
    if (items.has(id.value)) return refuse('DuplicateChange', twice(asked))
    const known = world.known(id.value)
    if (known) {
      const wish = itemAsked(known, asked, world)
      items.set(id.value, wish.item)
      warnings.push(...wish.warnings)
    } else if (asked.operation === 'Delete') {
      warnings.push(`${asked.field}.component: expected a Component to be deleted, found none named ${asked.component}`)
    } else return refuse('UnknownComponent', unknown(asked))
  }
  return success({ items: [...items.values()], warnings })
}

const twice = ({ field, component }: Asked): string =>
  `${field}.component: expected each Component once, found ${component} again; put both changes of it into one entry`

const unknown = ({ field, component }: Asked): string =>
  `${field}.component: expected a committed Component, found none named ${component}`

const refuse = (reason: Reason, message: string): Result<never> => failure({ reason, message, retry: false })
