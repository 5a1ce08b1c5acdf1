import type { KubernetesClient, ListPage, RequestOptions } from './client.ts'
import type { Answer } from './failure.ts'

/** As kubectl asks for them. */
const pageSize = 500

/** A list page by page, as of one moment. A failure is the last page. */
export async function* pagesOf(
  client: Pick<KubernetesClient, 'list'>,
  path: string,
  { query, ...options }: Pick<RequestOptions, 'query' | 'accept' | 'timeoutMs'>,
): AsyncGenerator<Answer<ListPage>> {
  const first = { limit: pageSize, ...query }
  let page = await client.list(path, { ...options, query: first })
  yield page
  while (page.ok && page.value.continue !== undefined) {
    // The token says of which moment; beside it the server takes no other.
    const moment = { resourceVersion: undefined, resourceVersionMatch: undefined, continue: page.value.continue }
    page = await client.list(path, { ...options, query: { ...first, ...moment } })
    yield page
  }
}
