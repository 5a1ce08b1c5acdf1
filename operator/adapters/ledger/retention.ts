import type { ClickHouseClient } from '@clickhouse/client'

/**
 * Events older than so many days leave when parts are merged; undefined: everything stays. Written only when it is not so
 * already, for each change makes the engine go through what there is. A DateTime ends in 2106 and would begin again, so
 * what is due later is due then.
 */
export const keepFor = async (client: ClickHouseClient, days: number | undefined): Promise<void> => {
  const answer = await client.query({
    query: `SELECT engine_full FROM system.tables WHERE database = 'karma' AND name = 'events'`,
    format: 'JSONEachRow',
  })
  const [table] = await answer.json<{ engine_full: string }>()
  const found = /\bTTL\b.*?toIntervalDay\(\D*(\d+)/.exec(table?.engine_full ?? '')?.[1]
  if (found === (days === undefined ? undefined : String(days))) return
  if (days === undefined) {
    await client.command({ query: 'ALTER TABLE karma.events REMOVE TTL' })
    return
  }
  await client.command({
    query: `ALTER TABLE karma.events MODIFY TTL
      toDateTime(least(ts + toIntervalDay({days: UInt32}), toDateTime64('2106-01-01 00:00:00', 3, 'UTC')))`,
    query_params: { days },
  })
}
