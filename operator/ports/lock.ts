import type { Held } from '../api/lease.ts'
import type { Result } from '../api/result.ts'

/** Keeps holders out of each other's way; nothing that must not happen twice rests on it. */
export interface Lock {
  /** Failure `LeaseHeld`: another has it; look again in `waitMs`. */
  acquire(): Promise<Result<Held> & { readonly failure?: { readonly waitMs?: number } }>
  renew(held: Held): Promise<Result<Held>>
  release(held: Held): Promise<unknown>
}

/** The lock of an environment, by its key `namespace/name`. */
export type Locks = (environmentKey: string) => Lock
