import type { Guard as DeclaredGuard } from '../../api/kinds.generated.ts'
import { cut } from '../../api/text.ts'
import { display, identityOf, namespaceOf } from '../component/identity.ts'
import { mayRefer } from '../component/reference.ts'
import type { Variables } from './expression.ts'
import type { Facts, Guard, Known, Verdict, World } from './facts.ts'
import { targetOf } from './missing-reference.ts'

/** The guards in CEL that a ComponentType holds for its Components, and an Environment for all of its changes. */
export const declared: Guard = (facts) => {
  const { world, type, typeName } = facts
  const { guards = [] } = world.environment.spec ?? {}
  const all = [
    ...(type?.spec.guards ?? []).map((guard) => ({ guard, where: `ComponentType ${typeName}` })),
    ...guards.map((guard) => ({ guard, where: `Environment ${world.environmentKey}` })),
  ]
  if (all.length === 0) return []
  const variables = variablesOf(facts)
  return all.flatMap(({ guard, where }) => verdictsOf(facts, guard, where, variables))
}

const verdictsOf = (facts: Facts, guard: DeclaredGuard, where: string, variables: Variables): Verdict[] => {
  const { world, id } = facts
  const shown = display(id, world.namespace)
  const against = (object: string, other?: Known): Verdict => {
    const found = other ? `found false for ${object}` : 'found false'
    const why = guard.message ?? `${where} forbids it`
    const message = `Component ${shown}: ${why} (guard ${guard.name} of ${where}: expected ${cut(guard.expression, 200)}, ${found})`
    const verdict = guard.verdict ?? 'Reject'
    const waits = verdict === 'Queue' ? { waitsFor: other?.id ?? id } : {}
    const reason = verdict === 'RequireApproval' ? 'ApprovalRequired' : 'GuardFailed'
    return { guard: guard.name, verdict, reason, object, message, ...waits }
  }
  const broken = (message: string, object: string): Verdict => ({
    guard: guard.name,
    verdict: 'Reject',
    reason: 'GuardError',
    object,
    message: `Component ${shown}: ${message}`,
  })

  const compiled = world.guards.compile(guard, where)
  if (!compiled.ok) return [broken(compiled.failure.message, shown)]
  // One budget for all evaluations: a guard over many others may not cost more than one over few.
  const budget = world.guards.budget()
  const ask = (object: string, other?: Known): Verdict | undefined => {
    const asked = other ? { ...variables, other: otherOf(other, world) } : variables
    const answer = world.guards.evaluate(compiled.value, asked, budget)
    if (!answer.ok) return broken(`${answer.failure.message} (for ${object})`, object)
    return answer.value ? undefined : against(object, other)
  }
  const verdicts: Verdict[] = []
  const others = guard.forEach === undefined ? [undefined] : othersOf(facts, guard.forEach)
  for (const other of others) {
    const verdict = ask(other ? display(other.id, world.namespace) : shown, other)
    if (verdict && (verdicts.length < verdictLimit || verdict.reason === 'GuardError')) verdicts.push(verdict)
    // The gate is closed, and the next one would say the same.
    if (verdict?.reason === 'GuardError') break
  }
  return verdicts
}

/** One guard names so many of those that are against; all are asked, as any of them may end in an error. */
const verdictLimit = 32

/** Committed Components that refer to the one that changes, that it refers to, or that the change can reach; by id. */
const othersOf = ({ world, id, references, impact }: Facts, which: NonNullable<DeclaredGuard['forEach']>): Known[] => {
  const idsOf = {
    Dependents: () => world.view.dependentsOf(id),
    Dependencies: () => dependenciesOf(world, id, references),
    Affected: () => impact.reached.map((reached) => reached.id),
  }
  const ids = idsOf[which]()
  return [...new Set(ids)].sort().flatMap((other) => world.known(other) ?? [])
}

/** Of what a reference may not lead to, nothing is seen. */
const dependenciesOf = (world: World, id: string, references: Facts['references']): string[] =>
  references.flatMap((reference) => {
    const target = world.known(targetOf(reference, namespaceOf(id)) ?? '')
    return target && mayRefer(id, target) ? [target.id] : []
  })

const variablesOf = ({ world, id, component, before, after, changedPaths, impact, request }: Facts): Variables => {
  const { spec, metadata, status } = component
  return {
    component: {
      id: display(id, world.namespace),
      type: spec.type,
      nickname: spec.nickname,
      project: spec.project ?? '',
      namespace: world.namespace,
      environment: spec.environment,
      labels: metadata.labels ?? {},
      outputs: status?.outputs ?? {},
      runtime: runtimeOf(component),
    },
    before,
    after,
    changedPaths,
    impact: {
      count: impact.count,
      truncated: impact.truncated !== undefined,
      components: impact.nearest(componentLimit).map((reached) => {
        const identity = identityOf(reached.id)
        const type = identity.ok ? identity.value.type : ''
        return { id: display(reached.id, world.namespace), type, distance: reached.distance }
      }),
    },
    environment: { name: world.environment.metadata.name, version: world.version },
    request: request
      ? { name: request.name, reason: request.reason, requestedBy: request.requestedBy }
      : { name: '', reason: '', requestedBy: { username: '' } },
  }
}

/** Guards see the nearest of an impact; `impact.count` counts them all. */
const componentLimit = 1_000

const otherOf = ({ id, component, config }: Known, { namespace, type }: World) => ({
  id: display(id, namespace),
  type: component.spec.type,
  nickname: component.spec.nickname,
  project: component.spec.project ?? '',
  config,
  outputs: namespaceOf(id) === namespace ? (component.status?.outputs ?? {}) : withoutSecrets(component, type),
  runtime: runtimeOf(component),
})

/** Whoever writes guards in one namespace may not ask for the secrets of another. */
const withoutSecrets = ({ spec, status }: Known['component'], type: World['type']) => {
  const secrets = (type(spec.type)?.spec.outputs ?? []).filter(({ sensitive }) => sensitive).map(({ name }) => name)
  return Object.fromEntries(Object.entries(status?.outputs ?? {}).filter(([name]) => !secrets.includes(name)))
}

/** What is not reported is empty, so that guards need not ask whether it is there. */
const runtimeOf = ({ status }: Known['component']) => ({
  state: status?.runtime?.state ?? '',
  config: status?.runtime?.config ?? {},
})
