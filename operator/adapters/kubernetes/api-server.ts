import { type Result, success } from '../../api/result.ts'
import type { ApiServer, Item, ListOptions, Page } from '../../ports/api-server.ts'
import type { KubernetesClient, ListPage } from './client.ts'
import { pagesOf } from './pages.ts'

interface Dependencies {
  readonly client: Pick<KubernetesClient, 'get' | 'list' | 'create' | 'patch' | 'remove'>
  readonly server: string
}

const partial = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

/** Objects of any kind, with the rights of a kubeconfig. */
export const makeApiServer = ({ client, server }: Dependencies): ApiServer => {
  async function* pages(path: string, { query = '', metadataOnly = false }: ListOptions = {}) {
    const wanted = { query: Object.fromEntries(new URLSearchParams(query)), ...(metadataOnly && { accept: partial }) }
    for await (const page of pagesOf(client, path, wanted)) yield servedOf(page)
  }

  return {
    address: server.replace(/\/+$/, ''),
    get: (path) => client.get(path) as Promise<Result<Item>>,
    pages,
    async list(path, options) {
      for await (const page of pages(path, options)) return page
      return success(none)
    },
    create: (path, body) => client.create(path, body) as Promise<Result<Item>>,
    patch: (path, body) => client.patch(path, body) as Promise<Result<Item>>,
    async remove(path) {
      const answer = await client.remove(path)
      return answer.ok || answer.failure.reason === 'NotFound' ? success(undefined) : answer
    },
  }
}

const none: Page = { items: [], total: 0 }

const servedOf = (page: Result<ListPage>): Result<Page> => {
  if (!page.ok) return page.failure.reason === 'NotFound' ? success(none) : page
  const items = page.value.items as readonly Item[]
  return success({ items, total: items.length + page.value.remaining })
}
