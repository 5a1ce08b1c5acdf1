import type { Kafka, Message as KafkaRecord, Producer } from 'kafkajs'

/** One who sends. */
export interface SerialProducer {
  /** Resolves when all in-sync replicas have them. */
  send(topic: string, records: readonly KafkaRecord[]): Promise<void>
  /** Waits for what is under way; refuses what waits. */
  close(): Promise<void>
}

interface Sending {
  readonly topic: string
  readonly records: readonly KafkaRecord[]
  readonly bytes: number
  readonly sent: () => void
  readonly refused: (error: unknown) => void
}

/** kafkajs makes one batch of all that goes to a partition, and brokers take a batch of 1 MiB by default. */
const largestBatch = 900 * 1024

/** Records that may wait. */
const capacity = 20_000

/**
 * Sends one request at a time, and together what came meanwhile: sends side by side of an idempotent producer of
 * kafkajs end in OUT_OF_ORDER_SEQUENCE_NUMBER (https://github.com/tulios/kafkajs/issues/598). After a send that failed
 * the producer is a new one: the broker may have taken the batch, and then drops the next one of the same number as a
 * repetition, although other records are in it.
 */
export const makeSerialProducer = (kafka: Kafka): SerialProducer => {
  const waiting: Sending[] = []
  let count = 0
  let current: Promise<Producer> | undefined
  let running: Promise<void> | undefined
  let closed = false

  const connected = async (): Promise<Producer> => {
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false })
    try {
      await producer.connect()
      return producer
    } catch (error) {
      await producer.disconnect().catch(() => {})
      throw error
    }
  }

  const discard = async (): Promise<void> => {
    const producer = await current?.catch(() => undefined)
    current = undefined
    await producer?.disconnect().catch(() => {})
  }

  /** Of the topic that waits longest, in order. */
  const next = (): Sending[] => {
    const [first] = waiting
    const batch: Sending[] = []
    let bytes = 0
    for (const sending of waiting) {
      if (sending.topic !== first?.topic) break
      bytes += sending.bytes
      if (batch.length > 0 && bytes > largestBatch) break
      batch.push(sending)
    }
    waiting.splice(0, batch.length)
    return batch
  }

  const run = async (): Promise<void> => {
    for (let batch = next(); batch.length > 0; batch = next()) {
      const messages = batch.flatMap(({ records }) => records)
      try {
        current ??= connected()
        await (await current).send({ topic: batch[0]!.topic, messages, acks: -1 })
        for (const { sent } of batch) sent()
      } catch (error) {
        await discard()
        for (const { refused } of batch) refused(error)
      }
      count -= messages.length
    }
  }

  const pump = (): void => {
    running ??= run().finally(() => {
      running = undefined
      if (waiting.length > 0) pump()
    })
  }

  const put = (topic: string, { records, bytes }: Slice): Promise<void> =>
    new Promise((sent, refused) => {
      waiting.push({ topic, records, bytes, sent, refused })
      count += records.length
      pump()
    })

  return {
    send: async (topic, records) => {
      if (closed) throw new Error(`kafka: topic ${topic}: closed, ${records.length} records not sent`)
      if (count > 0 && count + records.length > capacity) {
        throw new Error(`kafka: topic ${topic}: ${count} records wait already, at most ${capacity} may`)
      }
      await Promise.all(slicesOf(records).map((slice) => put(topic, slice)))
    },
    close: async () => {
      closed = true
      for (const { refused, records } of waiting.splice(0)) {
        count -= records.length
        refused(new Error('kafka: closed before the records were sent'))
      }
      await running
      await discard()
    },
  }
}

interface Slice {
  readonly records: KafkaRecord[]
  readonly bytes: number
}

const slicesOf = (records: readonly KafkaRecord[]): Slice[] => {
  const slices: { records: KafkaRecord[]; bytes: number }[] = []
  for (const record of records) {
    const bytes = bytesOf(record)
    const last = slices.at(-1)
    if (last && last.bytes + bytes <= largestBatch) {
      last.records.push(record)
      last.bytes += bytes
    } else {
      slices.push({ records: [record], bytes })
    }
  }
  return slices
}

/** At most: lengths and counts are written in as few bytes as they need. */
const bytesOf = ({ key, value, headers = {} }: KafkaRecord): number => {
  let bytes = 32 + sizeOf(key) + sizeOf(value)
  for (const [name, text] of Object.entries(headers)) bytes += 10 + Buffer.byteLength(name) + sizeOf(text as string)
  return bytes
}

const sizeOf = (text: string | Buffer | null | undefined): number =>
  typeof text === 'string' ? Buffer.byteLength(text) : (text?.length ?? 0)
