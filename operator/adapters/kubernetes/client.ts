import type { Dispatcher } from 'undici'
import type { Credential, Credentials } from './credentials.ts'
import {
  type Answer,
  type Asked,
  failure,
  failureOfError,
  failureOfStatus,
  type KubernetesFailure,
  success,
} from './failure.ts'
import { linesOf } from './lines.ts'
import { type Query, queryText } from './path.ts'
import { type Exchange, exchange, makePool, type Outgoing } from './transport.ts'

export interface RequestOptions {
  readonly query?: Query
  /** default: application/json */
  readonly accept?: string
  /** for the whole exchange, waiting for a connection included */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface PatchOptions extends RequestOptions {
  /** default: `merge`. JSON Patch (`json`) takes a list of operations as body */
  readonly contentType?: 'merge' | 'json' | 'strategic'
  readonly fieldManager?: string
}

export interface RemoveOptions extends RequestOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
}

export interface ListPage {
  readonly items: readonly unknown[]
  readonly resourceVersion: string
  /** token of the next page */
  readonly continue?: string
  /** how many are on the pages that follow, as far as the server knows */
  readonly remaining: number
}

/**
 * Requests to one API server over one pool of kept connections. Values are what the server sent, parsed as JSON and
 * otherwise unchecked. Nothing rejects: see failure.ts for the reasons.
 */
export interface KubernetesClient {
  get(path: string, options?: RequestOptions): Promise<Answer<unknown>>
  list(path: string, options?: RequestOptions): Promise<Answer<ListPage>>
  create(path: string, body: unknown, options?: RequestOptions): Promise<Answer<unknown>>
  patch(path: string, body: unknown, options?: PatchOptions): Promise<Answer<unknown>>
  put(path: string, body: unknown, options?: RequestOptions): Promise<Answer<unknown>>
  remove(path: string, options?: RemoveOptions): Promise<Answer<unknown>>
  /**
   * The lines of an answer that goes on. Iterating throws when the connection fails, and ends when the server ends it
   * or the signal is aborted. `onBytes` is called for whatever arrives, whole line or not.
   */
  stream(path: string, options: StreamOptions): Promise<Answer<AsyncIterable<string>>>
  readonly parse: (text: string) => unknown
  close(): Promise<void>
}

export interface StreamOptions {
  readonly query?: Query
  readonly signal: AbortSignal
  readonly onBytes?: () => void
}

export interface ClientDependencies {
  readonly credentials: Credentials
  readonly parse?: (text: string) => unknown
  readonly userAgent?: string
  readonly timeoutMs?: number
  readonly connectTimeoutMs?: number
  /** how many connections are kept and used at the same time, watches not counted */
  readonly connections?: number
  readonly maxLineBytes?: number
  /** Told of every exchange but streams; `status` is 0 when there was no answer. */
  readonly onExchange?: (method: string, status: number, ms: number) => void
}

const patchTypes = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
}

export const makeKubernetesClient = (dependencies: ClientDependencies): KubernetesClient => {
  const {
    credentials,
    parse = JSON.parse,
    userAgent = 'kubernetes-client',
    timeoutMs = 10_000,
    connectTimeoutMs = 5_000,
    connections = 64,
    // etcd takes objects of 1.5 MiB, and a watch event holds one.
    maxLineBytes = 8 * 2 ** 20,
    onExchange,
  } = dependencies
  const { origin, pathname } = new URL(credentials.server)
  const prefix = pathname.replace(/\/+$/, '')
  const proxyUrl = credentials.proxyUrl
  const pool = makePool({ connections, connectTimeoutMs, proxyUrl })
  const watchPool = makePool({ connections: 1024, connectTimeoutMs, proxyUrl })

  const headersFor = (
    credential: Credential,
    { contentType, accept = 'application/json' }: { contentType?: string | undefined; accept?: string | undefined },
  ): Record<string, string> => ({
    ...credential.headers,
    accept,
    'user-agent': userAgent,
    ...(contentType === undefined ? {} : { 'content-type': contentType }),
  })

  const attempt = async (asked: Asked, call: Call, credential: Credential): Promise<Exchange> => {
    const agent = pool.agent(credential.tls)
    const started = onExchange ? performance.now() : 0
    const result = await exchange(
      agent,
      origin,
      outgoingOf(asked, call, headersFor(credential, { contentType: call.contentType, accept: call.options.accept })),
      {
        timeoutMs: call.options.timeoutMs ?? timeoutMs,
        signal: call.options.signal,
      },
    )
    onExchange?.(asked.method, result.answered ? result.status : 0, performance.now() - started)
    // No answer in time: the connection, and with it all that are idle beside it, may be half-open.
    if (!result.answered && result.sent && result.late) pool.renew(agent)
    return result
  }

  const request = async (method: Outgoing['method'], path: string, call: Call): Promise<Answer<unknown>> => {
    const asked = { method, path: prefix + path + queryText({ ...call.query, ...call.options.query }) }
    if (call.body !== undefined && Buffer.byteLength(call.body) > mostBodyBytes)
      return failure(tooLarge(asked, call.body))
    try {
      let result = await attempt(asked, call, await credentials.current())
      if (result.answered && result.status === 401) {
        // Not carried out, so safe to send again, once, with what the files or the plugin say by now.
        credentials.reload()
        result = await attempt(asked, call, await credentials.current())
      }
      return answerOf(asked, result, parse)
    } catch (error) {
      return failure(failureOfError(asked, error as Error, false))
    }
  }

  const stream: KubernetesClient['stream'] = async (path, { query, signal, onBytes }) => {
    const asked = { method: 'GET', path: prefix + path + queryText(query) }
    const given = new AbortController()
    const pass = () => given.abort()
    signal.addEventListener('abort', pass, { once: true })
    const timer = setTimeout(pass, timeoutMs)
    try {
      const credential = await credentials.current()
      if (signal.aborted) throw new Error('the request was called off')
      const agent = watchPool.agent(credential.tls)
      const { statusCode, headers, body } = await openStream(agent, given.signal, {
        origin,
        path: asked.path,
        headers: headersFor(credential, {}),
      }).catch((error) => {
        if (!signal.aborted) watchPool.renew(agent)
        throw given.signal.aborted && !signal.aborted ? new Error(`no answer within ${timeoutMs} ms`) : error
      })
      if (statusCode >= 300) {
        if (statusCode === 401) credentials.reload()
        return failure(failureOfStatus(asked, statusCode, await body.text(), String(headers['retry-after'] ?? '')))
      }
      return success(linesUntil(signal, linesOf(body, { maxBytes: maxLineBytes, onBytes })))
    } catch (error) {
      signal.removeEventListener('abort', pass)
      return failure(failureOfError(asked, error as Error, true))
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    parse,
    get: (path, options = {}) => request('GET', path, { options }),
    list: async (path, options = {}) => {
      const answer = await request('GET', path, { options })
      return answer.ok ? pageOf(answer.value, path) : answer
    },
    create: (path, body, options = {}) =>
      request('POST', path, { options, body: JSON.stringify(body), contentType: 'application/json' }),
    put: (path, body, options = {}) =>
      request('PUT', path, { options, body: JSON.stringify(body), contentType: 'application/json' }),
    patch: (path, body, options = {}) =>
      request('PATCH', path, {
        options,
        query: { fieldManager: options.fieldManager },
        body: JSON.stringify(body),
        // Without this header the server takes it for a JSON Patch.
        contentType: patchTypes[options.contentType ?? 'merge'],
      }),
    remove: (path, options = {}) => {
      const { preconditions, propagationPolicy } = options
      const body = JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', preconditions, propagationPolicy })
      return request('DELETE', path, { options, body, contentType: 'application/json' })
    },
    stream,
    close: async () => {
      await Promise.all([pool.close(), watchPool.close()])
    },
  }
}

interface Call {
  readonly options: RequestOptions
  readonly query?: Query
  readonly body?: string
  readonly contentType?: string
}

/** What kube-apiserver takes. It answers 413 to more, but also closes the connection, so that the answer may be lost. */
const mostBodyBytes = 3 * 2 ** 20

const tooLarge = ({ method, path }: Asked, body: string): KubernetesFailure => ({
  reason: 'TooLarge',
  message: `${method} ${path}: expected a body of at most ${mostBodyBytes} bytes, found ${Buffer.byteLength(body)}`,
  retry: false,
  outcome: 'NotDone',
})

const outgoingOf = (asked: Asked, call: Call, headers: Record<string, string>): Outgoing => ({
  method: asked.method as Outgoing['method'],
  path: asked.path,
  headers,
  ...(call.body === undefined ? {} : { body: call.body }),
})

const answerOf = (asked: Asked, result: Exchange, parse: (text: string) => unknown): Answer<unknown> => {
  if (!result.answered) return failure(failureOfError(asked, result.error, result.sent))
  if (result.status >= 300) return failure(failureOfStatus(asked, result.status, result.text, result.retryAfter))
  try {
    return success(parse(result.text))
  } catch (error) {
    return failure(failureOfError(asked, new Error(`the answer is not JSON: ${(error as Error).message}`), true))
  }
}

const pageOf = (value: unknown, path: string): Answer<ListPage> => {
  const { items: listed, metadata } = (value ?? {}) as { items?: unknown; metadata?: Record<string, unknown> }
  // Of metadata alone none are sent as null.
  const items = listed === null ? [] : listed
  if (!Array.isArray(items) || typeof metadata?.resourceVersion !== 'string') {
    const found = 'expected a list with items and metadata.resourceVersion'
    return failure(failureOfError({ method: 'GET', path }, new Error(found), true))
  }
  const { continue: next, remainingItemCount: remaining } = metadata
  return success({
    items,
    resourceVersion: metadata.resourceVersion,
    remaining: typeof remaining === 'number' ? remaining : 0,
    ...(typeof next === 'string' && next !== '' ? { continue: next } : {}),
  })
}

const openStream = (
  agent: Dispatcher,
  signal: AbortSignal,
  options: { origin: string; path: string; headers: Record<string, string> },
) => agent.request({ ...options, method: 'GET', signal })

/** An abort that we asked for is an end, not a failure. */
const linesUntil = async function* (signal: AbortSignal, lines: AsyncIterable<string>) {
  try {
    yield* lines
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
