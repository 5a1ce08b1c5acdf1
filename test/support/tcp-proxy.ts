import { connect, createServer } from 'node:net'
import { listenOnLoopback } from './loopback.ts'

/** What it does with connections, those that are open included. */
export type TcpFault =
  /** passes everything on */
  | 'pass'
  /** refuses what comes, and cuts what is open */
  | 'down'
  /** takes everything and answers nothing */
  | 'hang'
  /** passes requests on; of the answers nothing comes, and the connection is cut in their place */
  | 'lose'

export interface TcpProxy {
  readonly port: number
  fault: TcpFault
  /** bytes of answers that were passed on */
  readonly answered: () => number
  /** answers that were lost */
  readonly lost: () => number
  /** Resolves when it is closed, with all its connections. */
  close(): Promise<void>
}

/** Stands on the loopback before a server whose port may be said later. */
export const startTcpProxy = async (target: () => number): Promise<TcpProxy> => {
  let fault: TcpFault = 'pass'
  let answered = 0
  let lost = 0
  const server = createServer((client) => {
    if (client.destroyed) return
    const upstream = connect(target(), '127.0.0.1')
    upstream.on('error', () => {})
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
    client.on('data', (data) => {
      if (fault !== 'hang') upstream.write(data)
    })
    upstream.on('data', (data) => {
      if (fault === 'pass') {
        answered += data.length
        client.write(data)
      }
      if (fault === 'lose') {
        lost++
        client.destroy()
      }
    })
  })
  const loopback = await listenOnLoopback(server)
  return {
    port: loopback.port,
    get fault() {
      return fault
    },
    set fault(next) {
      fault = next
      loopback.away = next === 'down'
    },
    answered: () => answered,
    lost: () => lost,
    close: loopback.close,
  }
}
