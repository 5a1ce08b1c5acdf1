import type { ChangeRequest, Component, Image } from '../../api/kinds.generated.ts'
import { deepEqual } from '../../api/merge-patch.ts'
import type { Reason } from '../../api/reasons.ts'
import { failure, type Result, success } from '../../api/result.ts'
import { resolveId } from '../component/identity.ts'
import { type Wanted, wantedOf } from '../component/wanted.ts'
import type { World } from '../guard/facts.ts'
import { componentFrom, imaged, readImage, stateOf, wantedFrom } from './image.ts'
import { committedOf, type Item, itemOf } from './item.ts'
import { changedPaths } from './patch.ts'
import type { Committed, Wished } from './wished.ts'

/*
 * A rollback is a change like any other: what it does is worked out from the images of the request that it undoes, on
 * what is committed now. What others changed since stays; where they changed the same, it is refused.
 */

type Requests = Pick<World, 'changeRequest'>

/** The request that can be undone, or why it cannot, whatever stands in the Components. */
export const undoable = (name: string, requests: Requests): Result<ChangeRequest> => {
  const undone = requests.changeRequest(name)
  const field = 'spec.rollbackOf'
  if (!undone) return refuse('UnknownRequest', `${field}: expected a ChangeRequest, found none named ${name}`)
  const { phase = 'Pending', images = [], rolledBackBy } = undone.status ?? {}
  if (phase !== 'Applied' || images.length === 0) {
    const found = phase === 'Applied' ? `${name}, which has changed nothing` : `${name} in phase ${phase}`
    return refuse('NotApplied', `${field}: expected a request that was applied, found ${found}`)
  }
  if (rolledBackBy !== undefined && !isUndone(requests.changeRequest(rolledBackBy), requests)) {
    const message = `${field}: expected a change that stands, found that ${rolledBackBy} has undone ${name} already`
    return refuse('LaterChange', `${message}; to do it again, roll back ${rolledBackBy}`)
  }
  return success(undone)
}

/** Fails when it cannot be undone; the reason is the one the request is rejected with. */
export const itemsUndone = ({ spec }: ChangeRequest, world: Committed): Result<Wished> => {
  const undone = undoable(spec.rollbackOf ?? '', world)
  if (!undone.ok) return undone
  const items: Item[] = []
  for (const image of undone.value.status?.images ?? []) {
    const item = itemUndone(image, undone.value, world)
    if (!item.ok) return item
    items.push(item.value)
  }
  return success({ items, warnings: [] })
}

/** A rollback that was rolled back has undone nothing. */
const isUndone = (request: ChangeRequest | undefined, requests: Requests): boolean => {
  const by = request?.status?.rolledBackBy
  return by !== undefined && !isUndone(requests.changeRequest(by), requests)
}

const itemUndone = (image: Image, undone: ChangeRequest, world: Committed): Result<Item> => {
  const id = resolveId(image.component, world.namespace)
  if (!id.ok) return id
  const [before, after] = [readImage(image.before), readImage(image.after)]
  if (before === undefined || after === undefined || (before === null && after === null)) {
    return refuse(
      'NotApplied',
      `${undone.metadata.name}: status.images: expected JSON merge patches, found something else`,
    )
  }
  if (after === null) return comesBack(id.value, image, world)
  const known = world.known(id.value)
  if (!known) {
    const message = `Component ${image.component}: expected it as ${undone.metadata.name} left it, found that it is gone`
    return refuse('LaterChange', `${message}; roll back what deleted it first`)
  }
  const now = committedOf(known)
  if (before === null) {
    const left = wantedFrom(after)
    return deepEqual(stateOf(left), stateOf(now))
      ? success(itemOf(known, null))
      : later(image, undone, known, left, now)
  }
  const undoing = imaged(image.before, now) as Wanted
  // Undone and done again it must be what it is: else somebody has changed the same since, or inside it.
  const again = imaged(image.after, undoing) as Wanted
  return deepEqual(stateOf(again), stateOf(now))
    ? success(itemOf(known, undoing))
    : later(image, undone, known, again, now)
}

const later = (
  { component }: Image,
  { metadata: { name } }: ChangeRequest,
  known: { readonly component: Component },
  left: Wanted,
  now: Wanted,
): Result<never> => {
  const paths = changedPaths(stateOf(left), stateOf(now)).map((path) => path.replace(/^\/config(?=\/)/, ''))
  const fields = paths.slice(0, 5).join(', ') || '/'
  const since = laterThan(name, known.component)
  const by = since.length > 0 ? `${since.join(', ')} changed the same` : 'they were changed since'
  const next =
    since.length > 0 ? `; roll back ${since.at(-1)} first, or ask for another change` : '; ask for another change'
  const message = `Component ${component}: expected ${fields} as ${name} left it, found that ${by}${next}`
  return refuse('LaterChange', message)
}

/** Names of the requests that were applied to the Component after this one, the last of them last. */
const laterThan = (name: string, { status }: Component): string[] => {
  const applied = (status?.applied ?? []).map((one) => one.name)
  const at = applied.lastIndexOf(name)
  if (at >= 0) return applied.slice(at + 1).slice(-3)
  const last = status?.committed?.changeRequest
  return last === undefined || last === name ? [] : [last]
}

/** One that was deleted is made anew, as it was. */
const comesBack = (id: string, image: Image, world: Committed): Result<Item> => {
  if (world.isThere(id)) {
    const message = `Component ${image.component}: expected none of this name, found one that was created since`
    return refuse('LaterChange', `${message}; delete it first, or ask for another change`)
  }
  const component = componentFrom(image, world.namespace, image.before)
  if (!component)
    return refuse('NotApplied', `Component ${image.component}: expected an image of all of it, found another`)
  return success({ id, component, before: null, after: wantedOf(component.spec), changedPaths: [''] })
}

const refuse = (reason: Reason, message: string): Result<never> => failure({ reason, message, retry: false })
