import { Buffer } from 'node:buffer'
import type { KafkaMessage } from 'kafkajs'
import type { DeadLetter } from '../../api/dead-letter.ts'
import { type Message, messageOf, type Topic, topics } from '../../api/envelope.ts'
import { parseMessage } from '../../api/parse-event.ts'
import type { Bus, Subscription } from '../../ports/bus.ts'
import type { Clock } from '../../ports/clock.ts'
import { rest, type Timer } from '../../ports/timer.ts'
import { connectKafka, type KafkaLog, type KafkaSettings, type SignToken } from './connection.ts'
import { type Member, startConsumer } from './consumer.ts'
import { textOf, wordOf } from './failure.ts'
import { makeSerialProducer } from './producer.ts'
import { deadLetterOf, deadRecordOf, recordOf, timeOf } from './records.ts'
import { prepareTopics } from './topics.ts'

export interface KafkaBusDependencies {
  readonly settings: KafkaSettings
  /** before the names of topics and groups, where others use the brokers too; may be empty */
  readonly prefix: string
  readonly clock: Pick<Clock, 'monotonic'> & { readonly after: Timer }
  /** Milliseconds to wait after so many failures in a row. */
  readonly backoff: (failures: number) => number
  readonly log: KafkaLog
  readonly signToken?: SignToken
  /** Told of what came and was no event, once it is put aside. */
  readonly onPutAside?: (topic: Topic, letters: number) => void
}

/** A message may be as large as whoever wrote it was allowed to; it is kept whole beside the reason. */
const largestDeadLetter = 16 * 1024 * 1024
/** Of a message that is larger than even that topic takes. */
const keptOfTooLarge = 512 * 1024

/**
 * The bus over Apache Kafka. Nothing is connected before it is used, and nobody waits for brokers that are away: what is
 * published then is refused, and members of groups try again until they are there.
 */
export const makeKafkaBus = ({
  settings,
  prefix,
  clock,
  backoff,
  log,
  signToken,
  onPutAside = () => {},
}: KafkaBusDependencies): Bus => {
  const kafka = connectKafka(settings, log, signToken)
  const producer = makeSerialProducer(kafka)
  const members = new Map<Member, { readonly topic: string; readonly group: string }>()
  const nameOf = (topic: Topic): string => `${prefix}${topic}`
  const deadLettersOf = (topic: Topic): string => `${prefix}${topic}.dead-letters`
  let isClosed = false

  const everyTopic = topics.flatMap((topic) => [
    { name: nameOf(topic) },
    { name: deadLettersOf(topic), largest: largestDeadLetter },
  ])
  let preparing: Promise<void> | undefined
  /** Tried until it succeeds once, one attempt at a time. */
  const ready = (): Promise<void> => {
    preparing ??= prepareTopics(kafka, everyTopic, (ms) => rest(clock.after, ms)).catch((error) => {
      preparing = undefined
      throw error
    })
    return preparing
  }

  const refuseWhenClosed = (topic: string, what: string): void => {
    if (isClosed) throw new Error(`kafka: topic ${topic}: closed, ${what}`)
  }

  const sending = async (topic: string, send: () => Promise<void>): Promise<void> => {
    try {
      await ready()
      await send()
    } catch (error) {
      const text = textOf(error)
      throw new Error(text.startsWith('kafka: ') ? text : `kafka: topic ${topic}: ${text}`, { cause: error })
    }
  }

  const putAside = async (letters: readonly DeadLetter[]): Promise<void> => {
    for (const topic of topics) {
      const own = letters.filter((letter) => letter.topic === topic)
      const name = deadLettersOf(topic)
      if (own.length > 0) refuseWhenClosed(name, `${own.length} dead letters not put aside`)
      for (const letter of own) await putOneAside(name, letter)
    }
  }

  const putOneAside = async (name: string, letter: DeadLetter): Promise<void> => {
    try {
      await sending(name, () => producer.send(name, [deadRecordOf(letter)]))
    } catch (error) {
      if (!tooLarge.has(wordOf(error) ?? '') || letter.raw.length <= keptOfTooLarge) throw error
      const omitted = letter.raw.length - keptOfTooLarge
      const kept = { ...letter, raw: letter.raw.subarray(0, keptOfTooLarge), omitted }
      await sending(name, () => producer.send(name, [deadRecordOf(kept)]))
    }
  }

  const take =
    (topic: Topic, taken: (messages: readonly Message[]) => Promise<void>) => async (items: readonly Received[]) => {
      const messages = items.flatMap(({ message }) => message ?? [])
      const letters = items.flatMap(({ letter }) => letter ?? [])
      // Put aside first: a letter that cannot be kept must not be lost, and a message may be taken twice.
      if (letters.length > 0) log.warn({ count: letters.length, first: letters[0]?.message }, 'messages put aside')
      await putAside(letters)
      if (letters.length > 0) onPutAside(topic, letters.length)
      if (messages.length > 0) await taken(messages)
    }

  const subscribed = <T>(
    topic: string,
    group: string,
    receive: (partition: number, message: KafkaMessage) => T,
    taken: (items: readonly T[]) => Promise<void>,
  ): Subscription => {
    refuseWhenClosed(topic, `group ${group} not subscribed`)
    // Of one topic each: the members of a group of Kafka are dealt the topics of all of them.
    const names = { topic, group: `${prefix}karma-${group}.${topic.slice(prefix.length)}` }
    const member = startConsumer({ kafka, ...names, ready, receive, take: taken, clock, backoff, log })
    members.set(member, { topic: topic.slice(prefix.length), group })
    return {
      close: async () => {
        members.delete(member)
        await member.close()
      },
    }
  }

  const republish: Bus['republish'] = async (topic, messages) => {
    const name = nameOf(topic)
    refuseWhenClosed(name, `${messages.length} events not published`)
    if (messages.length > 0) await sending(name, () => producer.send(name, messages.map(recordOf)))
  }

  return {
    publish: (topic, events) => republish(topic, events.map(messageOf)),
    republish,
    subscribe: async (topic, group, taken) =>
      subscribed(nameOf(topic), group, (partition, message) => received(topic, partition, message), take(topic, taken)),
    putAside,
    subscribeToDeadLetters: async (topic, group, taken) =>
      subscribed(deadLettersOf(topic), group, (_, message) => deadLetterOf(topic, message), taken),
    lag: () => [...members].map(([member, names]) => ({ ...names, messages: member.lag() })),
    close: async () => {
      isClosed = true
      await Promise.all([...members.keys()].map((member) => member.close()))
      await producer.close()
    },
  }
}

const tooLarge = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])

/** One of the two. */
interface Received {
  readonly message?: Message
  readonly letter?: DeadLetter
}

const received = (topic: Topic, partition: number, { key, value, offset, timestamp }: KafkaMessage): Received => {
  const raw = value ?? Buffer.alloc(0)
  const parsed = parseMessage(raw)
  if (parsed.ok) return { message: parsed.value }
  const { reason, message } = parsed.failure
  return {
    letter: {
      at: timeOf(timestamp),
      topic,
      partition,
      offset,
      ...(key && { key: key.toString() }),
      reason,
      message,
      raw,
    },
  }
}
