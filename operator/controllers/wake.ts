import type { Json } from '../api/kinds.generated.ts'
import { deepEqual } from '../api/merge-patch.ts'
import { environmentsAhead } from '../core/change/ahead.ts'
import { environmentKey, idOf, resolveId } from '../core/component/identity.ts'
import type { Caches, Of } from '../ports/cluster.ts'
import type { Waiting } from './waiting.ts'

export interface Queues {
  readonly changeRequest: (key: string) => void
  readonly component: (key: string) => void
  /** counts do not need to be right at once */
  readonly componentTypeSoon: (key: string) => void
  readonly componentType: (key: string) => void
  readonly environment: (key: string) => void
  readonly environmentSoon: (key: string) => void
}

type Metadata = { readonly metadata: { readonly namespace?: string; readonly name: string } }
const keyOf = ({ metadata }: Metadata): string => `${metadata.namespace ?? ''}/${metadata.name}`

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
    const request = after ?? before
    const hasMoved = before?.status?.phase !== after?.status?.phase
    // Each of its environments may wait until it has finished in the others.
    const left = before && hasMoved ? environmentsAhead(before) : []
    if (left.length > 1) for (const place of left) queues.environment(place)
    if (request && hasMoved) wakeRequests(`${request.metadata.namespace}/changerequest/${request.metadata.name}`)
    if (!request || isQueued(before) === isQueued(after)) return
    for (const place of placeOf(request, () => true)) queues.environmentSoon(place)
  })

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
    for (const target of new Set([...targetsOf(before), ...targetsOf(after)])) {
      for (const dependency of caches.Component.byIndex('id', target)) wakeComponent(dependency)
    }
  })

  caches.ComponentType.onChange(({ key, before, after }) => {
    queues.componentType(key)
    if (before && after && before.metadata.generation === after.metadata.generation) return
    const name = (after ?? before)!.metadata.name
    for (const component of caches.Component.byIndex('type', name)) wakeComponent(component)
    // A type may be in the guards of others: those of its dependents and of its dependencies.
    for (const request of caches.ChangeRequest.list())
      if (request.status?.phase === 'Queued') queues.changeRequest(keyOf(request))
  })

  caches.Environment.onChange(({ key, before, after }) => {
    queues.environment(key)
    if (before && after && before.metadata.generation === after.metadata.generation) return
    for (const request of caches.ChangeRequest.byIndex('queued', key)) queues.changeRequest(keyOf(request))
    // With a namespace the Environment may go first: what waits to leave has no gate any more.
    const isStranded = ({ metadata }: Of<'Component'>): boolean => !after && metadata.deletionTimestamp !== undefined
    for (const component of caches.Component.byIndex('environment', key))
      if (!component.status?.committed || isStranded(component)) wakeComponent(component)
  })

  const wakeRequests = (id: string): void => {
    for (const request of caches.ChangeRequest.byIndex('waitsFor', id)) queues.changeRequest(keyOf(request))
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
    id: (component: Of<'Component'>) => [idOf(component)],
    environment: ({ metadata, spec }: Of<'Component'>) => [environmentKey(metadata.namespace ?? '', spec.environment)],
    type: ({ spec }: Of<'Component'>) => [spec.type],
    refersTo: (component: Of<'Component'>) => [...new Set(targetsOf(component))],
  },
  ChangeRequest: {
    uid: ({ metadata }: Of<'ChangeRequest'>) => [metadata.uid ?? ''],
    environment: (request: Of<'ChangeRequest'>) => placeOf(request, () => true),
    queued: (request: Of<'ChangeRequest'>) => placeOf(request, (phase) => phase === 'Queued'),
    applying: (request: Of<'ChangeRequest'>) => environmentsAhead(request),
    waitsFor: ({ metadata, spec, status }: Of<'ChangeRequest'>) => {
      if (status?.phase !== 'Queued') return []
      const names = [spec.component, ...(status.blockedBy ?? []).map(({ object }) => object)]
      return [...new Set(names.map((name) => `${metadata.namespace}/${name}`))]
    },
  },
  Environment: {},
  ComponentType: {},
} as const

const isQueued = (request: Of<'ChangeRequest'> | undefined): boolean => request?.status?.phase === 'Queued'

const placeOf = (
  { metadata, status }: Of<'ChangeRequest'>,
  wanted: (phase: string | undefined) => boolean,
): string[] =>
  status?.environment && wanted(status.phase) ? [environmentKey(metadata.namespace ?? '', status.environment)] : []
