import { text } from 'node:stream/consumers'
import { openEmbeddedClient } from '../../operator/adapters/ledger/client.ts'
import { openLedger } from '../../operator/adapters/ledger/ledger.ts'
import type { DeadLetter } from '../../operator/api/dead-letter.ts'
import type { Message } from '../../operator/api/envelope.ts'

/*
 * A process of its own, because one can have one data folder only. Argument: the folder. Reads `Work` from standard
 * input, and writes what each statement gave.
 */

export interface Work {
  /** what the ledger gets, one append after the other */
  readonly appends: readonly (readonly Message[])[]
  /** kept once for each append */
  readonly letters?: readonly (Omit<DeadLetter, 'raw'> & { readonly raw: string })[]
  readonly statements: readonly Statement[]
}

/** A query, or rows (JSON, one a line) for a statement that ends with FORMAT JSONEachRow. */
export interface Statement {
  readonly sql: string
  readonly gives: 'rows' | 'nothing'
}

export type Answer = { readonly rows: readonly unknown[] } | { readonly error: string }

if (import.meta.main) {
  const [folder = ''] = process.argv.slice(2)
  const { appends, letters = [], statements } = JSON.parse(await text(process.stdin)) as Work
  const client = await openEmbeddedClient(folder)
  if (!client.ok) throw new Error(client.failure.message)
  const ledger = await openLedger({ client: client.value, where: folder })
  if (!ledger.ok) throw new Error(ledger.failure.message)
  const kept = letters.map((letter) => ({ ...letter, raw: new TextEncoder().encode(letter.raw) }))
  for (const messages of appends) {
    await ledger.value.append(messages)
    await ledger.value.keep(kept)
  }
  const answers: Answer[] = []
  for (const { sql, gives } of statements) {
    try {
      if (gives === 'nothing') await client.value.command({ query: sql })
      const rows = gives === 'rows' ? await client.value.query({ query: sql, format: 'JSONEachRow' }) : undefined
      answers.push({ rows: rows ? await rows.json() : [] })
    } catch (error) {
      answers.push({ error: String(error) })
    }
  }
  await ledger.value.close()
  process.stdout.write(JSON.stringify(answers))
}
