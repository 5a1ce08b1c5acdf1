import type { ClickHouseClient } from '@clickhouse/client'
import type { Message } from '../../api/envelope.ts'
import { failure, type Result, success } from '../../api/result.ts'
import type { Ledger } from '../../ports/ledger.ts'
import { findLetters, keepLetters, letterBytes, markLetters } from './dead-letters.ts'
import { failureOf } from './failure.ts'
import { migrate } from './migrate.ts'
import { migrations } from './migrations.ts'
import { arrived, countOf, findEvents, happened } from './reading.ts'
import { keepFor } from './retention.ts'
import { columns, rowOf } from './rows.ts'
import { statsFrom } from './stats.ts'

/** One insert: a text is built of it at once (about 0.1 s for this many), which holds up everything else meanwhile. */
const insertSize = 5_000

export interface LedgerDependencies {
  /** Of `openEmbeddedClient` or `makeServerClient`. Closed with the ledger, and when it cannot be opened. */
  readonly client: ClickHouseClient
  /** For messages: the folder or the address. */
  readonly where: string
  /** absent: events and dead letters are kept for ever */
  readonly keepDays?: number | undefined
}

/** Fails with the reasons of `migrate` and of `failureOf`. */
export const openLedger = async ({ client, where, keepDays }: LedgerDependencies): Promise<Result<Ledger>> => {
  const prepare = async (): Promise<Result<number>> => {
    const migrated = await migrate(client, migrations, where)
    if (migrated.ok) await keepFor(client, keepDays)
    return migrated
  }
  const ready = await prepare().catch((error: unknown) => failure(failureOf(error, where)))
  if (ready.ok) return success(ledgerOver(client, where))
  await client.close().catch(() => {})
  return ready
}

const ledgerOver = (client: ClickHouseClient, where: string): Ledger => {
  let last: Promise<void> = Promise.resolve()
  let closed = false

  /** What the engine says becomes one line that says what to do. */
  const clearly = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (cause) {
      throw new Error(failureOf(cause, where).message, { cause })
    }
  }

  const insert = async (messages: readonly Message[]): Promise<void> => {
    const underWay: Promise<unknown>[] = []
    try {
      for (let i = 0; i < messages.length; i += insertSize) {
        const values = messages.slice(i, i + insertSize).map(rowOf)
        underWay.push(client.insert({ table: 'karma.events', columns, values, format: 'JSONCompactEachRow' }))
        // The next one's text is built while the engine works on this one.
        if (underWay.length === 2) await underWay.shift()
      }
      await underWay.shift()
    } finally {
      await Promise.allSettled(underWay)
    }
  }

  /** One at a time: the engine would queue them anyway, and parts would be small. */
  const write = (what: string, work: () => Promise<void>): Promise<void> => {
    if (closed) return Promise.reject(new Error(`ledger in ${where}: closed, ${what} not written`))
    const written = last.then(() => clearly(work()))
    last = written.catch(() => {})
    return written
  }

  return {
    append: async (messages) => {
      if (messages.length > 0) await write(`${messages.length} events`, () => insert(messages))
    },
    query: (query) => clearly(findEvents(client, query)),
    stats: (query) => clearly(statsFrom(client, query)),
    happened: (filter, page) => clearly(happened(client, filter, page)),
    arrived: (filter, page) => clearly(arrived(client, filter, page)),
    count: (filter) => clearly(countOf(client, filter)),
    keep: (letters) => write(`${letters.length} dead letters`, () => keepLetters(client, letters)),
    deadLetters: (query) => clearly(findLetters(client, query)),
    bytesOf: (id) => clearly(letterBytes(client, id)),
    markReplayed: (ids, at) => write('what was replayed', () => markLetters(client, ids, at)),
    close: async () => {
      closed = true
      await last
      await client.close()
    },
  }
}
