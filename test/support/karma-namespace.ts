import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type {
  ChangeApproval,
  ChangeRequest,
  Component,
  ComponentType,
  Condition,
  Environment,
} from '../../operator/api/kinds.generated.ts'
import type { Answer, Api, Caller } from './api.ts'
import type { Manifest } from './karma-objects.ts'
import { restMs } from './pace.ts'

interface Kinds {
  readonly Component: Component
  readonly ChangeRequest: ChangeRequest
  readonly Environment: Environment
  readonly ComponentType: ComponentType
  readonly ChangeApproval: ChangeApproval
}
type Kind = keyof Kinds

const plurals: Readonly<Record<Kind, string>> = {
  Component: 'components',
  ChangeRequest: 'changerequests',
  Environment: 'environments',
  ComponentType: 'componenttypes',
  ChangeApproval: 'changeapprovals',
}
const group = '/apis/usekarma.dev/v1alpha1'
/** an account that may report and nothing else, and one that may approve */
const reporter: Caller = { as: 'reporter', groups: ['system:authenticated'] }
const approver: Caller = { as: 'approver', groups: ['system:authenticated'] }

/** A Kubernetes Event, as far as tests look at it. */
export interface Told {
  readonly type: string
  readonly reason: string
  readonly note: string
  readonly regarding: { readonly kind: string; readonly name: string }
}

/** What a namespace looks like to those who must not find anything changed. */
export interface Snapshot {
  /** spec and status.committed by metadata.name */
  readonly components: Readonly<Record<string, object>>
  /** version by name */
  readonly environments: Readonly<Record<string, number>>
}

/** A namespace of one test file, spoken to as an admin. Whatever is waited for comes within 15 s or fails the test. */
export interface Namespace {
  readonly name: string
  readonly path: (kind: Kind, name?: string) => string
  /** Creates one after another; each must be accepted. ComponentTypes too, although they are in no namespace. */
  create(...manifests: Manifest[]): Promise<void>
  /** `create`, and waits until all Components among them are committed. */
  commit(...manifests: Manifest[]): Promise<void>
  /** What the API server answers to the creation, whatever it is. */
  tryCreate(manifest: Manifest): Promise<Answer>
  patch(kind: Kind, name: string, body: object): Promise<void>
  remove(kind: Kind, name: string): Promise<void>
  /** Status of a Component, as an account with the verb report. */
  report(name: string, status: Pick<NonNullable<Component['status']>, 'outputs' | 'runtime'>): Promise<void>
  /** A ChangeApproval of the plan with this hash, as an account with the verb approve, or as the admin who asks too. */
  approve(name: string, spec: ApprovalSpec, as?: 'approver' | 'admin'): Promise<void>
  get<K extends Kind>(kind: K, name: string): Promise<Kinds[K] | undefined>
  /** The object once it `is` so. */
  until<K extends Kind>(kind: K, name: string, what: string, is: (object: Kinds[K]) => boolean): Promise<Kinds[K]>
  gone(kind: Kind, name: string): Promise<void>
  committed(...names: string[]): Promise<void>
  finished(name: string): Promise<ChangeRequest>
  phase(name: string, phase: string): Promise<ChangeRequest>
  /** Creates it and waits for its end. */
  ask(request: Manifest): Promise<ChangeRequest>
  /** The Kubernetes Event about the object with this reason, and type when it is given. */
  told(name: string, reason: string, type?: 'Normal' | 'Warning'): Promise<Told>
  snapshot(): Promise<Snapshot>
}

/** What a person writes; the decision is Approve unless said otherwise. */
type ApprovalSpec = Pick<ChangeApproval['spec'], 'changeRequest' | 'planHash'> & Partial<ChangeApproval['spec']>

/** Creates the namespace, and gives `reporter` and `approver` the roles karma-report and karma-approve in it. */
export async function openNamespace(api: Api, name: string): Promise<Namespace> {
  const path: Namespace['path'] = (kind, object) => {
    const collection =
      kind === 'ComponentType' ? `${group}/${plurals[kind]}` : `${group}/namespaces/${name}/${plurals[kind]}`
    return object === undefined ? collection : `${collection}/${object}`
  }
  const tryCreate: Namespace['tryCreate'] = (manifest) => api.create(path(manifest.kind as Kind), manifest)
  const get: Namespace['get'] = async (kind, object) => {
    const answer = await api.get(path(kind, object))
    if (answer.status === 404) return undefined
    assert.equal(answer.status, 200, answer.message)
    return answer.body
  }
  const until: Namespace['until'] = (kind, object, what, is) => {
    const look = async () => {
      const found = await get(kind, object)
      return { found: found !== undefined && is(found) ? found : undefined, last: found?.status }
    }
    return eventually(`${kind} ${name}/${object}: expected ${what}`, look)
  }
  const committed: Namespace['committed'] = async (...names) => {
    for (const one of names) await until('Component', one, 'to be committed', isCommitted)
  }
  const create: Namespace['create'] = async (...manifests) => {
    for (const manifest of manifests) {
      const answer = await tryCreate(manifest)
      assert.equal(answer.status, 201, `${manifest.kind} ${manifest.metadata.name}: ${answer.message}`)
    }
  }
  const finished: Namespace['finished'] = (request) =>
    until(
      'ChangeRequest',
      request,
      'to be finished',
      ({ status }) => conditionOf(status, 'Finished')?.status === 'True',
    )
  const list = async <K extends Kind>(kind: K): Promise<Kinds[K][]> => (await api.get(path(kind))).body.items

  const created = await api.create('/api/v1/namespaces', { metadata: { name } })
  assert.equal(created.status, 201, created.message)
  for (const [role, { as }] of [
    ['karma-report', reporter],
    ['karma-approve', approver],
  ] as const) {
    const bound = await api.create(`/apis/rbac.authorization.k8s.io/v1/namespaces/${name}/rolebindings`, {
      metadata: { name: role },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: as }],
    })
    assert.equal(bound.status, 201, bound.message)
  }

  return {
    name,
    path,
    tryCreate,
    create,
    get,
    until,
    committed,
    finished,
    commit: async (...manifests) => {
      await create(...manifests)
      await committed(...manifests.flatMap(({ kind, metadata }) => (kind === 'Component' ? [metadata.name] : [])))
    },
    patch: async (kind, object, body) => {
      const answer = await api.mergePatch(path(kind, object), body)
      assert.equal(answer.status, 200, answer.message)
    },
    remove: async (kind, object) => {
      const answer = await api.remove(path(kind, object))
      assert.equal(answer.status, 200, answer.message)
    },
    report: async (object, status) => {
      const answer = await api.mergePatch(`${path('Component', object)}/status`, { status }, reporter)
      assert.equal(answer.status, 200, answer.message)
    },
    approve: async (object, spec, as = 'approver') => {
      const manifest = {
        apiVersion: 'usekarma.dev/v1alpha1',
        kind: 'ChangeApproval',
        metadata: { name: object },
        spec: { decision: 'Approve', ...spec },
      }
      const caller = as === 'approver' ? approver : {}
      const answer = await api.create(path('ChangeApproval'), manifest, caller)
      assert.equal(answer.status, 201, answer.message)
    },
    gone: async (kind, object) => {
      await eventually(`${kind} ${name}/${object}: expected to be gone`, async () => {
        const last = await get(kind, object)
        return { found: last === undefined ? true : undefined, last }
      })
    },
    phase: (request, phase) =>
      until('ChangeRequest', request, `phase ${phase}`, ({ status }) => status?.phase === phase),
    ask: async (request) => {
      await create(request)
      return finished(request.metadata.name)
    },
    told: (object, reason, type) =>
      eventually(`expected an Event ${reason} about ${name}/${object}`, async () => {
        const eventsIn = async (namespace: string): Promise<Told[]> =>
          (await api.get(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`)).body.items
        // Events about what is in no namespace are in `default`.
        const all = [...(await eventsIn(name)), ...(await eventsIn('default'))]
        const about = all.filter(({ regarding }) => regarding.name === object)
        return {
          found: about.find((event) => event.reason === reason && (type ?? event.type) === event.type),
          last: about,
        }
      }),
    snapshot: async () => ({
      components: Object.fromEntries(
        (await list('Component')).map(({ metadata, spec, status }) => [
          metadata.name,
          { spec, committed: status?.committed },
        ]),
      ),
      environments: Object.fromEntries(
        (await list('Environment')).map(({ metadata, status }) => [metadata.name, status?.version ?? 0]),
      ),
    }),
  }
}

/** Asks until there is an answer. Throws an Error that quotes what was seen last. */
export async function eventually<T>(
  what: string,
  look: () => Promise<{ found: T | undefined; last?: unknown }>,
  timeoutMs = 15_000,
): Promise<T> {
  const begun = performance.now()
  for (;;) {
    const { found, last } = await look()
    if (found !== undefined) return found
    const waited = performance.now() - begun
    if (waited > timeoutMs) throw new Error(`${what}, found ${JSON.stringify(last, undefined, 1)}`)
    await sleep(restMs(waited))
  }
}

export const conditionOf = (status: { conditions?: Condition[] } | undefined, type: string): Condition | undefined =>
  status?.conditions?.find((condition) => condition.type === type)

const isCommitted = ({ metadata, status }: Component): boolean => {
  const condition = conditionOf(status, 'Committed')
  return condition?.status === 'True' && condition.observedGeneration === metadata.generation
}
