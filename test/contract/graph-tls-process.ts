import { connectTo, graphOver } from '../support/gremlin-graph.ts'

/*
 * A process of its own, as certificates that are trusted besides are read when a process starts. Publishes to the graph
 * store at a URL, reads it again, and prints what came of it.
 */
const [url = ''] = process.argv.slice(2)
const connection = connectTo(url, { backoff: { reconnects: 0 } })
const store = graphOver(connection)
const published = await store.publish('dev/tls', 1, [{ id: 'dev/a/1', type: 'a', edges: [] }], {
  changeId: 'change-1',
  claim: '1',
})
const read = await store.view('dev/tls', 1)
process.stdout.write(JSON.stringify({ published, ids: read.ok ? [...read.value.view.ids()] : [] }))
await connection.close()
