import type { KubernetesClient } from './client.ts'
import { failureOfWatchError } from './failure.ts'
import type { Query } from './path.ts'

interface Dependencies {
  readonly client: KubernetesClient
  /** of the collection, see `pathOf` */
  readonly path: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

interface PageRequest {
  readonly limit?: number | undefined
  readonly continue?: string | undefined
  readonly signal: AbortSignal
}

interface WatchRequest {
  readonly resourceVersion: string
  readonly timeoutSeconds: number
  readonly signal: AbortSignal
  readonly onBytes: () => void
}

/**
 * What an informer lists and watches (runtime/source.ts): one collection of the API server, or the part of it that the
 * selectors choose.
 */
export const makeSource = ({ client, path, labelSelector, fieldSelector }: Dependencies) => {
  const selectors: Query = { labelSelector, fieldSelector }
  return {
    name: path,
    // No resourceVersion: the answer is read from a quorum, not from a cache that may be behind.
    list: ({ limit, continue: next, signal }: PageRequest) =>
      client.list(path, { query: { ...selectors, limit, continue: next }, signal, timeoutMs: 60_000 }),
    watch: ({ resourceVersion, timeoutSeconds, signal, onBytes }: WatchRequest) =>
      client.stream(path, {
        query: { ...selectors, watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds },
        signal,
        onBytes,
      }),
    decode: client.parse,
    failureOf: failureOfWatchError,
  }
}
