import type { Verdict } from '../core/guard/facts.ts'

/** What waits: `Crossing` is a ChangeRequest over several environments, in the first of them. */
export type Kind = 'ChangeRequest' | 'Crossing' | 'Component'

/** Who wants to pass the gate of an environment now. Keys are `namespace/name`. */
export interface Waiting {
  enter(environmentKey: string, kind: Kind, key: string): void
  leave(environmentKey: string, kind: Kind, key: string): void
  /** The object is gone: it wants to pass nowhere. */
  forget(kind: 'ChangeRequest' | 'Component', key: string): void
  has(environmentKey: string): boolean
  of(environmentKey: string, kind: Kind): Iterable<string>
  /** What keeps a Component from being committed or removed; empty: nothing that is known. */
  heldBack(componentKey: string): readonly Verdict[]
  holdBack(componentKey: string, verdicts: readonly Verdict[]): void
}

/** `onEnter`: the environment has something to do; `onHeldBack`: what keeps this Component has changed. */
export const makeWaiting = ({
  onEnter,
  onHeldBack,
}: {
  onEnter: (environmentKey: string) => void
  onHeldBack: (componentKey: string) => void
}): Waiting => {
  const inside: Record<Kind, Map<string, Set<string>>> = {
    ChangeRequest: new Map(),
    Crossing: new Map(),
    Component: new Map(),
  }
  const held = new Map<string, readonly Verdict[]>()

  const leave: Waiting['leave'] = (environmentKey, kind, key) => {
    const keys = inside[kind].get(environmentKey)
    keys?.delete(key)
    if (keys?.size === 0) inside[kind].delete(environmentKey)
  }

  return {
    enter(environmentKey, kind, key) {
      const keys = inside[kind].get(environmentKey)
      if (keys) keys.add(key)
      else inside[kind].set(environmentKey, new Set([key]))
      onEnter(environmentKey)
    },
    leave,
    forget(kind, key) {
      const kinds: readonly Kind[] = kind === 'ChangeRequest' ? ['ChangeRequest', 'Crossing'] : [kind]
      for (const one of kinds) for (const environmentKey of inside[one].keys()) leave(environmentKey, one, key)
    },
    has: (environmentKey) => Object.values(inside).some((keys) => keys.has(environmentKey)),
    of: (environmentKey, kind) => inside[kind].get(environmentKey) ?? [],
    heldBack: (componentKey) => held.get(componentKey) ?? [],
    holdBack(componentKey, verdicts) {
      const before = held.get(componentKey) ?? []
      if (verdicts.length === 0) held.delete(componentKey)
      else held.set(componentKey, verdicts)
      if (said(before) !== said(verdicts)) onHeldBack(componentKey)
    },
  }
}

const said = (verdicts: readonly Verdict[]): string => verdicts.map(({ message }) => message).join('\n')
