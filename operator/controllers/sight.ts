import { undecidedIn } from '../core/change/ahead.ts'
import { inFlightFor, openPromises, type Sight } from '../core/change/promise.ts'
import { environmentKey, idOf } from '../core/component/identity.ts'
import type { InFlight } from '../core/guard/facts.ts'
import type { Caches, Of } from '../ports/cluster.ts'

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

/** Components that others are about to refer to, or whose new dependents do not show yet. */
export const promisedIn = (environment: Of<'Environment'>, caches: Caches): InFlight[] => {
  const { namespace = '', name } = environment.metadata
  const { open } = openPromises(environment, sightOf(caches))
  const all = () => [...caches.Component.byIndex('environment', environmentKey(namespace, name))].map(idOf)
  return inFlightFor(open, namespace, all)
}
