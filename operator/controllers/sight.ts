import { undecidedIn } from '../core/change/ahead.ts'
import type { Sight } from '../core/change/promise.ts'
import type { Caches } from '../ports/cluster.ts'

/** What the caches show of other environments. */
export const sightOf = (caches: Caches): Sight => ({
  environment: (key) => caches.Environment.get(key),
  object: (kind, key) => caches[kind].get(key),
  isAhead(key) {
    const decided = new Set(caches.Environment.get(key)?.status?.applying?.map(({ uid }) => uid))
    for (const request of caches.ChangeRequest.byIndex('applying', key))
      if (!decided.has(request.metadata.uid ?? '') && undecidedIn(request, key) !== undefined) return true
    return false
  },
  reached: {
    get Environment() {
      return caches.Environment.resourceVersion()
    },
    get Component() {
      return caches.Component.resourceVersion()
    },
  },
})
