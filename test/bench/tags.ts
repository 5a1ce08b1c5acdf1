import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClickHouseClient } from '@clickhouse/client'
import { openEmbeddedClient } from '../../operator/adapters/ledger/client.ts'
import { openLedger } from '../../operator/adapters/ledger/ledger.ts'
import { type Event, messageOf } from '../../operator/api/envelope.ts'
import type { Ledger } from '../../operator/ports/ledger.ts'
import { median, ok } from './support/cluster.ts'
import type { Bench, Figure, Report } from './support/figure.ts'

const events = 200_000
/** of each event: the values of all of them together are the distinct ones */
const tagsPerEvent = 5
const perInsert = 5_000
const asks = 21
const start = Date.UTC(2026, 0, 1)

/**
 * What tags cost: the ledger as it is, with 1,000 and with 1,000,000 distinct values in the tags of its events, beside a
 * table that has all of it but the tags, and of the values only a column that was made for the one that is asked for.
 * Each gets the same rows as JSON, in inserts of the same size, into the same engine.
 */
const bench: Bench = async (report) => {
  const folder = mkdtempSync(join(tmpdir(), 'karma-tags-'))
  const client = await ok(openEmbeddedClient(folder))
  const ledger = await ok(openLedger({ client: await ok(openEmbeddedClient(folder)), where: folder }))
  try {
    const bare = await measureBare(report, client)
    for (const distinct of [1_000, 1_000_000]) await measureTagged(report, { client, ledger, distinct, bare })
  } finally {
    await ledger.close()
    await client.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
export default bench

interface Times {
  /** milliseconds for all events */
  readonly insert: number
  /** milliseconds, the median of several */
  readonly find: number
  readonly latest: number
}

const eventOf = (n: number, distinct: number): Event => {
  const values = Array.from({ length: tagsPerEvent }, (_, k) => [`tag-${k}`, tagValue(n, k, distinct)])
  return {
    id: `event-${n}-of-${distinct}`.padEnd(64, '0'),
    ts: new Date(start + n * 50).toISOString(),
    event_type: n % 3 === 0 ? 'change.applied' : 'component.committed',
    entity_id: `dev/site/c-${n % 5_000}`,
    correlation_id: `change-${n >> 2}`,
    tags: Object.fromEntries(values),
    attrs: { seq: 1 + (n % 30), reason: 'Applied', message: `as version ${n}`, version: n },
  }
}

/** Scattered, as builds and users are. */
const tagValue = (n: number, k: number, distinct: number): string =>
  `value-${((n * tagsPerEvent + k) * 7_919) % distinct}`

const batches = function* (distinct: number): Generator<Event[]> {
  for (let from = 0; from < events; from += perInsert) {
    yield Array.from({ length: perInsert }, (_, i) => eventOf(from + i, distinct))
  }
}

/** Making the events is not measured. */
const timeOfInserts = async (distinct: number, insert: (batch: Event[]) => Promise<void>): Promise<number> => {
  let ms = 0
  for (const batch of batches(distinct)) ms += await timeOf(() => insert(batch))
  return ms
}

const measureBare = async ({ progress }: Report, client: ClickHouseClient): Promise<Times> => {
  progress(`${events} events without tags`)
  await client.command({
    query: `CREATE TABLE karma.bare (
        id String, ts DateTime64(3, 'UTC') CODEC(Delta, ZSTD), event_type LowCardinality(String), entity_id String,
        correlation_id String, causation_id String, seq UInt64, attrs String CODEC(ZSTD(3)), raw String CODEC(ZSTD(3)),
        tag_0 String, ingested_at DateTime64(3, 'UTC') DEFAULT now64(3),
        INDEX by_correlation correlation_id TYPE bloom_filter(0.01) GRANULARITY 1,
        INDEX by_id id TYPE bloom_filter(0.01) GRANULARITY 1, INDEX by_time ts TYPE minmax GRANULARITY 1
      ) ENGINE = ReplacingMergeTree(ingested_at) PARTITION BY toYYYYMM(ts) ORDER BY (entity_id, event_type, ts, id)
      SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
  })
  const insert = await timeOfInserts(1_000, async (batch) => {
    const values = batch.map(({ tags, ...event }) => ({
      ...event,
      seq: event.attrs.seq,
      attrs: JSON.stringify(event.attrs),
      raw: JSON.stringify(event),
      tag_0: tags['tag-0'],
    }))
    await client.insert({ table: 'karma.bare', values, format: 'JSONEachRow' })
  })
  const find = await medianOf((i) =>
    count(client, 'karma.bare WHERE tag_0 = {value: String}', tagValue(i * 97, 0, 1_000)),
  )
  const latest = await medianOf(async () => {
    const answer = await client.query({
      query: `SELECT id, ts, event_type, entity_id, correlation_id, causation_id, attrs FROM karma.bare
        WHERE ts >= (SELECT min(ts) FROM (SELECT ts FROM karma.bare ORDER BY ts DESC LIMIT 200))
        ORDER BY ts DESC, entity_id DESC, seq DESC, id DESC LIMIT 1 BY id LIMIT 100`,
      format: 'JSONEachRow',
    })
    await answer.json()
  })
  return { insert, find, latest }
}

interface Place {
  readonly client: ClickHouseClient
  readonly ledger: Ledger
  readonly distinct: number
  readonly bare: Times
}

const measureTagged = async (
  { figure, progress }: Report,
  { client, ledger, distinct, bare }: Place,
): Promise<void> => {
  const what = `${distinct.toLocaleString('en')} distinct values`
  progress(`${events} events with ${tagsPerEvent} tags each, ${what}`)
  await client.command({ query: 'TRUNCATE TABLE karma.events' })
  const insert = await timeOfInserts(distinct, (batch) => ledger.append(batch.map(messageOf)))
  await mustHave(client, distinct)
  const find = await medianOf((i) =>
    count(client, `karma.events WHERE tags['tag-0'] = {value: String}`, tagValue(i * 97, 0, distinct)),
  )
  const latest = await medianOf(() => ledger.query({ limit: 100 }))
  figure({
    name: `append of ${events.toLocaleString('en')} events with ${tagsPerEvent} tags, ${what}`,
    value: (1000 * events) / insert,
    unit: 'events/s',
    against: `without tags ${Math.round((1000 * events) / bare.insert)} events/s`,
    ratio: bare.insert / insert,
  })
  figure(milliseconds(`… count of one value of one tag, p50 of ${asks}`, find, bare.find, 'a column of its own'))
  figure(milliseconds(`… newest 100 events, p50 of ${asks}`, latest, bare.latest, 'without tags'))
}

const milliseconds = (name: string, value: number, peer: number, against: string): Figure => ({
  name,
  value,
  unit: 'ms',
  against: `${against} ${peer.toFixed(1)} ms`,
  ratio: peer / value,
})

/** What is measured is what was meant. */
const mustHave = async (client: ClickHouseClient, distinct: number): Promise<void> => {
  const answer = await client.query({
    query: 'SELECT toUInt32(uniqExact(value)) AS found FROM karma.events ARRAY JOIN mapValues(tags) AS value',
    format: 'JSONEachRow',
  })
  const [row] = await answer.json<{ found: number }>()
  if (row?.found !== distinct) throw new Error(`tags: expected ${distinct} distinct values, found ${row?.found}`)
}

const count = async (client: ClickHouseClient, from: string, value: string): Promise<void> => {
  const answer = await client.query({
    query: `SELECT toUInt32(uniqExact(id)) AS found FROM ${from}`,
    query_params: { value },
    format: 'JSONEachRow',
  })
  const [row] = await answer.json<{ found: number }>()
  if (!row?.found) throw new Error(`tags: expected events with ${value}, found none`)
}

const medianOf = async (run: (i: number) => Promise<unknown>): Promise<number> => {
  const times: number[] = []
  // The first does not count: what is read is in no cache yet.
  for (let i = 0; i <= asks; i++) times.push(await timeOf(() => run(i)))
  return median(times.slice(1))
}

const timeOf = async (run: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now()
  await run()
  return performance.now() - begun
}
