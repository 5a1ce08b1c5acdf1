import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Requests of Kafka's protocol that matter here, by their key. */
const apis = { 0: 'Produce', 1: 'Fetch', 8: 'OffsetCommit' } as const
export type KafkaApi = (typeof apis)[keyof typeof apis]

/**
 * What happens to a request: `before` it is not passed on; `during` it is, and its answer is not; `after` the answer is.
 * `run` is called at that moment, and in the first two cases the connection is cut once it has resolved.
 */
export interface KafkaStrike {
  readonly position: 'before' | 'during' | 'after'
  readonly run: () => Promise<void> | void
}

export interface KafkaProxy {
  readonly port: number
  /** Asked for each request; undefined passes it. Returns the way to take it off. */
  onRequest(hook: (api: KafkaApi) => KafkaStrike | undefined): () => void
  /** Refuses what comes and cuts what is open, until it is set back. */
  away: boolean
  close(): Promise<void>
}

/** Stands on the loopback before a broker whose port may be said later, and reads what is asked of it. */
export const startKafkaProxy = async (target: () => number): Promise<KafkaProxy> => {
  const hooks = new Set<(api: KafkaApi) => KafkaStrike | undefined>()
  const open = new Set<Socket>()
  let away = false

  const server = createServer((client) => {
    if (away) {
      client.destroy()
      return
    }
    const broker = connect(target(), '127.0.0.1')
    const cut = (): void => {
      client.destroy()
      broker.destroy()
    }
    for (const socket of [client, broker]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        cut()
      })
    }
    /** by correlation id: what is to happen when it is answered */
    const pending = new Map<number, KafkaStrike>()
    const requests = framed((frame) => {
      const api = apis[frame.readInt16BE(4) as keyof typeof apis]
      const strike = api && [...hooks].map((hook) => hook(api)).find((one) => one !== undefined)
      if (strike?.position === 'before') {
        void Promise.resolve(strike.run()).then(cut)
        return false
      }
      if (strike) pending.set(frame.readInt32BE(8), strike)
      broker.write(frame)
      return true
    })
    const answers = framed((frame) => {
      const strike = pending.get(frame.readInt32BE(4))
      pending.delete(frame.readInt32BE(4))
      if (strike?.position === 'during') {
        void Promise.resolve(strike.run()).then(cut)
        return false
      }
      client.write(frame, () => void strike?.run())
      return true
    })
    client.on('data', requests)
    broker.on('data', answers)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    onRequest: (hook) => {
      hooks.add(hook)
      return () => void hooks.delete(hook)
    },
    get away() {
      return away
    },
    set away(is) {
      away = is
      if (is) for (const socket of open) socket.destroy()
    },
    close: async () => {
      server.close()
      for (const socket of open) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** Puts what comes together into frames of Kafka, of four bytes with the length and as many; `take` gives false to end. */
const framed = (take: (frame: Buffer) => boolean): ((data: Buffer) => void) => {
  let rest: Buffer = Buffer.alloc(0)
  let isOver = false
  return (data) => {
    if (isOver) return
    rest = rest.length === 0 ? data : Buffer.concat([rest, data])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0)
      const frame = rest.subarray(0, end)
      rest = rest.subarray(end)
      if (!take(frame)) {
        isOver = true
        return
      }
    }
  }
}
