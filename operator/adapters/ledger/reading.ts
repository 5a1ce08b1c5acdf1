import type { ClickHouseClient } from '@clickhouse/client'
import { type Event, type Message, messageOf } from '../../api/envelope.ts'
import type { Arrived, EventFilter, Happened, LedgerQuery, Page } from '../../ports/ledger.ts'
import { columnTime, isoTime } from './dead-letters.ts'
import { eventOfRow, type Row } from './rows.ts'

/*
 * Values travel as parameters, never in the text. `LIMIT 1 BY id`: a row that came twice may not be merged yet.
 * The rows of a long ledger are found by their time alone, and only these are sorted whole (a million rows: 0.1 s instead
 * of 1.2 s): each question has one within it that reads the times of twice as many rows as are asked for.
 */

interface Selection {
  readonly conditions: readonly string[]
  readonly params: Readonly<Record<string, unknown>>
}

const members = 'id, ts, event_type, entity_id, correlation_id, causation_id, tags, attrs'

const selectionOf = (filter: EventFilter): Selection => {
  const { correlationId, entityId, namespace, environment, eventTypes, tags = {}, from, to } = filter
  const conditions: string[] = []
  const params: Record<string, unknown> = {}
  const also = (condition: string, name: string, value: unknown): void => {
    conditions.push(condition)
    params[name] = value
  }
  if (correlationId !== undefined) also('correlation_id = {correlationId: String}', 'correlationId', correlationId)
  if (entityId !== undefined) also('entity_id = {entityId: String}', 'entityId', entityId)
  if (namespace !== undefined) also('startsWith(entity_id, {prefix: String})', 'prefix', `${namespace}/`)
  if (environment !== undefined) also("tags['environment'] = {environment: String}", 'environment', environment)
  if (eventTypes !== undefined) also('event_type IN {eventTypes: Array(String)}', 'eventTypes', [...eventTypes])
  for (const [n, [key, value]] of Object.entries(tags).entries()) {
    params[`key${n}`] = key
    // A tag that is not there reads as an empty one.
    also(`mapContains(tags, {key${n}: String}) AND tags[{key${n}: String}] = {value${n}: String}`, `value${n}`, value)
  }
  if (from !== undefined) also(`ts >= {from: DateTime64(3, 'UTC')}`, 'from', timeParam(from))
  if (to !== undefined) also(`ts < {to: DateTime64(3, 'UTC')}`, 'to', timeParam(to))
  return { conditions, params }
}

const timeParam = (ms: number): string => columnTime(new Date(ms).toISOString())

const whereOf = (conditions: readonly string[]): string =>
  conditions.map((condition, i) => `${i === 0 ? 'WHERE' : 'AND'} ${condition}`).join(' ')

export const findEvents = async (client: ClickHouseClient, query: LedgerQuery): Promise<Event[]> => {
  if (query.correlationId !== undefined) return (await select(client, query, false)).map(eventOfRow)
  const newest = await select(client, query, true)
  // Rows that came twice may make the newest too few, and then everything is looked through.
  const isEnough = newest.length === query.limit || newest.every(({ whole }) => whole === 1)
  return (isEnough ? newest : await select(client, query, false)).map(eventOfRow)
}

/** A row, and whether those looked through were all that there are. */
type FoundRow = Row & { readonly whole?: number }

const select = async (client: ClickHouseClient, query: LedgerQuery, recent: boolean): Promise<FoundRow[]> => {
  const { correlationId, limit } = query
  const { conditions, params } = selectionOf(query)
  const direction = correlationId === undefined ? 'DESC' : 'ASC'
  const order = ['ts', 'entity_id', 'seq', 'id'].map((column) => `${column} ${direction}`).join(', ')
  const newest = `SELECT ts FROM karma.events ${whereOf(conditions)} ORDER BY ts DESC LIMIT {reach: UInt32}`
  const [begin, all] = recent
    ? [
        `WITH (SELECT (min(ts), count()) FROM (${newest})) AS reached SELECT reached.2 < {reach: UInt32} AS whole,`,
        [...conditions, 'ts >= reached.1'],
      ]
    : ['SELECT', conditions]
  const answer = await client.query({
    query: `${begin} ${members} FROM karma.events ${whereOf(all)} ORDER BY ${order} LIMIT 1 BY id LIMIT {limit: UInt32}`,
    query_params: { ...params, limit, ...(recent && { reach: limit * 2 }) },
    format: 'JSONEachRow',
  })
  return await answer.json<FoundRow>()
}

const happening = ['ts', 'entity_id', 'seq', 'id']

/** Behind this event, where rows are in the order of these columns. */
const behind = (after: Happened | undefined, columns: readonly string[], values: readonly string[]): string[] =>
  after === undefined
    ? []
    : // The first of them alone leaves out most of what need not be read.
      [`${columns[0]} >= ${values[0]}`, `(${columns.join(', ')}) > (${values.join(', ')})`]

const behindHappened = [
  `{afterTs: DateTime64(3, 'UTC')}`,
  '{afterEntity: String}',
  '{afterSeq: UInt64}',
  '{afterId: String}',
]
const behindArrived = [`{afterAt: DateTime64(3, 'UTC')}`, ...behindHappened]

const paramsOf = (after: Happened | undefined): Readonly<Record<string, unknown>> =>
  after === undefined
    ? {}
    : { afterTs: columnTime(after.ts), afterEntity: after.entityId, afterSeq: after.seq, afterId: after.id }

const placeOf = (row: Row): Happened => ({
  ts: isoTime(row.ts),
  entityId: row.entity_id,
  seq: Number(row.seq),
  id: row.id,
})

/** Bytes of messages in one page, beyond the first. */
const pageBytes = 16 * 1024 * 1024

export const happened = async (
  client: ClickHouseClient,
  filter: EventFilter,
  { after, limit }: { after?: Happened; limit: number },
): Promise<Page<Message, Happened>> => {
  const selection = selectionOf(filter)
  const conditions = [...selection.conditions, ...behind(after, happening, behindHappened)]
  const order = happening.join(', ')
  const next = `SELECT ts FROM karma.events ${whereOf(conditions)} ORDER BY ts LIMIT {reach: UInt32}`
  const page = `SELECT ${members}, seq, raw FROM karma.events
    ${whereOf([...conditions, `ts <= (SELECT max(ts) FROM (${next}))`])}
    ORDER BY ${order} LIMIT 1 BY id LIMIT {limit: UInt32}`
  const answer = await client.query({
    query: `SELECT * FROM (
        SELECT *, sum(length(raw)) OVER (ORDER BY ${order} ROWS UNBOUNDED PRECEDING) AS bytes FROM (${page})
      ) WHERE bytes - length(raw) < {pageBytes: UInt64} ORDER BY ${order}`,
    query_params: { ...selection.params, ...paramsOf(after), limit, reach: limit * 2, pageBytes },
    format: 'JSONEachRow',
  })
  const rows = await answer.json<Row>()
  const last = rows.at(-1)
  return { items: rows.map(messageOfRow), ...(last && { last: placeOf(last) }) }
}

/** Rows that are older than the column have no message as it came. */
const messageOfRow = (row: Row): Message => {
  const event = eventOfRow(row)
  return row.raw ? { event, raw: row.raw } : messageOf(event)
}

export const arrived = async (
  client: ClickHouseClient,
  filter: EventFilter,
  { after, limit }: { after?: Arrived; limit: number },
): Promise<Page<Event, Arrived>> => {
  const selection = selectionOf(filter)
  const columns = ['ingested_at', ...happening]
  const conditions = [...selection.conditions, ...behind(after, columns, behindArrived)]
  const [direction, bound] = after === undefined ? ['DESC', '>= (SELECT min'] : ['ASC', '<= (SELECT max']
  const near = `SELECT ingested_at FROM karma.events ${whereOf(conditions)}
    ORDER BY ingested_at ${direction} LIMIT {reach: UInt32}`
  const answer = await client.query({
    query: `SELECT ${members}, seq, ingested_at FROM karma.events
      ${whereOf([...conditions, `ingested_at ${bound}(ingested_at) FROM (${near}))`])}
      ORDER BY ${columns.map((column) => `${column} ${direction}`).join(', ')} LIMIT 1 BY id LIMIT {limit: UInt32}`,
    query_params: {
      ...selection.params,
      ...paramsOf(after),
      ...(after && { afterAt: timeParam(after.at) }),
      limit,
      reach: limit * 2,
    },
    format: 'JSONEachRow',
  })
  const rows = await answer.json<Row & { ingested_at: string }>()
  if (after === undefined) rows.reverse()
  const last = rows.at(-1)
  return {
    items: rows.map(eventOfRow),
    ...(last && { last: { ...placeOf(last), at: Date.parse(isoTime(last.ingested_at)) } }),
  }
}

export const countOf = async (client: ClickHouseClient, filter: EventFilter): Promise<number> => {
  const { conditions, params } = selectionOf(filter)
  const answer = await client.query({
    query: `SELECT uniqExact(id) AS events FROM karma.events ${whereOf(conditions)}`,
    query_params: params,
    format: 'JSONEachRow',
  })
  const [row] = await answer.json<{ events: string }>()
  return Number(row?.events ?? 0)
}
