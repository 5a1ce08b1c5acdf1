import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Broker, startBroker } from '../cluster/kafka.ts'
import { plainKafka } from '../support/kafka-records.ts'
import { median } from './support/cluster.ts'
import { makeLoad } from './support/events.ts'
import { type Bench, type Report, rounded } from './support/figure.ts'
import type { Line, Way } from './support/ingest-process.ts'

const events = 300_000
const rounds = 3
const many = 5_000_000
const topic = 'events.normalized'
/** before the topic on which delays are measured */
const delayed = 'delayed.'

/**
 * From Apache Kafka into the ledger, beside what bounds it: a consumer of kafkajs that does nothing with what it gets,
 * inserts of rows that are ready, and the pipeline as it is written first (eachMessage, JSON.parse, an insert for each
 * 1,000 rows). Each runs in a process of its own, on the same events, which are of about 500 bytes.
 */
const bench: Bench = async (report) => {
  report.progress('starting Apache Kafka')
  const broker = await startBroker({ heap: '1g', measured: true })
  try {
    await createTopics(broker)
    await fill(broker, 0, events)
    const rate = await measureRates(report, broker)
    await measureDelay(report, broker, rate / 2)
    await measureMemory(report, broker)
  } finally {
    await broker.close()
  }
}
export default bench

const fill = async (broker: Broker, from: number, count: number): Promise<void> => {
  const load = await makeLoad(plainKafka(broker.address), topic)
  await load.send(from, count)
  await load.end()
}

const createTopics = async (broker: Broker): Promise<void> => {
  const admin = plainKafka(broker.address).admin()
  await admin.connect()
  await admin.createTopics({
    topics: [topic, `${delayed}${topic}`].map((name) => ({ topic: name, numPartitions: 3, replicationFactor: 1 })),
  })
  await admin.disconnect()
}

const ways: readonly Way[] = ['consume', 'insert', 'plain', 'karma']

/** Resolves with the events per second of ours. */
const measureRates = async ({ figure, progress }: Report, broker: Broker): Promise<number> => {
  const rates: Record<Way, number[]> = { consume: [], insert: [], plain: [], karma: [] }
  for (let round = 1; round <= rounds; round++) {
    for (const way of ways) {
      progress(`${events} events, round ${round} of ${rounds}: ${way}`)
      const last = (await run(broker, way, events)).at(-1)
      rates[way].push((1000 * events) / (last?.ms ?? Number.NaN))
    }
  }
  const ours = median(rates.karma)
  const [consume, insert] = [median(rates.consume), median(rates.insert)]
  const unit = 'events/s'
  figure({ name: 'Kafka -> ledger, bare consume', value: consume, unit })
  figure({ name: 'Kafka -> ledger, bare insert', value: insert, unit })
  figure({ name: 'Kafka -> ledger, the plain pipeline', value: median(rates.plain), unit })
  const ceiling = Math.min(consume, insert)
  figure({
    name: `Kafka -> ledger beside the lower ceiling, ${events} events`,
    value: ours,
    unit,
    against: `${ceiling === consume ? 'bare consume' : 'bare insert'} ${rounded(ceiling)} ${unit}`,
    ratio: ours / ceiling,
    budget: { of: 'ratio', atLeast: 0.8 },
  })
  return ours
}

/** From the broker's time of a message to the moment when it can be found. */
const measureDelay = async ({ figure, progress }: Report, broker: Broker, rate: number): Promise<void> => {
  const seconds = 20
  progress(`${Math.round(rate)} events a second for ${seconds} s`)
  const count = Math.round(rate * seconds)
  const load = await makeLoad(plainKafka(broker.address), `${delayed}${topic}`)
  // The consumer is in its group when the first ones have come through; they do not count.
  const first = 100
  const isUp = Promise.withResolvers<void>()
  const running = run(broker, 'karma', first + count, {
    prefix: delayed,
    onLine: () => isUp.resolve(),
  })
  await load.send(count, first, 'now')
  await Promise.race([isUp.promise, running])
  const began = performance.now()
  const slice = Math.max(1, Math.round(rate / 20))
  for (let done = 0; done < count; done += slice) {
    const wait = began + (1000 * done) / rate - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    await load.send(done, Math.min(slice, count - done), 'now')
  }
  await load.end()
  const delays = (await running)
    .flatMap(({ delays = [] }) => delays)
    .slice(first)
    .toSorted((a, b) => a - b)
  const at = (share: number): number => delays[Math.floor(share * (delays.length - 1))] ?? Number.NaN
  figure({ name: 'from the broker to where it can be found, half load, median', value: at(0.5), unit: 'ms' })
  figure({ name: 'from the broker to where it can be found, half load, p99', value: at(0.99), unit: 'ms' })
}

const measureMemory = async ({ figure, progress }: Report, broker: Broker): Promise<void> => {
  progress(`${many} events for memory`)
  await fill(broker, events, many - events)
  const lines = await run(broker, 'karma', many)
  const residentIn = (quarter: number): number =>
    median(
      lines.flatMap(({ done, resident }) => (Math.ceil((4 * done) / many) === quarter ? [resident / 2 ** 20] : [])),
    )
  const [second, last] = [residentIn(2), residentIn(4)]
  figure({
    name: `resident memory, last quarter of ${many} events beside the second`,
    value: last,
    unit: 'MiB',
    against: `second quarter ${rounded(second)} MiB`,
    ratio: last / second,
    budget: { of: 'ratio', atMost: 1.1 },
  })
}

/** A process that takes so many events and ends. Resolves with what it said, line by line. */
const run = async (
  broker: Broker,
  way: Way,
  count: number,
  { prefix = '', onLine = () => {} }: { prefix?: string; onLine?: (line: Line) => unknown } = {},
): Promise<Line[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'karma-ingest-'))
  const program = join(import.meta.dirname, 'support/ingest-process.ts')
  const args = [program, way, broker.address, folder, String(count), prefix]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: Line[] = []
  try {
    for await (const text of createInterface({ input: child.stdout })) {
      const line = JSON.parse(text) as Line
      lines.push(line)
      onLine(line)
    }
    if (lines.at(-1)?.done !== count) throw new Error(`${way}: expected ${count} events, found ${lines.at(-1)?.done}`)
    return lines
  } finally {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
