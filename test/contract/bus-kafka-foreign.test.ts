import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import { makeKafkaBus } from '../../operator/adapters/bus-kafka/bus.ts'
import type { DeadLetter } from '../../operator/api/dead-letter.ts'
import type { Message } from '../../operator/api/envelope.ts'
import type { Bus } from '../../operator/ports/bus.ts'
import { systemClock } from '../../operator/runtime/clock.ts'
import { type Broker, findKafka, startBroker } from '../cluster/kafka.ts'
import { plainKafka, recordsOf } from '../support/kafka-records.ts'
import { busEvent, eventually } from './bus.ts'

const topic = 'events.normalized'
const deadLetters = `${topic}.dead-letters`

describe('bus: Apache Kafka, with what others write', function () {
  this.timeout(120_000)
  let broker: Broker
  let bus: Bus
  const messages: Message[] = []
  const letters: DeadLetter[] = []

  before(async function () {
    this.timeout(10 * 60_000)
    broker = await startBroker({ settings: { 'message.max.bytes': String(8 * 1024 * 1024) } })
    bus = makeKafkaBus({
      settings: { brokers: [broker.address] },
      prefix: '',
      clock: systemClock(),
      backoff: () => 50,
      log: { debug() {}, info() {}, warn() {}, error() {} },
    })
    await bus.subscribe(topic, 'g', async (more) => void messages.push(...more))
    await bus.subscribeToDeadLetters(topic, 'g', async (more) => void letters.push(...more))
    await bus.publish(topic, [busEvent('first', 1)])
    await eventually('the first event', () => messages.length > 0)
  })
  after(async () => {
    await bus?.close()
    await broker?.close()
  })

  const event = (id: string, over: object = {}): string => JSON.stringify({ ...busEvent(id, 1), ...over })
  const send = async (...values: (string | Buffer | null)[]): Promise<void> => {
    const producer = plainKafka(broker.address).producer()
    await producer.connect()
    for (const value of values) await producer.send({ topic, messages: [{ key: 'k', value }] })
    await producer.disconnect()
  }

  const bad: readonly [string, string | Buffer | null, RegExp][] = [
    ['not JSON', 'not JSON', /JSON/],
    ['a text that is cut off', event('cut').slice(0, -1), /JSON/],
    ['no value', null, /./],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), /UTF-8/],
    ['a list', '[1, 2]', /object/],
    ['no id', event('a', { id: undefined }), /id/],
    ['an entity that is a number', event('a', { entity_id: 5 }), /entity_id/],
    ['a bad time', event('a', { ts: 'yesterday' }), /ts/],
    ['a time of long ago', event('a', { ts: '0001-01-01T00:00:00Z' }), /ts/],
    ['5 MiB', event('a', { attrs: { text: 'x'.repeat(5 * 1024 * 1024) } }), /./],
    ['deep nesting', event('a').replace('"attrs":{', `"attrs":{"deep":${'['.repeat(5_000)}${']'.repeat(5_000)},`), /./],
    ['a reserved key', event('a').replace('"attrs":{', '"attrs":{"__proto__":{"x":1},'), /__proto__/],
    [
      '10,000 tags',
      event('a', { tags: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`t${i}`, ''])) }),
      /tags/,
    ],
    ['a tag that is no text', event('a', { tags: { one: 1 } }), /tags/],
  ]

  for (const [what, value, message] of bad) {
    it(`puts ${what} aside, with where it was, why, and its bytes; the stream goes on`, async () => {
      const [from, since] = [letters.length, messages.length]
      await send(value, event(`after-${what}`))
      await eventually('a dead letter', () => letters.length > from)
      await eventually('the event behind it', () => messages.length > since)
      const [letter, ...others] = letters.slice(from)
      assert.deepEqual(others, [])
      const written = (await recordsOf(broker.address, topic)).find(
        ({ partition, offset }) => partition === letter?.partition && offset === letter.offset,
      )
      assert.ok(written && letter)
      assert.equal(letter.topic, topic)
      assert.equal(letter.key, 'k')
      assert.equal(letter.at, new Date(Number(written.timestamp)).toISOString())
      assert.ok(Buffer.from(letter.raw).equals(written.value ?? Buffer.alloc(0)))
      assert.match(letter.message, message)
      assert.ok(letter.message.length < 1_000, `${letter.message.length} characters`)
      assert.match(messages.at(-1)?.event.id ?? '', /^after-/)
    })
  }

  it('and each is in the topic of dead letters once', async () => {
    const records = await recordsOf(broker.address, deadLetters)
    assert.equal(records.length, bad.length)
    assert.equal(
      new Set(records.map(({ headers }) => `${headers?.karma_partition} ${headers?.karma_offset}`)).size,
      bad.length,
    )
  })

  describe('compressed', () => {
    const { GZIP, LZ4, Snappy, ZSTD } = kafkajs.CompressionTypes
    const compressions = { gzip: GZIP, snappy: Snappy, lz4: LZ4, zstd: ZSTD }
    const lines = Object.fromEntries(
      Object.keys(compressions).map((name) => {
        const text = (i: number): string => `ü${i}`.repeat(20)
        return [name, Array.from({ length: 300 }, (_, i) => event(`${name}-${i}`, { attrs: { text: text(i) } }))]
      }),
    )

    // One process for all: it translates the program and starts Java's client, 3 s of processor time each time.
    before(async () => {
      const jars = join((await findKafka()).jars, '*')
      const program = join(import.meta.dirname, '../support/Produce.java')
      const java = spawn('java', ['-XX:TieredStopAtLevel=1', '-cp', jars, program, broker.address, topic], {
        stdio: ['pipe', 'ignore', 'pipe'],
      })
      const input = Object.entries(lines).flatMap(([name, all]) => all.slice(100).map((line) => `${name} ${line}`))
      java.stdin.end(input.join('\n'))
      const said: Buffer[] = []
      java.stderr.on('data', (data: Buffer) => said.push(data))
      const [code] = await once(java, 'close')
      assert.equal(code, 0, Buffer.concat(said).toString())
    })

    for (const [name, compression] of Object.entries(compressions)) {
      it(`reads ${name} of kafkajs and of Java’s client`, async () => {
        const all = lines[name] ?? []
        const producer = plainKafka(broker.address).producer()
        await producer.connect()
        await producer.send({ topic, compression, messages: all.slice(0, 100).map((value) => ({ value })) })
        await producer.disconnect()
        const own = () => messages.filter(({ event: { id } }) => id.startsWith(`${name}-`))
        await eventually('all 300', () => own().length >= 300)
        assert.deepEqual(
          own()
            .map(({ raw }) => raw)
            .toSorted(),
          all.toSorted(),
        )
      })
    }
  })

  it('writes what others can read: CloudEvents headers beside the envelope', async () => {
    const published = { ...busEvent('cloud', 7), causation_id: 'c-1' }
    await bus.publish(topic, [published])
    const found = (await recordsOf(broker.address, topic)).find(
      ({ headers }) => headers?.ce_id?.toString() === published.id,
    )
    assert.ok(found)
    assert.equal(found.key?.toString(), published.entity_id)
    assert.deepEqual(JSON.parse(found.value?.toString() ?? ''), published)
    assert.deepEqual(
      Object.fromEntries(Object.entries(found.headers ?? {}).map(([name, value]) => [name, value?.toString()])),
      {
        ce_specversion: '1.0',
        ce_id: published.id,
        ce_type: published.event_type,
        ce_source: '/usekarma.dev/dev',
        ce_subject: published.entity_id,
        ce_time: published.ts,
        ce_correlationid: published.correlation_id,
        ce_causationid: 'c-1',
        'content-type': 'application/json',
      },
    )
  })
})
