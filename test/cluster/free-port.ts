import { once } from 'node:events'
import { createServer } from 'node:net'

/** below the range from which the kernel takes ports for outgoing connections, so that a stopped server keeps its port */
const lowest = 20_000
const highest = 32_000

/** A TCP port on the loopback that nobody listens on now. Somebody may take it before its user does: retry then. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (await isFree(port)) return port
  }
  throw new Error(`no free port on 127.0.0.1: tried 100 between ${lowest} and ${highest}`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return true
  } catch {
    return false
  }
}
