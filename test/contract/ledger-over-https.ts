import { makeServerClient } from '../../operator/adapters/ledger/client.ts'
import { openLedger } from '../../operator/adapters/ledger/ledger.ts'
import { messageOf } from '../../operator/api/envelope.ts'
import { readConfig } from '../../operator/config.ts'
import { ledgerEvent } from './ledger.ts'

/*
 * A process of its own, told by its environment as the operator is. Prints JSON: how many events it finds of the one
 * that it appended, or the failure.
 */
const config = readConfig(process.env)
if (!config.ok) throw new Error(config.failure.message)
const server = config.value.ledger!
const ledger = await openLedger({ client: await makeServerClient(server), where: server.url })
if (ledger.ok) {
  await ledger.value.append([ledgerEvent({ id: 'secret', correlation_id: 'secret' })].map(messageOf))
  const found = await ledger.value.query({ correlationId: 'secret', limit: 10 })
  process.stdout.write(JSON.stringify(found.length))
  await ledger.value.close()
} else {
  process.stdout.write(JSON.stringify(ledger.failure))
}
