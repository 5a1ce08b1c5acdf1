import { createServer, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { type Loopback, listenOnLoopback } from './loopback.ts'
import { makeStrikes, type Strikes } from './strikes.ts'

/** Path and query, and the body. */
interface HttpRequest {
  readonly url: string
  readonly body: string
}

export interface HttpProxy extends Loopback, Pick<Strikes<HttpRequest>, 'onRequest'> {
  readonly url: string
}

/** Stands on the loopback before an HTTP server. */
export const startHttpProxy = async (target: string): Promise<HttpProxy> => {
  const strikes = makeStrikes<HttpRequest>()
  const agent = new HttpAgent({ keepAlive: true })
  const server = createServer(async (incoming, answer) => {
    const body = await bytesOf(incoming)
    const url = incoming.url ?? '/'
    const strike = strikes.at({ url, body: body.toString('latin1') })
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
  const loopback = await listenOnLoopback(server)
  const { close } = loopback
  return Object.assign(loopback, {
    url: `http://127.0.0.1:${loopback.port}`,
    onRequest: strikes.onRequest,
    close: async () => {
      agent.destroy()
      await close()
    },
  })
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
