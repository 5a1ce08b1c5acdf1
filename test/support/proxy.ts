import {
  createServer as createHttpServer,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer, Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { type ApiRequest, apiRequestOf } from './api-request.ts'
import { makeWatchRelay, type WatchRelay } from './watch-relay.ts'

/** A request that came to the proxy. */
export interface ProxiedRequest extends ApiRequest {
  /** 0 for the first one */
  readonly index: number
  readonly method: string
  /** path and query, as the client sent them */
  readonly url: URL
  readonly body: string
  /** what the server answered, once it has */
  answered?: number | undefined
}

/**
 * What happens to a request:
 * - `pass`: forwarded and answered.
 * - `cut-before`: the client's connection is destroyed; the server hears nothing.
 * - `cut-after`: forwarded; once the server has answered, the client's connection is destroyed instead of the answer.
 * - `after`: forwarded and answered; `run` is called when the answer has been handed to the network. With `first`, the
 *   answer of the server waits for that.
 * - `instead-of-answer`: forwarded; once the server has answered, `run` is called, then as `cut-after`.
 *   With `when`, both are `pass` for an answer whose status it does not want; `none`: there was no answer.
 * - `delay`: `next` happens after `ms`, or after `until`.
 * - `replace`: answered by the proxy; the server hears nothing.
 * - `rewrite`: forwarded with another path and query.
 * An answer that the server does not give at all (it is down) is a destroyed connection.
 */
export type Action =
  | { readonly kind: 'pass' }
  | { readonly kind: 'cut-before' }
  | { readonly kind: 'cut-after' }
  | {
      readonly kind: 'instead-of-answer'
      readonly run: () => void | Promise<void>
      readonly when?: When
      readonly none?: () => void
    }
  | {
      readonly kind: 'after'
      readonly first?: () => Promise<unknown>
      readonly run?: () => void | Promise<void>
      readonly when?: When
      readonly none?: () => void
    }
  | { readonly kind: 'delay'; readonly ms?: number; readonly until?: Promise<unknown>; readonly next?: Action }
  | {
      readonly kind: 'replace'
      readonly status: number
      readonly body: unknown
      readonly headers?: Readonly<Record<string, string>>
    }
  | { readonly kind: 'rewrite'; readonly url: URL }

type When = (status: number) => boolean

export const pass: Action = { kind: 'pass' }

/** Decides for each request; undefined leaves it to the next hook. */
export type Hook = (request: ProxiedRequest) => Action | undefined
export type Match = (request: ApiRequest) => boolean

export interface ApiProxy {
  readonly url: string
  readonly requests: readonly ProxiedRequest[]
  /** how many connections clients have opened so far */
  connections(): number
  /** Hooks are asked latest first. Returns the way to take it off. */
  onRequest(hook: Hook): () => void
  /** What goes through watches: frozen, cut, injected, changed line by line. */
  readonly watches: WatchRelay
  stop(): Promise<void>
}

/** How an answer says that the API server is too old, too busy, or broken. */
export const statusAnswer = (code: number, reason: string, message: string, headers = {}): Action => ({
  kind: 'replace',
  status: code,
  headers,
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message },
})

/** The list as it was at `resourceVersion`, as a server that is behind would give it. */
export const staleList = (request: ProxiedRequest, resourceVersion: string): Action => {
  const url = new URL(request.url)
  url.searchParams.set('resourceVersion', resourceVersion)
  url.searchParams.set('resourceVersionMatch', 'Exact')
  return { kind: 'rewrite', url }
}

interface Options {
  /** URL of the API server */
  readonly target: string
  /** PEM that vouches for it */
  readonly ca?: string
  /** to be spoken to over https */
  readonly tls?: { readonly key: string; readonly cert: string }
}

/** Stands between the operator and the API server. Credentials in headers pass through it. */
export const startProxy = async ({ target, ca, tls }: Options): Promise<ApiProxy> => {
  const origin = new URL(target)
  const secure = origin.protocol === 'https:'
  const agent = secure ? new HttpsAgent({ keepAlive: true, ca }) : new HttpAgent({ keepAlive: true })
  const requests: ProxiedRequest[] = []
  const hooks: Hook[] = []
  const sockets = new Set<Socket>()
  const watches = makeWatchRelay()

  const decide = (request: ProxiedRequest): Action => {
    for (const hook of hooks.toReversed()) {
      const action = hook(request)
      if (action) return action
    }
    return pass
  }

  /** Undefined: the server gave no answer. */
  const forward = ({ incoming, response, request }: Exchange, url: URL): Promise<IncomingMessage | undefined> =>
    new Promise((resolve) => {
      const send = secure ? httpsRequest : httpRequest
      const headers = { ...incoming.headers, host: origin.host }
      const path = url.pathname + url.search
      const outgoing = send(
        { agent, host: origin.hostname, port: origin.port, method: request.method, path, headers },
        resolve,
      )
      outgoing.on('error', () => resolve(undefined))
      response.on('close', () => {
        // The client has gone away. (A finished answer closes too, and its connection is to be kept.)
        if (!response.writableFinished) outgoing.destroy()
      })
      outgoing.end(request.body)
    })

  const answer = async (action: Action, exchange: Exchange): Promise<void> => {
    const { incoming, response, request } = exchange
    switch (action.kind) {
      case 'cut-before':
        incoming.socket.destroy()
        return
      case 'delay':
        await (action.until ?? new Promise((resolve) => setTimeout(resolve, action.ms ?? 0)))
        return answer(action.next ?? pass, exchange)
      case 'replace':
        response.writeHead(action.status, { 'content-type': 'application/json', ...action.headers })
        response.end(typeof action.body === 'string' ? action.body : JSON.stringify(action.body))
        return
      default: {
        const from = await forward(exchange, action.kind === 'rewrite' ? action.url : request.url)
        if (from) return passOn(isWanted(action, from) ? action : pass, exchange, from)
        noAnswer(action)
        incoming.socket.destroy()
      }
    }
  }

  /** The server has begun to answer. */
  const passOn = async (action: Action, { incoming, response, request }: Exchange, from: IncomingMessage) => {
    request.answered = from.statusCode
    const endless = request.verb === 'watch' && from.statusCode === 200
    if (endless && action.kind !== 'cut-after') {
      response.writeHead(200, answerHeaders(from))
      response.flushHeaders()
      watches.relay(request, from, response)
      return
    }
    const body = endless ? undefined : await whole(from)
    if (action.kind === 'instead-of-answer') await action.run()
    if (body === undefined) from.destroy()
    if (body === undefined || action.kind === 'cut-after' || action.kind === 'instead-of-answer') {
      incoming.socket.destroy()
      return
    }
    if (action.kind === 'after') await action.first?.()
    response.writeHead(from.statusCode ?? 502, answerHeaders(from))
    response.end(body, () => {
      if (action.kind === 'after') void action.run?.()
    })
  }

  const accept = (incoming: IncomingMessage, response: ServerResponse): void => {
    void whole(incoming).then((body) => {
      if (body === undefined) return
      const method = incoming.method ?? 'GET'
      const url = new URL(incoming.url ?? '/', target)
      const request: ProxiedRequest = {
        index: requests.length,
        method,
        url,
        body: body.toString(),
        ...apiRequestOf(method, url),
      }
      requests.push(request)
      return answer(decide(request), { incoming, response, request })
    })
  }

  const server = tls ? createHttpsServer(tls, accept) : createHttpServer(accept)
  server.keepAliveTimeout = 90_000
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // A connection that we or the client destroy is no news.
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })

  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    watches,
    connections: () => connections,
    onRequest: (hook) => {
      hooks.push(hook)
      return () => {
        const at = hooks.indexOf(hook)
        if (at >= 0) hooks.splice(at, 1)
      }
    },
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      agent.destroy()
      await closed
    },
  }
}

const isWanted = (action: Action, from: IncomingMessage): boolean =>
  !('when' in action) || (action.when?.(from.statusCode ?? 0) ?? true)

const noAnswer = (action: Action): void => {
  if ('none' in action) action.none?.()
}

interface Exchange {
  readonly incoming: IncomingMessage
  readonly response: ServerResponse
  readonly request: ProxiedRequest
}

const answerHeaders = (from: IncomingMessage): Record<string, string | string[]> => {
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(from.headers)) {
    // The proxy frames its answers itself.
    if (value !== undefined && !['transfer-encoding', 'content-length', 'connection'].includes(name)) {
      headers[name] = value
    }
  }
  return headers
}

/** Undefined when it breaks off. */
const whole = async (from: IncomingMessage): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of from) chunks.push(chunk as Buffer)
    return from.complete ? Buffer.concat(chunks) : undefined
  } catch {
    return undefined
  }
}

/** All of them as if they were one. `onActor` hears of whose request a hook has taken up. */
export const proxiesAsOne = (proxies: readonly ApiProxy[], onActor: (index: number) => void): ApiProxy => ({
  url: proxies[0]!.url,
  requests: proxies[0]!.requests,
  connections: () => proxies.reduce((sum, proxy) => sum + proxy.connections(), 0),
  onRequest: (hook) => {
    const offs = proxies.map((proxy, index) =>
      proxy.onRequest((request) => {
        const action = hook(request)
        if (action) onActor(index)
        return action
      }),
    )
    return () => {
      for (const off of offs) off()
    }
  },
  watches: proxies[0]!.watches,
  stop: async () => {
    await Promise.all(proxies.map((proxy) => proxy.stop()))
  },
})

/** Holds back what `matches` until `release` is called. `seen`: how many there were so far. */
export function heldRequests(
  proxy: ApiProxy,
  matches: (request: ProxiedRequest) => boolean,
): { readonly seen: () => number; readonly release: () => void } {
  let seen = 0
  let open = (): void => {}
  const until = new Promise<void>((resolve) => {
    open = resolve
  })
  const off = proxy.onRequest((request) => {
    if (!matches(request)) return undefined
    seen++
    return { kind: 'delay', until }
  })
  return {
    seen: () => seen,
    release: () => {
      off()
      open()
    },
  }
}
