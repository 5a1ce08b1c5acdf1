import type { DeadLetter } from '../../api/dead-letter.ts'
import { type Message, messageOf, topics } from '../../api/envelope.ts'
import type { Bus } from '../../ports/bus.ts'
import { rest, type Timer } from '../../ports/timer.ts'
import { makeChannel } from './channel.ts'

export interface EmbeddedBusDependencies {
  readonly after: Timer
  /** Milliseconds to wait after so many failures of one subscriber in a row. */
  readonly backoff: (failures: number) => number
  readonly log: { warn(data: object, message: string): void }
  /** Events that may wait in one group; a publish that would exceed it is refused. */
  readonly capacity?: number
  /** Events that one take gets at most, unless they were published together. */
  readonly batchSize?: number
  /** How long `close` waits for subscribers, in milliseconds. */
  readonly closeLimit?: number
}

/**
 * The bus within one process. A publish resolves when one member of every group has taken the events; a member that
 * rejects gets the same events again after a pause, and what comes later waits behind them. Nothing is kept beyond the
 * process: the publisher keeps what was not acknowledged. A group stands from its first subscription until the bus is
 * closed, and gets what is published from then on.
 */
export const makeEmbeddedBus = ({
  after,
  backoff,
  log,
  capacity = 10_000,
  batchSize = 5_000,
  closeLimit = 5_000,
}: EmbeddedBusDependencies): Bus => {
  const timing = { after, backoff, batchSize, log, capacity }
  const channels = new Map(
    topics.map((topic) => [
      topic,
      {
        events: makeChannel<Message>({ ...timing, name: topic }),
        deadLetters: makeChannel<DeadLetter>({ ...timing, name: `${topic}.dead-letters` }),
      },
    ]),
  )
  let closed = false

  const every = () =>
    [...channels].flatMap(([topic, { events, deadLetters }]) => [
      ...[...events.groups()].map(([name, group]) => ({ topic, name, group })),
      ...[...deadLetters.groups()].map(([name, group]) => ({ topic: `${topic}.dead-letters`, name, group })),
    ])

  const refuseWhenClosed = (topic: string, what: string): void => {
    if (closed) throw new Error(`bus: topic ${topic}: closed, ${what}`)
  }

  const republish: Bus['republish'] = async (topic, messages) => {
    refuseWhenClosed(topic, `${messages.length} events not published`)
    if (messages.length > 0) await channels.get(topic)?.events.publish(messages)
  }

  return {
    publish: (topic, events) => republish(topic, events.map(messageOf)),
    republish,
    subscribe: async (topic, group, take) => {
      refuseWhenClosed(topic, `group ${group} not subscribed`)
      return { close: channels.get(topic)!.events.join(group, take) }
    },
    putAside: async (letters) => {
      for (const [topic, { deadLetters }] of channels) {
        const own = letters.filter((letter) => letter.topic === topic)
        if (own.length === 0) continue
        refuseWhenClosed(topic, `${own.length} dead letters not put aside`)
        await deadLetters.publish(own)
      }
    },
    subscribeToDeadLetters: async (topic, group, take) => {
      refuseWhenClosed(topic, `group ${group} not subscribed to its dead letters`)
      return { close: channels.get(topic)!.deadLetters.join(group, take) }
    },
    lag: () => every().map(({ topic, name, group }) => ({ topic, group: name, messages: group.size() })),
    close: async () => {
      closed = true
      const groups = every().map(({ group }) => group)
      await rest(after, closeLimit, Promise.all(groups.map((group) => group.drained())))
      for (const group of groups) group.end(new Error('bus: closed before the events were taken'))
    },
  }
}
