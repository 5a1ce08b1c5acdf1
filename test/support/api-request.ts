/** What a request to the API server asks for. */
export interface ApiRequest {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'other'
  /** plural, such as `leases`; empty when the path is of no resource */
  readonly resource: string
  readonly namespace?: string
  readonly name?: string
  readonly subresource?: string
}

/** As RBAC sees it, except that deleting a collection is `delete` without a name. */
export const apiRequestOf = (method: string, url: URL): ApiRequest => {
  const segments = url.pathname.split('/').filter(Boolean).map(decodeURIComponent)
  const rest = segments[0] === 'api' ? segments.slice(2) : segments[0] === 'apis' ? segments.slice(3) : []
  const namespaced = rest[0] === 'namespaces' && rest.length > 2
  const [resource = '', name, subresource] = namespaced ? rest.slice(2) : rest
  return {
    verb: resource === '' ? 'other' : verbOf(method, name, url),
    resource,
    ...(namespaced ? { namespace: rest[1]! } : {}),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  }
}

const verbs: Readonly<Record<string, ApiRequest['verb']>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

const verbOf = (method: string, name: string | undefined, url: URL): ApiRequest['verb'] => {
  if (method !== 'GET') return verbs[method] ?? 'other'
  if (['1', 'true'].includes(url.searchParams.get('watch') ?? '')) return 'watch'
  return name === undefined ? 'list' : 'get'
}
