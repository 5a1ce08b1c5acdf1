import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'

/** What stands before a server. */
export interface Loopback {
  readonly port: number
  /** Refuses what comes and cuts what is open, until it is set back. */
  away: boolean
  /** Resolves when it is closed, with all its connections. */
  close(): Promise<void>
}

/** Lets a server, of HTTP too, listen on a free port of the loopback. */
export const listenOnLoopback = async (server: Server): Promise<Loopback> => {
  const open = new Set<Socket>()
  let away = false
  const cutAll = (): void => {
    for (const socket of open) socket.destroy()
  }
  // Before those who serve it.
  server.prependListener('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    if (away) socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get away() {
      return away
    },
    set away(is) {
      away = is
      if (is) cutAll()
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        cutAll()
      }),
  }
}
