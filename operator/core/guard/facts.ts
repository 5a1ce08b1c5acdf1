import type {
  ChangeRequest,
  Component,
  ComponentType,
  Decision,
  Environment,
  Image,
  JsonObject,
  Reference,
  Requester,
} from '../../api/kinds.generated.ts'
import type { Fault } from '../../api/parse.ts'
import type { Reason } from '../../api/reasons.ts'
import type { Result } from '../../api/result.ts'
import type { Impact, Seed } from '../graph/impact.ts'
import type { GraphView } from '../graph/view.ts'
import type { Guards } from './expression.ts'

/**
 * What one guard says of a change. `object`: the thing that holds it, as people write it. `waitsFor`: what must move
 * before the answer can be another one (only with Queue).
 */
export interface Verdict {
  readonly guard: string
  readonly verdict: Decision
  readonly reason: Reason
  readonly message: string
  readonly object?: string
  readonly waitsFor?: string
}

/** A committed Component: what it was let through as, and what is reported of it. `id` is the full id. */
export interface Known {
  readonly id: string
  readonly component: Component
  readonly config: JsonObject
  readonly references: readonly Reference[]
  /** the other namespaces that may refer to it */
  readonly allowedNamespaces?: readonly string[] | undefined
}

/** An environment at one version of its graph. */
export interface Place {
  readonly environment: Environment
  readonly version: number
}

/**
 * Everything that is known at one graph version. Lookups answer from memory. In `view` is the graph of the environment,
 * and what depends on it in others (core/graph/across.ts).
 */
export interface World {
  readonly namespace: string
  readonly environment: Environment
  readonly environmentKey: string
  readonly version: number
  /** by key: the other environments that the change passes together with this one */
  readonly beside?: ReadonlyMap<string, Place> | undefined
  /** by key: the versions of the other environments from which something in `view` comes */
  readonly otherVersions?: Readonly<Record<string, number>> | undefined
  readonly view: GraphView
  /** where `view` was read: in process, in a copy of a store elsewhere, or in that store */
  readonly readFrom?: 'Process' | 'Mirror' | 'Store'
  /** bounded by the operator's limits */
  impact(seeds: readonly Seed[]): Impact
  /** committed, by full id */
  known(id: string): Known | undefined
  /** whether there is such a Component at all, committed or not */
  isThere(id: string): boolean
  type(name: string): ComponentType | undefined
  /** by name, in the namespace */
  changeRequest(name: string): ChangeRequest | undefined
  /** changes that are on their way and have not finished */
  readonly inFlight: readonly InFlight[]
  /** `changerequest/name` of the request that waits for its turn with this Component before the one at hand */
  ahead(id: string): string | undefined
  /** in CEL */
  readonly guards: Guards
  /** Failure: configSchema does not compile. Value: what is wrong with config. */
  configFaults(type: ComponentType, config: JsonObject): Result<readonly Fault[]>
}

export interface InFlight {
  /** `changerequest/name`, with its namespace in front where that is another one */
  readonly object: string
  /** full ids of the changed Components and of all they affect */
  readonly affected: ReadonlySet<string>
}

/**
 * One change of one Component, as the guards see it. `before` is null for a creation, `after` for a deletion. Of several
 * that change together, each sees the others in its `world` as they will be; `impact` is that of all of them.
 */
export interface Facts {
  readonly world: World
  readonly id: string
  readonly type: ComponentType | undefined
  readonly typeName: string
  readonly component: Component
  readonly before: JsonObject | null
  readonly after: JsonObject | null
  readonly references: readonly Reference[]
  readonly changedPaths: readonly string[]
  readonly impact: Impact
  /** undefined: nobody asked, as for a creation */
  readonly request:
    | {
        readonly name: string
        readonly reason: string
        readonly requestedBy: Requester
        /** somebody changed spec, and this asks for it in their name */
        readonly isEdit: boolean
      }
    | undefined
}

/** What is judged once for all that changes together. */
export interface Whole {
  /** as it is */
  readonly world: World
  /** the graph as it will be */
  readonly after: GraphView
  readonly items: readonly { readonly id: string }[]
  /** those that get other references than they had */
  readonly linked: readonly { readonly id: string; readonly references: readonly Reference[] }[]
  readonly impact: Impact
  readonly images: readonly Image[]
}

/** A built-in guard: a rule about a change, and its answers. No answer is Allow. */
export type Guard = (facts: Facts) => readonly Verdict[]
export type WholeGuard = (whole: Whole) => readonly Verdict[]

const strength: Readonly<Record<Decision, number>> = {
  Allow: 0,
  Warn: 1,
  RequireApproval: 2,
  Queue: 3,
  Reject: 4,
}

/** At most `limit` of them, the strongest first, else in their order. */
export const strongestFirst = (verdicts: readonly Verdict[], limit: number): Verdict[] =>
  verdicts.toSorted((a, b) => strength[b.verdict] - strength[a.verdict]).slice(0, limit)

/** The strongest verdict wins; without any the change may pass. */
export const strongest = (verdicts: readonly Verdict[]): Decision =>
  verdicts.reduce<Decision>((most, { verdict }) => (strength[verdict] > strength[most] ? verdict : most), 'Allow')
