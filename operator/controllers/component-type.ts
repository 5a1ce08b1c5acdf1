import type { Failure } from '../api/result.ts'
import { conditionOf, withCondition } from '../core/change/status.ts'
import type { World } from '../core/guard/facts.ts'
import type { Clock } from '../ports/clock.ts'
import type { Caches, Cluster, Of } from '../ports/cluster.ts'
import { done, type Outcome, retry } from '../runtime/controller.ts'

export interface ComponentTypeDependencies {
  readonly cluster: Cluster
  readonly caches: Caches
  readonly guards: World['guards']
  readonly configFaults: World['configFaults']
  readonly clock: Pick<Clock, 'now'>
}

/** Says of each ComponentType how many Components it has and whether its schema and guards can be used. */
export const makeComponentTypeReconciler = ({
  cluster,
  caches,
  guards,
  configFaults,
  clock,
}: ComponentTypeDependencies) => {
  const faultsOf = (type: Of<'ComponentType'>): Failure[] => {
    const where = `ComponentType ${type.metadata.name}`
    const compiled = (type.spec.guards ?? []).map((guard) => guards.compile(guard, where))
    // An empty config is enough to find out whether the schema compiles.
    const schema = type.spec.configSchema ? [configFaults(type, {})] : []
    return [...compiled, ...schema].flatMap((result) => (result.ok ? [] : [result.failure]))
  }

  return async (key: string): Promise<Outcome> => {
    const type = caches.ComponentType.get(key)
    if (!type) return done
    const components = [...caches.Component.byIndex('type', type.metadata.name)].length
    const faults = faultsOf(type)
    const reason = faults[0]?.reason ?? 'Ready'
    const message = faults.map((fault) => fault.message).join('; ') || 'schema and guards can be used'
    const generation = type.metadata.generation ?? 1
    const at = new Date(clock.now()).toISOString()
    const status = faults.length === 0 ? 'True' : 'False'
    const ready = withCondition(type.status?.conditions, { type: 'Ready', status, reason, message }, { generation, at })
    const before = conditionOf(type.status?.conditions, 'Ready')
    const same =
      before?.status === ready.status && before.message === ready.message && before.observedGeneration === generation
    if (same && type.status?.components === components) return done
    const next = { ...type.status, components, observedGeneration: generation, conditions: [ready] }
    const written = await cluster.writeStatus('ComponentType', type, next)
    return written.ok || written.failure.reason === 'NotFound' ? done : retry(written.failure)
  }
}
