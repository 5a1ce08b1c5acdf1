import type { ClickHouseClient } from '@clickhouse/client'
import type { Event, Message } from '../../api/envelope.ts'
import type { JsonObject } from '../../api/kinds.generated.ts'
import { failure, type Result, success } from '../../api/result.ts'
import type { Ledger, LedgerQuery } from '../../ports/ledger.ts'
import { failureOf } from './failure.ts'
import { migrate } from './migrate.ts'
import { migrations } from './migrations.ts'
import { keepFor } from './retention.ts'
import { statsFrom } from './stats.ts'

/** One insert: a text is built of it at once (about 0.1 s for this many), which holds up everything else meanwhile. */
const insertSize = 5_000

export interface LedgerDependencies {
  /** Of `openEmbeddedClient` or `makeServerClient`. Closed with the ledger, and when it cannot be opened. */
  readonly client: ClickHouseClient
  /** For messages: the folder or the address. */
  readonly where: string
  /** absent: events are kept for ever */
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

  const select = async (query: LedgerQuery, recent: boolean): Promise<Event[]> => {
    const answer = await client.query({ ...statement(query, recent), format: 'JSONEachRow' })
    return (await answer.json<Row>()).map(eventOfRow)
  }

  const find = async (query: LedgerQuery): Promise<Event[]> => {
    if (query.correlationId !== undefined) return select(query, false)
    // The newest of a long ledger are found by their time column alone (a million rows: 0.1 s instead of 1.2 s).
    // Rows that came twice may make that too few, and then everything is looked through.
    const newest = await select(query, true)
    return newest.length === query.limit ? newest : select(query, false)
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

  return {
    append: (messages) => {
      if (closed) return Promise.reject(new Error(`ledger in ${where}: closed, ${messages.length} events not written`))
      if (messages.length === 0) return Promise.resolve()
      // One at a time: the engine would queue them anyway, and parts would be small.
      const written = last.then(() => clearly(insert(messages)))
      last = written.catch(() => {})
      return written
    },
    query: (query) => clearly(find(query)),
    stats: (query) => clearly(statsFrom(client, query)),
    close: async () => {
      closed = true
      await last
      await client.close()
    },
  }
}

interface Row {
  readonly id: string
  readonly ts: string
  readonly event_type: string
  readonly entity_id: string
  readonly correlation_id: string
  readonly causation_id: string
  readonly tags: Readonly<Record<string, string>>
  readonly attrs: string
}

const columns: [string, ...string[]] = [
  'id',
  'ts',
  'event_type',
  'entity_id',
  'correlation_id',
  'causation_id',
  'seq',
  'tags',
  'attrs',
  'raw',
]

/** In the order of `columns`: without their names a row is half the work, here and in the engine. */
const rowOf = ({ event, raw }: Message): readonly unknown[] => [
  event.id,
  event.ts,
  event.event_type,
  event.entity_id,
  event.correlation_id,
  event.causation_id ?? '',
  seqOf(event.attrs.seq),
  event.tags,
  JSON.stringify(event.attrs),
  raw,
]

/** Position within the entity, for order; foreign events have none. */
const seqOf = (value: unknown): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0

const eventOfRow = (row: Row): Event => ({
  id: row.id,
  // The engine writes `2026-01-31 12:00:00.000`, in UTC.
  ts: `${row.ts.replace(' ', 'T')}Z`,
  event_type: row.event_type,
  entity_id: row.entity_id,
  correlation_id: row.correlation_id,
  ...(row.causation_id !== '' && { causation_id: row.causation_id }),
  tags: row.tags,
  attrs: JSON.parse(row.attrs) as JsonObject,
})

/** Values travel as parameters, never in the text. `LIMIT 1 BY id`: a row that came twice may not be merged yet. */
const statement = (query: LedgerQuery, recent: boolean) => {
  const { correlationId, entityId, namespace, environment, eventTypes, limit } = query
  const conditions: string[] = []
  if (correlationId !== undefined) conditions.push('correlation_id = {correlationId: String}')
  if (entityId !== undefined) conditions.push('entity_id = {entityId: String}')
  if (namespace !== undefined) conditions.push('startsWith(entity_id, {prefix: String})')
  if (environment !== undefined) conditions.push("tags['environment'] = {environment: String}")
  if (eventTypes !== undefined) conditions.push('event_type IN {eventTypes: Array(String)}')
  const matching = (more: readonly string[]): string =>
    [...conditions, ...more].map((condition, i) => `${i === 0 ? 'WHERE' : 'AND'} ${condition}`).join(' ')
  const direction = correlationId === undefined ? 'DESC' : 'ASC'
  const order = ['ts', 'entity_id', 'seq', 'id'].map((column) => `${column} ${direction}`).join(', ')
  const newest = `SELECT ts FROM karma.events ${matching([])} ORDER BY ts DESC LIMIT {reach: UInt32}`
  return {
    query: `SELECT id, ts, event_type, entity_id, correlation_id, causation_id, tags, attrs FROM karma.events
      ${matching(recent ? [`ts >= (SELECT min(ts) FROM (${newest}))`] : [])}
      ORDER BY ${order} LIMIT 1 BY id LIMIT {limit: UInt32}`,
    query_params: {
      limit,
      ...(recent && { reach: limit * 2 }),
      ...(correlationId !== undefined && { correlationId }),
      ...(entityId !== undefined && { entityId }),
      ...(namespace !== undefined && { prefix: `${namespace}/` }),
      ...(environment !== undefined && { environment }),
      ...(eventTypes !== undefined && { eventTypes: [...eventTypes] }),
    },
  }
}
