import { Agent, type Dispatcher, ProxyAgent } from 'undici'
import type { TlsOptions } from './credentials.ts'

/** One request as it goes out. `body` is JSON text. */
export interface Outgoing {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly headers: Record<string, string>
  readonly body?: string
}

/** `sent`: the bytes of the request may have left this process. `late`: no answer came in time. */
export type Exchange =
  | { readonly answered: true; readonly status: number; readonly text: string; readonly retryAfter?: string }
  | { readonly answered: false; readonly error: Error; readonly sent: boolean; readonly late?: boolean }

export interface Limits {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * One answer, whole, within `timeoutMs` from now (waiting for a connection included). Written against undici's
 * dispatch rather than its `request`: no stream is made for a body that is read at once.
 */
export const exchange = (agent: Dispatcher, origin: string, outgoing: Outgoing, limits: Limits): Promise<Exchange> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = []
    let status = 0
    let retryAfter: string | undefined
    let sent = false
    let settled = false
    let controller: Dispatcher.DispatchController | undefined

    const settle = (result: Exchange): void => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      limits.signal?.removeEventListener('abort', giveUp)
      resolve(result)
    }
    const fail = (error: Error, late: boolean): void => {
      settle({ answered: false, error, sent, late })
      controller?.abort(error)
    }
    const giveUp = (): void => fail(new Error('the request was called off'), false)
    const { timeoutMs } = limits
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`), true), timeoutMs)
    if (limits.signal?.aborted) return giveUp()
    limits.signal?.addEventListener('abort', giveUp)

    agent.dispatch(
      { origin, ...outgoing },
      {
        onRequestStart: (started) => {
          controller = started
          // Given up while it waited for a connection: it must not go out after all.
          if (settled) started.abort(new Error('too late'))
          else sent = true
        },
        onResponseStart: (_controller, code, headers) => {
          status = code
          const value = headers['retry-after']
          if (typeof value === 'string') retryAfter = value
        },
        onResponseData: (_controller, chunk) => void chunks.push(chunk),
        onResponseEnd: () => {
          const text = (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString('utf8')
          settle({ answered: true, status, text, ...(retryAfter === undefined ? {} : { retryAfter }) })
        },
        onResponseError: (_controller, error) => settle({ answered: false, error, sent }),
      },
    )
  })

export interface Pool {
  /** The pool's agent for these TLS options; a new one when they have changed. */
  agent(tls: TlsOptions): Dispatcher
  /** Takes no further request on the connections there are: to be called when one of them has turned out dead. */
  renew(seen: Dispatcher): void
  /** Whatever is still under way fails. */
  close(): Promise<void>
}

interface PoolOptions {
  readonly connections: number
  readonly connectTimeoutMs: number
  readonly proxyUrl?: string | undefined
}

/** The API server closes connections that are idle for 90 s; we do so earlier, not to write into one it is closing. */
const keepAliveMs = 60_000
/** A server that is slow for all must not have to greet us again and again. */
const renewEveryMs = 10_000

export const makePool = ({ connections, connectTimeoutMs, proxyUrl }: PoolOptions): Pool => {
  let current: { readonly tls: TlsOptions; readonly agent: Dispatcher } | undefined
  let renewedAt = Number.NEGATIVE_INFINITY
  /** those that finish what they have begun */
  const retired = new Set<Dispatcher>()

  const open = (tls: TlsOptions): Dispatcher => {
    const options = {
      connections,
      // Over HTTP/2 watches and requests share one connection and its flow-control window: under load both came to a
      // stand without an error (undici 8.12, kube-apiserver 1.36).
      allowH2: false,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      // Deadlines are the exchange's and the informer's.
      headersTimeout: 0,
      bodyTimeout: 0,
    }
    const connect = { ...tls, timeout: connectTimeoutMs, keepAlive: true, keepAliveInitialDelay: 30_000 }
    if (proxyUrl !== undefined) return new ProxyAgent({ ...options, uri: proxyUrl, requestTls: connect })
    return new Agent({ ...options, connect })
  }
  const retire = (): void => {
    const agent = current?.agent
    current = undefined
    if (!agent) return
    retired.add(agent)
    void agent
      .close()
      .catch(() => undefined)
      .then(() => retired.delete(agent))
  }

  return {
    agent: (tls) => {
      if (current?.tls === tls) return current.agent
      retire()
      current = { tls, agent: open(tls) }
      return current.agent
    },
    renew: (seen) => {
      if (current?.agent !== seen || performance.now() - renewedAt < renewEveryMs) return
      renewedAt = performance.now()
      retire()
    },
    close: async () => {
      retire()
      await Promise.all([...retired].map((agent) => agent.destroy()))
    },
  }
}
