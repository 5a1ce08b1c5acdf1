import type { Applying, Prepared } from '../../api/kinds.generated.ts'
import type { Failure } from '../../api/result.ts'
import type { Pledge } from './pledge.ts'

/*
 * What a holder knows while it carries a batch of changes through an environment, what it may do, and what can come of
 * that: the words of the commit protocol (commit.ts).
 */

/** The Environment as this holder knows it. `claim` is the resourceVersion that its claiming write returned. */
export interface Held {
  readonly resourceVersion: string
  readonly claim: string
  readonly version: number
  readonly applying: readonly Applying[]
  /** a change over several environments that is to be published next here, or never: its request says */
  readonly prepared?: Prepared
  /** the highest resourceVersion among Component writes so far: plans need Components at least as new */
  readonly highest: string
}

/** One Component that a change writes. `resourceVersion` is what its next write is conditioned on. */
export interface Target {
  /** its name; of an environment that stands for its part, the key of that */
  readonly component: string
  readonly resourceVersion: string
  /** `Awaited`: it is elsewhere, and not committed yet */
  readonly stage: 'Spec' | 'Committed' | 'Reread' | 'Done' | 'Awaited'
  /** Its environment, when that is another one: whoever holds that one writes it; here its coming is seen. */
  readonly elsewhere?: string
}

/** One change on its way: a request, or a Component that is created or removed (these have no request). */
export interface Member<Content> {
  readonly applying: Applying
  readonly stage: 'Settle' | 'WriteAhead' | 'Ahead' | 'Commit' | 'Awaited' | 'Finish' | 'Done' | 'Dropped'
  /** of the request */
  readonly resourceVersion: string
  readonly targets: readonly Target[]
  /** its request has ended already, or others end it; only how far its Components have come is still to be seen */
  readonly finished?: boolean
  /** what it newly refers to in other environments */
  readonly refers?: readonly Pledge[]
  readonly content: Content
}

/** A request that was written ahead but never published. */
export interface Stale {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly claim: string
}

export interface Pass<Content> {
  readonly stage:
    | 'Read'
    | 'Claim'
    | 'Look'
    | 'Plan'
    | 'Repair'
    | 'Promise'
    | 'WriteAhead'
    | 'Publish'
    | 'Store'
    | 'Commit'
    | 'TakeBack'
    | 'Clear'
    | 'Idle'
  readonly held?: Held
  /** the Environment as read before the claim */
  readonly read?: Omit<Held, 'claim'>
  /** something may be under way that this memory does not know */
  readonly mustLook: boolean
  readonly members: readonly Member<Content>[]
  readonly stale: readonly Stale[]
  /** still to be promised */
  readonly pledges?: readonly Pledge[]
  /** the version under which the graph is set right */
  readonly repair?: number
}

export type Effect<Content> =
  | { readonly do: 'ReadEnvironment' | 'Look' | 'Plan' | 'Claim' | 'Publish' | 'Store' | 'Clear' }
  /** A version by which nothing changes but the graph store, which said something else than the Components. */
  | { readonly do: 'Repair'; readonly version: number }
  | { readonly do: 'Settle' | 'WriteAhead' | 'Finish'; readonly member: Member<Content> }
  | {
      readonly do: 'WriteSpec' | 'WriteCommitted' | 'Reread'
      readonly member: Member<Content>
      readonly target: Target
    }
  | { readonly do: 'TakeBack'; readonly stale: Stale }
  /** asked for by spanning.ts alone */
  | { readonly do: 'Prepare'; readonly prepared: Prepared }
  | { readonly do: 'Promise'; readonly pledge: Pledge }

export type Answer<Content> =
  | { readonly is: 'Environment'; readonly environment: Omit<Held, 'claim'> }
  | { readonly is: 'Seen'; readonly open: readonly Member<Content>[]; readonly stale: readonly Stale[] }
  | { readonly is: 'Batch'; readonly members: readonly Member<Content>[] }
  /** The graph store has to be set right before anything can be planned, as this version. */
  | { readonly is: 'Differs'; readonly version: number }
  /** `carries`: it has this change already; `edited`: it is no longer what was let through (a creation) */
  | {
      readonly is: 'Component'
      readonly environment: string
      readonly component?: { readonly resourceVersion: string; readonly carries: boolean; readonly edited: boolean }
    }
  | { readonly is: 'Written'; readonly resourceVersion: string }
  /** the precondition did not hold: nothing was done */
  | { readonly is: 'Conflict' }
  | { readonly is: 'Gone' }
  /** no answer came: it may have been done, now or later */
  | { readonly is: 'Unknown'; readonly failure?: Failure }
