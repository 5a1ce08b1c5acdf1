import type { ClickHouseClient } from '@clickhouse/client'

/** Each with the time that it is about. */
const tables = { events: 'ts', dead_letters: 'at' } as const

/**
 * What is older than so many days leaves when parts are merged; undefined: everything stays. Written only when it is not
 * so already, for each change makes the engine go through what there is. A DateTime ends in 2106 and would begin again, so
 * what is due later is due then.
 */
export const keepFor = async (client: ClickHouseClient, days: number | undefined): Promise<void> => {
  for (const [table, time] of Object.entries(tables)) await keepRowsFor(client, { table, time, days })
}

interface Keeping {
  readonly table: string
  readonly time: string
  readonly days: number | undefined
}

const keepRowsFor = async (client: ClickHouseClient, { table, time, days }: Keeping): Promise<void> => {
  const answer = await client.query({
    query: `SELECT engine_full FROM system.tables WHERE database = 'karma' AND name = {table: String}`,
    query_params: { table },
    format: 'JSONEachRow',
  })
  const [found] = await answer.json<{ engine_full: string }>()
  const kept = /\bTTL\b.*?toIntervalDay\(\D*(\d+)/.exec(found?.engine_full ?? '')?.[1]
  if (kept === (days === undefined ? undefined : String(days))) return
  if (days === undefined) {
    await client.command({ query: `ALTER TABLE karma.${table} REMOVE TTL` })
    return
  }
  await client.command({
    query: `ALTER TABLE karma.${table} MODIFY TTL
      toDateTime(least(${time} + toIntervalDay({days: UInt32}), toDateTime64('2106-01-01 00:00:00', 3, 'UTC')))`,
    query_params: { days },
  })
}
