import { createHash } from 'node:crypto'
import type { ClickHouseClient } from '@clickhouse/client'
import type { DeadLetter } from '../../api/dead-letter.ts'
import type { Topic } from '../../api/envelope.ts'
import { timeOf } from '../../api/parse-event.ts'
import type { DeadLetterQuery, KeptLetter } from '../../ports/ledger.ts'

/**
 * `karma.dead_letters`, as migration 4 makes it. The key is a function of the letter, so that one that comes again meets
 * itself. `replayed_at` is the version: 1970 until it was published, and a letter that comes again does not undo that.
 * `base64` is no column, but the way in: JSON has no bytes.
 */
export const deadLetterStatements: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS karma.dead_letters (
    id String,
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
    topic LowCardinality(String),
    partition Int64,
    offset String,
    key Nullable(String),
    reason String,
    message String,
    base64 String EPHEMERAL,
    raw String DEFAULT base64Decode(base64) CODEC(ZSTD(3)),
    size UInt64 DEFAULT length(raw),
    omitted UInt64,
    replayed_at DateTime64(3, 'UTC'),
    INDEX by_id id TYPE bloom_filter(0.01) GRANULARITY 1
  )
  ENGINE = ReplacingMergeTree(replayed_at)
  ORDER BY (topic, partition, offset, id)
  SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
]

/** Bytes of letters that one insert gets at most, beyond the first. */
const insertBytes = 8 * 1024 * 1024
/** Where a letter was never on Kafka. */
const nowhere = -1
const never = '1970-01-01 00:00:00.000'

/** A place and what stood there; where there is no place, what stands in it is what tells it from others. */
export const letterId = ({ topic, partition, offset, raw }: DeadLetter): string =>
  createHash('sha256')
    .update(`${JSON.stringify([topic, partition ?? null, offset ?? null])}\n`)
    .update(raw)
    .digest('hex')

const insertColumns: [string, ...string[]] = [
  'id',
  'at',
  'topic',
  'partition',
  'offset',
  'key',
  'reason',
  'message',
  'base64',
  'omitted',
  'replayed_at',
]

export const keepLetters = async (client: ClickHouseClient, letters: readonly DeadLetter[]): Promise<void> => {
  for (const part of parts(letters)) {
    const values = part.map(rowOf)
    await client.insert({ table: 'karma.dead_letters', columns: insertColumns, values, format: 'JSONEachRow' })
  }
}

const parts = (letters: readonly DeadLetter[]): DeadLetter[][] => {
  const all: DeadLetter[][] = []
  let bytes = Infinity
  for (const letter of letters) {
    if (bytes + letter.raw.length > insertBytes) {
      all.push([])
      bytes = 0
    }
    all.at(-1)?.push(letter)
    bytes += letter.raw.length
  }
  return all
}

/** Headers of a letter are anybody's: what the columns cannot hold must not hold up what is behind it. */
const rowOf = (letter: DeadLetter): object => ({
  id: letterId(letter),
  at: timeOf(letter.at) ?? '1970-01-01T00:00:00.000Z',
  topic: letter.topic,
  partition: letter.partition ?? nowhere,
  offset: letter.offset?.toWellFormed() ?? '',
  key: letter.key?.toWellFormed() ?? null,
  reason: letter.reason.toWellFormed(),
  message: letter.message.toWellFormed(),
  base64: Buffer.from(letter.raw).toString('base64'),
  omitted: Math.max(letter.omitted ?? 0, 0),
  replayed_at: never,
})

interface Row {
  readonly id: string
  readonly at: string
  readonly topic: Topic
  readonly partition: string
  readonly offset: string
  readonly key: string | null
  readonly reason: string
  readonly message: string
  readonly size: string
  readonly omitted: string
  readonly replayed_at: string
}

export const findLetters = async (client: ClickHouseClient, query: DeadLetterQuery): Promise<KeptLetter[]> => {
  const { topic, reason, since, id, waiting, limit } = query
  const after = waiting?.after
  const conditions = [
    ...(topic === undefined ? [] : ['topic = {topic: String}']),
    ...(reason === undefined ? [] : ['reason = {reason: String}']),
    ...(since === undefined ? [] : [`at >= {since: DateTime64(3, 'UTC')}`]),
    ...(id === undefined ? [] : ['startsWith(id, {id: String})']),
    ...(waiting === undefined ? [] : [`replayed_at = {never: DateTime64(3, 'UTC')}`]),
    ...(after === undefined ? [] : [`(at, id) > ({afterAt: DateTime64(3, 'UTC')}, {afterId: String})`]),
  ]
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''
  const direction = waiting === undefined ? 'DESC' : 'ASC'
  const answer = await client.query({
    query: `SELECT id, at, topic, partition, offset, key, reason, message, size, omitted, replayed_at
      FROM karma.dead_letters FINAL ${where} ORDER BY at ${direction}, id ${direction} LIMIT {limit: UInt32}`,
    query_params: {
      limit,
      never,
      ...(topic !== undefined && { topic }),
      ...(reason !== undefined && { reason }),
      ...(since !== undefined && { since: columnTime(new Date(since).toISOString()) }),
      ...(id !== undefined && { id }),
      ...(after !== undefined && { afterAt: columnTime(after.at), afterId: after.id }),
    },
    format: 'JSONEachRow',
  })
  return (await answer.json<Row>()).map(letterOfRow)
}

const letterOfRow = (row: Row): KeptLetter => ({
  id: row.id,
  at: isoTime(row.at),
  topic: row.topic,
  ...(Number(row.partition) !== nowhere && { partition: Number(row.partition) }),
  ...(row.offset !== '' && { offset: row.offset }),
  ...(row.key !== null && { key: row.key }),
  reason: row.reason,
  message: row.message,
  size: Number(row.size),
  ...(row.omitted !== '0' && { omitted: Number(row.omitted) }),
  ...(row.replayed_at !== never && { replayedAt: isoTime(row.replayed_at) }),
})

export const letterBytes = async (client: ClickHouseClient, id: string): Promise<Uint8Array | undefined> => {
  const answer = await client.query({
    query: 'SELECT base64Encode(raw) AS bytes FROM karma.dead_letters WHERE id = {id: String} LIMIT 1',
    query_params: { id },
    format: 'JSONEachRow',
  })
  const [row] = await answer.json<{ bytes: string }>()
  return row && Buffer.from(row.bytes, 'base64')
}

/** The row is written once more, with a later version: that one is left when the two are merged. */
export const markLetters = async (client: ClickHouseClient, ids: readonly string[], at: string): Promise<void> => {
  if (ids.length === 0) return
  const columns = 'id, at, topic, partition, offset, key, reason, message, raw, size, omitted'
  await client.command({
    query: `INSERT INTO karma.dead_letters (${columns}, replayed_at)
      SELECT ${columns}, {at: DateTime64(3, 'UTC')} FROM karma.dead_letters FINAL WHERE id IN {ids: Array(String)}`,
    query_params: { ids: [...ids], at: columnTime(at) },
  })
}

/** `2026-01-31 12:00:00.000`, in UTC. */
export const columnTime = (iso: string): string => iso.slice(0, -1).replace('T', ' ')
export const isoTime = (column: string): string => `${column.replace(' ', 'T')}Z`
