import { randomUUID } from 'node:crypto'
import type { ClickHouseClient } from '@clickhouse/client'
import { makeKafkaBus } from '../../../operator/adapters/bus-kafka/bus.ts'
import { openEmbeddedClient } from '../../../operator/adapters/ledger/client.ts'
import { openLedger } from '../../../operator/adapters/ledger/ledger.ts'
import type { Event, Message } from '../../../operator/api/envelope.ts'
import { systemClock } from '../../../operator/runtime/clock.ts'
import { startLedgerSink } from '../../../operator/sinks/ledger.ts'
import { plainKafka } from '../../support/kafka-records.ts'
import { eventOf } from './events.ts'

/**
 * One way from Kafka into the ledger, alone in its process. Arguments: the way, a broker, a folder for the ledger, how
 * many events, and what stands before the name of the topic. Says a line of JSON now and then, and at the end.
 */
export type Way = 'consume' | 'insert' | 'plain' | 'karma'

export interface Line {
  /** events so far */
  readonly done: number
  /** since the first one was handed over, in milliseconds */
  readonly ms: number
  /** processor time of the whole process since then, in milliseconds */
  readonly worked: number
  /** bytes */
  readonly resident: number
  /** of some events, in milliseconds */
  readonly delays?: readonly number[]
}

const [way = '', address = '', folder = '', wanted = '0', prefix = ''] = process.argv.slice(2)
const count = Number(wanted)
const topic = 'events.normalized'
let done = 0
let began: number | undefined
let cpu = process.cpuUsage()
let delays: number[] = []
let said = 0
const over = Promise.withResolvers<void>()

const begin = (): void => {
  if (began !== undefined) return
  began = performance.now()
  cpu = process.cpuUsage()
}
const add = (more: number): void => {
  done += more
  const now = performance.now()
  if (done < count && now - said < 500) return
  said = now
  const { user, system } = process.cpuUsage(cpu)
  const line: Line = {
    done: Math.min(done, count),
    ms: now - (began ?? now),
    worked: (user + system) / 1000,
    resident: process.memoryUsage.rss(),
    ...(delays.length > 0 && { delays }),
  }
  delays = []
  process.stdout.write(`${JSON.stringify(line)}\n`)
  if (done >= count) over.resolve()
}

const openClient = async (): Promise<ClickHouseClient> => {
  const client = await openEmbeddedClient(folder)
  if (!client.ok) throw new Error(client.failure.message)
  return client.value
}
const openTable = async (): Promise<{
  client: ClickHouseClient
  append(messages: readonly Message[]): Promise<void>
}> => {
  const client = await openClient()
  const ledger = await openLedger({ client, where: folder })
  if (!ledger.ok) throw new Error(ledger.failure.message)
  return { client, append: (messages) => ledger.value.append(messages) }
}
const rowOf = (event: Event) => ({
  id: event.id,
  ts: event.ts,
  event_type: event.event_type,
  entity_id: event.entity_id,
  correlation_id: event.correlation_id,
  causation_id: '',
  seq: event.attrs.seq,
  tags: event.tags,
  attrs: JSON.stringify(event.attrs),
  raw: JSON.stringify(event),
})

const consumer = async () => {
  const one = plainKafka(address).consumer({ groupId: randomUUID(), maxWaitTimeInMs: 500 })
  await one.connect()
  await one.subscribe({ topics: [topic], fromBeginning: true })
  return one
}

const ways: Readonly<Record<Way, () => Promise<void>>> = {
  consume: async () => {
    const one = await consumer()
    await one.run({
      eachBatch: async ({ batch }) => {
        begin()
        add(batch.messages.length)
      },
    })
  },
  insert: async () => {
    const { client } = await openTable()
    const size = 5_000
    const slices = Array.from({ length: Math.ceil(count / size) }, (_, slice) =>
      Array.from({ length: Math.min(size, count - slice * size) }, (_, i) => rowOf(eventOf(slice * size + i))),
    )
    begin()
    // Two under way, as ours has: the text of one is built while the engine works on the other.
    const underWay: Promise<void>[] = []
    for (const values of slices) {
      const inserted = client.insert({ table: 'karma.events', values, format: 'JSONEachRow' })
      underWay.push(inserted.then(() => add(values.length)))
      if (underWay.length === 2) await underWay.shift()
    }
  },
  plain: async () => {
    const { client } = await openTable()
    const one = await consumer()
    let rows: unknown[] = []
    await one.run({
      eachMessage: async ({ message }) => {
        begin()
        rows.push(rowOf(JSON.parse(message.value?.toString() ?? '') as Event))
        if (rows.length < 1_000 && done + rows.length < count) return
        await client.insert({ table: 'karma.events', values: rows, format: 'JSONEachRow' })
        add(rows.length)
        rows = []
      },
    })
  },
  karma: async () => {
    const { append } = await openTable()
    const clock = systemClock()
    const log = {
      debug() {},
      info() {},
      warn: (data: object, message: string) => console.error(message, data),
      error() {},
    }
    const bus = makeKafkaBus({ settings: { brokers: [address] }, prefix, clock, backoff: () => 500, log })
    await startLedgerSink({
      bus: {
        subscribe: (events, _group, take) =>
          bus.subscribe(events, randomUUID(), (messages) => {
            begin()
            return take(messages)
          }),
      },
      ledger: {
        append: async (messages) => {
          await append(messages)
          const now = Date.now()
          if (prefix !== '') delays.push(...messages.map(({ event }) => now - Date.parse(event.ts)))
          add(messages.length)
        },
      },
      clock,
      metrics: { appended() {}, failed() {} },
    })
  },
}

const known = ways[way as Way]
if (!known) throw new Error(`expected one of ${Object.keys(ways).join(', ')}, found ${way}`)
await known()
await over.promise
process.exit(0)
