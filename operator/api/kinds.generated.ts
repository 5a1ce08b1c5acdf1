// Written from crds/*.yaml by `npm run generate`; do not edit.

export interface Component {
  apiVersion: 'usekarma.dev/v1alpha1'
  kind: 'Component'
  metadata: ObjectMeta
  spec: ComponentSpec
  status?: ComponentStatus
}
export interface ComponentSpec {
  type: string
  nickname: string
  environment: string
  project?: string
  source?: Source
  config?: JsonObject
  references?: Reference[]
  allowedNamespaces?: string[]
}
export interface Source { repository: string; path?: string; revision?: string }
export interface Reference {
  name: string
  /** `type/nickname` inside the namespace, `namespace/type/nickname` outside it */
  component: string
  outputs?: string[]
}
export interface ComponentStatus {
  observedGeneration?: number
  committed?: Committed
  /** reported */
  outputs?: JsonObject
  /** reported */
  runtime?: { state?: string; config?: JsonObject; observedAt?: string }
  dependents?: number
  /** last event number given out */
  seq?: number
  history?: HistoryEntry[]
  conditions?: Condition[]
}
export interface Committed {
  config?: JsonObject
  references?: Reference[]
  source?: Source
  project?: string
  allowedNamespaces?: string[]
  /** sha256:… over wanted */
  hash: string
  /** name of the ChangeRequest, absent for a creation */
  changeRequest?: string
  graphVersion: number
  at: string
}
/** One transition. `attrs` is JSON text (an object), at most 2048 characters. `type` is the event_type. */
export interface HistoryEntry {
  seq: number
  at: string
  type: string
  reason?: string
  message?: string
  attrs?: string
}
export interface Condition {
  type: string
  status: 'True' | 'False' | 'Unknown'
  reason: string
  message: string
  lastTransitionTime: string
  observedGeneration?: number
}

export interface ChangeRequest {
  apiVersion: 'usekarma.dev/v1alpha1'
  kind: 'ChangeRequest'
  metadata: ObjectMeta
  spec: ChangeRequestSpec
  status?: ChangeRequestStatus
}
export interface ChangeRequestSpec {
  /** `type/nickname` */
  component: string
  proposedChange?: JsonObject
  /** JSON pointers into config */
  remove?: string[]
  mode?: 'Apply' | 'Plan'
  onConflict?: 'Queue' | 'Reject'
  reason?: string
  requestedBy?: Requester
  cancel?: boolean
}
export interface Requester { username: string; uid?: string; groups?: string[] }
export type Phase =
  | 'Pending'
  | 'Queued'
  | 'Applying'
  | 'Applied'
  | 'Planned'
  | 'Rejected'
  | 'Cancelled'
export interface ChangeRequestStatus {
  observedGeneration?: number
  phase?: Phase
  environment?: string
  /** `type/nickname`, nearest 100 */
  affectedComponents?: string[]
  affectedCount?: number
  warnings?: string[]
  logEntryId?: string
  plan?: PlanSummary
  blockedBy?: BlockedBy[]
  queue?: { position: number; since: string }
  writeAhead?: WriteAhead
  seq?: number
  history?: HistoryEntry[]
  conditions?: Condition[]
}
export interface PlanSummary {
  hash: string
  /** environment `namespace/name` -> version */
  graphVersions?: Record<string, number>
  /** `type/nickname` */
  added?: string[]
  changed?: string[]
  removed?: string[]
  verdicts?: VerdictEntry[]
}
export type Decision = 'Allow' | 'Warn' | 'Queue' | 'Reject'
export interface VerdictEntry { guard: string; verdict: Decision; object?: string; message: string }
export interface BlockedBy { reason: string; object: string; message: string }
/** What step 6 stores: enough for anybody to finish the change or take it back. */
export interface WriteAhead {
  /** the Environment's resourceVersion that the claim returned */
  claim: string
  holder: string
  version: number
  components: WriteAheadComponent[]
}
export interface WriteAheadComponent {
  name: string
  uid: string
  resourceVersion: string
  /** JSON text of the inverse merge patch of config */
  before: string
}

export interface Environment {
  apiVersion: 'usekarma.dev/v1alpha1'
  kind: 'Environment'
  metadata: ObjectMeta
  spec?: EnvironmentSpec
  status?: EnvironmentStatus
}
export interface EnvironmentSpec {
  guards?: Guard[]
  onConflict?: 'Queue' | 'Reject'
  allowTruncatedImpact?: boolean
}
export interface EnvironmentStatus {
  observedGeneration?: number
  version?: number
  lockedBy?: string
  applying?: Applying[]
  committedResourceVersion?: string
  queued?: number
  seq?: number
  history?: HistoryEntry[]
  conditions?: Condition[]
}
/** What stands at the decided version and may not be finished yet. */
export interface Applying { kind: 'ChangeRequest' | 'Creation' | 'Removal'; name: string; uid: string }
export interface Guard {
  name: string
  /** CEL; true means that the change may pass */
  expression: string
  forEach?: 'Dependents' | 'Dependencies'
  verdict?: 'Warn' | 'Queue' | 'Reject'
  message?: string
}

export interface ComponentType {
  apiVersion: 'usekarma.dev/v1alpha1'
  kind: 'ComponentType'
  metadata: ObjectMeta
  spec: ComponentTypeSpec
  status?: ComponentTypeStatus
}
export interface ComponentTypeSpec {
  /** JSON Schema of config */
  configSchema?: JsonObject
  outputs?: Output[]
  guards?: Guard[]
}
export interface Output {
  name: string
  /** JSON pointers into config, or `references.NAME`; absent: everything */
  from?: string[]
  sensitive?: boolean
}
export interface ComponentTypeStatus { observedGeneration?: number; components?: number; conditions?: Condition[] }

export interface ObjectMeta {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
}
export type Json = null | boolean | number | string | Json[] | JsonObject
export interface JsonObject { [key: string]: Json }
