import { connect, createServer } from 'node:net'
import { type Loopback, listenOnLoopback } from './loopback.ts'
import { makeStrikes, type Strike, type Strikes } from './strikes.ts'

/** Requests of Kafka's protocol that matter here, by their key. */
const apis = { 0: 'Produce', 1: 'Fetch', 8: 'OffsetCommit' } as const
export type KafkaApi = (typeof apis)[keyof typeof apis]

export interface KafkaProxy extends Loopback, Pick<Strikes<KafkaApi>, 'onRequest'> {}

/** Stands on the loopback before a broker whose port may be said later, and reads what is asked of it. */
export const startKafkaProxy = async (target: () => number): Promise<KafkaProxy> => {
  const strikes = makeStrikes<KafkaApi>()
  const server = createServer((client) => {
    if (client.destroyed) return
    const broker = connect(target(), '127.0.0.1')
    const cut = (): void => {
      client.destroy()
      broker.destroy()
    }
    broker.on('error', () => {})
    for (const socket of [client, broker]) socket.on('close', cut)
    /** by correlation id: what is to happen when it is answered */
    const pending = new Map<number, Strike>()
    const requests = framed((frame) => {
      const api = apis[frame.readInt16BE(4) as keyof typeof apis]
      const strike = api && strikes.at(api)
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
  return Object.assign(await listenOnLoopback(server), { onRequest: strikes.onRequest })
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
