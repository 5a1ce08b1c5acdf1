import { type Result, success } from '../../api/result.ts'
import type { ApiServer, Item, Page } from '../../ports/api-server.ts'
import type { KubernetesClient } from './client.ts'
import type { Query } from './path.ts'

interface Dependencies {
  readonly client: Pick<KubernetesClient, 'get' | 'create' | 'patch' | 'remove'>
  readonly server: string
}

const pageSize = 500
const partial = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

/** Objects of any kind, with the rights of a kubeconfig. */
export const makeApiServer = ({ client, server }: Dependencies): ApiServer => ({
  address: server.replace(/\/+$/, ''),
  get: (path) => client.get(path) as Promise<Result<Item>>,
  async list(path, { query = '', metadataOnly = false, next } = {}) {
    const wanted: Query = { ...Object.fromEntries(new URLSearchParams(query)), limit: pageSize, continue: next }
    const answer = await client.get(path, { query: wanted, ...(metadataOnly && { accept: partial }) })
    if (!answer.ok) return answer.failure.reason === 'NotFound' ? success({ items: [], total: 0 }) : answer
    return success(pageOf(answer.value as RawPage))
  },
  create: (path, body) => client.create(path, body) as Promise<Result<Item>>,
  patch: (path, body) => client.patch(path, body) as Promise<Result<Item>>,
  async remove(path) {
    const answer = await client.remove(path)
    return answer.ok || answer.failure.reason === 'NotFound' ? success(undefined) : answer
  },
})

interface RawPage {
  /** null when there are none, of metadata alone */
  readonly items?: readonly Item[] | null
  readonly metadata?: { readonly continue?: string; readonly remainingItemCount?: number }
}

const pageOf = ({ items, metadata = {} }: RawPage): Page => {
  const { continue: next, remainingItemCount = 0 } = metadata
  const listed = items ?? []
  return { items: listed, total: listed.length + remainingItemCount, ...(next && { next }) }
}
