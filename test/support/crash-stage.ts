import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer, Api } from './api.ts'
import type { Recorded, Recorder } from './recorder.ts'

/** What a user does in one namespace, past the proxy, and what a user waits for. */
export interface Stage {
  readonly namespace: string
  component(id: string, spec?: object): Promise<void>
  request(name: string, spec: object): Promise<void>
  /** reports outputs, as an executor does */
  report(id: string, outputs: Readonly<Record<string, unknown>>): Promise<void>
  cancel(name: string): Promise<void>
  /** An environment of its own, without policy, in which nothing is yet. */
  environment(): Promise<void>
  /** A condition of it has this status. */
  environmentSays(type: string, status: 'True' | 'False'): Promise<void>
  /** Every change of the title needs an approval. Before anything else is in the namespace. */
  askForApprovals(): Promise<void>
  /** somebody else than who made the request, on the plan that it has; resolves when it says that it counts */
  decide(name: string, decision: 'Approve' | 'Deny'): Promise<void>
  removeComponent(id: string): Promise<void>
  removeRequest(name: string): Promise<void>
  /** its newest state satisfies `holds`; with `isGone`: there is none any more */
  committed(id: string): Promise<void>
  heldBack(id: string): Promise<void>
  phase(name: string, phase: string): Promise<void>
  rolledBack(name: string, by: string): Promise<void>
  gone(kind: 'Component' | 'ChangeRequest', name: string): Promise<void>
  /** Nothing is under way: the environment is free, and every status says how things stand. */
  quiet(): Promise<void>
}

const group = '/apis/usekarma.dev/v1alpha1'
export const environmentName = 'e'

/** `type/nickname` as `metadata.name` has it. */
export const nameOf = (id: string): string => id.replace('/', '.')

export const makeStage = async (
  api: Api,
  recorder: Recorder,
  namespace: string,
  patienceMs: number,
): Promise<Stage> => {
  const path = (kind: 'components' | 'changerequests' | 'changeapprovals' | 'environments', name = ''): string =>
    `${group}/namespaces/${namespace}/${kind}${name && `/${name}`}`
  const latest = (kind: string, name: string): Recorded | undefined => recorder.latest(kind, namespace, name)
  const until = async (what: string, holds: () => boolean): Promise<void> => {
    await recorder.until(`${namespace}: ${what}`, () => (holds() ? true : undefined), patienceMs)
  }
  const conditionOf = (object: Recorded | undefined, type: string): Recorded | undefined =>
    object?.status?.conditions?.find((condition: Recorded) => condition.type === type)

  const home = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }
  await done(() => api.create('/api/v1/namespaces', home), isThere)

  const isFree = (): boolean => {
    const environments = recorder.all('Environment', namespace)
    return latest('Environment', environmentName) !== undefined && environments.every(isFreeIn)
  }
  const isFreeIn = ({ metadata, status }: Recorded): boolean => {
    if (status?.lockedBy || status?.applying?.length > 0 || status?.conditions === undefined) return false
    // How many wait is counted a moment after one of them has ended.
    const waits = ({ status: of }: Recorded): boolean => of?.phase === 'Queued' && of.environment === metadata.name
    if ((status.queued ?? 0) !== recorder.all('ChangeRequest', namespace).filter(waits).length) return false
    const lease = latest('Lease', `karma-${metadata.name}`)
    return !lease?.spec.holderIdentity || isLeftBehind(lease)
  }
  /** A dead holder's Lease has run out, and nobody has needed it since. (The times in it are those of the holder's clock.) */
  const isLeftBehind = ({ metadata, spec }: Recorded): boolean =>
    recorder.seenAt('Lease', namespace, metadata.name) + spec.leaseDurationSeconds * 1000 < performance.now()
  /** Its counts and conditions are those of what is committed now. */
  const isSettled = (component: Recorded): boolean => {
    const { metadata, spec, status } = component
    const id = `${spec.type}/${spec.nickname}`
    const refers = (other: Recorded): boolean =>
      other.status?.committed?.references?.some((reference: Recorded) => reference.component === id) ?? false
    const dependents = recorder.all('Component', namespace).filter(refers).length
    if (status?.observedGeneration !== metadata.generation || (status?.dependents ?? 0) !== dependents) return false
    if (status?.outputs && !status.reportHash) return false
    return metadata.deletionTimestamp === undefined && conditionOf(component, 'Ready') !== undefined
  }

  const createEnvironment = async (spec: object): Promise<void> => {
    const metadata = { name: environmentName, namespace }
    const body = { apiVersion: 'usekarma.dev/v1alpha1', kind: 'Environment', metadata, spec }
    await done(() => api.create(path('environments'), body), isThere)
  }

  return {
    namespace,
    component: async (id, spec = {}) => {
      const [type, nickname] = id.split('/')
      const body = {
        apiVersion: 'usekarma.dev/v1alpha1',
        kind: 'Component',
        metadata: { name: nameOf(id), namespace },
        spec: { type, nickname, environment: environmentName, project: 'crash', ...spec },
      }
      await done(() => api.create(path('components'), body), isThere)
    },
    request: async (name, spec) => {
      const metadata = { name, namespace }
      const body = { apiVersion: 'usekarma.dev/v1alpha1', kind: 'ChangeRequest', metadata, spec }
      await done(() => api.create(path('changerequests'), body), isThere)
    },
    report: async (id, outputs) => {
      await done(() => api.mergePatch(`${path('components', nameOf(id))}/status`, { status: { outputs } }))
    },
    cancel: async (name) => {
      await done(() => api.mergePatch(path('changerequests', name), { spec: { cancel: true } }))
    },
    environment: () => createEnvironment({}),
    environmentSays: (type, status) =>
      until(
        `Environment ${environmentName}: ${type} ${status}`,
        () => conditionOf(latest('Environment', environmentName), type)?.status === status,
      ),
    askForApprovals: async () => {
      const expression = "before == null || !('/title' in changedPaths)"
      await createEnvironment({ guards: [{ name: 'two', expression, verdict: 'RequireApproval' }] })
    },
    decide: async (name, decision) => {
      const planHash = latest('ChangeRequest', name)?.status?.plan?.hash
      const metadata = { name, namespace }
      const spec = { changeRequest: name, planHash, decision }
      const body = { apiVersion: 'usekarma.dev/v1alpha1', kind: 'ChangeApproval', metadata, spec }
      await done(
        () => api.create(path('changeapprovals'), body, { as: 'another', groups: ['system:masters'] }),
        isThere,
      )
      const counts = () => conditionOf(latest('ChangeApproval', name), 'Counted')?.status === 'True'
      await until(`${decision} ${name} counts`, counts)
    },
    removeComponent: async (id) => {
      await done(() => api.remove(path('components', nameOf(id))), isNotThere)
    },
    removeRequest: async (name) => {
      await done(() => api.remove(path('changerequests', name)), isNotThere)
    },
    committed: (id) =>
      until(`${id} committed`, () => conditionOf(latest('Component', nameOf(id)), 'Committed')?.status === 'True'),
    heldBack: (id) =>
      until(`${id} held back`, () => conditionOf(latest('Component', nameOf(id)), 'Stalled')?.status === 'True'),
    phase: (name, phase) => until(`${name} ${phase}`, () => latest('ChangeRequest', name)?.status?.phase === phase),
    rolledBack: (name, by) =>
      until(`${name} rolled back by ${by}`, () => latest('ChangeRequest', name)?.status?.rolledBackBy === by),
    gone: (kind, name) => until(`${kind} ${name} gone`, () => latest(kind, name) === undefined),
    quiet: () => until('all quiet', () => isFree() && recorder.all('Component', namespace).every(isSettled)),
  }
}

/**
 * A server that has just come back may not be ready for custom resources yet, and says so with 503 and that nothing was
 * done: its mutating policies want their schema first, which they look for every 5 s. One that is killed answers nothing,
 * and what it was asked for may have taken place: then `already` is the answer to the next try. Users try again.
 */
const done = async (send: () => Promise<Answer>, already?: number): Promise<void> => {
  const over = performance.now() + 15_000
  let isUnknown = false
  for (;;) {
    const answer = await send().catch((cause: Error) => cause)
    const isLate = performance.now() > over
    if (answer instanceof Error) {
      if (isLate) throw answer
      isUnknown = true
    } else {
      if (answer.status < 300 || (isUnknown && answer.status === already)) return
      if (answer.status !== 503 || isLate) {
        throw new Error(`the API server answered ${answer.status}: ${answer.message}`)
      }
    }
    await sleep(200)
  }
}
const isThere = 409
const isNotThere = 404
