import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeKafkaBus } from '../../operator/adapters/bus-kafka/bus.ts'
import type { KafkaSettings, SignToken } from '../../operator/adapters/bus-kafka/connection.ts'
import type { Event } from '../../operator/api/envelope.ts'
import type { Bus } from '../../operator/ports/bus.ts'
import { systemClock } from '../../operator/runtime/clock.ts'
import { type Broker, startBroker } from '../cluster/kafka.ts'
import { plainKafka, recordsOf } from '../support/kafka-records.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { busEvent, eventually } from './bus.ts'

const topic = 'events.normalized'

describe('bus: Apache Kafka, when things go wrong', function () {
  this.timeout(180_000)
  let broker: Broker
  let proxy: TcpProxy
  const buses: Bus[] = []
  let made = 0

  before(async function () {
    this.timeout(10 * 60_000)
    proxy = await startTcpProxy(() => broker.port)
    broker = await startBroker({ secure: true, advertised: proxy.port })
  })
  afterEach(async () => {
    proxy.fault = 'pass'
    await Promise.all(buses.splice(0).map((bus) => bus.close()))
  })
  after(async () => {
    await broker?.close()
    await proxy?.close()
  })

  const open = ({
    settings = { brokers: [`127.0.0.1:${proxy.port}`] },
    prefix = `f${made++}.`,
    signToken,
    warned = [],
  }: {
    settings?: KafkaSettings
    prefix?: string
    signToken?: SignToken
    warned?: string[]
  } = {}) => {
    const warn = (data: object) => void warned.push(String((data as { message?: unknown }).message))
    const bus = makeKafkaBus({
      settings,
      prefix,
      clock: systemClock(),
      backoff: (failures) => Math.min(500, 50 * failures),
      log: { debug() {}, info() {}, warn, error: warn },
      ...(signToken && { signToken }),
    })
    buses.push(bus)
    return { bus, prefix }
  }
  const taker = async (bus: Bus) => {
    const taken: string[] = []
    await bus.subscribe(topic, 'g', async (messages) => void taken.push(...messages.map(({ event }) => event.id)))
    return taken
  }
  /** As the relay does: until the bus has them. */
  const insist = async (bus: Bus, events: readonly Event[]): Promise<number> => {
    for (let failures = 0; ; failures++) {
      try {
        await bus.publish(topic, events)
        return failures
      } catch {
        await sleep(100)
      }
    }
  }
  const several = (entity: string, from: number, count: number): Event[] =>
    Array.from({ length: count }, (_, i) => busEvent(entity, from + i))
  const idsIn = async (prefix: string): Promise<string[]> =>
    (await recordsOf(broker.address, `${prefix}${topic}`)).map(({ headers }) => headers?.ce_id?.toString() ?? '')
  const inOrder = (ids: readonly string[], entity: string): string[] =>
    [...new Set(ids)].filter((id) => id.startsWith(`${entity}-`))

  it('waits for brokers that are away at the start, and says so', async () => {
    proxy.fault = 'down'
    const warned: string[] = []
    const { bus } = open({ warned })
    const taken = await taker(bus)
    await assert.rejects(
      bus.publish(topic, several('a', 1, 1)),
      /^Error: kafka: topic f\d+\.events\.normalized: .*127\.0\.0\.1:\d+/,
    )
    await eventually('a warning', () => warned.length > 0)
    proxy.fault = 'pass'
    await insist(bus, several('a', 1, 3))
    await eventually('all three', () => inOrder(taken, 'a').length === 3)
  })

  it('loses nothing of a send whose answer is lost, nor of the one after it', async () => {
    const { bus, prefix } = open()
    await insist(bus, several('a', 1, 1))
    for (let round = 0; round < 5; round++) {
      const before = proxy.lost()
      proxy.fault = 'lose'
      const first = bus.publish(topic, several('a', 2 + 2 * round, 1)).then(
        () => true,
        () => false,
      )
      await eventually('a lost answer', () => proxy.lost() > before)
      // Until it has given up on its own: what comes next may not be taken for a repetition.
      if (round % 2 === 0) await first
      proxy.fault = 'pass'
      await insist(bus, several('a', 3 + 2 * round, 1))
      if (!(await first)) await insist(bus, several('a', 2 + 2 * round, 1))
    }
    assert.ok(proxy.lost() >= 5)
    assert.deepEqual(
      [...new Set(await idsIn(prefix))].toSorted(),
      several('a', 1, 11)
        .map(({ id }) => id)
        .toSorted(),
    )
  })

  for (const [what, strike] of Object.entries({
    'is killed and comes back': async () => {
      await broker.kill()
      await sleep(500)
      await broker.restart()
    },
    'stands still for a while': async () => {
      broker.signal('SIGSTOP')
      await sleep(4_000)
      broker.signal('SIGCONT')
    },
    'cannot be reached for a while': async () => {
      proxy.fault = 'down'
      await sleep(3_000)
      proxy.fault = 'pass'
    },
    'answers nothing for a while': async () => {
      proxy.fault = 'hang'
      await sleep(4_000)
      proxy.fault = 'down'
      proxy.fault = 'pass'
    },
  })) {
    it(`carries everything, in order, over a broker that ${what}`, async () => {
      const { bus, prefix } = open()
      const taken = await taker(bus)
      await insist(bus, several('a', 1, 10))
      await eventually('the first ones', () => inOrder(taken, 'a').length === 10)
      let ended = false
      const publishing = (async () => {
        let next = 11
        // Until it is over, and some more.
        for (let more = 3; more > 0; more -= ended ? 1 : 0) {
          await insist(bus, several('a', next, 10))
          next += 10
          await sleep(20)
        }
        return next - 1
      })()
      await strike()
      ended = true
      const count = await publishing
      await eventually('everything', () => inOrder(taken, 'a').length === count, 120_000)
      const expected = several('a', 1, count).map(({ id }) => id)
      assert.deepEqual(inOrder(taken, 'a'), expected)
      assert.deepEqual(inOrder(await idsIn(prefix), 'a'), expected)
    })
  }

  it('commits what was taken only: another process gets the rest, and not what was taken long before', async () => {
    const { bus, prefix } = open()
    const refused: string[] = []
    const taken: string[] = []
    await bus.subscribe(topic, 'g', async (messages) => {
      const ids = messages.map(({ event }) => event.id)
      if (ids.some((id) => id.startsWith('late'))) {
        refused.push(...ids)
        throw new Error('ledger away')
      }
      taken.push(...ids)
    })
    await insist(bus, several('early', 1, 50))
    await eventually('the early ones', () => inOrder(taken, 'early').length === 50)
    await sleep(300)
    await insist(bus, several('late', 1, 50))
    await eventually('a refusal', () => refused.length > 0)
    await bus.close()
    const next = open({ prefix })
    const again = await taker(next.bus)
    await eventually('the late ones', () => inOrder(again, 'late').length === 50)
    assert.deepEqual(inOrder(again, 'early'), [])
  })

  it('takes no more than may wait, while the taker refuses', async () => {
    const { bus, prefix } = open()
    let refuse = true
    const taken = new Set<string>()
    await bus.subscribe(topic, 'g', async (messages) => {
      if (refuse) throw new Error('ledger away')
      for (const { event } of messages) taken.add(event.id)
    })
    const text = 'x'.repeat(10_000)
    const before = proxy.answered()
    for (let i = 0; i < 30; i++) {
      await insist(
        bus,
        several(`m${i}`, 1, 400).map((event) => ({ ...event, attrs: { text } })),
      )
    }
    // 120 MB have been written; 32 MiB may wait, and a fetch of 4 MiB from each of three partitions beside it.
    let fetched = 0
    await eventually('fetching to stand still', () => {
      const last = fetched
      fetched = proxy.answered() - before
      return fetched > 32 * 2 ** 20 && fetched === last
    })
    await sleep(1_500)
    const held = (proxy.answered() - before) / 2 ** 20
    assert.ok(held < 32 + 12 + 8, `${held.toFixed(0)} MiB were fetched`)
    refuse = false
    await eventually('all 12,000', () => taken.size === 12_000, 60_000)
    assert.equal(new Set(await idsIn(prefix)).size, 12_000)
  })

  it('keeps its place in the group for as long as a take lasts', async () => {
    const { bus, prefix } = open()
    const gate = Promise.withResolvers<void>()
    const takes: string[][] = []
    await bus.subscribe(topic, 'g', async (messages) => {
      takes.push(messages.map(({ event }) => event.id))
      await gate.promise
    })
    await insist(bus, several('a', 1, 3))
    await eventually('the take', () => takes.length > 0)
    const admin = plainKafka(broker.address).admin()
    await admin.connect()
    const memberOf = async () =>
      (await admin.describeGroups([`${prefix}karma-g.${topic}`])).groups[0]?.members[0]?.memberId
    const before = await memberOf()
    assert.ok(before)
    // Longer than a session without a heartbeat may last.
    await sleep(13_000)
    assert.equal(await memberOf(), before)
    gate.resolve()
    await admin.disconnect()
    assert.deepEqual(
      takes.flat().toSorted(),
      several('a', 1, 3).map(({ id }) => id),
    )
  })

  it('refuses a topic that is compacted, and says what to do', async () => {
    const admin = plainKafka(broker.address).admin()
    await admin.connect()
    const configEntries = [{ name: 'cleanup.policy', value: 'compact' }]
    await admin.createTopics({ topics: [{ topic: `compacted.${topic}`, configEntries }] })
    await admin.disconnect()
    const { bus } = open({ prefix: 'compacted.' })
    await assert.rejects(
      bus.publish(topic, several('a', 1, 1)),
      /kafka: topic compacted\.events\.normalized: cleanup\.policy: expected delete, found compact: .*set it to delete$/,
    )
  })

  describe('with TLS and SASL', () => {
    const secured = (sasl: KafkaSettings['sasl'], ca = broker.secure?.ca): KafkaSettings => ({
      brokers: [broker.secure!.address],
      tls: ca === undefined ? {} : { ca },
      ...(sasl && { sasl }),
    })
    for (const mechanism of ['scram-sha-512', 'plain'] as const) {
      it(`shows a password by ${mechanism}`, async () => {
        const { user: username, password } = broker.secure!
        const { bus } = open({ settings: secured({ mechanism, username, password }) })
        const taken = await taker(bus)
        await insist(bus, several('a', 1, 5))
        await eventually('all five', () => inOrder(taken, 'a').length === 5)
      })

      it(`says that a password is wrong, by ${mechanism}, and not which`, async () => {
        const warned: string[] = []
        const { user: username } = broker.secure!
        const { bus } = open({ settings: secured({ mechanism, username, password: 'hunter2' }), warned })
        await assert.rejects(bus.publish(topic, several('a', 1, 1)), (error: Error) => {
          assert.match(error.message, /^kafka: topic f\d+\.events\.normalized: .*[Aa]uthentication/)
          assert.ok(!error.message.includes('hunter2'))
          return true
        })
        await taker(bus)
        await eventually('a warning', () => warned.length > 0)
        assert.ok(!warned.join().includes('hunter2'))
      })
    }

    it('does not trust a certificate of which it was not told', async () => {
      const { user: username, password } = broker.secure!
      const { bus } = open({ settings: { ...secured({ mechanism: 'plain', username, password }), tls: {} } })
      await assert.rejects(bus.publish(topic, several('a', 1, 1)), /certificate/)
    })

    it('shows tokens, and new ones before the broker asks for them again', async () => {
      let tokens = 0
      const signToken = async (region: string): Promise<string> => {
        assert.equal(region, 'eu-central-1')
        tokens++
        return unsigned({ sub: 'karma', exp: Math.floor(Date.now() / 1000) + 60, iat: Math.floor(Date.now() / 1000) })
      }
      const { bus } = open({ settings: secured({ mechanism: 'aws-msk-iam', region: 'eu-central-1' }), signToken })
      const taken = await taker(bus)
      await insist(bus, several('a', 1, 5))
      await eventually('all five', () => inOrder(taken, 'a').length === 5)
      const before = tokens
      // The broker of this test wants to see one every 15 seconds, and kafkajs is ten seconds early.
      await sleep(7_000)
      await insist(bus, several('a', 6, 5))
      await eventually('all ten', () => inOrder(taken, 'a').length === 10)
      assert.ok(tokens > before, `${tokens} tokens, ${before} before`)
    })

    it('says that there are no credentials, and not what was printed about them', async () => {
      const signToken = async () => {
        throw new Error('no AWS credentials (CredentialsProviderError)')
      }
      const { bus } = open({ settings: secured({ mechanism: 'aws-msk-iam', region: 'eu-central-1' }), signToken })
      await assert.rejects(bus.publish(topic, several('a', 1, 1)), /no AWS credentials \(CredentialsProviderError\)/)
    })
  })
})

const unsigned = (claims: object): string =>
  [{ alg: 'none' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
    .concat('.')
