import http from 'node:http'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import gremlin, { type Bytecode, type Response } from 'gremlin'
import graphBinary from 'gremlin/lib/structure/io/binary/GraphBinary.js'
import { errorOf, textOf } from './failure.ts'

/** One WebSocket, once: after it has ended there is nothing but to open another. */
export interface Driver {
  /** Rejects with what the server, the socket or the format says: see failure.ts. */
  submit(bytecode: Bytecode, options: SubmitOptions): Promise<readonly unknown[]>
  /** Waits for the server's goodbye. */
  close(): Promise<void>
  /** At once: what is in flight rejects, and nothing is sent or comes any more. */
  discard(): void
}

export interface SubmitOptions {
  readonly requestId: string
  /** after which the server itself gives up, in milliseconds */
  readonly evaluationTimeout: number
}

export interface DriverEvents {
  /** A request is about to be sent; `false`: nobody waits for it any more, and it must not be. */
  maySend(requestId: string): boolean
  /** An answer cannot be read, so whose it is cannot be known either. */
  onGarbled(error: Error): void
  /** The socket has ended, or was never opened. */
  onEnd(): void
}

export type OpenDriver = (url: string, headers: Readonly<Record<string, string>>, events: DriverEvents) => Driver

/** Opens nothing until something is submitted. Of TLS it trusts what Node trusts: its list, and NODE_EXTRA_CA_CERTS. */
export const openDriver: OpenDriver = (url, headers, events) => {
  let isDiscarded = false
  let socket: Duplex | null | undefined
  const agent = url.startsWith('wss:') ? new https.Agent() : new http.Agent()
  const connect = agent.createConnection.bind(agent)
  // The driver cannot be told to give up a handshake, nor a socket whose other end is silent: so it is taken from below.
  agent.createConnection = (...parameters) => {
    socket = connect(...parameters)
    if (isDiscarded) socket?.destroy()
    queueMicrotask(calm)
    return socket
  }
  const client = new gremlin.driver.Client(url, {
    traversalSource: 'g',
    // Made new, as the driver adds its own.
    headers: { ...headers },
    agent,
    reader: { readResponse: (bytes) => readResponse(bytes, events) },
    writer: {
      writeRequest(request) {
        // The driver sends it right after this, whatever has happened since it was submitted.
        if (isDiscarded || !events.maySend(request.requestId)) throw errorOf('Lost', 'given up before it was sent')
        try {
          return graphBinary.graphBinaryWriter.writeRequest(request)
        } catch (error) {
          throw errorOf('Refused', `the request cannot be written: ${textOf(error)}`)
        }
      },
    },
  })

  /**
   * The driver reads the body of a refused handshake to its end and throws where nobody catches when that is cut off; an
   * error after its goodbye would have no listener. Without its listener `ws` ends the handshake by itself.
   */
  const calm = (): void => {
    const ws = client._connection?._ws
    ws?.removeAllListeners('unexpected-response')
    ws?.on('error', () => undefined)
  }

  // After an error there is no `close`.
  client.addListener('close', () => events.onEnd())
  client.addListener('socketError', () => events.onEnd())

  return {
    submit: async (bytecode, options) =>
      (await client.submit(bytecode, null, { ...options })).toArray().flatMap(unbulked),
    close: () => client.close(),
    discard() {
      isDiscarded = true
      socket?.destroy()
    },
  }
}

/** Equal values may come as one, with how many they are. */
const unbulked = (value: unknown): unknown[] => {
  if (!(value instanceof gremlin.process.Traverser)) return [value]
  return Array.from({ length: Number(value.bulk) }, () => value.object)
}

/** An answer for nobody: the driver drops it. */
const noAnswer: Response = { requestId: '', status: { code: 204 }, result: {} }

/** Whatever is thrown in here, or by the driver for what this returns, would end the process. */
const readResponse = (bytes: unknown, events: DriverEvents): Response => {
  try {
    const response = graphBinary.graphBinaryReader.readResponse(bytes)
    const { code } = response.status
    const isEmpty = code === 204 || code >= 400
    if (isEmpty || Array.isArray(response.result.data)) return response
    events.onGarbled(garbled(`expected a list of results with status ${code}, found ${typeof response.result.data}`))
  } catch (error) {
    events.onGarbled(garbled(textOf(error)))
  }
  return noAnswer
}

const garbled = (text: string): Error => errorOf('Garbled', `the answer cannot be read: ${text}`)
