import { openEmbeddedClient } from '../../operator/adapters/ledger/client.ts'

/*
 * A process of its own, because one process opens only one data folder: says as JSON how many rows the ledger in the
 * folder given as argument has, and how many distinct ids.
 */
const client = await openEmbeddedClient(process.argv[2] ?? '')
if (!client.ok) throw new Error(client.failure.message)
const query = 'SELECT toUInt32(count()) AS rows, toUInt32(uniqExact(id)) AS ids FROM karma.events'
const answer = await client.value.query({ query, format: 'JSONEachRow' })
const [counts] = await answer.json()
process.stdout.write(`${JSON.stringify(counts)}\n`)
await client.value.close()
