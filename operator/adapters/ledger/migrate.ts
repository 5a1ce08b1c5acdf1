import { hash } from 'node:crypto'
import type { ClickHouseClient } from '@clickhouse/client'
import { failure, type Result, success } from '../../api/result.ts'
import type { Migration } from './migrations.ts'

interface Applied {
  readonly number: number
  readonly name: string
  readonly sum: string
}

/**
 * Brings the schema to the newest migration. A crash in between is repaired by running again. Fails with
 * `LedgerNewer` when the data were written by a newer version, `LedgerDiffers` when a released migration was edited.
 */
export const migrate = async (
  client: ClickHouseClient,
  migrations: readonly Migration[],
  where: string,
): Promise<Result<number>> => {
  await client.command({ query: 'CREATE DATABASE IF NOT EXISTS karma ENGINE = Atomic' })
  await client.command({
    query: `CREATE TABLE IF NOT EXISTS karma.migrations (
      number UInt32, name String, sum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
    ) ENGINE = ReplacingMergeTree ORDER BY number SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`,
  })
  const answer = await client.query({
    query: 'SELECT number, any(name) AS name, any(sum) AS sum FROM karma.migrations GROUP BY number ORDER BY number',
    format: 'JSONEachRow',
  })
  const applied = await answer.json<Applied>()
  const fault = compare(applied, migrations, where)
  if (fault) return fault
  for (const migration of migrations.slice(applied.length)) await apply(client, migration)
  return success(migrations.length)
}

const apply = async (client: ClickHouseClient, migration: Migration): Promise<void> => {
  const { number, name, statements } = migration
  for (const query of statements) await client.command({ query })
  const row: Applied = { number, name, sum: sumOf(migration) }
  await client.insert({
    table: 'karma.migrations',
    columns: ['number', 'name', 'sum'],
    values: [row],
    format: 'JSONEachRow',
  })
}

const compare = (
  applied: readonly Applied[],
  known: readonly Migration[],
  where: string,
): Result<never> | undefined => {
  for (const [i, { number, name, sum }] of applied.entries()) {
    const migration = known[i]
    if (!migration) {
      const message = `ledger in ${where}: has migration ${number} (${name}), this version knows ${known.length}; run the newer version`
      return failure({ reason: 'LedgerNewer', message, retry: false })
    }
    if (sum !== sumOf(migration)) {
      const message = `ledger in ${where}: migration ${number}: expected ${migration.name} ${sumOf(migration)}, found ${name} ${sum}`
      return failure({ reason: 'LedgerDiffers', message, retry: false })
    }
  }
  return undefined
}

const sumOf = ({ statements }: Migration): string => hash('sha256', statements.join(';\n')).slice(0, 16)
