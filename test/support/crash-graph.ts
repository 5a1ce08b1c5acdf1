import { setTimeout as sleep } from 'node:timers/promises'
import type { Component, ComponentType, Environment } from '../../operator/api/kinds.generated.ts'
import { vertexOf } from '../../operator/core/change/plan.ts'
import { knownOf } from '../../operator/core/component/committed.ts'
import { keyOf, placeOf } from '../../operator/core/component/identity.ts'
import { sumOf } from '../../operator/core/graph/content.ts'
import type { VertexState } from '../../operator/core/graph/vertex.ts'
import { startGremlinServer } from '../cluster/gremlin-server.ts'
import type { Api } from './api.ts'
import { connectTo, graphOver } from './gremlin-graph.ts'

/** A graph store for the operators of a lane, and whether it is what they committed when all is quiet. */
export interface LaneGraph {
  readonly env: Readonly<Record<string, string>>
  /** one sentence for each environment that differs, after some patience */
  faults(api: Api, patienceMs: number): Promise<readonly string[]>
  stop(): Promise<void>
}

export const startGraphStore = async (): Promise<LaneGraph> => {
  const server = await startGremlinServer()
  // With hundreds of environments in it each request takes its time: there is no index.
  const connection = connectTo(server.url, { timeoutMs: 60_000 })
  const store = graphOver(connection)

  /** The version that is decided is there, and what is in it, element by element, is what the Components say. */
  const faultOf = async (environment: Environment, committed: string): Promise<string | undefined> => {
    const { status } = environment
    const key = keyOf(environment)
    const [head, audit] = await Promise.all([store.head(key), store.audit(key)])
    if (!head.ok || !audit.ok) return `graph of ${key}: cannot be read`
    const { version = 0 } = status ?? {}
    if (head.value.version !== version) return `graph of ${key}: version ${head.value.version}, decided is ${version}`
    if (audit.value.sum !== committed)
      return `graph of ${key}: version ${version} is not what is committed: ${committed}, found ${audit.value.sum}`
    return head.value.sum === audit.value.sum
      ? undefined
      : `graph of ${key}: version ${version} is not what its head says: ${head.value.sum}, found ${audit.value.sum}`
  }

  return {
    env: { KARMA_GRAPH_ENDPOINT: server.url },
    async faults(api, patienceMs) {
      const deadline = performance.now() + patienceMs / 4
      for (;;) {
        const listed = async <T>(plural: string): Promise<T[]> =>
          (await api.get(`/apis/usekarma.dev/v1alpha1/${plural}`)).body.items
        const environments = await listed<Environment>('environments')
        const sums = committedSums(await listed<Component>('components'), await listed<ComponentType>('componenttypes'))
        const found: string[] = []
        for (const one of environments) found.push(...[(await faultOf(one, sums(keyOf(one)))) ?? []].flat())
        if (found.length === 0 || performance.now() > deadline) return found
        await sleep(250)
      }
    },
    async stop() {
      await connection.close()
      await server.close()
    },
  }
}

/** By environment: the content sum of its committed Components. */
const committedSums = (components: readonly Component[], types: readonly ComponentType[]) => {
  const type = (name: string) => types.find(({ metadata }) => metadata.name === name)
  const vertices = components.flatMap((component): [string, VertexState][] => {
    const known = knownOf(component)
    return known ? [[placeOf(component), vertexOf(known, component.spec.type, { type })]] : []
  })
  const byPlace = Map.groupBy(vertices, ([place]) => place)
  return (key: string): string => sumOf((byPlace.get(key) ?? []).map(([, state]) => state))
}
