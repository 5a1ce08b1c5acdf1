import type { Applying } from '../../../../operator/api/kinds.generated.ts'
import type { Answer, Effect, Held, Member, Pass } from '../../../../operator/core/change/commit.ts'

/*
 * The world in which schedules of the commit protocol are explored: what is in the API server and the graph store, and
 * what the two holders remember. Numbers stand for resourceVersions; a change appends its number to the value of its
 * Component, so that a lost update shows.
 */

export interface World {
  readonly server: Server
  readonly lease: number
  readonly holders: readonly Holder[]
  /** crashes, takeovers and lost answers still to come */
  readonly faults: number
  /** reports of others on a Component still to come: they move its resourceVersion */
  readonly reports: number
}
/** What is in the API server and the graph store. */
export interface Server {
  readonly env: Env
  readonly store: readonly Version[]
  readonly components: readonly Stored[]
  readonly requests: readonly Asked[]
}
export interface Env {
  readonly rv: number
  readonly version: number
  readonly applying: readonly number[]
  readonly highest: string
  /** how often the graph store is still to be found to say something else */
  readonly differing: number
}
interface Version {
  readonly version: number
  readonly changes: readonly number[]
  readonly content: readonly string[]
}
interface Stored {
  readonly rv: number
  readonly spec: string
  readonly committed: string
  readonly version: number
  /** committed values by the resourceVersion they had: what a cache may still show */
  readonly past: readonly (readonly [rv: number, committed: string])[]
}
interface Asked {
  readonly rv: number
  readonly phase: 'Pending' | 'Applying' | 'Applied' | 'Rejected'
  readonly ahead?: { claim: string; version: number; content: Content; componentVersion: string }
}
export interface Content {
  readonly change: number
  readonly after: string
  readonly rejected: boolean
  readonly version: number
}
export interface Holder {
  readonly pass: Pass<Content> | null
  readonly at: 'start' | 'on' | 'done'
  /** a write that was given up and may still land */
  readonly late: Sent | null
}
/** A request to the API server, with all that its outcome depends on. */
export interface Sent {
  readonly effect: Effect<Content>
  readonly held: Held | null
  readonly read: string
  /** of a publish: the batch it was sent with */
  readonly members: readonly Member<Content>[]
}

export interface Setting {
  /** the Component (0 or 1) that each change is about */
  readonly changes: readonly number[]
  readonly faults: number
  readonly reports: number
  /** how often a plan may find that the graph store says something else; default: never */
  readonly differing?: number
  /** take one part of the protocol away */
  readonly without?: 'claim' | 'compare-and-set' | 'comparing claims'
  /** end the search at the first violation */
  readonly untilViolation?: boolean
}

export type Outcome = readonly [Server, Answer<Content>]

export const startOf = ({ changes, faults, reports, differing = 0 }: Setting): World => ({
  server: {
    env: { rv: 1, version: 0, applying: [], highest: '0', differing },
    store: [],
    components: [0, 1].map((c) => ({ rv: c + 1, spec: '', committed: '', version: 0, past: [] })),
    requests: changes.map(() => ({ rv: 1, phase: 'Pending' })),
  },
  lease: -1,
  holders: [0, 1].map(() => ({ pass: null, at: 'start', late: null })),
  faults,
  reports,
})

export const replaced = <T>(list: readonly T[], index: number, value: T): T[] =>
  list.map((item, i) => (i === index ? value : item))

/** The next resourceVersion of a Component: they are of one count. */
export const nextOf = ({ components }: Pick<Server, 'components'>): number =>
  Math.max(...components.map(({ rv }) => rv)) + 1

export const applyingOf = (change: number): Applying => ({
  kind: 'ChangeRequest',
  name: `r${change}`,
  uid: `${change}`,
})

export const isUnfinished = ({ requests }: Server): boolean =>
  requests.some(({ phase }) => phase === 'Pending' || phase === 'Applying')

/** What must hold in every state. */
export const violationIn = (server: Server, { changes }: Setting): string | undefined => {
  const stored = server.store.flatMap((version) => version.changes)
  return inStore(server, stored) ?? inRequests(server, stored, changes)
}

const inStore = ({ store, components, env }: Server, stored: readonly number[]): string | undefined => {
  if (new Set(stored).size !== stored.length) return 'a change was stored twice'
  if (store.some(({ version }, i) => version !== i + 1)) return 'versions of the store are out of order'
  for (let i = 1; i < store.length; i++) {
    const [before, after] = [store[i - 1]!.content, store[i]!.content]
    if (before.some((value, c) => !after[c]!.startsWith(value))) return `lost update: ${before} then ${after}`
  }
  if (components.some(({ version }) => version > env.version)) return 'committed beyond the version'
  return undefined
}

const inRequests = (server: Server, stored: readonly number[], componentOf: readonly number[]): string | undefined => {
  for (const [change, { phase }] of server.requests.entries()) {
    const committed = server.components[componentOf[change]!]!.committed.includes(`${change}`)
    if (phase === 'Rejected' && (committed || stored.includes(change))) return 'rejected but applied'
    if (phase === 'Applied' && !stored.includes(change)) return 'applied but not in the store'
  }
  return undefined
}

export const isAtRest = ({ holders }: World): boolean => holders.every(({ at, late }) => at === 'done' && !late)

/** What must hold when both holders have come to rest. */
export const violationAtRest = (w: World): string | undefined => {
  if (!isAtRest(w)) return undefined
  const { components, store } = w.server
  if (isUnfinished(w.server)) return 'at rest, unfinished'
  const last = components.map((_, c) => store.at(-1)?.content[c] ?? '')
  const wrong = components.findIndex(({ committed, spec }, c) => committed !== last[c] || spec !== last[c])
  return wrong === -1 ? undefined : `at rest, Component ${wrong} is not what the store says`
}
