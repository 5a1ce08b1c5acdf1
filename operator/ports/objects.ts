import type { Requester } from '../api/kinds.generated.ts'
import type { Result } from '../api/result.ts'
import type { Kind, Of } from './cluster.ts'

export interface Listed<T> {
  readonly items: readonly T[]
  /** as of which moment */
  readonly resourceVersion: string
}

export interface Where {
  /** default: all of them */
  readonly namespace?: string
  /** as of that resourceVersion, so that several lists fit together */
  readonly at?: string
  /** a field selector such as `status.phase=Queued` */
  readonly fields?: string
}

/**
 * Karma's objects as a person reads and writes them, with the rights of their kubeconfig. Nothing is cached. A message
 * says what the person can do about it. Reasons: `Forbidden`, `Unauthorized`, `NotInstalled` (the kind is not served),
 * `Expired` (the moment asked for is forgotten), and those of writes.
 */
export interface Objects {
  /** undefined: there is none. `key` is `namespace/name`, or `name` for what is in no namespace. */
  get<K extends Kind>(kind: K, key: string): Promise<Result<Of<K> | undefined>>
  list<K extends Kind>(kind: K, where?: Where): Promise<Result<Listed<Of<K>>>>
  /** Resolves the name: the server completes `generateName`. */
  create(kind: 'ChangeRequest' | 'ChangeApproval', namespace: string, manifest: object): Promise<Result<string>>
  /** A JSON merge patch. */
  patch<K extends Kind>(kind: K, key: string, patch: object): Promise<Result<Of<K>>>
  /** As the API server knows the person. */
  whoAmI(): Promise<Result<Requester>>
}
