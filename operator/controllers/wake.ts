import type { Json, Phase } from '../api/kinds.generated.ts'
import { deepEqual } from '../api/merge-patch.ts'
import { environmentsAhead } from '../core/change/ahead.ts'
import { changedNames, isWaiting } from '../core/change/queue.ts'
import { environmentKey, idOf, keyOf, nameOfId, resolveId, undisplay } from '../core/component/identity.ts'
import type { Caches, Of } from '../ports/cluster.ts'
import { writtenBy } from './component.ts'
import type { Waiting } from './waiting.ts'

export interface Queues {
  readonly changeRequest: (key: string) => void
  readonly component: (key: string) => void
  readonly changeApproval: (key: string) => void
  /** counts do not need to be right at once */
  readonly componentTypeSoon: (key: string) => void
  readonly componentType: (key: string) => void
  readonly environment: (key: string) => void
  readonly environmentSoon: (key: string) => void
}

/**
 * What has changed, and who waits for it: a watch event becomes the keys of those who must look again. Nothing polls, so
 * that what waits costs nothing.
 */
export const wakeOn = (caches: Caches, waiting: Waiting, queues: Queues): void => {
  for (const kind of ['ChangeRequest', 'Component'] as const) {
    caches[kind].onChange(({ key, after }) => {
      if (!after) waiting.forget(kind, key)
    })
  }

  caches.ChangeRequest.onChange(({ key, before, after }) => {
    queues.changeRequest(key)
    const request = (after ?? before)!
    const hasMoved = before?.status?.phase !== after?.status?.phase
    if (hasMoved) wakeOnMove(request, before?.status?.phase, before ? environmentsAhead(before) : [])
    const isAnother = before?.metadata.uid !== after?.metadata.uid || planOf(before) !== planOf(after)
    if (hasMoved || isAnother)
      for (const approval of caches.ChangeApproval.byIndex('changeRequest', key)) queues.changeApproval(keyOf(approval))
    if (isQueued(before) === isQueued(after)) return
    for (const place of placeOf(request, () => true)) queues.environmentSoon(place)
  })

  /** A request has reached another step of its life. */
  const wakeOnMove = (request: Of<'ChangeRequest'>, from: Phase | undefined, left: readonly string[]): void => {
    const { metadata, spec } = request
    wakeRequests(undisplay(`changerequest/${metadata.name}`, metadata.namespace ?? ''))
    // The one that it undoes says so.
    if (spec.rollbackOf !== undefined) queues.changeRequest(`${metadata.namespace}/${spec.rollbackOf}`)
    if (spec.origin === 'Edit') wakeEdited(request)
    if (from === 'Applying') wakeWritten(request)
    // Each of its environments may wait until it has finished in the others.
    if (left.length > 1) for (const place of left) queues.environment(place)
  }

  caches.Component.onChange(({ key, before, after }) => {
    const component = (after ?? before)!
    if (before?.metadata.generation !== after?.metadata.generation) waiting.holdBack(key, [])
    queues.component(key)
    if (!before || !after) queues.componentTypeSoon(component.spec.type)
    if (isNoNews(before, after)) return
    const id = idOf(component)
    wakeRequests(id)
    for (const dependent of caches.Component.byIndex('refersTo', id)) wakeComponent(dependent)
    if (refersAsBefore(before, after)) return
    for (const target of new Set([...targetsOf(before), ...targetsOf(after)])) wakeNamed(target)
  })

  caches.ComponentType.onChange(({ key, before, after }) => {
    queues.componentType(key)
    if (before && after && before.metadata.generation === after.metadata.generation) return
    const name = (after ?? before)!.metadata.name
    for (const component of caches.Component.byIndex('type', name)) {
      wakeComponent(component)
      // The type says which outputs are secrets, and their values may stand in the drift of those that read them.
      for (const dependent of caches.Component.byIndex('refersTo', idOf(component))) queues.component(keyOf(dependent))
    }
    // A type may be in the guards of others: those of its dependents and of its dependencies.
    for (const request of caches.ChangeRequest.list()) if (isWaiting(request)) queues.changeRequest(keyOf(request))
  })

  caches.ChangeApproval.onChange(({ key, before, after }) => {
    queues.changeApproval(key)
    // What is written in its status by itself is no news to the request, unless its time is over.
    const isOver = hasCounted(before) && !hasCounted(after)
    if (before && after && !isOver) return
    queues.changeRequest(changeOf((after ?? before)!))
  })

  caches.Environment.onChange(({ key, before, after }) => {
    queues.environment(key)
    // What it has promised elsewhere is over now, or decided: who waited because of that looks again.
    for (const other of caches.Environment.byIndex('promised', key)) queues.environment(keyOf(other))
    if (before && after && before.metadata.generation === after.metadata.generation) return
    for (const request of caches.ChangeRequest.byIndex('waiting', key)) queues.changeRequest(keyOf(request))
    // With a namespace the Environment may go first: what waits to leave has no gate any more.
    const isStranded = ({ metadata }: Of<'Component'>): boolean => !after && metadata.deletionTimestamp !== undefined
    for (const component of caches.Component.byIndex('environment', key))
      if (!component.status?.committed || isStranded(component)) wakeComponent(component)
  })

  /** Nothing was told of its Components while it wrote them. */
  const wakeWritten = ({ metadata, status }: Of<'ChangeRequest'>): void => {
    for (const { component } of status?.images ?? []) wakeNamed(`${metadata.namespace}/${component}`)
  }
  /** It says how its edit fares; when the request is gone it asks again. */
  const wakeEdited = ({ metadata, spec }: Of<'ChangeRequest'>): void => {
    const edited = componentAt(`${metadata.namespace}/${spec.component}`)
    if (edited) queues.component(keyOf(edited))
  }
  const wakeRequests = (id: string): void => {
    for (const request of caches.ChangeRequest.byIndex('waitsFor', id)) queues.changeRequest(keyOf(request))
  }
  const componentAt = (id: string): Of<'Component'> | undefined => {
    const at = nameOfId(id)
    return at.ok ? caches.Component.get(`${at.value.namespace}/${at.value.name}`) : undefined
  }
  const wakeNamed = (id: string): void => {
    const component = componentAt(id)
    if (component) wakeComponent(component)
  }
  const wakeComponent = (component: Of<'Component'>): void => {
    // What kept it back may be gone: it may try again.
    waiting.holdBack(keyOf(component), [])
    queues.component(keyOf(component))
  }
}

const targetsOf = (component: Of<'Component'> | undefined): string[] => {
  if (!component) return []
  const { metadata, spec, status } = component
  const references = [...(spec.references ?? []), ...(status?.committed?.references ?? [])]
  return references.flatMap((reference) => {
    const id = resolveId(reference.component, metadata.namespace ?? '')
    return id.ok ? [id.value] : []
  })
}

/** The other namespaces that references of a committed Component name. */
export const namespacesAbroad = ({ metadata, status }: Of<'Component'>): string[] => {
  const named = (status?.committed?.references ?? []).flatMap(({ component }) => {
    const parts = component.split('/')
    return parts.length === 3 && parts[0] !== metadata.namespace ? [parts[0]!] : []
  })
  return [...new Set(named)]
}

/** Those it refers to count the same dependents as before. */
const refersAsBefore = (before: Of<'Component'> | undefined, after: Of<'Component'> | undefined): boolean =>
  before !== undefined &&
  after !== undefined &&
  before.metadata.deletionTimestamp === after.metadata.deletionTimestamp &&
  deepEqual(referencesOf(before), referencesOf(after))

const referencesOf = ({ spec, status }: Of<'Component'>): Json =>
  [status?.committed?.references ?? [], spec.references ?? []] as unknown as Json

/** Nothing that a guard could see is another. */
const isNoNews = (before: Of<'Component'> | undefined, after: Of<'Component'> | undefined): boolean =>
  before !== undefined &&
  after !== undefined &&
  before.metadata.deletionTimestamp === after.metadata.deletionTimestamp &&
  before.metadata.generation === after.metadata.generation &&
  before.status?.committed?.graphVersion === after.status?.committed?.graphVersion &&
  deepEqual(before.metadata.labels, after.metadata.labels) &&
  deepEqual(before.status?.outputs, after.status?.outputs) &&
  deepEqual(before.status?.runtime as Json | undefined, after.status?.runtime as Json | undefined)

/** The indexes that the caches keep, by kind. */
export const indexes = {
  Component: {
    environment: ({ metadata, spec }: Of<'Component'>) => [environmentKey(metadata.namespace ?? '', spec.environment)],
    type: ({ spec }: Of<'Component'>) => [spec.type],
    refersTo: (component: Of<'Component'>) => [...new Set(targetsOf(component))],
    /** the other namespaces into which it refers, as it is committed */
    abroad: namespacesAbroad,
    /** the environment to which it is to come */
    coming: ({ metadata, spec, status }: Of<'Component'>) =>
      status?.committed ? [] : [environmentKey(metadata.namespace ?? '', spec.environment)],
  },
  ChangeRequest: {
    writes: writtenBy,
    environment: (request: Of<'ChangeRequest'>) => placeOf(request, () => true),
    queued: (request: Of<'ChangeRequest'>) => placeOf(request, (phase) => phase === 'Queued'),
    /** in all environments whose guards have a say */
    waiting: (request: Of<'ChangeRequest'>) =>
      isWaiting(request)
        ? [...new Set([...placeOf(request, () => true), ...Object.keys(request.status?.plan?.graphVersions ?? {})])]
        : [],
    applying: (request: Of<'ChangeRequest'>) => environmentsAhead(request),
    waitsFor: (request: Of<'ChangeRequest'>) => {
      const { metadata, status } = request
      if (!isWaiting(request)) return []
      const names = [...changedNames(request), ...(status?.blockedBy ?? []).map(({ object }) => object)]
      return [...new Set(names.map((name) => undisplay(name, metadata.namespace ?? '')))]
    },
    /** the request that it has undone */
    undoes: ({ metadata, spec, status }: Of<'ChangeRequest'>) =>
      spec.rollbackOf !== undefined && status?.phase === 'Applied' && (status.images ?? []).length > 0
        ? [`${metadata.namespace}/${spec.rollbackOf}`]
        : [],
    /** other environments that it reaches into while it is being written */
    reaches: ({ metadata, status }: Of<'ChangeRequest'>) => {
      const own = environmentKey(metadata.namespace ?? '', status?.environment ?? '')
      if (status?.phase !== 'Applying') return []
      return Object.keys(status.plan?.graphVersions ?? {}).filter((key) => key !== own)
    },
    /** Components with which it waits for its turn */
    waits: (request: Of<'ChangeRequest'>) =>
      isWaiting(request) ? changedNames(request).map((name) => `${request.metadata.namespace}/${name}`) : [],
  },
  Environment: {
    namespace: ({ metadata }: Of<'Environment'>) => [metadata.namespace ?? ''],
    /** those that are about to refer to it */
    promised: ({ status }: Of<'Environment'>) => (status?.promised ?? []).map(({ environment }) => environment),
  },
  ComponentType: {},
  ChangeApproval: {
    changeRequest: (approval: Of<'ChangeApproval'>) => [changeOf(approval)],
  },
} as const

/** The key of the request that it decides on. */
const changeOf = ({ metadata, spec }: Of<'ChangeApproval'>): string =>
  `${metadata.namespace ?? ''}/${spec.changeRequest}`

const hasCounted = (approval: Of<'ChangeApproval'> | undefined): boolean =>
  approval?.status?.conditions?.some(({ type, status }) => type === 'Counted' && status === 'True') === true

const planOf = (request: Of<'ChangeRequest'> | undefined): string | undefined => request?.status?.plan?.hash

const isQueued = (request: Of<'ChangeRequest'> | undefined): boolean => request?.status?.phase === 'Queued'

const placeOf = (
  { metadata, status }: Of<'ChangeRequest'>,
  wanted: (phase: string | undefined) => boolean,
): string[] =>
  status?.environment && wanted(status.phase) ? [environmentKey(metadata.namespace ?? '', status.environment)] : []
