import { messageOf, type Topic } from '../../api/envelope.ts'
import type { Bus } from '../../ports/bus.ts'
import type { Timer } from '../../ports/timer.ts'
import { type Group, makeGroup } from './group.ts'

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
  const groups = new Map<Topic, Map<string, Group>>()
  let closed = false

  const groupsOf = (topic: Topic): Map<string, Group> => {
    const found = groups.get(topic) ?? new Map<string, Group>()
    groups.set(topic, found)
    return found
  }

  const everyGroup = (): Group[] => [...groups.values()].flatMap((byName) => [...byName.values()])

  const groupOf = (topic: Topic, name: string): Group => {
    const byName = groupsOf(topic)
    const failed = (error: unknown, failures: number): void =>
      log.warn({ topic, group: name, failures, message: textOf(error) }, 'events not taken; giving them again')
    const group = byName.get(name) ?? makeGroup({ after, backoff, failed, batchSize })
    byName.set(name, group)
    return group
  }

  return {
    publish: async (topic, events) => {
      if (closed) throw new Error(`bus: topic ${topic}: closed, ${events.length} events not published`)
      if (events.length === 0) return
      const takers = [...groupsOf(topic)]
      for (const [name, group] of takers) {
        const size = group.size()
        if (size === 0 || size + events.length <= capacity) continue
        throw new Error(`bus: topic ${topic}, group ${name}: ${size} events wait already, at most ${capacity} may`)
      }
      const messages = events.map(messageOf)
      await Promise.all(
        takers.map(([, group]) => new Promise<void>((taken, refused) => group.put({ messages, taken, refused }))),
      )
    },
    subscribe: async (topic, group, take) => {
      if (closed) throw new Error(`bus: topic ${topic}: closed, group ${group} not subscribed`)
      return { close: groupOf(topic, group).join(take) }
    },
    close: async () => {
      closed = true
      let cancel = (): void => {}
      const limit = new Promise<void>((resolve) => {
        cancel = after(closeLimit, resolve)
      })
      await Promise.race([Promise.all(everyGroup().map((group) => group.drained())), limit])
      cancel()
      for (const group of everyGroup()) group.end(new Error('bus: closed before the events were taken'))
    },
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
