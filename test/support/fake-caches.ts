import { indexes } from '../../operator/controllers/wake.ts'
import type { Cache, Caches, Kind, Kinds, Of } from '../../operator/ports/cluster.ts'
import { type Change, type Indexes, makeStore } from '../../operator/runtime/store.ts'

export interface FakeCaches {
  readonly caches: Caches
  /** As a watch shows it: it is there from now on, or has changed. Its resourceVersion is given anew. */
  put<K extends Kind>(kind: K, object: Kinds[K]): Of<K>
  /** As a watch shows it: it has gone. */
  remove(kind: Kind, key: string): void
}

/** The caches of all kinds with the indexes of the program, filled by hand. */
export const makeFakeCaches = (): FakeCaches => {
  let version = 1_000
  const make = <K extends Kind>(kind: K) => {
    const store = makeStore<Of<K>>(indexes[kind] as unknown as Indexes<Of<K>>)
    const handlers = new Set<(change: Change<Of<K>>) => void>()
    const tell = (changes: readonly Change<Of<K>>[]): void => {
      for (const change of changes) for (const handler of handlers) handler(change)
    }
    const cache: Cache<Of<K>> = {
      get: store.get,
      list: store.list,
      byIndex: store.byIndex,
      onChange: (handler) => {
        handlers.add(handler)
        return () => handlers.delete(handler)
      },
      resourceVersion: store.reached,
    }
    return { store, cache, tell }
  }
  const kinds = {
    ChangeRequest: make('ChangeRequest'),
    Component: make('Component'),
    Environment: make('Environment'),
    ComponentType: make('ComponentType'),
    ChangeApproval: make('ChangeApproval'),
  }
  return {
    caches: {
      ChangeRequest: kinds.ChangeRequest.cache,
      Component: kinds.Component.cache,
      Environment: kinds.Environment.cache,
      ComponentType: kinds.ComponentType.cache,
      ChangeApproval: kinds.ChangeApproval.cache,
    },
    put(kind, object) {
      const { namespace, name, uid = `uid-${name}` } = object.metadata
      const resourceVersion = String(++version)
      const stored = { faults: [], ...object, metadata: { ...object.metadata, uid, resourceVersion } } as Of<
        typeof kind
      >
      const { store, tell } = kinds[kind] as unknown as ReturnType<typeof make<typeof kind>>
      tell(store.put({ key: namespace ? `${namespace}/${name}` : name, uid, resourceVersion, object: stored }))
      return stored
    },
    remove(kind, key) {
      const { store, tell, cache } = kinds[kind] as unknown as ReturnType<typeof make<typeof kind>>
      const uid = cache.get(key)?.metadata.uid ?? ''
      tell(store.remove({ key, uid, resourceVersion: String(++version) }))
    },
  }
}
