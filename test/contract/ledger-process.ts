import { openEmbeddedClient } from '../../operator/adapters/ledger/client.ts'
import { openLedger } from '../../operator/adapters/ledger/ledger.ts'
import { messageOf } from '../../operator/api/envelope.ts'
import { ledgerEvent } from './ledger.ts'

/*
 * A process of its own, for what one process cannot show. Arguments: the folder, and what to do:
 *   open    says `opened`, or `failed` and the failure
 *   count   says `found N`: events of the correlation \`killed\`
 *   append  appends events for ever, and says `safe N` when so many are acknowledged
 */
const [folder = '', what] = process.argv.slice(2)
const say = (line: string) => process.stdout.write(`${line}\n`)

const client = await openEmbeddedClient(folder)
const ledger = client.ok ? await openLedger({ client: client.value, where: folder }) : client
if (!ledger.ok) {
  say(`failed ${JSON.stringify(ledger.failure)}`)
  process.exit(0)
}
say('opened')
if (what === 'append') {
  for (let count = 0; ; count += 10) {
    const events = Array.from({ length: 10 }, (_, i) =>
      ledgerEvent({ id: `killed-${count + i}`, correlation_id: 'killed' }),
    )
    await ledger.value.append(events.map(messageOf))
    say(`safe ${count + 10}`)
  }
}
if (what === 'count') say(`found ${(await ledger.value.query({ correlationId: 'killed', limit: 100_000 })).length}`)
await ledger.value.close()
say('closed')
