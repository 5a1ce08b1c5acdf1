import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

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
  /** answers that were lost */
  readonly lost: () => number
  /** Resolves when it is closed, with all its connections. */
  close(): Promise<void>
}

/** Stands on the loopback before a server whose port may be said later. */
export const startTcpProxy = async (target: () => number): Promise<TcpProxy> => {
  let fault: TcpFault = 'pass'
  let lost = 0
  const open = new Set<Socket>()
  const server = createServer((client) => {
    if (fault === 'down') {
      client.destroy()
      return
    }
    const upstream = connect(target(), '127.0.0.1')
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.on('data', (data) => {
      if (fault !== 'hang') upstream.write(data)
    })
    upstream.on('data', (data) => {
      if (fault === 'pass') client.write(data)
      if (fault === 'lose') {
        lost++
        client.destroy()
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get fault() {
      return fault
    },
    set fault(next) {
      fault = next
      if (next === 'down') for (const socket of open) socket.destroy()
    },
    lost: () => lost,
    close: async () => {
      server.close()
      for (const socket of open) socket.destroy()
      await once(server, 'close')
    },
  }
}
