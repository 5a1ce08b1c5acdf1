import { faultMessage, isPlainObject } from '../api/free-form.ts'
import type { Decision, Json, JsonObject, Requester } from '../api/kinds.generated.ts'
import { parseChangeRequest } from '../api/parse.ts'
import { failure, type Result, success } from '../api/result.ts'
import { stateOf } from '../core/change/image.ts'
import type { Item } from '../core/change/item.ts'
import { nextStep, type Step } from '../core/change/life.ts'
import { changedPaths, valueAt } from '../core/change/patch.ts'
import { type Plan, versionsOf } from '../core/change/plan.ts'
import { display } from '../core/component/identity.ts'
import { strongestFirst, type World } from '../core/guard/facts.ts'
import type { Of } from '../ports/cluster.ts'
import { lifeFactsOf, type Rules, type Snapshot } from './local-world.ts'
import type { Manifest } from './manifests.ts'
import { type Schema, structuralFaults } from './structure.ts'

/** One field of config; absent: there is none before, or after. */
export interface FieldChange {
  /** JSON pointer into config, or `references.NAME`, `source`, `project`, `allowedNamespaces` */
  readonly path: string
  readonly before?: Json
  readonly after?: Json
}

/** What a request would do, for people and machines. Components are named as seen from the request's namespace. */
export interface Planned {
  readonly namespace: string
  readonly changeRequest: string
  /** the strongest answer of all: what would become of the request */
  readonly decision: Decision
  readonly reason: string
  readonly message: string
  readonly hash?: string
  /** by `namespace/environment` */
  readonly graphVersions: Readonly<Record<string, number>>
  readonly changes: readonly {
    readonly component: string
    /** absent: it is changed */
    readonly operation?: 'Create' | 'Delete'
    readonly fields: readonly FieldChange[]
  }[]
  readonly affectedCount: number
  /** nearest first */
  readonly affected: readonly {
    readonly component: string
    /** absent where only the order is known */
    readonly distance?: number
    readonly path: readonly string[]
  }[]
  readonly verdicts: readonly {
    readonly guard: string
    readonly verdict: Decision
    readonly object?: string
    readonly message: string
  }[]
  readonly warnings: readonly string[]
}

export interface Asked {
  readonly manifest: Manifest
  readonly namespace: string
  readonly schema: Schema
  /** whom the API server would write down */
  readonly requester: Requester
}

/**
 * A manifest as the API server would store it for this person. Fails (InvalidObject) with what it would be refused for.
 */
export const requestOf = ({ manifest, namespace, schema, requester }: Asked): Result<Of<'ChangeRequest'>> => {
  const { where, raw } = manifest
  const { metadata, spec } = raw as { metadata?: unknown; spec?: unknown }
  const named = isPlainObject(metadata) ? metadata : {}
  const name = named.name ?? named.generateName
  const whole = {
    ...(raw as object),
    metadata: { ...named, name, namespace },
    spec: isPlainObject(spec) ? { mode: 'Apply', ...spec, requestedBy: requester } : spec,
  }
  const [first, ...others] = structuralFaults(schema, whole, '')
  if (!first) return parseChangeRequest(whole)
  const more = others.length > 0 ? `; and ${others.length} more, at ${others.map(({ path }) => path).join(', ')}` : ''
  const message = `${where}: ${faultMessage(`ChangeRequest ${namespace}/${name ?? '(without a name)'}`, first)}${more}`
  return failure({ reason: 'InvalidObject', message, retry: false })
}

/** Fails (Unavailable) when it cannot be told now. What would be refused is no failure, but the decision Reject. */
export const plannedOf = (
  request: Of<'ChangeRequest'>,
  snapshot: Snapshot,
  { rules, now }: { rules: Rules; now: number },
): Result<Planned> => {
  // What a Plan says is what Apply would do.
  const asked = { ...request, spec: { ...request.spec, mode: 'Apply' as const } }
  const facts = lifeFactsOf(asked, snapshot, { rules, now })
  if (!facts.ok) return facts
  const step = nextStep(facts.value)
  const { world } = facts.value
  // What is refused before it is planned has no plan, although what is left of it could be planned.
  const plan = 'plan' in step ? step.plan : undefined
  return success({
    namespace: snapshot.namespace,
    changeRequest: request.metadata.name,
    ...decisionOf(step, plan),
    graphVersions: {},
    changes: [],
    affectedCount: 0,
    affected: [],
    verdicts: [],
    warnings: [],
    ...(plan && world && detailsOf(plan, world, snapshot)),
  })
}

type Decided = Pick<Planned, 'decision' | 'reason' | 'message'>

const decisionOf = (step: Step, plan: Plan | undefined): Decided => {
  switch (step.to) {
    case 'Rejected':
    case 'Cancelled':
    case 'Expired':
    case 'Superseded':
      return { decision: 'Reject', reason: step.reason, message: step.message }
    case 'Queued':
      return { decision: 'Queue', reason: step.blockedBy[0]!.reason, message: messageOf(step.blockedBy) }
    case 'AwaitingApproval':
      return { decision: 'RequireApproval', reason: 'ApprovalRequired', message: messageOf(step.blockedBy) }
    case 'Applied':
      return { decision: 'Allow', reason: step.reason, message: step.message }
    default:
      return passing(plan)
  }
}

/** It may try to pass the gate; others that have not finished may still hold it there. */
const passing = (plan: Plan | undefined): Decided => {
  const { decision = 'Allow', verdicts = [] } = plan ?? {}
  const holding = verdicts.filter(({ verdict }) => verdict === decision)
  if (decision === 'Allow') return { decision, reason: 'Applied', message: 'no guard is against it' }
  if (decision === 'Warn') return { decision, reason: 'Applied', message: messageOf(holding) }
  return { decision, reason: holding[0]!.reason, message: messageOf(holding) }
}

const messageOf = (said: readonly { readonly message: string }[]): string =>
  [...new Set(said.map(({ message }) => message))].join('; ')

const detailsOf = (plan: Plan, world: World, { elsewhere }: Snapshot): Partial<Planned> => {
  const shown = (id: string): string => display(id, world.namespace)
  return {
    hash: plan.hash,
    graphVersions: versionsOf(plan, world),
    changes: plan.items.map((item) => ({
      component: shown(item.id),
      ...(item.after === null && { operation: 'Delete' as const }),
      ...(item.before === null && { operation: 'Create' as const }),
      fields: fieldsOf(item),
    })),
    affectedCount: plan.impact.count,
    affected: plan.impact.nearest(plan.impact.count).map(({ id, distance }) => ({
      component: shown(id),
      distance,
      path: (plan.impact.pathTo(id) ?? []).map(shown),
    })),
    verdicts: strongestFirst(plan.verdicts, plan.verdicts.length).map(({ guard, verdict, object, message }) => ({
      guard,
      verdict,
      ...(object !== undefined && { object }),
      message,
    })),
    warnings: [...plan.warnings, ...unreadBy(plan, world, elsewhere.unread)],
  }
}

/** Of the namespaces that may not be read, those that could have had a say. */
const unreadBy = ({ items, impact }: Plan, world: World, unread: readonly string[]): string[] => {
  if (unread.length === 0) return []
  const ids = [...items.map(({ id }) => id), ...impact.reached.map(({ id }) => id)]
  const invited = ids.flatMap((id) => world.known(id)?.allowedNamespaces ?? [])
  const references = items.flatMap(({ before, after }) => [...(before?.references ?? []), ...(after?.references ?? [])])
  const named = new Set([...invited, ...references.map(({ component }) => component.split('/').at(-3))])
  const names = unread.filter((namespace) => named.has(namespace)).join(', ')
  return names === '' ? [] : [`not whole: you may not list components in ${names}, and the operator does`]
}

/** Of one that comes or goes, all fields of config. */
const fieldsOf = ({ before, after, changedPaths: paths }: Item): FieldChange[] => {
  const isWhole = before === null || after === null
  const [old, next] = [stateOf(before ?? {}), stateOf(after ?? {})]
  return (isWhole ? changedPaths(configOf(old), configOf(next)) : paths).map((path) => {
    const pointer = path.startsWith('/') ? `/config${path}` : `/${path.replace('.', '/')}`
    const [was, is] = [valueAt(old, pointer), valueAt(next, pointer)]
    return { path, ...(was !== undefined && { before: was }), ...(is !== undefined && { after: is }) }
  })
}

const configOf = ({ config }: JsonObject): JsonObject => (config ?? {}) as JsonObject
