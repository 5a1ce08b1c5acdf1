import kafkajs, { type Admin, type Kafka } from 'kafkajs'
import { textOf, wordOf } from './failure.ts'

type Wait = (ms: number) => Promise<void>

export interface WantedTopic {
  readonly name: string
  /** the largest record that it must take, in bytes; absent: what the brokers take */
  readonly largest?: number
}

/**
 * Sees to it that these topics are there, and can keep events: what is missing is created, with as many partitions and
 * replicas as the brokers do by default. Rejects with one line that names the topic and says what to do.
 */
export const prepareTopics = async (kafka: Kafka, wanted: readonly WantedTopic[], wait: Wait): Promise<void> => {
  const admin = kafka.admin()
  try {
    await admin.connect()
    const present = new Set(await admin.listTopics())
    const missing = wanted.filter(({ name }) => !present.has(name))
    if (missing.length > 0) await create(admin, missing, wait)
    await check(admin, wanted)
  } finally {
    await admin.disconnect().catch(() => {})
  }
}

const create = async (admin: Admin, missing: readonly WantedTopic[], wait: Wait): Promise<void> => {
  const topics = missing.map(({ name, largest }) => ({
    topic: name,
    numPartitions: -1,
    replicationFactor: -1,
    configEntries: largest === undefined ? [] : [{ name: 'max.message.bytes', value: String(largest) }],
  }))
  try {
    // Resolves false where another one has just created one of them.
    await admin.createTopics({ topics, waitForLeaders: false })
  } catch (error) {
    const name = (error as { errors?: readonly { topic?: string }[] }).errors?.[0]?.topic ?? missing[0]?.name
    throw new Error(
      `kafka: topic ${name} is not there, and could not be created: ${textOf(error)}; create it, or let Karma’s user create topics`,
    )
  }
  const names = topics.map(({ topic }) => topic)
  for (let attempt = 1; !(await areLed(admin, names)); attempt++) {
    if (attempt === attempts)
      throw new Error(`kafka: topic ${names[0]}: created, but its partitions have no leader yet`)
    await wait(attemptMs)
  }
}

/** Brokers may take seconds to hear of a topic that is new. */
const attempts = 100
const attemptMs = 100

const areLed = async (admin: Admin, topics: string[]): Promise<boolean> => {
  try {
    const { topics: found } = await admin.fetchTopicMetadata({ topics })
    if (!found.every(({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0)))
      return false
    // A broker that leads may not have heard of it itself: it is asked for something that only the leader knows.
    for (const topic of topics) await admin.fetchTopicOffsets(topic)
    return true
  } catch (error) {
    if (unknownYet.has(wordOf(error) ?? '')) return false
    throw error
  }
}
const unknownYet = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION'])

/** Words by which brokers say that one may not look. */
const hidden = new Set(['TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED'])

/** A topic that is compacted keeps one event of each entity only. */
const check = async (admin: Admin, wanted: readonly WantedTopic[]): Promise<void> => {
  const names = wanted.map(({ name }) => name)
  try {
    const resources = names.map((name) => ({
      type: kafkajs.ConfigResourceTypes.TOPIC,
      name,
      configNames: ['cleanup.policy'],
    }))
    const { resources: found } = await admin.describeConfigs({ resources, includeSynonyms: false })
    for (const { resourceName, configEntries } of found) {
      const policy = configEntries.find(({ configName }) => configName === 'cleanup.policy')?.configValue
      if (policy?.includes('compact')) throw new Compacted(resourceName, policy)
    }
  } catch (error) {
    // Whether one may look has no bearing on whether one may write.
    if (!hidden.has(wordOf(error) ?? '')) throw error
  }
}

class Compacted extends Error {
  constructor(topic: string, policy: string) {
    super(
      `kafka: topic ${topic}: cleanup.policy: expected delete, found ${policy}: of each entity all but the last event would go; set it to delete`,
    )
  }
}
