import type { JsonObject } from '../api/kinds.generated.ts'
import type { Transition } from '../core/event/outbox.ts'
import type { Head } from '../ports/graph.ts'

/** A store that was set right: what it said, and what it says now. `asked`: what somebody asked for it by. */
export interface Repair {
  readonly found: Head
  readonly made: Head
  readonly asked?: string | undefined
}

/** Elements written, of how many. */
export interface Progress {
  readonly done: number
  readonly total: number
}

/** Which graphs are not what is committed, and what was done about it but is not told yet. */
export interface Repairs {
  note(environmentKey: string): void
  /** It is what is committed (again). */
  settled(environmentKey: string): void
  isNeeded(environmentKey: string): boolean
  storeBuilt(environmentKey: string, repair: Repair): void
  /** It was to be built anew by what somebody asked, and is what is committed: there was nothing to do. */
  confirmed(environmentKey: string, asked: string): void
  /** The copy in process was not what the store said. */
  mirrorBuilt(environmentKey: string, found: Head): void
  /** The environment is there no more. */
  forget(environmentKey: string): void
  /** How far a store is that is being set right; undefined: none is. */
  progress(environmentKey: string): Progress | undefined
  /** undefined: none is any more */
  advance(environmentKey: string, progress: Progress | undefined): void
  untold(environmentKey: string): readonly Transition[]
  /** By what it was asked for last. */
  asked(environmentKey: string): string | undefined
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
  const answered = new Map<string, string>()
  const underWay = new Map<string, Progress>()

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
    progress: (key) => underWay.get(key),
    advance(key, progress) {
      if (progress) underWay.set(key, progress)
      else underWay.delete(key)
    },
    forget(key) {
      for (const known of [needed, open, answered, underWay]) known.delete(key)
    },
    asked: (key) => answered.get(key),
    storeBuilt(key, { found, made, asked }) {
      if (asked !== undefined) answered.set(key, asked)
      tell(key, `the store said ${words(found)}; it says ${words(made)} now, as committed`, {
        what: 'store',
        found: { ...found },
        version: made.version,
        sum: made.sum,
        ...(asked !== undefined && { asked }),
      })
    },
    confirmed: (key, asked) => void answered.set(key, asked),
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
