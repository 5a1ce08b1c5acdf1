import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  answerStatusOf,
  errorAnswer,
  neptuneError,
  type SentRequest,
  sentRequest,
  unmaskedFrame,
} from './gremlin-messages.ts'

/**
 * What happens to connections and requests:
 * - `pass`: forwarded and answered.
 * - `down`: connections are cut as soon as they are there, also those that are open. The port stays taken.
 * - `hang`: connections are accepted, nothing is ever answered; the server hears nothing.
 * - `garbage`: a request is answered with a frame of random bytes; the server hears nothing.
 * - `half`: forwarded; the first message of the answer comes, or half of the only one, then the connection is cut.
 * - `forbidden`: 403 at the handshake; what is open stays open.
 * - `slow`: forwarded at once, the answer comes so many ms late.
 * - `cut`: a connection on which nothing was said for so many ms is cut.
 */
export type GremlinMode =
  | 'pass'
  | 'down'
  | 'hang'
  | 'garbage'
  | 'half'
  | 'forbidden'
  | { readonly slow: number }
  | { readonly cut: number }

export interface GremlinProxy {
  /** ws://127.0.0.1:port/gremlin */
  readonly url: string
  readonly counts: Readonly<Record<Counted, number>>
  set(mode: GremlinMode): void
  /** Refuses this share of the writes as Neptune refuses a conflict; the server hears nothing. 0: none. */
  conflicts(faults: { readonly share: number; readonly random?: () => number }): void
  /** The next `writes` that the server commits are not answered: the connection is cut instead. */
  lose(writes: number): void
  /** Refuses writes as a Neptune replica does; the server hears nothing. */
  readOnly(is: boolean): void
  /** `hook` sees every request that can be read, before anything happens to it. Returns what takes it away. */
  onRequest(hook: (request: SentRequest) => void): () => void
  /** cuts every connection that is open */
  cutAll(): void
  close(): Promise<void>
}

const noCounts = {
  connections: 0,
  /** handshakes answered with 403 */
  forbidden: 0,
  requests: 0,
  /** of the requests; also those that were refused */
  writes: 0,
  /** messages, of which an answer may have several */
  answers: 0,
  garbage: 0,
  conflicts: 0,
  readOnly: 0,
  lost: 0,
  /** connections that the proxy ended */
  cut: 0,
  /** requests that are not GraphBinary as the driver writes it; answered with status 500 */
  unreadable: 0,
}
type Counted = keyof typeof noCounts

/** As much of `ws`, the package by which the driver itself speaks, as is used here; it has no types of its own. */
interface WebSocket {
  on(event: 'message', listener: (data: Buffer) => void): void
  on(event: 'open' | 'close', listener: () => void): void
  on(event: 'error', listener: (cause: Error) => void): void
  send(data: Buffer): void
  close(): void
  terminate(): void
  readonly readyState: number
}
interface WebSocketServer {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, done: (client: WebSocket) => void): void
}
const { WebSocket, WebSocketServer } = createRequire(import.meta.url)('ws') as {
  WebSocket: new (url: string, options: { perMessageDeflate: false }) => WebSocket
  WebSocketServer: new (options: { noServer: true; perMessageDeflate: false }) => WebSocketServer
}
const open = 1

/** What is refused or answered differently, and what is counted; common to all connections. */
interface Faults {
  mode: GremlinMode
  conflict: () => boolean
  losing: number
  readOnly: boolean
  readonly hooks: Set<(request: SentRequest) => void>
  readonly counts: Record<Counted, number>
}

/** A proxy before a Gremlin Server, for faults that no server makes when asked to. It speaks GraphBinary only. */
export async function startGremlinProxy({
  target,
}: {
  target: { readonly host: string; readonly port: number }
}): Promise<GremlinProxy> {
  const counts = { ...noCounts }
  const faults: Faults = {
    mode: 'pass',
    conflict: () => false,
    losing: 0,
    readOnly: false,
    hooks: new Set(),
    counts,
  }
  const sockets = new Set<Socket>()
  const server = createServer()
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  server.on('connection', (socket) => {
    counts.connections += 1
    socket.on('error', () => {})
    if (faults.mode === 'down') {
      counts.cut += 1
      socket.destroy()
      return
    }
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('upgrade', (request, socket, head) => {
    if (faults.mode === 'hang') return
    if (faults.mode === 'forbidden') {
      counts.forbidden += 1
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return
    }
    webSockets.handleUpgrade(request, socket, head, (client) => {
      const upstream = new WebSocket(`ws://${target.host}:${target.port}${request.url}`, { perMessageDeflate: false })
      relay({ client, socket, upstream, faults })
    })
  })
  const cutAll = (): void => {
    for (const socket of sockets) {
      counts.cut += 1
      socket.destroy()
    }
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/gremlin`,
    counts,
    set(mode) {
      faults.mode = mode
      if (mode === 'down') cutAll()
    },
    conflicts({ share, random = Math.random }) {
      faults.conflict = () => random() < share
    },
    lose(writes) {
      faults.losing = writes
    },
    readOnly(is) {
      faults.readOnly = is
    },
    onRequest(hook) {
      faults.hooks.add(hook)
      return () => void faults.hooks.delete(hook)
    },
    cutAll,
    async close() {
      for (const socket of sockets) socket.destroy()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
  }
}

/** One connection of a client, and one of its own to the server. */
function relay({
  client,
  socket,
  upstream,
  faults,
}: {
  client: WebSocket
  socket: Duplex
  upstream: WebSocket
  faults: Faults
}): void {
  const { counts } = faults
  const early: Buffer[] = []
  let halved = false
  const writes = new Set<string>()
  const cut = (): void => {
    counts.cut += 1
    socket.destroy()
  }
  const idle = idleCut({ faults, cut })
  const toClient = (data: Buffer): void => {
    idle.said()
    if (client.readyState !== open) return
    counts.answers += 1
    client.send(data)
  }
  client.on('message', (data) => {
    idle.said()
    const verdict = judge(data, faults)
    if (verdict.answer !== undefined) return toClient(verdict.answer)
    if (verdict.pass === undefined) return
    if (verdict.pass.write) writes.add(verdict.pass.requestId)
    if (upstream.readyState === open) upstream.send(data)
    else early.push(data)
  })
  upstream.on('open', () => {
    for (const data of early.splice(0)) upstream.send(data)
  })
  /** the first message of an answer, or the first half of the only one */
  const half = (data: Buffer, more: boolean): void => {
    halved = true
    const frame = unmaskedFrame(data)
    // Cut after it has been handed to the network, so that what is said to come does come.
    socket.write(more ? frame : frame.subarray(0, frame.length / 2), cut)
  }
  /** of an answer that says that a write is committed */
  const lose = (): boolean => {
    if (faults.losing === 0) return false
    faults.losing -= 1
    counts.lost += 1
    return true
  }
  upstream.on('message', (data) => {
    const { mode } = faults
    const { requestId, code } = answerStatusOf(data)
    const more = code === 206
    const write = more ? false : writes.delete(requestId)
    if (write && code < 400 && lose()) return cut()
    if (mode === 'down' || mode === 'hang' || halved) return
    if (mode === 'half') return half(data, more)
    if (typeof mode === 'object' && 'slow' in mode) setTimeout(toClient, mode.slow, data).unref()
    else toClient(data)
  })
  // Whoever goes takes the other with it. An error is followed by `close`.
  client.on('error', () => {})
  upstream.on('error', () => {})
  client.on('close', () => {
    idle.stop()
    upstream.terminate()
  })
  upstream.on('close', () => socket.destroy())
}

/** What becomes of a request: the proxy's answer, or it passes, or neither: silence. */
function judge(data: Buffer, faults: Faults): { readonly answer?: Buffer; readonly pass?: SentRequest } {
  const { counts, mode } = faults
  counts.requests += 1
  let request: SentRequest
  try {
    request = sentRequest(data)
  } catch (cause) {
    // Seen by whoever sent it: a write that is taken for a read would make a test lie.
    counts.unreadable += 1
    return { answer: errorAnswer(data, 500, `the proxy of the tests cannot read this request: ${cause}`) }
  }
  for (const hook of faults.hooks) hook(request)
  if (request.write) counts.writes += 1
  if (mode === 'down' || mode === 'hang') return {}
  if (mode === 'garbage') {
    counts.garbage += 1
    return { answer: randomBytes(64) }
  }
  if (request.write && faults.readOnly) {
    counts.readOnly += 1
    return { answer: errorAnswer(data, 500, neptuneError('ReadOnlyViolationException', request.requestId)) }
  }
  if (request.write && faults.conflict()) {
    counts.conflicts += 1
    return { answer: errorAnswer(data, 500, neptuneError('ConcurrentModificationException', request.requestId)) }
  }
  return { pass: request }
}

/** The mode is looked at often, not once: it may be set while a connection is open. */
function idleCut({ faults, cut }: { faults: Faults; cut: () => void }): { said: () => void; stop: () => void } {
  let last = performance.now()
  const timer = setInterval(() => {
    const { mode } = faults
    if (typeof mode === 'object' && 'cut' in mode && performance.now() - last >= mode.cut) cut()
  }, 10)
  return {
    said: () => {
      last = performance.now()
    },
    stop: () => clearInterval(timer),
  }
}
