import { type Group, type GroupDependencies, makeGroup, type Take } from './group.ts'

/** A topic and its groups. */
export interface Channel<T> {
  /** Resolves when one member of every group has taken them. */
  publish(items: readonly T[]): Promise<void>
  /** Returns the function that leaves the group. */
  join(group: string, take: Take<T>): () => Promise<void>
  groups(): ReadonlyMap<string, Group<T>>
}

export interface ChannelDependencies extends Pick<GroupDependencies, 'after' | 'backoff' | 'batchSize'> {
  /** for messages */
  readonly name: string
  readonly log: { warn(data: object, message: string): void }
  /** Items that may wait in one group. */
  readonly capacity: number
}

export const makeChannel = <T>({ name, log, capacity, ...timing }: ChannelDependencies): Channel<T> => {
  const groups = new Map<string, Group<T>>()

  const groupOf = (group: string): Group<T> => {
    const failed = (error: unknown, failures: number): void =>
      log.warn({ topic: name, group, failures, message: textOf(error) }, 'events not taken; giving them again')
    const found = groups.get(group) ?? makeGroup<T>({ ...timing, failed })
    groups.set(group, found)
    return found
  }

  return {
    publish: async (items) => {
      const takers = [...groups]
      for (const [group, { size }] of takers) {
        if (size() === 0 || size() + items.length <= capacity) continue
        throw new Error(`bus: topic ${name}, group ${group}: ${size()} events wait already, at most ${capacity} may`)
      }
      await Promise.all(
        takers.map(([, group]) => new Promise<void>((taken, refused) => group.put({ items, taken, refused }))),
      )
    },
    join: (group, take) => groupOf(group).join(take),
    groups: () => groups,
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
