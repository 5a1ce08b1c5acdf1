import { once } from 'node:events'
import { createServer, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { KafkaStrike } from './kafka-proxy.ts'

export interface HttpProxy {
  readonly url: string
  /** Asked for each request with its path, query and body; undefined passes it. Returns the way to take it off. */
  onRequest(hook: (request: { readonly url: string; readonly body: string }) => KafkaStrike | undefined): () => void
  /** Refuses what comes and cuts what is open, until it is set back. */
  away: boolean
  close(): Promise<void>
}

/** Stands on the loopback before an HTTP server, with the same strikes as kafka-proxy.ts. */
export const startHttpProxy = async (target: string): Promise<HttpProxy> => {
  const hooks = new Set<Parameters<HttpProxy['onRequest']>[0]>()
  const agent = new HttpAgent({ keepAlive: true })
  const sockets = new Set<Socket>()
  let away = false

  const server = createServer(async (incoming, answer) => {
    const body = await bytesOf(incoming)
    const url = incoming.url ?? '/'
    const asked = { url, body: body.toString('latin1') }
    const strike = [...hooks].map((hook) => hook(asked)).find((one) => one !== undefined)
    const cut = (): void => void answer.destroy()
    if (strike?.position === 'before') {
      await strike.run()
      cut()
      return
    }
    const { method, headers } = incoming
    const forwarded = httpRequest(new URL(url, target), { method, headers, agent } as object, async (response) => {
      const content = await bytesOf(response)
      if (strike?.position === 'during') {
        await strike.run()
        cut()
        return
      }
      answer.writeHead(response.statusCode ?? 502, response.headers)
      answer.end(content, () => void strike?.run())
    })
    forwarded.on('error', cut)
    forwarded.end(body)
  })
  server.on('connection', (socket) => {
    if (away) socket.destroy()
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    onRequest: (hook) => {
      hooks.add(hook)
      return () => void hooks.delete(hook)
    },
    get away() {
      return away
    },
    set away(is) {
      away = is
      if (is) for (const socket of sockets) socket.destroy()
    },
    close: async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
      agent.destroy()
      await once(server, 'close')
    },
  }
}

const bytesOf = async (stream: IncomingMessage): Promise<Buffer> => {
  const parts: Buffer[] = []
  try {
    for await (const part of stream) parts.push(part as Buffer)
  } catch {
    // Cut off: what came is all there is.
  }
  return Buffer.concat(parts)
}
