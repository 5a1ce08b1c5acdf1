import type {
  Applying,
  ChangeRequest,
  Component,
  Environment,
  EnvironmentStatus,
} from '../../operator/api/kinds.generated.ts'
import type { Answer, Effect, Held, Member, Pass } from '../../operator/core/change/commit.ts'
import type { Sight } from '../../operator/core/change/promise.ts'
import { hashOf } from '../../operator/core/component/wanted.ts'

/*
 * The world in which references into another environment are explored: x of environment 0 shall go (change 0), c of
 * environment 1 shall refer to it (change 1); one of both must be refused. Numbers stand for resourceVersions. Those of
 * Components are of one count; an Environment's are above all of them, and those of environment 0 above those of 1, as it
 * would be if they were of one count and 0 were written last: no rule compares more than that.
 */

export const namespace = 'n'
export const keyOf = (e: number): string => `${namespace}/${e}`
/** the Components, and the environments, by the number of the change that writes them */
export const names = ['t.x', 't.c'] as const
export const ids = ['n/t/x', 'n/t/c'] as const

export interface World {
  readonly server: Server
  readonly leases: readonly number[]
  readonly holders: readonly Holder[]
  readonly faults: number
}
/** What is in the API server. */
export interface Server {
  readonly environments: readonly Place[]
  readonly components: readonly Stored[]
  readonly requests: readonly Asked[]
}
/** An Environment, and what a cache may still show of it: its earlier states. */
export interface Place {
  readonly now: State
  readonly past: readonly State[]
}
export interface State {
  readonly rv: number
  readonly status: Pick<
    EnvironmentStatus,
    'version' | 'applying' | 'committedResourceVersion' | 'promised' | 'lockedBy'
  >
}
/** `done`: x is gone, or c refers to it */
export interface Stored {
  readonly rv: number
  readonly done: boolean
  /** the resourceVersion that it had before it was done: 0 while it is not */
  readonly since: number
}
export interface Asked {
  readonly rv: number
  readonly phase: 'Pending' | 'Applying' | 'Applied' | 'Rejected'
  readonly claim: string
}
export interface Content {
  readonly change: number
}
export interface Holder {
  /** the environment that it is at work in; -1: none */
  readonly at: number
  readonly passes: readonly (Pass<Content> | null)[]
  /** a write that was given up and may still land */
  readonly late: Sent | null
}
export interface Sent {
  readonly in: number
  readonly effect: Effect<Content>
  readonly held: Held | null
  readonly read: string
  readonly members: readonly Member<Content>[]
}

export interface Setting {
  /** how each change comes: asked for, or by a Component that comes or goes */
  readonly kinds: readonly [taking: 'ChangeRequest' | 'Removal', referring: 'ChangeRequest' | 'Creation']
  readonly faults: number
  /** take one part of the protocol away */
  readonly without?: 'the promise' | 'compare-and-set' | 'heeding promises' | 'having seen what came of them'
  readonly untilViolation?: boolean
}
export type Outcome = readonly [Server, Answer<Content>]

export const startOf = ({ faults }: Setting): World => ({
  server: {
    environments: [100, 10].map((rv) => ({ now: { rv, status: { version: 0 } }, past: [] })),
    components: [1, 2].map((rv) => ({ rv, done: false, since: 0 })),
    requests: [0, 1].map(() => ({ rv: 1, phase: 'Pending', claim: '0' })),
  },
  leases: [-1, -1],
  holders: [0, 1].map(() => ({ at: -1, passes: [null, null], late: null })),
  faults,
})

export const replaced = <T>(list: readonly T[], index: number, value: T): T[] =>
  list.map((item, i) => (i === index ? value : item))

const wanted = {}
export const applyingOf = (change: number, { kinds }: Setting): Applying => {
  const kind = kinds[change]!
  const uid = `${change}`
  if (kind === 'ChangeRequest') return { kind, name: `r${change}`, uid }
  return { kind, name: names[change]!, uid, ...(kind === 'Creation' && { hash: hashOf(wanted) }) }
}

export const environmentOf = ({ rv, status }: State, e: number): Environment => ({
  apiVersion: 'usekarma.dev/v1alpha1',
  kind: 'Environment',
  metadata: { name: `${e}`, namespace, resourceVersion: `${rv}` },
  spec: {},
  status,
})

/** What a cache has seen: of Components all up to `reached`, of the other environment that state. */
export interface View {
  readonly reached: number
  readonly other: State
}

export const isDone = ({ done, since }: Stored, { reached }: View): boolean => done && since <= reached

export const sightOf = (w: Server, { other, ...view }: View, e: number): Sight => ({
  environment: (key) => (key === keyOf(e) ? undefined : environmentOf(other, 1 - e)),
  isAhead: (key) => isAhead(w, Number(key.slice(namespace.length + 1))),
  reached: { Environment: '999', Component: `${view.reached}` },
  object(kind, key) {
    const change =
      kind === 'Component' ? names.findIndex((name) => key === `${namespace}/${name}`) : Number(key.slice(3))
    const metadata = { name: '', namespace, uid: `${change}`, resourceVersion: `${w.components[change]!.rv}` }
    if (kind === 'ChangeRequest') {
      const status = {
        phase: w.requests[change]!.phase,
        images: [{ component: ids[change]!.slice(2), before: '{}', after: change === 0 ? 'null' : '{}' }],
      }
      return { kind, metadata, spec: { component: ids[change]!.slice(2) }, status } as unknown as ChangeRequest
    }
    const stored = w.components[change]!
    const done = isDone(stored, { other, ...view })
    // x is committed until it is gone, c when it refers.
    const committed = change === 0 ? !done : done
    const resourceVersion = done ? `${stored.since}` : '0'
    return {
      kind,
      metadata: { ...metadata, resourceVersion },
      spec: { ...wanted, environment: `${change}` },
      status: committed ? { committed: { graphVersion: 1 } } : {},
    } as unknown as Component
  },
})

const isAhead = ({ requests, environments }: Server, e: number): boolean =>
  requests[e]!.phase === 'Applying' && !environments[e]!.now.status.applying?.some(({ uid }) => uid === `${e}`)

/** Something is to be done in an environment. */
export const isPending = (w: Server, change: number, { kinds }: Setting): boolean => {
  if (kinds[change] === 'ChangeRequest') return w.requests[change]!.phase === 'Pending'
  // What may not come or go is held back, and wakes nobody.
  return !w.components[change]!.done && !w.components[1 - change]!.done
}
export const isDirty = (w: Server, e: number): boolean => {
  const { applying = [], lockedBy } = w.environments[e]!.now.status
  return applying.length > 0 || lockedBy !== undefined || w.requests[e]!.phase === 'Applying'
}

export const isAtRest = ({ holders, server }: World, setting: Setting): boolean =>
  holders.every(({ at, late }) => at === -1 && !late) &&
  ![0, 1].some((e) => isDirty(server, e) || isPending(server, e, setting))

const decidedIn = ({ environments }: Server): number =>
  environments.filter(({ now }) => (now.status.version ?? 0) > 0).length

/** What must hold in every state. */
export const violationIn = (w: Server): string | undefined => {
  if (decidedIn(w) > 1) return 'it refers to what is gone, or is going'
  for (const [change, { phase }] of w.requests.entries()) {
    const { done } = w.components[change]!
    if (phase === 'Rejected' && done) return 'rejected but applied'
    if (phase === 'Applied' && !done) return 'applied but not committed'
  }
  return undefined
}

/** What must hold when nothing is left to do. */
export const violationAtRest = (w: World, setting: Setting): string | undefined => {
  if (!isAtRest(w, setting)) return undefined
  if (decidedIn(w.server) === 0) return 'at rest, and nothing has happened'
  return w.server.components.some(({ done }) => done) ? undefined : 'at rest, decided but not committed'
}
