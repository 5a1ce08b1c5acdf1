import { deadLetterStatements } from './dead-letters.ts'
import { clearerViews, viewStatements } from './views.ts'

/** One step of the ledger's schema. Each statement may be run again without harm, and is never edited once released. */
export interface Migration {
  readonly number: number
  readonly name: string
  readonly statements: readonly string[]
}

/**
 * `karma.events`: one row per event, rows of one id collapse when parts are merged; reads count distinct ids and do not
 * wait for that. The key holds only what is a function of the id, else rows of one id would never meet.
 * `attrs` is the event's JSON text: ClickHouse's JSON type loses nulls, key order and `{"a.b": 1}`, and refuses some
 * objects outright, which an append-only record must not. `raw` is the message as it came, for what no column shows. fsync, because the publisher forgets what was acknowledged.
 */
export const migrations: readonly Migration[] = [
  {
    number: 1,
    name: 'events',
    statements: [
      `CREATE TABLE IF NOT EXISTS karma.events (
        id String,
        ts DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
        event_type LowCardinality(String),
        entity_id String,
        correlation_id String,
        causation_id String,
        seq UInt64,
        tags Map(LowCardinality(String), String),
        attrs String CODEC(ZSTD(3)),
        ingested_at DateTime64(3, 'UTC') DEFAULT now64(3),
        INDEX by_correlation correlation_id TYPE bloom_filter(0.01) GRANULARITY 1,
        INDEX by_id id TYPE bloom_filter(0.01) GRANULARITY 1,
        INDEX by_time ts TYPE minmax GRANULARITY 1
      )
      ENGINE = ReplacingMergeTree(ingested_at)
      PARTITION BY toYYYYMM(ts)
      ORDER BY (entity_id, event_type, ts, id)
      SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
    ],
  },
  {
    number: 2,
    name: 'raw',
    statements: ['ALTER TABLE karma.events ADD COLUMN IF NOT EXISTS raw String CODEC(ZSTD(3)) AFTER attrs'],
  },
  { number: 3, name: 'views', statements: viewStatements },
  {
    number: 4,
    name: 'dead letters',
    statements: [
      ...deadLetterStatements,
      // Whoever follows asks for what came last: parts that are older than that need not be read.
      'ALTER TABLE karma.events ADD INDEX IF NOT EXISTS by_arrival ingested_at TYPE minmax GRANULARITY 1',
    ],
  },
  { number: 5, name: 'clearer views', statements: clearerViews },
]
