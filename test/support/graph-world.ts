import { makeEmbeddedGraph } from '../../operator/adapters/graph-embedded/store.ts'
import type { Event } from '../../operator/api/envelope.ts'
import type { Component, Environment } from '../../operator/api/kinds.generated.ts'
import { vertexOf } from '../../operator/core/change/plan.ts'
import { identityOf } from '../../operator/core/component/identity.ts'
import { committedStatus, removedStatus } from '../../operator/core/component/status.ts'
import type { Wanted } from '../../operator/core/component/wanted.ts'
import { eventOf, type Teller } from '../../operator/core/event/envelope.ts'
import type { VertexState } from '../../operator/core/graph/vertex.ts'
import { published } from '../../operator/core/lock/claim.ts'
import type { GraphStore } from '../../operator/ports/graph.ts'
import type { Ledger } from '../../operator/ports/ledger.ts'
import { aComponent, anEnvironment, at, noon } from './builders.ts'

/** By full id of a Component of dev/dev: what is committed of it from now on; null: it goes. */
export type Commits = Readonly<Record<string, Wanted | null>>

export interface GraphWorld {
  readonly components: Map<string, Component>
  readonly environment: () => Environment
  readonly events: Event[]
  readonly graph: GraphStore
  readonly ledger: Pick<Ledger, 'query'>
  /** The next version; a minute passes. `request`: its name and uid; absent: they come and go by themselves. */
  readonly commit: (commits: Commits, request?: string) => Promise<number>
  /** What was committed at each version. */
  readonly states: ReadonlyMap<string, Wanted>[]
}

/** Environment dev/dev from version 0, its graph and its ledger, by the functions that write them in the operator. */
export const makeGraphWorld = (keep = 64): GraphWorld => {
  let now = noon
  let epochs = 0
  let environment = anEnvironment({}, { version: 0 })
  const components = new Map<string, Component>()
  /** uids of those that were removed */
  const gone = new Map<string, string>()
  const events: Event[] = []
  const states: Map<string, Wanted>[] = [new Map()]
  const graph = makeEmbeddedGraph({ newEpoch: () => `epoch-${epochs++}`, now: () => now, keep })
  const tell = (object: Teller): void => {
    const event = eventOf(object, object.status!.history!.at(-1)!)
    if (!event.ok) throw new Error(event.failure.message)
    events.push(event.value)
  }

  const commitOne = (id: string, wanted: Wanted | null, version: number, request: string | undefined): VertexState => {
    const identity = identityOf(id)
    if (!identity.ok) throw new Error(identity.failure.message)
    const { type, nickname } = identity.value
    const there = components.get(id)
    const change = request === undefined ? {} : { change: { name: request, uid: `uid-${request}`, hash: 'sha256:0' } }
    if (wanted === null) {
      tell({ ...there!, status: removedStatus(there!, { version, now, ...change }) })
      gone.set(id, there?.metadata.uid ?? '')
      components.delete(id)
      return { id, removed: true }
    }
    const component =
      there ?? aComponent(`${type}/${nickname}`, { committed: false, metadata: { uid: `${id} ${version}` } })
    const spec = { type, nickname, environment: 'dev', ...wanted }
    const status = committedStatus(component, { wanted, version, now, ...change })
    components.set(id, { ...component, spec, status })
    tell(components.get(id)!)
    const { config = {}, references = [] } = wanted
    return vertexOf({ id, config, references }, type, { type: () => undefined })
  }

  const commit = async (commits: Commits, request?: string): Promise<number> => {
    now += 60_000
    const version = (environment.status?.version ?? 0) + 1
    const patch = Object.entries(commits).map(([id, wanted]) => commitOne(id, wanted, version, request))
    const status = published(environment, { holder: 'me', version, applying: [], highest: '1', now })
    environment = { ...environment, status }
    tell(environment)
    const made = Object.keys(commits).map((id) => components.get(id)?.metadata.uid ?? gone.get(id) ?? '')
    const changeId = request === undefined ? made.sort().join(',') : `uid-${request}`
    const done = await graph.publish('dev/dev', version, patch, { changeId, claim: '1' })
    if (!done.ok) throw new Error(done.failure.message)
    const state = new Map(states.at(-1))
    for (const [id, wanted] of Object.entries(commits)) wanted === null ? state.delete(id) : state.set(id, wanted)
    states.push(state)
    return version
  }

  return {
    components,
    environment: () => environment,
    events,
    graph,
    ledger: ledgerOf(events),
    commit,
    states,
  }
}

/** Newest first, as the ledger answers queries without a correlation. */
export const ledgerOf = (events: readonly Event[]): Pick<Ledger, 'query'> => ({
  query: async ({ namespace, environment, eventTypes, limit }) =>
    events
      .filter((event) => namespace === undefined || event.entity_id.startsWith(`${namespace}/`))
      .filter((event) => environment === undefined || event.tags.environment === environment)
      .filter((event) => eventTypes === undefined || eventTypes.includes(event.event_type))
      .toSorted((a, b) => (a.ts < b.ts ? 1 : a.ts > b.ts ? -1 : 0))
      .slice(0, limit),
})

export const minuteOf = (version: number): string => at(noon + version * 60_000)
