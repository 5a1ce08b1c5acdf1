import { type Result, success } from '../api/result.ts'
import { bad, label, numberIn, subdomain, textsOf } from './query.ts'

/** What a caller wants to read. */
export type LogQuery = { readonly limit: number } & (
  | { readonly of: 'change'; readonly namespace: string; readonly name: string }
  | { readonly of: 'correlation'; readonly correlation: string }
  | { readonly of: 'namespace'; readonly namespace: string }
  | { readonly of: 'everything' }
)

export const longestLog = 5000
const latest = 100
const known = ['change', 'correlation', 'namespace', 'limit']

/**
 * From the query of a request: at most one of `change=NAMESPACE/NAME`, `correlation=UID`, `namespace=NAMESPACE`, and
 * `limit` (1 to 5000; default 100, for a story 5000). Fails with `BadRequest`.
 */
export const parseLogQuery = (query: Readonly<Record<string, unknown>>): Result<LogQuery> => {
  const texts = textsOf(query, known)
  if (!texts.ok) return texts
  const { change, correlation, namespace } = texts.value
  const given = [change, correlation, namespace].filter((text) => text !== undefined).length
  if (given > 1) return bad('query', 'at most one of change, correlation, namespace', `${given} of them`)
  const preset = namespace !== undefined || given === 0 ? latest : longestLog
  const limit = numberIn('limit', texts.value.limit, { least: 1, most: longestLog, preset })
  if (!limit.ok) return limit
  if (change !== undefined) return ofChange(change, limit.value)
  if (correlation !== undefined) {
    if (!/^[\x21-\x7e]{1,128}$/.test(correlation)) return bad('correlation', 'the uid of a change', correlation)
    return success({ of: 'correlation', correlation, limit: limit.value })
  }
  if (namespace !== undefined) {
    if (!label.test(namespace)) return bad('namespace', 'the name of a namespace', namespace)
    return success({ of: 'namespace', namespace, limit: limit.value })
  }
  return success({ of: 'everything', limit: limit.value })
}

const ofChange = (change: string, limit: number): Result<LogQuery> => {
  const [namespace = '', name = '', ...rest] = change.split('/')
  if (rest.length > 0 || !label.test(namespace) || !subdomain.test(name)) {
    return bad('change', 'NAMESPACE/NAME of a ChangeRequest', change)
  }
  return success({ of: 'change', namespace, name, limit })
}
