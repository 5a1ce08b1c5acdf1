import type {
  ChangeRequest,
  ChangeRequestSpec,
  Component,
  Decision,
  JsonObject,
  PlanSummary,
  Reference,
} from '../../api/kinds.generated.ts'
import { emptyObject } from '../../api/merge-patch.ts'
import type { Reason } from '../../api/reasons.ts'
import { failure, type Result, success } from '../../api/result.ts'
import { cut } from '../../api/text.ts'
import { display, resolveId } from '../component/identity.ts'
import { changedOutputs, edgesFor, type TypeLookup } from '../graph/edges.ts'
import type { Impact } from '../graph/impact.ts'
import type { GraphPatch, VertexState } from '../graph/vertex.ts'
import { type Facts, type Known, strongest, strongestFirst, type Verdict, type World } from '../guard/facts.ts'
import { judge } from '../guard/list.ts'
import { bounds } from './bounds.ts'
import { planHash } from './hash.ts'
import { changedPaths, mergeConfig, removeAt } from './patch.ts'

/** What a change would do, worked out at one graph version. */
export interface Plan {
  readonly hash: string
  readonly version: number
  /** full id */
  readonly id: string
  readonly component: Component
  readonly before: JsonObject
  readonly after: JsonObject
  readonly changedPaths: readonly string[]
  readonly impact: Impact
  readonly verdicts: readonly Verdict[]
  readonly decision: Decision
  readonly patch: GraphPatch
  readonly warnings: readonly string[]
}

/** Fails when the request makes no sense on what is committed; the reason is the one it is rejected with. */
export const planChange = (request: ChangeRequest, world: World): Result<Plan> => {
  const { component } = request.spec
  const resolved = resolveId(component, world.namespace)
  if (!resolved.ok) return resolved
  const known = world.known(resolved.value)
  if (!known)
    return refuse('UnknownComponent', `spec.component: expected a committed Component, found none named ${component}`)
  return success(planOf(request, known, editOf(known.config, request.spec), world))
}

/** The config that a request makes of `before`. `absent`: pointers of `remove` at which nothing stands. */
export const editOf = (before: JsonObject, { proposedChange = emptyObject(), remove = [] }: ChangeRequestSpec) => {
  const absent: string[] = []
  let config = before
  for (const pointer of remove) {
    const shorter = removeAt(config, pointer)
    if (shorter) config = shorter
    else absent.push(pointer)
  }
  return { after: mergeConfig(config, proposedChange), absent }
}

const planOf = (
  request: ChangeRequest,
  known: Known,
  { after, absent }: { after: JsonObject; absent: readonly string[] },
  world: World,
): Plan => {
  const { id, component, config: before, references } = known
  const type = world.type(component.spec.type)
  const paths = changedPaths(before, after)
  const impact = world.impact([{ id, outputs: changedOutputs(type?.spec, paths) }])
  const { requestedBy = { username: '' }, reason = '' } = request.spec
  const facts: Facts = {
    world,
    id,
    type,
    typeName: component.spec.type,
    component,
    before,
    after,
    references,
    changedPaths: paths,
    impact,
    request: { name: request.metadata.name, reason, requestedBy },
  }
  const verdicts = judge(facts)
  const affected = impact.reached.map((reached) => reached.id)
  const hash = planHash({ request: request.spec, changes: [{ id, before, after }], affected, verdicts })
  const shown = display(id, world.namespace)
  const warnings = [
    ...verdicts.filter(({ verdict }) => verdict === 'Warn').map(({ message }) => message),
    ...absent.map((pointer) => `Component ${shown}: spec.remove: expected something at ${pointer}, found nothing`),
  ]
  return {
    hash,
    version: world.version,
    id,
    component,
    before,
    after,
    changedPaths: paths,
    impact,
    verdicts,
    decision: strongest(verdicts),
    patch: [vertexOf({ id, config: after, references }, component.spec.type, world)],
    warnings,
  }
}

/** A Component's place in the graph. A reference that names nothing is left out; a guard refuses it. */
export const vertexOf = (
  referring: { id: string; config: JsonObject; references: readonly Reference[] },
  type: string,
  world: Pick<World, 'type'>,
): VertexState => {
  const typeOf: TypeLookup = (name) => world.type(name)?.spec
  const edges = edgesFor(referring, typeOf)
  return { id: referring.id, type, edges: edges.ok ? edges.value : [] }
}

/** The plan as it stands in status: strongest verdicts first, lists bounded. */
export const summaryOf = (plan: Plan, { namespace, environmentKey }: World): PlanSummary => ({
  hash: plan.hash,
  graphVersions: { [environmentKey]: plan.version },
  changed: plan.changedPaths.length > 0 ? [display(plan.id, namespace)] : [],
  verdicts: strongestFirst(plan.verdicts, bounds.verdicts).map(({ guard, verdict, object, message }) => ({
    guard,
    verdict,
    ...(object === undefined ? {} : { object }),
    message: cut(message, bounds.entryMessage),
  })),
})

const refuse = (reason: Reason, message: string): Result<never> => failure({ reason, message, retry: false })
