import type { KubernetesClient } from '../../operator/adapters/kubernetes/client.ts'
import { type Answer, failure, success } from '../../operator/adapters/kubernetes/failure.ts'

interface StoredObject {
  readonly metadata: { readonly name: string; readonly resourceVersion: string }
  readonly [field: string]: unknown
}

/** What befalls the next request: it does not arrive, or its answer does not. */
export type Mishap = 'lost' | 'answer-lost'

export interface FakeObjects {
  readonly client: Pick<KubernetesClient, 'get' | 'create' | 'put'>
  readonly requests: string[]
  /** consumed one per request */
  readonly mishaps: (Mishap | undefined)[]
  stored(path: string): StoredObject | undefined
  /** As if somebody else wrote it; undefined deletes. */
  write(path: string, change: Record<string, unknown> | undefined): void
}

/** Single objects in memory behind get, create and put, with resourceVersions as the API server keeps them. */
export const makeFakeObjects = (): FakeObjects => {
  const objects = new Map<string, StoredObject>()
  const requests: string[] = []
  const mishaps: (Mishap | undefined)[] = []
  let version = 100

  const store = (path: string, body: Record<string, unknown>): StoredObject => {
    const metadata = { ...(body.metadata as { name: string }), resourceVersion: String(++version) }
    const object = structuredClone({ ...body, metadata })
    objects.set(path, object)
    return object
  }
  const refuse = (reason: string): Answer<never> => failure({ reason, message: `scripted ${reason}`, retry: false })
  const asked = (what: string, carryOut: () => Answer<unknown>): Promise<Answer<unknown>> => {
    requests.push(what)
    const mishap = mishaps.shift()
    const answer = mishap === 'lost' ? undefined : carryOut()
    if (mishap === undefined && answer) return Promise.resolve(structuredClone(answer))
    const outcome = 'Unknown'
    return Promise.resolve(failure({ reason: 'Unavailable', message: `scripted ${mishap}`, retry: true, outcome }))
  }

  return {
    requests,
    mishaps,
    stored: (path) => objects.get(path),
    write: (path, change) => {
      const object = objects.get(path)
      if (change === undefined) objects.delete(path)
      else store(path, { ...object, ...change })
    },
    client: {
      get: (path) =>
        asked('get', () => {
          const object = objects.get(path)
          return object ? success(object) : refuse('NotFound')
        }),
      create: (collection, body) =>
        asked('create', () => {
          const object = body as { metadata: { name: string } }
          const path = `${collection}/${object.metadata.name}`
          return objects.has(path) ? refuse('AlreadyExists') : success(store(path, object as never))
        }),
      put: (path, body) =>
        asked('put', () => {
          const object = body as StoredObject
          const held = objects.get(path)
          if (!held) return refuse('NotFound')
          if (held.metadata.resourceVersion !== object.metadata.resourceVersion) return refuse('Conflict')
          return success(store(path, object))
        }),
    },
  }
}
