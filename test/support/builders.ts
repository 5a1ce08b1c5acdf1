import type {
  ChangeApproval,
  ChangeApprovalSpec,
  ChangeRequest,
  ChangeRequestSpec,
  Committed,
  Component,
  ComponentSpec,
  ComponentStatus,
  ComponentType,
  ComponentTypeSpec,
  Environment,
  EnvironmentSpec,
  EnvironmentStatus,
  JsonObject,
  ObjectMeta,
} from '../../operator/api/kinds.generated.ts'
import {
  type Fault,
  type Parsed,
  parseChangeApproval,
  parseChangeRequest,
  parseComponent,
} from '../../operator/api/parse.ts'
import type { Result } from '../../operator/api/result.ts'
import { vertexOf } from '../../operator/core/change/plan.ts'
import { knownOf } from '../../operator/core/component/committed.ts'
import { idOf } from '../../operator/core/component/identity.ts'
import { checkConfig, makeSchemaCache } from '../../operator/core/component/schema.ts'
import { hashOf, wantedOf } from '../../operator/core/component/wanted.ts'
import { makeGraph } from '../../operator/core/graph/graph.ts'
import { type ImpactLimits, makeImpact } from '../../operator/core/graph/impact.ts'
import { makeView } from '../../operator/core/graph/view.ts'
import { makeGuards } from '../../operator/core/guard/expression.ts'
import type { InFlight, Known, World } from '../../operator/core/guard/facts.ts'

/*
 * Objects and worlds for tests of the domain core: everything has a default, and what a test is about is said by name.
 * All of them are in namespace `dev` and environment `dev`.
 */

const apiVersion = 'usekarma.dev/v1alpha1'
export const noon = Date.UTC(2026, 0, 31, 12)
export const at = (ms: number): string => new Date(ms).toISOString()

interface ComponentOptions extends Partial<ComponentSpec> {
  /** false: it has not passed the gate; else what differs from its spec in what is committed */
  readonly committed?: false | Partial<Committed>
  readonly status?: Partial<ComponentStatus>
  readonly outputs?: JsonObject
  /** reported */
  readonly state?: string
  readonly metadata?: Partial<ObjectMeta>
}

/** `id`: type/nickname. Committed as its spec says, in version 1, unless said otherwise. */
export const aComponent = (id: string, options: ComponentOptions = {}): Parsed<Component> => {
  const { committed = {}, status = {}, outputs, state, metadata, ...wished } = options
  const [type = '', nickname = ''] = id.split('/')
  const spec = { type, nickname, environment: 'dev', ...wished }
  const name = `${type}.${nickname}`
  const told = {
    ...(committed && { committed: committedAs(spec, committed) }),
    ...(outputs && { outputs }),
    ...(state !== undefined && { runtime: { state } }),
    ...status,
  }
  return parsed(
    parseComponent({
      apiVersion,
      kind: 'Component',
      metadata: { name, namespace: 'dev', uid: `uid-${name}`, resourceVersion: '10', generation: 1, ...metadata },
      spec,
      status: told,
    }),
  )
}

const committedAs = (spec: ComponentSpec, different: Partial<Committed>): Committed => {
  const wanted = { ...wantedOf(spec), ...different }
  return { ...wanted, hash: hashOf(wantedOf({ ...spec, ...wanted })), graphVersion: 1, at: at(noon), ...different }
}

interface RequestOptions extends Partial<ChangeRequestSpec> {
  readonly name?: string
  readonly status?: ChangeRequest['status']
  readonly metadata?: Partial<ObjectMeta>
}

/** Asks for `size: 2` of `site/main`, unless said otherwise. */
export const aChangeRequest = (options: RequestOptions = {}): Parsed<ChangeRequest> => {
  const { name = 'wish', status, metadata, ...wished } = options
  const asksElse = ['proposedChange', 'remove', 'proposedReferences', 'operation', 'changes', 'rollbackOf']
  const asksFor = asksElse.some((field) => field in wished) ? {} : { proposedChange: { size: 2 } }
  const about = 'changes' in wished || 'rollbackOf' in wished ? {} : { component: 'site/main' }
  return parsed(
    parseChangeRequest({
      apiVersion,
      kind: 'ChangeRequest',
      metadata: { name, namespace: 'dev', uid: `uid-${name}`, resourceVersion: '20', generation: 1, ...metadata },
      spec: { requestedBy: { username: 'jo' }, ...about, ...asksFor, ...wished },
      ...(status && { status }),
    }),
  )
}

interface ApprovalOptions extends Partial<ChangeApprovalSpec> {
  readonly name?: string
  readonly by?: string
  readonly status?: ChangeApproval['status']
  readonly metadata?: Partial<ObjectMeta>
}

/** Given at noon for a day by `al`, to the plan with this hash of `wish`, unless said otherwise. */
export const anApproval = (planHash: string, options: ApprovalOptions = {}): Parsed<ChangeApproval> => {
  const { name = 'yes', by = 'al', status, metadata, ...said } = options
  return parsed(
    parseChangeApproval({
      metadata: {
        name,
        namespace: 'dev',
        uid: `uid-${name}`,
        resourceVersion: '40',
        generation: 1,
        creationTimestamp: at(noon),
        ...metadata,
      },
      spec: {
        changeRequest: 'wish',
        planHash,
        decision: 'Approve',
        validForSeconds: 86_400,
        approver: { username: by },
        ...said,
      },
      ...(status && { status }),
    }),
  )
}

const parsed = <T>(result: Result<T>): T => {
  if (!result.ok) throw new Error(`the test asks for an object that cannot be: ${result.failure.message}`)
  return result.value
}

export const aComponentType = (name: string, spec: ComponentTypeSpec = {}): ComponentType => ({
  apiVersion,
  kind: 'ComponentType',
  metadata: { name, generation: 1 },
  spec,
})

export const anEnvironment = (spec: EnvironmentSpec = {}, status: EnvironmentStatus = { version: 1 }): Environment => ({
  apiVersion,
  kind: 'Environment',
  metadata: { name: 'dev', namespace: 'dev', uid: 'uid-dev', resourceVersion: '30', generation: 1 },
  spec,
  status,
})

// What is compiled once need not be compiled again for each world.
const guards = makeGuards({ now: () => 0 })
const schemas = makeSchemaCache()

interface WorldOptions {
  readonly components?: readonly Component[]
  readonly types?: Readonly<Record<string, ComponentTypeSpec>>
  readonly environment?: EnvironmentSpec
  readonly version?: number
  readonly inFlight?: readonly InFlight[]
  /** by full id: what `ahead` answers */
  readonly ahead?: Readonly<Record<string, string>>
  readonly requests?: readonly ChangeRequest[]
  /** for every impact */
  readonly limits?: ImpactLimits
  /** in place of what the ComponentType's schema says */
  readonly configFaults?: Result<readonly Fault[]>
}

/** What is known of environment `dev`, by the functions that the program uses: graph, impact, guards, schemas. */
export const aWorld = (options: WorldOptions = {}): World => {
  const {
    components = [],
    types = {},
    environment = {},
    version = 1,
    inFlight = [],
    limits = {},
    ahead = {},
    requests = [],
  } = options
  const committed = new Map<string, Known>()
  const graph = makeGraph()
  const type = (name: string): ComponentType | undefined =>
    Object.hasOwn(types, name) ? aComponentType(name, types[name]) : undefined
  for (const component of components) {
    const known = knownOf(component)
    if (!known) continue
    committed.set(known.id, known)
    graph.put(vertexOf(known, component.spec.type, { type }))
  }
  const view = makeView(graph.arrays)
  const impact = makeImpact({ now: () => 0 })
  return {
    namespace: 'dev',
    environment: anEnvironment(environment, { version }),
    environmentKey: 'dev/dev',
    version,
    view,
    impact: (seeds) => impact(view, seeds, limits),
    known: (id) => committed.get(id),
    isThere: (id) => components.some((component) => idOf(component) === id),
    type,
    changeRequest: (name) => requests.find(({ metadata }) => metadata.name === name),
    ahead: (id) => ahead[id],
    inFlight,
    guards,
    configFaults: (of, config) => options.configFaults ?? checkConfig(of, config, schemas),
  }
}
