import type { ClickHouseClient } from '@clickhouse/client'
import type { Json } from '../../api/kinds.generated.ts'
import type { View } from '../../core/event/views.ts'
import type { Stats, StatsQuery } from '../../ports/ledger.ts'

/** The view that answers, and what comes first in the answer. */
const tables: Readonly<Record<View, { readonly name: string; readonly order: string }>> = {
  outcomes: { name: 'outcomes', order: 'namespace, environment' },
  'lead-time': { name: 'lead_time', order: 'namespace, environment' },
  'queue-wait': { name: 'queue_wait', order: 'namespace, environment' },
  blocked: { name: 'blocked', order: 'waited_ms DESC, namespace, environment, reason, blocker, component' },
  affected: { name: 'affected', order: 'requested_at DESC, namespace, change, component' },
  actions: { name: 'actions', order: 'namespace, environment, action' },
  timeline: { name: 'timeline', order: 'at DESC, namespace, component, event, message' },
  invalidations: { name: 'invalidations', order: 'changes DESC, namespace, environment, component, dependent' },
  'first-commits': { name: 'first_commits', order: 'namespace, environment, type' },
  drift: { name: 'drift', order: 'namespace, environment' },
}

/** Asks one of the views. */
export const statsFrom = async (client: ClickHouseClient, query: StatsQuery): Promise<Stats> => {
  const { view, namespace, environment, since = 0, limit } = query
  const { name, order } = tables[view]
  const conditions = [
    ...(namespace === undefined ? [] : ['namespace = {namespace: String}']),
    ...(environment === undefined ? [] : ['environment = {environment: String}']),
  ]
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''
  const answer = await client.query({
    query: `SELECT * FROM karma.${name}(since = {from: DateTime64(3, 'UTC')}) ${where}
      ORDER BY ${order} LIMIT {limit: UInt32}`,
    query_params: {
      from: new Date(since).toISOString().slice(0, -1).replace('T', ' '),
      limit,
      ...(namespace !== undefined && { namespace }),
      ...(environment !== undefined && { environment }),
    },
    format: 'JSON',
  })
  const { meta = [], data } = await answer.json<Record<string, Json>>()
  return {
    columns: meta.map((column) => column.name),
    rows: data.map((row) =>
      Object.fromEntries(meta.map((column) => [column.name, read(row[column.name] ?? null, column.type)])),
    ),
  }
}

/** Times as in an event, and numbers as numbers: those of 64 bits come as texts. */
const read = (value: Json, type: string): Json => {
  if (typeof value !== 'string') return value
  if (type.includes('DateTime64')) return `${value.replace(' ', 'T')}Z`
  return /^(Nullable\()?U?Int64/.test(type) ? Number(value) : value
}
