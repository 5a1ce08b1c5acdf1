import type { Result } from '../api/result.ts'

/** Who asks, as the cluster knows them. */
export interface Caller {
  readonly username: string
  readonly uid?: string
  readonly groups: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** A right on objects of Karma. Without `namespace`: in all of them. */
export interface Right {
  /** `replay`: to have events told again */
  readonly verb: 'get' | 'list' | 'replay'
  /** default: changerequests */
  readonly resource?: 'changerequests' | 'components'
  readonly namespace?: string
  readonly name?: string
}

/** Asks the cluster who somebody is and what they may do. */
export interface Access {
  /** Fails with `Unauthorized` when the bearer token is nobody's. */
  identify(token: string): Promise<Result<Caller>>
  may(caller: Caller, right: Right): Promise<Result<boolean>>
}
