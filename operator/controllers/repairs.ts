import type { JsonObject } from '../api/kinds.generated.ts'
import type { Transition } from '../core/event/outbox.ts'
import type { Head } from '../ports/graph.ts'

/** A store that was set right: what it said, and what it says now. */
export interface Repair {
  readonly found: Head
  readonly made: Head
}

/** Which graphs are not what is committed, and what was done about it but is not told yet. */
export interface Repairs {
  note(environmentKey: string): void
  /** It is what is committed (again). */
  settled(environmentKey: string): void
  isNeeded(environmentKey: string): boolean
  storeBuilt(environmentKey: string, repair: Repair): void
  /** The copy in process was not what the store said. */
  mirrorBuilt(environmentKey: string, found: Head): void
  untold(environmentKey: string): readonly Transition[]
  told(environmentKey: string, transitions: readonly Transition[]): void
}

/** `onNeeded`: the environment is to be looked at. */
export const makeRepairs = ({
  holder,
  onNeeded,
}: {
  readonly holder: string
  readonly onNeeded: (environmentKey: string) => void
}): Repairs => {
  const needed = new Set<string>()
  const open = new Map<string, readonly Transition[]>()

  const tell = (key: string, message: string, attrs: JsonObject): void => {
    const transition = {
      type: 'graph.repaired',
      reason: 'GraphRepaired',
      message,
      attrs: { holder, ...attrs },
    } as const
    open.set(key, [...(open.get(key) ?? []), transition].slice(-mostUntold))
  }

  return {
    note(key) {
      if (needed.has(key)) return
      needed.add(key)
      onNeeded(key)
    },
    settled: (key) => void needed.delete(key),
    isNeeded: (key) => needed.has(key),
    storeBuilt: (key, { found, made }) =>
      tell(key, `the store said ${words(found)}; it says ${words(made)} now, as committed`, {
        what: 'store',
        found: { ...found },
        version: made.version,
        sum: made.sum,
      }),
    mirrorBuilt: (key, found) =>
      tell(key, `the copy in process was not what the store said (${words(found)}); it is built anew`, {
        what: 'mirror',
        found: { ...found },
      }),
    untold: (key) => open.get(key) ?? [],
    told(key, transitions) {
      const left = (open.get(key) ?? []).filter((transition) => !transitions.includes(transition))
      if (left.length > 0) open.set(key, left)
      else open.delete(key)
    },
  }
}

/** An Environment has room for so many more than what a batch tells. */
const mostUntold = 2

const words = ({ version, sum }: Head): string => `version ${version}, sum ${sum}`
