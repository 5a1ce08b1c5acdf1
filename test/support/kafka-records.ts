import { randomUUID } from 'node:crypto'
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs'
import { mendIdleTimer } from '../../operator/adapters/bus-kafka/idle-timer.ts'

/** A plain client of a broker, as anybody else would use it. */
export const plainKafka = (address: string): Kafka => {
  mendIdleTimer()
  return new Kafka({ clientId: 'test', brokers: [address], logLevel: logLevel.NOTHING })
}

/** Everything that a topic has now, partition by partition in order. */
export const recordsOf = async (
  address: string,
  topic: string,
): Promise<readonly (KafkaMessage & { readonly partition: number })[]> => {
  const kafka = plainKafka(address)
  const admin = kafka.admin()
  await admin.connect()
  const ends = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  const left = new Map(
    ends.filter(({ low, high }) => BigInt(high) > BigInt(low)).map(({ partition, high }) => [partition, BigInt(high)]),
  )
  const records: (KafkaMessage & { partition: number })[] = []
  if (left.size === 0) return records
  const consumer = kafka.consumer({ groupId: `reader-${randomUUID()}`, maxWaitTimeInMs: 100 })
  const done = Promise.withResolvers<void>()
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      const { partition, messages } = batch
      records.push(...messages.map((message) => ({ ...message, partition })))
      if (BigInt(batch.lastOffset()) + 1n >= (left.get(partition) ?? 0n)) left.delete(partition)
      if (left.size === 0) done.resolve()
    },
  })
  await done.promise
  await consumer.disconnect()
  return records.toSorted((a, b) => a.partition - b.partition || Number(BigInt(a.offset) - BigInt(b.offset)))
}
