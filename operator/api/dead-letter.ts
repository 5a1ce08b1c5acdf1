import type { Topic } from './envelope.ts'

/** What came over a topic, or was to go there, and is no event: put aside with the reason, so that the stream goes on. */
export interface DeadLetter {
  /** ISO 8601: when it was written, or refused */
  readonly at: string
  readonly topic: Topic
  /** of Kafka */
  readonly partition?: number
  readonly offset?: string
  readonly key?: string
  readonly reason: string
  readonly message: string
  /** as it came */
  readonly raw: Uint8Array
  /** so many bytes at its end could not be kept */
  readonly omitted?: number
}
