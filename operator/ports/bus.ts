import type { DeadLetter } from '../api/dead-letter.ts'
import type { Event, Message, Topic } from '../api/envelope.ts'

export interface Subscription {
  /** Waits for what is being taken; what was not taken comes to the group's next member. */
  close(): Promise<void>
}

/** How far a group is behind on a topic, as this process knows it: of partitions that others have it knows nothing. */
export interface Lag {
  readonly topic: string
  readonly group: string
  /** messages on the topic that the group has not taken yet */
  readonly messages: number
}

/** Carries events. Order holds per `entity_id`; delivery is at least once, so takers drop what they know by `id`. */
export interface Bus {
  /** Resolves when the events are safe: taken by every subscriber (embedded) or acknowledged by the broker (Kafka). */
  publish(topic: Topic, events: readonly Event[]): Promise<void>
  /** As `publish`, of what was on a bus before: each message as it came then, member by member. */
  republish(topic: Topic, messages: readonly Message[]): Promise<void>
  /** `take` rejects to have the same messages again later. One group receives each event once or more. */
  subscribe(topic: Topic, group: string, take: (messages: readonly Message[]) => Promise<void>): Promise<Subscription>
  /** What is no event, and never will be. Resolves when it is safe, as `publish` does. */
  putAside(letters: readonly DeadLetter[]): Promise<void>
  /** What was put aside of a topic, by this process or another; as `subscribe`. */
  subscribeToDeadLetters(
    topic: Topic,
    group: string,
    take: (letters: readonly DeadLetter[]) => Promise<void>,
  ): Promise<Subscription>
  /** A line for each group that has a member here. */
  lag(): readonly Lag[]
  close(): Promise<void>
}
