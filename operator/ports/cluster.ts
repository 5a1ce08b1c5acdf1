import type {
  ChangeApproval,
  ChangeRequest,
  Component,
  ComponentType,
  Environment,
  JsonObject,
} from '../api/kinds.generated.ts'
import type { Parsed } from '../api/parse.ts'
import type { Result } from '../api/result.ts'

export interface Kinds {
  ChangeRequest: ChangeRequest
  Component: Component
  Environment: Environment
  ComponentType: ComponentType
  ChangeApproval: ChangeApproval
}
export type Kind = keyof Kinds
export type Of<K extends Kind> = Parsed<Kinds[K]>

/**
 * The API server as Karma uses it. Writes are conditioned on the resourceVersion of the object they were decided on
 * (reason `Conflict`: gather again), and what they answer is in the caches before they resolve.
 */
export interface Cluster {
  /** From the server, not from a cache; undefined: there is none. `key` is `namespace/name`. */
  read<K extends Kind>(kind: K, key: string): Promise<Result<Of<K> | undefined>>
  /** `status` is the whole status as it shall be. */
  writeStatus<K extends Kind>(kind: K, object: Kinds[K], status: Kinds[K]['status'] & object): Promise<Result<Of<K>>>
  /** Merges `patch` into spec (null takes a key away) and sets annotations. */
  writeSpec(
    component: Component,
    patch: JsonObject,
    annotations: Record<string, string>,
  ): Promise<Result<Of<'Component'>>>
  /** `owner`: it goes when this Component goes. Success too when there is one of this name already. */
  createChangeRequest(request: ChangeRequest, owner: Component): Promise<Result<void>>
  createComponent(component: Component): Promise<Result<Of<'Component'>>>
  /** Begins its deletion, if it is still this one at this resourceVersion. What is left of it is answered, if anything. */
  deleteComponent(component: Component): Promise<Result<Of<'Component'> | undefined>>
  writeFinalizers<K extends Kind>(kind: K, object: Kinds[K], finalizers: readonly string[]): Promise<Result<Of<K>>>
  /** Whether the namespace is being deleted, or is gone: then nothing can be created in it. */
  isTerminating(namespace: string): Promise<Result<boolean>>
  /** Success too when it is there already. */
  createEnvironment(key: string): Promise<Result<void>>
}

/** A local copy of all objects of one kind, kept up to date. Nobody may change what it gives out. */
export interface Cache<T> {
  get(key: string): T | undefined
  list(): Iterable<T>
  byIndex(name: string, value: string): Iterable<T>
  onChange(
    handler: (change: {
      readonly key: string
      readonly before?: T | undefined
      readonly after?: T | undefined
    }) => void,
  ): () => void
  /** Everything up to here has been seen. */
  resourceVersion(): string
}

/** Their indexes stand in controllers/wake.ts. */
export type Caches = { readonly [K in Kind]: Cache<Of<K>> }
