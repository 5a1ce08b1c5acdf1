import http from 'node:http'
import https from 'node:https'
import { failure, type Result, success } from '../api/result.ts'
import type { Session } from './kubeconfig.ts'

/** An object as the API server gives it; only metadata is sure to be there. */
export interface Item {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly resourceVersion?: string
    readonly deletionTimestamp?: string
    readonly finalizers?: readonly string[]
    readonly managedFields?: readonly { readonly manager?: string }[]
  }
  readonly [field: string]: unknown
}

export interface Page {
  readonly items: readonly Item[]
  /** asks for the next page; absent: this is the last one */
  readonly next?: string
  /** all that there are, as far as the server knows */
  readonly total: number
}

export interface ListOptions {
  readonly query?: string
  /** nothing else is sent */
  readonly metadataOnly?: boolean
  /** of the page before */
  readonly next?: string
}

/** The API server, asked with the rights of a kubeconfig. Paths begin with /api or /apis. */
export interface ApiServer {
  readonly address: string
  get(path: string): Promise<Result<Item>>
  /** One page. What is not served has no items. */
  list(path: string, options?: ListOptions): Promise<Result<Page>>
  create(path: string, body: object): Promise<Result<Item>>
  /** JSON merge patch */
  patch(path: string, body: object): Promise<Result<Item>>
  /** Success too when it is gone. */
  remove(path: string): Promise<Result<void>>
  close(): void
}

const timeLimit = 30_000
const pageSize = 500
const sideBySide = 8
const partial = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

export const connect = ({ server, tls, token }: Session): ApiServer => {
  const address = server.replace(/\/+$/, '')
  const transport = address.startsWith('https:') ? https : http
  const own = new transport.Agent({ keepAlive: true, maxSockets: sideBySide })
  // That of a kubeconfig leads through an HTTP proxy.
  const agent = tls.agent || own

  const send = (method: string, path: string, { body, type = 'application/json', accept }: Sent = {}) =>
    new Promise<Result<Item>>((resolve) => {
      const unreachable = (what: string): void =>
        resolve(failure({ reason: 'Unreachable', message: `API server at ${address}: ${what}`, retry: true }))
      const headers = {
        ...(tls.headers as Record<string, string> | undefined),
        // One that was given by hand counts.
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        accept: accept ?? 'application/json',
        'user-agent': 'kubectl-karma',
        ...(body !== undefined && { 'content-type': type }),
      }
      const options = { ...tls, agent, method, headers, timeout: timeLimit }
      const request = transport.request(address + path, options, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('error', (error) => unreachable(error.message))
        response.on('end', () => resolve(answerOf(response.statusCode ?? 0, text, address)))
      })
      request.on('timeout', () => request.destroy(new Error(`no answer within ${timeLimit / 1000} s`)))
      request.on('error', (error) => unreachable(error.message || String((error as { code?: string }).code)))
      request.end(body === undefined ? undefined : JSON.stringify(body))
    })

  return {
    address,
    get: (path) => send('GET', path),
    list: async (path, { query, metadataOnly = false, next } = {}) => {
      const wanted = new URLSearchParams(query)
      wanted.set('limit', String(pageSize))
      if (next !== undefined) wanted.set('continue', next)
      const answer = await send('GET', `${path}?${wanted}`, metadataOnly ? { accept: partial } : {})
      if (!answer.ok) return answer.failure.reason === 'NotFound' ? success({ items: [], total: 0 }) : answer
      return success(pageOf(answer.value))
    },
    create: (path, body) => send('POST', path, { body }),
    patch: (path, body) => send('PATCH', path, { body, type: 'application/merge-patch+json' }),
    remove: async (path) => {
      const answer = await send('DELETE', path)
      return answer.ok || answer.failure.reason === 'NotFound' ? success(undefined) : answer
    },
    close: () => own.destroy(),
  }
}

interface Sent {
  readonly body?: object
  readonly type?: string
  readonly accept?: string
}

const pageOf = ({ items, metadata }: { items?: unknown; metadata?: unknown }): Page => {
  const { continue: next, remainingItemCount = 0 } = (metadata ?? {}) as {
    continue?: string
    remainingItemCount?: number
  }
  const listed = Array.isArray(items) ? (items as Item[]) : []
  return { items: listed, total: listed.length + remainingItemCount, ...(next && { next }) }
}

const answerOf = (status: number, text: string, address: string): Result<Item> => {
  const body = parse(text)
  if (status >= 200 && status < 300 && body) return success(body as unknown as Item)
  const { reason, message } = (body ?? {}) as { reason?: unknown; message?: unknown }
  const said = typeof message === 'string' ? message : `API server at ${address}: HTTP ${status} ${text.slice(0, 200)}`
  // What is not served is answered without a reason.
  const unnamed = status === 404 ? 'NotFound' : 'Unreachable'
  const word = typeof reason === 'string' && reason !== '' ? reason : unnamed
  return failure({ reason: word, message: said, retry: status >= 500 || status === 429 })
}

const parse = (text: string): object | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
