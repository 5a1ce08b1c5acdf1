/**
 * An expected failure, as a value. `reason` is the one CamelCase word that condition, Kubernetes Event, log and test
 * share; `message` names object, field, expected and found; `retry` says whether the same call may succeed later.
 * `outcome` is `Unknown` when a write may have taken place although no answer came. `cause`: of what another system met,
 * in a few words that stay the same as long as it lasts, so that they may stand in a status.
 */
export interface Failure {
  readonly reason: string
  readonly message: string
  readonly retry: boolean
  readonly outcome?: 'NotDone' | 'Unknown'
  readonly cause?: string
}

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure }

export const success = <T>(value: T): Result<T> => ({ ok: true, value })
export const failure = (f: Failure): Result<never> => ({ ok: false, failure: f })
