import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs'
import type { Subscription } from '../../ports/bus.ts'
import type { Clock } from '../../ports/clock.ts'
import { rest, type Timer } from '../../ports/timer.ts'
import { type Group, makeGroup } from '../bus-embedded/group.ts'
import type { KafkaLog } from './connection.ts'
import { textOf } from './failure.ts'

export interface ConsumerDependencies<T> {
  readonly kafka: Kafka
  readonly topic: string
  readonly group: string
  /** Resolves when the topic is there. */
  readonly ready: () => Promise<void>
  readonly receive: (partition: number, message: KafkaMessage) => T
  readonly take: (items: readonly T[]) => Promise<void>
  readonly clock: Pick<Clock, 'monotonic'> & { readonly after: Timer }
  /** Milliseconds to wait after so many failures in a row. */
  readonly backoff: (failures: number) => number
  readonly log: KafkaLog
}

export interface Member extends Subscription {
  /** Messages of its partitions that it has not taken yet. */
  lag(): number
}

/** Items that one take gets at most, unless they came together. */
const batchSize = 20_000
/** What may wait to be taken; beyond that nothing more is fetched. */
const most = { items: 40_000, bytes: 32 * 1024 * 1024 }
/** A consumer of which nothing was heard for so long is made anew (https://github.com/tulios/kafkajs/issues/659). */
const silenceMs = 120_000
const watchMs = 5_000
const sessionMs = 10_000
/** How long the broker holds a fetch for which there is nothing; so long a consumer takes to stop, too. */
const fetchMs = 500

/**
 * One member of a group, on one topic: fetches, hands over in order, and commits what was taken. Handing over happens
 * beside fetching, so that a taker that is slow, or refuses for an hour, costs the member neither its heartbeat nor its
 * place; what waits is bounded. A consumer that crashes or falls silent is made anew, for as long as it takes.
 */
export const startConsumer = <T>(dependencies: ConsumerDependencies<T>): Member => {
  const { topic, group, ready, clock, backoff, log } = dependencies
  const end = Promise.withResolvers<void>()
  const behind = new Map<number, Behind>()
  let isClosed = false

  const run = async (): Promise<void> => {
    for (let failures = 0; !isClosed; ) {
      const began = clock.monotonic()
      try {
        await Promise.race([ready(), end.promise])
        if (!isClosed) await session(dependencies, behind, end.promise)
      } catch (error) {
        // One that has worked for a while begins to count anew.
        failures = clock.monotonic() - began > silenceMs ? 1 : failures + 1
        log.warn({ topic, group, failures, message: textOf(error) }, 'consumer ended; starting another one')
        await rest(clock.after, backoff(failures), end.promise)
      }
    }
  }

  const running = run()
  return {
    lag: () => [...behind.values()].reduce((sum, { high, next }) => sum + Math.max(0, Number(high - next)), 0),
    close: async () => {
      isClosed = true
      end.resolve()
      await running
    },
  }
}

/** One kafkajs consumer, from its beginning to its end. Resolves when it is to end, rejects when it cannot go on. */
const session = async <T>(
  dependencies: ConsumerDependencies<T>,
  behind: Map<number, Behind>,
  end: Promise<void>,
): Promise<void> => {
  const { kafka, topic, group, clock } = dependencies
  const consumer = kafka.consumer({
    groupId: group,
    allowAutoTopicCreation: false,
    // So long the others wait when this one is gone without a word.
    sessionTimeout: sessionMs,
    maxWaitTimeInMs: fetchMs,
    maxBytesPerPartition: 4 * 1024 * 1024,
    // Beginning again is done above, and not for some errors only.
    retry: { restartOnFailure: async () => false },
  })
  let heard = clock.monotonic()
  const listen = (): void => {
    heard = clock.monotonic()
  }
  const desk = makeDesk(dependencies, consumer, behind, listen)
  const failed = Promise.withResolvers<never>()
  // Nobody may wait for it yet.
  failed.promise.catch(() => {})
  const { CRASH, FETCH, GROUP_JOIN, REBALANCING } = consumer.events
  consumer.on(CRASH, ({ payload }) => failed.reject(payload.error))
  consumer.on(FETCH, listen)
  consumer.on(REBALANCING, listen)
  consumer.on(GROUP_JOIN, () => {
    listen()
    desk.turn()
  })
  const watch = (): void => {
    const ms = clock.monotonic() - heard
    if (ms > silenceMs) failed.reject(new Error(`nothing was heard of it for ${Math.round(ms / 1000)} s`))
    cancelWatch = clock.after(watchMs, watch)
  }
  let cancelWatch = clock.after(watchMs, watch)
  const start = async (): Promise<void> => {
    await consumer.connect()
    // A group that is new has everything to catch up on.
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: desk.accept })
    await end
  }
  try {
    await Promise.race([start(), failed.promise])
  } finally {
    cancelWatch()
    await desk.close()
    await rest(
      clock.after,
      closeMs,
      consumer.disconnect().catch(() => {}),
    )
  }
}

const closeMs = 5_000

/** Of a partition: the offset after its last message, as last heard, and that of the first message not taken yet. */
interface Behind {
  high: bigint
  next: bigint
}

interface Desk {
  accept(payload: EachBatchPayload): Promise<void>
  /** Partitions were dealt anew: what is not taken yet comes again, to whoever has them now. */
  turn(): void
  /** Waits for the take under way and commits it. */
  close(): Promise<void>
}

/** Between fetching and taking. `listen` is called while it waits for room, which is no silence. */
const makeDesk = <T>(
  { topic, group: name, receive, take, clock, backoff, log }: ConsumerDependencies<T>,
  consumer: Consumer,
  behind: Map<number, Behind>,
  listen: () => void,
): Desk => {
  const failed = (error: unknown, failures: number): void =>
    log.warn({ topic, group: name, failures, message: textOf(error) }, 'events not taken; giving them again')
  const open = (): { group: Group<T>; leave: () => Promise<void> } => {
    const group = makeGroup<T>({ after: clock.after, backoff, failed, batchSize })
    return { group, leave: group.join(take) }
  }
  let now = open()
  /** takes of those before, that were under way when partitions were dealt anew */
  let past: Promise<void> = Promise.resolve()
  let turning = 0
  let bytes = 0
  let isClosed = false
  const room: (() => void)[] = []
  const wake = (): void => {
    for (const resolve of room.splice(0)) resolve()
  }
  const taken = new Map<number, string>()
  let committing: Promise<void> | undefined

  const commit = async (): Promise<void> => {
    while (taken.size > 0) {
      const offsets = [...taken].map(([partition, offset]) => ({ topic, partition, offset }))
      taken.clear()
      // What is not committed comes again, and is known by its id then.
      await consumer
        .commitOffsets(offsets)
        .catch((error) => log.debug({ topic, group: name, message: textOf(error) }, 'offsets not committed'))
    }
    committing = undefined
  }

  const put = ({ batch }: EachBatchPayload): void => {
    const { group } = now
    const size = batch.messages.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0)
    const settled = (): void => {
      bytes -= size
      wake()
    }
    bytes += size
    const after = BigInt(batch.lastOffset()) + 1n
    const place = behind.get(batch.partition) ?? { high: 0n, next: BigInt(batch.firstOffset() ?? '0') }
    place.high = BigInt(batch.highWatermark)
    behind.set(batch.partition, place)
    group.put({
      items: batch.messages.map((message) => receive(batch.partition, message)),
      taken: () => {
        settled()
        if (group !== now.group) return
        place.next = after
        taken.set(batch.partition, String(after))
        committing ??= commit()
      },
      refused: settled,
    })
  }

  const mayPut = (): boolean => turning === 0 && now.group.size() < most.items && bytes < most.bytes

  return {
    accept: async (payload) => {
      const { batch, heartbeat, isRunning, isStale, resolveOffset } = payload
      const isOver = (): boolean => isClosed || !isRunning() || isStale()
      while (!isOver() && !mayPut()) {
        await rest(clock.after, heartbeatMs, new Promise<void>((resolve) => room.push(resolve)))
        listen()
        // Throws when the group is dealt anew, which kafkajs has to see.
        await heartbeat()
      }
      const last = batch.messages.at(-1)
      if (isOver() || !last) return
      put(payload)
      resolveOffset(last.offset)
      await heartbeat()
    },
    turn: () => {
      const { group, leave } = now
      now = open()
      taken.clear()
      behind.clear()
      turning++
      past = Promise.all([past, leave()]).then(() => {
        group.end(new Error('kafka: partitions were dealt anew'))
        turning--
        wake()
      })
    },
    close: async () => {
      isClosed = true
      wake()
      await Promise.all([past, now.leave()])
      now.group.end(new Error('kafka: the consumer ended'))
      await committing
    },
  }
}

const heartbeatMs = 1_000
