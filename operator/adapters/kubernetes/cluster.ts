import type { JsonObject } from '../../api/kinds.generated.ts'
import { patchBetween } from '../../api/merge-patch.ts'
import { failure, type Result, success } from '../../api/result.ts'
import type { Cluster, Kind, Kinds, Of } from '../../ports/cluster.ts'
import type { KubernetesClient } from './client.ts'
import { collectionPath, objectPath, parseAs } from './kinds.ts'
import { pathOf } from './path.ts'

interface Dependencies {
  readonly client: KubernetesClient
  /** Takes what a write or a read answered into the cache, so that what this process wrote it also knows. */
  readonly observe: <K extends Kind>(kind: K, object: Of<K>) => void
  readonly fieldManager?: string
}

type Metadata = { readonly namespace?: string; readonly name: string; readonly resourceVersion?: string }

const keyOf = ({ namespace, name }: Metadata): string => (namespace === undefined ? name : `${namespace}/${name}`)

/**
 * Writes are JSON merge patches with the resourceVersion of the object they were decided on. Only the status of a
 * ChangeRequest is sent whole: nobody else writes there, and it costs the API server a sixth less.
 */
export const makeCluster = ({ client, observe, fieldManager = 'karma' }: Dependencies): Cluster => {
  const taken = <K extends Kind>(kind: K, raw: unknown): Result<Of<K>> => {
    const parsed = parseAs(kind, raw)
    if (parsed.ok) observe(kind, parsed.value)
    return parsed
  }
  const patch = async <K extends Kind>(
    kind: K,
    metadata: Metadata,
    body: object,
    subresource?: string,
  ): Promise<Result<Of<K>>> => {
    const answer = await client.patch(objectPath(kind, keyOf(metadata), subresource), body, { fieldManager })
    return answer.ok ? taken(kind, answer.value) : answer
  }

  const replaceStatus = async <K extends Kind>(kind: K, object: Kinds[K], status: object): Promise<Result<Of<K>>> => {
    const { name, namespace, uid, resourceVersion } = object.metadata
    const body = { apiVersion: object.apiVersion, kind, metadata: { name, namespace, uid, resourceVersion }, status }
    const path = objectPath(kind, keyOf(object.metadata), 'status')
    const answer = await client.put(path, body, { query: { fieldManager } })
    return answer.ok ? taken(kind, answer.value) : answer
  }

  const createdOrThere = async (kind: Kind, namespace: string | undefined, body: object): Promise<Result<void>> => {
    const answer = await client.create(collectionPath(kind, namespace), body)
    if (answer.ok) {
      const parsed = taken(kind, answer.value)
      return parsed.ok ? success(undefined) : parsed
    }
    return answer.failure.reason === 'AlreadyExists' ? success(undefined) : failure(answer.failure)
  }

  return {
    async read(kind, key) {
      const answer = await client.get(objectPath(kind, key))
      if (answer.ok) return taken(kind, answer.value)
      return answer.failure.reason === 'NotFound' ? success(undefined) : answer
    },
    writeStatus(kind, object: Kinds[typeof kind], status) {
      if (kind === 'ChangeRequest') return replaceStatus(kind, object, status)
      const { metadata, status: before } = object
      const { resourceVersion = '' } = metadata
      const changes = patchBetween((before ?? {}) as unknown as JsonObject, status as unknown as JsonObject)
      return patch(kind, metadata, { metadata: { resourceVersion }, status: changes }, 'status')
    },
    writeSpec(component, spec, annotations) {
      const { resourceVersion = '' } = component.metadata
      return patch('Component', component.metadata, { metadata: { resourceVersion, annotations }, spec })
    },
    async createChangeRequest({ apiVersion, kind, metadata, spec }, owner) {
      const { name, uid } = owner.metadata
      const ownerReferences = [{ apiVersion: owner.apiVersion, kind: owner.kind, name, uid }]
      const body = { apiVersion, kind, metadata: { ...metadata, ownerReferences }, spec }
      return createdOrThere('ChangeRequest', metadata.namespace, body)
    },
    async createComponent({ apiVersion, kind, metadata, spec }) {
      const { namespace, name, labels, annotations } = metadata
      const body = { apiVersion, kind, metadata: { namespace, name, labels, annotations }, spec }
      const answer = await client.create(collectionPath('Component', namespace), body, { query: { fieldManager } })
      return answer.ok ? taken('Component', answer.value) : answer
    },
    async deleteComponent({ metadata }) {
      const { uid = '', resourceVersion = '' } = metadata
      const answer = await client.remove(objectPath('Component', keyOf(metadata)), {
        preconditions: { uid, resourceVersion },
      })
      if (!answer.ok) return answer
      // Without a finalizer it is gone at once, and the answer is a Status.
      const isLeft = (answer.value as { kind?: string }).kind === 'Component'
      return isLeft ? taken('Component', answer.value) : success(undefined)
    },
    writeFinalizers(kind, { metadata }: Kinds[typeof kind], finalizers) {
      const { resourceVersion = '' } = metadata
      return patch(kind, metadata, { metadata: { resourceVersion, finalizers } })
    },
    async isTerminating(namespace) {
      const answer = await client.get(pathOf({ group: '', version: 'v1', plural: 'namespaces' }, { name: namespace }))
      if (!answer.ok) return answer.failure.reason === 'NotFound' ? success(true) : answer
      const { metadata } = answer.value as { metadata: { deletionTimestamp?: string } }
      return success(metadata.deletionTimestamp !== undefined)
    },
    async createEnvironment(key) {
      const [namespace = '', name = ''] = key.split('/')
      const body = { apiVersion: 'usekarma.dev/v1alpha1', kind: 'Environment', metadata: { namespace, name }, spec: {} }
      return createdOrThere('Environment', namespace, body)
    },
  }
}
