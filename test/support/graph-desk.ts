import assert from 'node:assert/strict'
import type { Image } from '../../operator/api/kinds.generated.ts'
import { failure, type Result, success } from '../../operator/api/result.ts'
import type { Wanted } from '../../operator/core/component/wanted.ts'
import type { Access } from '../../operator/ports/access.ts'
import type { Of } from '../../operator/ports/cluster.ts'
import { makeChangesRoute } from '../../operator/server/graph-changes.ts'
import { makeHistoryRoute } from '../../operator/server/graph-history.ts'
import { makeStatesRoute } from '../../operator/server/graph-states.ts'
import { makeVersionsRoute } from '../../operator/server/graph-versions.ts'
import { aChangeRequest, anEnvironment, noon } from './builders.ts'
import { typed } from './command-line.ts'
import { type GraphWorld, makeGraphWorld } from './graph-world.ts'
import { makeMemoryObjects } from './memory-objects.ts'

export const site = (size: number): Wanted => ({ config: { size } })
export const onSite: Wanted = { references: [{ name: 'site', component: 'site/main' }] }
const onCdn: Wanted = { references: [{ name: 'cdn', component: 'cdn/main', outputs: ['url'] }] }

/** 1: a site, a CDN before it, and its name; 2: larger; 3: the name leads to the site, and there is a shop; 4: no CDN. */
export const fourVersions = async (keep?: number): Promise<GraphWorld> => {
  const world = makeGraphWorld(keep)
  await world.commit({ 'dev/site/main': site(1), 'dev/cdn/main': onSite, 'dev/dns/main': onCdn })
  await world.commit({ 'dev/site/main': site(2) }, 'larger')
  await world.commit({ 'dev/dns/main': { ...onSite, project: 'p' }, 'dev/shop/main': onSite }, 'shop')
  await world.commit({ 'dev/cdn/main': null }, 'no-cdn')
  return world
}

const anybody: Access = {
  identify: async () => success({ username: 'jo', groups: [] }),
  may: async () => success(true),
}

/** The operator's port over this world, without the network. */
const operatorOf = ({ graph, ledger }: Pick<GraphWorld, 'graph' | 'ledger'>) => {
  const routes = {
    versions: makeVersionsRoute({ access: anybody, graph }),
    changes: makeChangesRoute({ access: anybody, graph }),
    states: makeStatesRoute({ access: anybody, graph }),
    history: makeHistoryRoute({ access: anybody, ledger }),
  }
  return async (path: string): Promise<Result<unknown>> => {
    const { pathname, searchParams } = new URL(path, 'http://karma')
    const route = routes[pathname.split('/').at(-1) as keyof typeof routes]
    const asked: Promise<Result<unknown>> = route('token', Object.fromEntries(searchParams))
    const answer = await asked.catch((cause: Error) => unavailable(cause.message))
    return answer.ok ? success(JSON.parse(JSON.stringify(answer.value))) : answer
  }
}

const unavailable = (message: string): Result<never> => failure({ reason: 'Unavailable', message, retry: true })

/** Types `kubectl karma graph …` over this world. */
export const typedGraph = async (
  args: string[],
  world: GraphWorld,
  more: Partial<Pick<GraphWorld, 'ledger'>> & {
    others?: string[]
    images?: Image[]
    /** requests that are there too */
    tries?: Of<'ChangeRequest'>[]
    files?: Record<string, string>
  } = {},
) => {
  const { others = [], images = [], tries = [], files = {}, ledger = world.ledger } = more
  const request = (name: string) => aChangeRequest({ name, status: { phase: 'Applied', images } })
  const { objects, written } = makeMemoryObjects({
    Component: [...world.components.values()].map((component) => ({ ...component, faults: [] })),
    Environment: [
      { ...world.environment(), faults: [] },
      ...others.map((name) => ({ ...anEnvironment(), metadata: { name, namespace: 'dev' }, faults: [] })),
    ],
    ChangeRequest: [...['larger', 'shop'].map(request), ...tries],
  })
  const operator = operatorOf({ graph: world.graph, ledger })
  const said = await typed(['graph', ...args], { files, now: () => noon + 240_000, session: { objects, operator } })
  assert.deepEqual(written, [])
  return said
}
