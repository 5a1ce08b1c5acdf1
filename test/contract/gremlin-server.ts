import gremlin from 'gremlin'
import type { GremlinConnection } from '../../operator/adapters/graph-gremlin/connection.ts'
import { type GremlinServer, startGremlinServer } from '../cluster/gremlin-server.ts'
import { connectTo } from '../support/gremlin-graph.ts'
import { value } from './graph-store-steps.ts'

/** By version of TinkerPop. */
const running = new Map<string, Promise<GremlinServer>>()
const connections: GremlinConnection[] = []

after(async () => {
  for (const connection of connections) await connection.close()
  for (const server of running.values()) await (await server).close()
})

const g = new gremlin.structure.Graph().traversal()

/** Without an index each request looks at all that there is. */
export async function empty(connection: GremlinConnection): Promise<void> {
  for (const all of [g.E(), g.V()]) value(await connection.submit(all.drop().count().getBytecode(), { write: true }))
}

/**
 * A server with nothing in it and a connection to it. All that ask for one version of TinkerPop share a server, for it
 * takes longer to start, and to become fast, than most of them need it; it ends after the last test.
 */
export async function emptyServer(
  version = '3.8.0',
): Promise<{ server: GremlinServer; connection: GremlinConnection }> {
  if (!running.has(version)) running.set(version, startGremlinServer({ version }))
  const server = await running.get(version)!
  const connection = connectTo(server.url)
  connections.push(connection)
  await empty(connection)
  return { server, connection }
}
