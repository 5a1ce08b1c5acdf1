import { isNewer } from '../api/resource-version.ts'
import type { Failure } from '../api/result.ts'
import type { Clock } from '../ports/clock.ts'
import type { Caches } from '../ports/cluster.ts'

/** How long a plan waits for the cache to show what others have committed, in milliseconds. */
const patience = 5_000

/** Waits until the cache shows Components up to `seen`; says what is missing when it does not in time. */
export const makeCaughtUp =
  ({
    caches,
    clock,
    sleep,
  }: {
    readonly caches: Pick<Caches, 'Component'>
    readonly clock: Pick<Clock, 'monotonic'>
    readonly sleep: (ms: number) => Promise<void>
  }) =>
  async (seen: string): Promise<Failure | undefined> => {
    const end = clock.monotonic() + patience
    while (isNewer(seen, caches.Component.resourceVersion() || '0')) {
      if (clock.monotonic() > end) {
        const message = `Components are known up to resourceVersion ${caches.Component.resourceVersion()}, expected ${seen}`
        return { reason: 'Unavailable', message, retry: true }
      }
      await sleep(5)
    }
    return undefined
  }
