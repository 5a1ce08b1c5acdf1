import type { KubernetesClient } from './client.ts'
import { failureOfWatchError } from './failure.ts'

interface Dependencies {
  readonly client: KubernetesClient
  /** of the collection, see `pathOf` */
  readonly path: string
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

/** What an informer lists and watches (runtime/source.ts): one collection of the API server. */
export const makeSource = ({ client, path }: Dependencies) => ({
  name: path,
  // No resourceVersion: the answer is read from a quorum, not from a cache that may be behind.
  list: ({ limit, continue: next, signal }: PageRequest) =>
    client.list(path, { query: { limit, continue: next }, signal, timeoutMs: 60_000 }),
  watch: ({ resourceVersion, timeoutSeconds, signal, onBytes }: WatchRequest) =>
    client.stream(path, {
      // Bookmarks: a collection in which nothing happens keeps up with the server, and need not be listed again.
      query: { watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds },
      signal,
      onBytes,
    }),
  decode: client.parse,
  failureOf: failureOfWatchError,
})
