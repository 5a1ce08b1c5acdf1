/** A failure as a value, as far as this folder looks at it. */
export interface SourceFailure {
  readonly reason: string
  readonly message: string
  readonly status?: number
  readonly retryAfterMs?: number
}

export type SourceAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: SourceFailure }

export interface SourcePage {
  readonly items: readonly unknown[]
  readonly resourceVersion: string
  readonly continue?: string
}

/** One collection of an API server. Nothing here rejects; iterating a watch may throw. */
export interface Source {
  /** for logs */
  readonly name: string
  list(page: {
    readonly limit?: number | undefined
    readonly continue?: string | undefined
    readonly signal: AbortSignal
  }): Promise<SourceAnswer<SourcePage>>
  /** The lines of a watch from `resourceVersion` on. `onBytes` is called for whatever arrives. */
  watch(from: {
    readonly resourceVersion: string
    readonly timeoutSeconds: number
    readonly signal: AbortSignal
    readonly onBytes: () => void
  }): Promise<SourceAnswer<AsyncIterable<string>>>
  /** Throws for a line that is not JSON. */
  decode(line: string): unknown
  /** The failure that a Status in an ERROR event stands for. */
  failureOf(status: { code?: number; reason?: string; message?: string }): SourceFailure
}

/** Reason of a failure that says: what you know is too old to go on from; list again. */
export const expired = 'Expired'
