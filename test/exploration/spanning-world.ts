import type { Applying, ChangeRequest, Prepared } from '../../operator/api/kinds.generated.ts'
import { fateOf, undecidedIn } from '../../operator/core/change/ahead.ts'
import type { Answer, Effect, Held, Member, Pass } from '../../operator/core/change/commit.ts'
import type { Spanned, Spanning, SpanningAnswer, SpanningEffect } from '../../operator/core/change/spanning.ts'

/*
 * The world in which schedules of changes over two environments are explored: what is in the API server and the graph
 * stores, and what two holders remember. Numbers stand for resourceVersions; those of Components are of one count, as in
 * etcd. A change appends its number to the value of each of its Components, so that a lost update shows.
 */

const namespace = 'n'

export interface World {
  readonly server: Server
  /** who has the lock of each environment, -1: nobody */
  readonly leases: readonly number[]
  readonly holders: readonly Holder[]
  /** crashes, takeovers and lost answers still to come */
  readonly faults: number
}
/** What is in the API server and the graph stores. */
export interface Server {
  readonly environments: readonly Environment[]
  readonly components: readonly Stored[]
  readonly requests: readonly Asked[]
}
export interface Environment {
  readonly rv: number
  readonly version: number
  readonly applying: readonly number[]
  readonly prepared: Prepared | null
  readonly highest: string
  /** its graph store: the values of its Components at each version */
  readonly store: readonly Version[]
}
interface Version {
  readonly version: number
  readonly changes: readonly number[]
  readonly content: readonly string[]
}
export interface Stored {
  readonly rv: number
  readonly spec: string
  readonly committed: string
  readonly version: number
  /** committed values by the resourceVersion they had: what a cache may still show */
  readonly past: readonly (readonly [rv: number, committed: string])[]
}
export interface Asked {
  readonly rv: number
  readonly phase: 'Pending' | 'Applying' | 'Applied' | 'Rejected'
  readonly ahead?: Ahead
}
export interface Ahead {
  readonly parts: readonly { environment: string; claim: string; version: number }[]
  readonly components: readonly { component: number; environment: number }[]
  /** by one who leads a change over several environments, although it may turn out to be about one alone */
  readonly spanning: boolean
  readonly decided?: boolean
  readonly content: Content
}
export interface Content {
  readonly change: number
  /** the value of each of its Components when it is done */
  readonly after: Readonly<Record<number, string>>
  readonly versions: Readonly<Record<number, number>>
}
export interface Holder {
  /** the environments it is at work in */
  readonly at: readonly number[]
  /** what it remembers of each environment; null: nothing */
  readonly passes: readonly (Pass<Content> | null)[]
  /** while it leads a change over both */
  readonly spanning: Spanning<Content> | null
  /** a write that was given up and may still land */
  readonly late: Sent | null
}
/** A request to the API server, with all that its outcome depends on. */
export type Sent =
  | {
      readonly in: number
      readonly effect: Effect<Content>
      readonly held: Held | null
      readonly read: string
      /** of a publish: the batch it was sent with */
      readonly members: readonly Member<Content>[]
    }
  | {
      readonly in: 'all'
      readonly effect: Exclude<SpanningEffect<Content>, { do: 'Pass' }>
      readonly helds: readonly Held[]
    }

export interface Setting {
  /** the environment (0 or 1) of each Component */
  readonly components: readonly number[]
  /** the Components of each change */
  readonly changes: readonly (readonly number[])[]
  /** a change that passes both environments, although it writes in one alone: it refers to the other */
  readonly referring?: number
  /** a change that a guard may refuse */
  readonly refusable?: number
  /** a change over both that may turn out, planned again, to be about the first alone */
  readonly narrowing?: boolean
  /** The first change is written ahead and prepared to begin with, by a holder that is gone. */
  readonly abandoned?: boolean
  /** A holder that comes to rest remembers nothing. */
  readonly forgetful?: boolean
  readonly faults: number
  /** take one part of the protocol away */
  readonly without?:
    | 'comparing when deciding'
    | 'comparing when taking back'
    | 'asking what was prepared'
    | 'preparing in the second'
    | 'waiting for the other'
    | 'waiting where it writes nothing'
    | 'binding to the write-ahead'
    | 'the claim in the second'
  /** end the search at the first violation */
  readonly untilViolation?: boolean
}

export type Outcome = readonly [Server, SpanningAnswer<Content>]
export type PassAnswer = Answer<Content>
export type Change = Spanned<Content>

export const startOf = (setting: Setting): World => ({
  server: {
    environments: [0, 1].map(() => ({
      rv: 1,
      version: 0,
      applying: [],
      prepared: setting.abandoned ? { name: 'r0', uid: '0', claim: '0' } : null,
      highest: '0',
      store: [],
    })),
    components: setting.components.map((_, c) => ({ rv: c + 1, spec: '', committed: '', version: 0, past: [] })),
    requests: setting.changes.map(() => (setting.abandoned ? abandonedIn(setting) : { rv: 1, phase: 'Pending' })),
  },
  leases: [-1, -1],
  holders: [0, 1].map(() => ({ at: [], passes: [null, null], spanning: null, late: null })),
  faults: setting.faults,
})

/** Written ahead and prepared in both by a holder that is gone. */
const abandonedIn = (setting: Setting): Asked => {
  const { changes } = setting
  const after = Object.fromEntries(changes[0]!.map((c) => [c, '0']))
  const content = { change: 0, after, versions: { 0: 1, 1: 1 } }
  const parts = [0, 1].map((e) => ({ environment: keyOf(e), claim: '0', version: 1 }))
  return {
    rv: 2,
    phase: 'Applying',
    ahead: { parts, components: writtenBy(setting, content), spanning: true, content },
  }
}

/** The Components that a change writes, as it was planned. */
export const writtenBy = ({ components }: Setting, { after }: Content): Ahead['components'] =>
  Object.keys(after).map((c) => ({ component: Number(c), environment: components[Number(c)]! }))

export const replaced = <T>(list: readonly T[], index: number, value: T): T[] =>
  list.map((item, i) => (i === index ? value : item))

export const keyOf = (environment: number): string => `${namespace}/${environment}`
export const environmentAt = (key: string): number => Number(key.slice(namespace.length + 1))

export const applyingOf = (change: number): Applying => ({
  kind: 'ChangeRequest',
  name: `r${change}`,
  uid: `${change}`,
})

export const nameOf = (component: number): string => `c.${component}`
/** Of its name, or as a request names it. */
export const componentAt = (name: string): number => Number(name.slice(2))

/** The request as the rules of core read it. */
export const requestOf = ({ requests }: Server, change: number): Pick<ChangeRequest, 'metadata' | 'status'> => {
  const { phase, ahead } = requests[change]!
  const metadata = { name: `r${change}`, namespace, uid: `${change}` }
  if (!ahead) return { metadata, status: { phase } }
  const { parts, components, spanning, decided = false } = ahead
  const images = components.map(({ component }) => ({ component: `c/${component}`, before: '{}', after: '{}' }))
  if (spanning) {
    return { metadata, status: { phase, images, writeAhead: { holder: 'h', environments: [...parts], decided } } }
  }
  const [{ environment, claim, version }] = parts as [Ahead['parts'][number]]
  const writeAhead = { holder: 'h', claim, version }
  return { metadata, status: { phase, images, environment: `${environmentAt(environment)}`, writeAhead } }
}

/** What has become of what is prepared in an environment. */
export const fateIn = (server: Server, prepared: Prepared, environment: number): ReturnType<typeof fateOf> =>
  fateOf(prepared, keyOf(environment), requestOf(server, Number(prepared.uid)))

/** Something in it is half done, or is to be cleared away. */
export const isDirty = (server: Server, environment: number): boolean => {
  const { applying, prepared } = server.environments[environment]!
  if (applying.length > 0 || prepared) return true
  return server.requests.some((_, change) => undecidedIn(requestOf(server, change), keyOf(environment)) !== undefined)
}

/** Its part here is committed, and not its part elsewhere: here nobody can do anything for it. */
export const waitsForOthers = (server: Server, setting: Setting, environment: number): boolean =>
  server.environments[environment]!.applying.some((change) => {
    const { phase, ahead } = server.requests[change]!
    const isDone = (e: number): boolean => isDoneIn(server, setting, ahead!.content, e)
    return phase === 'Applying' && isDone(environment) && !environmentsOf(setting, change).every(isDone)
  })

/** The part of a change in an environment is published and committed. */
const isDoneIn = (
  server: Server,
  { changes, components }: Setting,
  { change, versions }: Content,
  e: number,
): boolean => {
  const version = versions[e] ?? 0
  if (server.environments[e]!.version < version) return false
  return changes[change]!.every((c) => components[c] !== e || server.components[c]!.version >= version)
}

export const isAtRest = ({ holders, server }: World): boolean =>
  holders.every(({ at, late }) => at.length === 0 && !late) &&
  !server.environments.some((_, e) => isDirty(server, e)) &&
  !server.requests.some(({ phase }) => phase === 'Pending' || phase === 'Applying')

/** What must hold in every state. */
export const violationIn = (server: Server, setting: Setting): string | undefined => {
  for (const [e, environment] of server.environments.entries()) {
    const wrong = inStore(environment) ?? toReaders(server, environment, componentsIn(setting, e), setting)
    if (wrong) return `environment ${e}: ${wrong}`
  }
  return inRequests(server, setting)
}

/** What must hold when nothing is left to do. */
export const violationAtRest = (w: World, setting: Setting): string | undefined => {
  if (!isAtRest(w)) return undefined
  const { environments, components, requests } = w.server
  if (components.some(({ spec, committed }) => spec !== committed)) return 'at rest, half committed'
  const isLost = requests.some(
    ({ phase }, change) =>
      phase === 'Applied' &&
      !setting.narrowing &&
      !environmentsOf(setting, change).every((e) =>
        environments[e]!.store.some(({ changes }) => changes.includes(change)),
      ),
  )
  return isLost ? 'at rest, applied but not published everywhere' : undefined
}

export const componentsIn = ({ components }: Pick<Setting, 'components'>, environment: number): number[] =>
  components.flatMap((e, c) => (e === environment ? [c] : []))

/** The environments that a change passes. */
export const environmentsOf = ({ components, changes, referring }: Setting, change: number): number[] =>
  change === referring ? [0, 1] : [...new Set(changes[change]!.map((c) => components[c]!))]

const inStore = ({ store }: Environment): string | undefined => {
  const stored = store.flatMap(({ changes }) => changes)
  if (new Set(stored).size !== stored.length) return 'a change was stored twice'
  if (store.some(({ version }, i) => version !== i + 1)) return 'versions of the store are out of order'
  for (let i = 1; i < store.length; i++) {
    const [before, after] = [store[i - 1]!.content, store[i]!.content]
    if (before.some((value, c) => !after[c]!.startsWith(value))) return `lost update: ${before} then ${after}`
  }
  return undefined
}

/** A reader takes an environment as whole when all that was decided in it has finished. */
const toReaders = (
  { components, requests }: Server,
  environment: Environment,
  own: readonly number[],
  { changes }: Setting,
): string | undefined => {
  const { version, applying, store } = environment
  if (own.some((c) => components[c]!.version > version)) return 'committed beyond the version'
  if (!applying.every((change) => requests[change]!.phase === 'Applied')) return undefined
  const last = store.at(-1)
  // A version that changes nothing here may come to the store when it has finished elsewhere.
  const isEmpty = applying.length > 0 && !applying.some((change) => changes[change]!.some((c) => own.includes(c)))
  if ((last?.version ?? 0) !== version && !isEmpty)
    return `version ${version} is not in the store, whose last is ${last?.version}`
  const half = own.findIndex((c, i) => components[c]!.committed !== (last?.content[i] ?? ''))
  return half === -1 ? undefined : `a reader sees half of version ${version}`
}

const inRequests = (server: Server, setting: Setting): string | undefined => {
  for (const [change, { phase, ahead }] of server.requests.entries()) {
    const carried = setting.changes[change]!.filter((c) => server.components[c]!.committed.includes(`${change}`))
    const stored = server.environments.some(({ store }) => store.some(({ changes }) => changes.includes(change)))
    if (phase === 'Applied' && !isWhole(carried, change, setting)) return 'applied but not in every Component'
    if (phase !== 'Applied' && phase !== 'Applying' && (stored || carried.length > 0)) return `${phase} but applied`
    const mayBeStored = phase === 'Applied' || ahead?.decided || ahead?.spanning === false
    if (stored && !mayBeStored) return 'stored before it was decided'
  }
  return undefined
}

const isWhole = (carried: readonly number[], change: number, { changes, components, narrowing }: Setting): boolean =>
  carried.length === changes[change]!.length ||
  (narrowing === true && carried.length > 0 && carried.every((c) => components[c] === 0))
