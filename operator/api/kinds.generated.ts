// Written from crds/*.yaml by `npm run generate`; do not edit.

/**
 * A ChangeApproval says that somebody agrees, or does not agree, to one plan of a ChangeRequest in the same namespace.
 * It counts for the plan with this hash and no other, from anybody who may approve but the requester, until it expires.
 * Its spec cannot be changed; deleting it before the change is Applying takes it back.
 */
export interface ChangeApproval {
  apiVersion: 'usekarma.dev/v1alpha1'
  kind: 'ChangeApproval'
  metadata: ObjectMeta
  spec: ChangeApprovalSpec
  status?: ChangeApprovalStatus
}

/**
 * Who decides. Filled in by the API server from the account that creates the approval; whatever a client writes here is
 * replaced, or refused where the API server does not serve MutatingAdmissionPolicy.
 */
export interface Approver {
  /** The name of the account. */
  username: string
  /** The unique id of the account, if it has one. */
  uid?: string
  /** The groups of the account. */
  groups?: string[]
}

/** What was decided, on what, and by whom. Nothing in it can be changed. */
export interface ChangeApprovalSpec {
  /** The name of the ChangeRequest, in the same namespace. It need not exist yet. */
  changeRequest: string
  /**
   * The hash of the plan that is decided on, as status.plan.hash of the ChangeRequest says it. When the change comes to
   * another plan, this decision does not count for it.
   */
  planHash: string
  /**
   * Approve agrees to the plan. Deny decides against it and ends the change, whoever else approved it and whether or
   * not it needs an approval.
   */
  decision: 'Approve' | 'Deny'
  /** Why, for people. */
  reason?: string
  /**
   * For how long it counts, from its creation. A change that has not begun to be applied by then needs another
   * approval. Default 86400, a day.
   */
  validForSeconds?: number
  /**
   * Who decides. Filled in by the API server from the account that creates the approval; whatever a client writes here
   * is replaced, or refused where the API server does not serve MutatingAdmissionPolicy.
   */
  approver: Approver
}

/** One aspect of the state. */
export interface Condition {
  /** Which aspect, in one CamelCase word, for example Counted. */
  type: string
  /** Whether it holds. */
  status: 'True' | 'False' | 'Unknown'
  /** Why, in one CamelCase word. */
  reason: string
  /** Why, in a sentence that names object, field, expected and found. */
  message: string
  /** When the status of this condition last changed. */
  lastTransitionTime: string
  /** The metadata.generation that this condition was worked out for. */
  observedGeneration?: number
}

/** Whether it counts. Written by Karma alone. */
export interface ChangeApprovalStatus {
  /** The metadata.generation that this status was worked out for. */
  observedGeneration?: number
  /** From when on it does not count any more. */
  expiresAt?: string
  /**
   * The metadata.uid of the ChangeRequest that it has counted for. An approval counts for no other one, even of the
   * same name.
   */
  changeRequestUid?: string
  /**
   * The state in standard form. Counted is true when it counts for the plan of its ChangeRequest, or did when that was
   * decided.
   */
  conditions?: Condition[]
}

/**
 * A ChangeRequest asks for a change of one Component, or of several together. Karma works out whom it can reach, asks
 * the guards, and applies it, queues it, or rejects it with the reason in its status. Its spec cannot be changed: to
 * ask for something else, create another one. Deleting it never undoes the change.
 */
export interface ChangeRequest {
  apiVersion: 'usekarma.dev/v1alpha1'
  kind: 'ChangeRequest'
  metadata: ObjectMeta
  spec: ChangeRequestSpec
  status?: ChangeRequestStatus
}

/** One reference. */
export interface ProposedReference {
  /** The name of the reference, as config uses it in ${NAME.OUTPUT}. */
  name: string
  /**
   * The Component referred to, as type/nickname in the Component's namespace or namespace/type/nickname in another one.
   */
  component?: string
  /** The outputs of that Component that this one reads. */
  outputs?: string[]
  /** Set to true to take this reference away. Default false. */
  remove?: boolean
}

/** Patch changes the Component, Delete takes it out of the graph and deletes it. Default Patch. */
export type Operation = 'Patch' | 'Delete'

/** One of the changes. */
export interface AskedChange {
  /** The Component to be changed, as type/nickname in the same namespace. */
  component: string
  /** What to merge into its committed config, as spec.proposedChange. */
  proposedChange?: JsonObject
  /** The fields of its config to take away, as spec.remove. */
  remove?: string[]
  /** The references to be added, replaced or taken away, by name. All others stay as they are. */
  proposedReferences?: ProposedReference[]
  /** Patch changes the Component, Delete takes it out of the graph and deletes it. Default Patch. */
  operation?: Operation
}

/**
 * Who asks. Filled in by the API server from the account that creates the request; whatever a client writes here is
 * replaced, or refused where the API server does not serve MutatingAdmissionPolicy.
 */
export interface Requester {
  /** The name of the account. */
  username: string
  /** The unique id of the account, if it has one. */
  uid?: string
  /** The groups of the account. */
  groups?: string[]
}

/** What is asked for. Nothing in it can be changed but cancel, from false to true. */
export interface ChangeRequestSpec {
  /** The Component to be changed, as type/nickname in the same namespace. Either this, or changes, or rollbackOf. */
  component?: string
  /**
   * What to change in the committed config: a JSON object that is merged into it (JSON merge patch, RFC 7386). Objects
   * are merged, lists and everything else are replaced whole. Nulls are refused, use remove.
   */
  proposedChange?: JsonObject
  /** The fields of config to take away, as JSON pointers such as /aliases or /network/subnet. */
  remove?: string[]
  /** The references to be added, replaced or taken away, by name. All others stay as they are. */
  proposedReferences?: ProposedReference[]
  /** Patch changes the Component, Delete takes it out of the graph and deletes it. Default Patch. */
  operation?: Operation
  /** Several changes, each of another Component: all of them are applied, in one step, or none. */
  changes?: AskedChange[]
  /**
   * The name of an applied ChangeRequest in the same namespace whose change is to be undone. What others changed since
   * in other fields stays.
   */
  rollbackOf?: string
  /**
   * Apply only if the plan has this hash, as a request of mode Plan or kubectl karma plan gave it. Another plan is
   * rejected, reason PlanStale.
   */
  planHash?: string
  /** How long it may wait, from its creation; it ends as Expired unless it is Applying by then. Default: for ever. */
  queueDeadlineSeconds?: number
  /**
   * Edit when somebody changed the spec of the Component directly, and Karma asks for it in their name. Only Karma
   * writes it.
   */
  origin?: 'Edit'
  /**
   * With origin Edit: the hash of what the Component's spec wants. When the spec wants something else by now, the
   * request ends as Superseded.
   */
  wantedHash?: string
  /** Apply carries the change out; Plan stops after working out what Apply would do. Default Apply. */
  mode?: 'Apply' | 'Plan'
  /**
   * What to do when the change has to wait for something: Queue waits, Reject ends it. Default: what the Environment
   * says, and Queue if it says nothing. An approval is waited for in any case.
   */
  onConflict?: 'Queue' | 'Reject'
  /** Why the change is wanted, for people. */
  reason?: string
  /**
   * Who asks. Filled in by the API server from the account that creates the request; whatever a client writes here is
   * replaced, or refused where the API server does not serve MutatingAdmissionPolicy.
   */
  requestedBy: Requester
  /**
   * Set to true to withdraw the request. It has an effect until the phase is Applying, and cannot be taken back.
   * Default false.
   */
  cancel?: boolean
}

/**
 * The step it has reached. Pending, Queued, AwaitingApproval and Applying go on; all others are ends. Scripts should
 * wait for the condition Finished and then read Succeeded.
 */
export type Phase = 'Pending' | 'Queued' | 'AwaitingApproval' | 'Applying' | 'Applied' | 'Planned' | 'Rejected' | 'Cancelled' | 'Superseded' | 'Expired'

/** Its answer. */
export type Decision = 'Allow' | 'Warn' | 'RequireApproval' | 'Queue' | 'Reject'

/** The answer of one guard. */
export interface VerdictEntry {
  /** The name of the guard. */
  guard: string
  /** Its answer. */
  verdict: Decision
  /** The object that the answer is about. */
  object?: string
  /** Why, in a sentence. */
  message: string
}

/** What the change does, as it was worked out last. */
export interface PlanSummary {
  /**
   * The hash of the plan as sha256:HEX. The same change with the same effects and verdicts has the same hash, wherever
   * and whenever it is planned, and whatever it waits for.
   */
  hash: string
  /** The graph version that was read of each environment, keyed by namespace/name. */
  graphVersions?: Record<string, number>
  /**
   * Where the graph was read: in the operator's process, in its copy of the graph store, which was compared with it, or
   * in the store.
   */
  readFrom?: 'Process' | 'Mirror' | 'Store'
  /** The Components that come into being, as type/nickname, at most 16. */
  added?: string[]
  /** The Components that are changed themselves, as type/nickname, at most 16. */
  changed?: string[]
  /** The Components that go away, as type/nickname, at most 16. */
  removed?: string[]
  /** What the guards say, strongest first, at most 16. The strongest verdict wins. */
  verdicts?: VerdictEntry[]
}

/** One thing it waits for. */
export interface BlockedBy {
  /** Why it waits, in one CamelCase word. */
  reason: string
  /** The object it waits for. */
  object: string
  /** Why it waits, in a sentence. */
  message: string
}

/** One that decided. */
export interface DecidedBy {
  /** The metadata.name of the ChangeApproval. */
  name: string
  /** Its metadata.uid. */
  uid: string
  /** What was decided. */
  decision: 'Approve' | 'Deny'
  /** Who decided, cut where the name is longer. */
  username: string
}

/** Its place in the queue of the environment, while it is queued. */
export interface QueuePosition {
  /** How many come before it, plus one. */
  position: number
  /** When it was queued. */
  since: string
}

/** One environment that the change passes. */
export interface WriteAheadEnvironment {
  /** The Environment, as namespace/name. */
  environment: string
  /** The resourceVersion of the Environment that the claim returned. */
  claim: string
  /** The graph version that the change will have there. */
  version: number
}

/**
 * What anybody needs to finish the change or take it back, stored before the first effect. For Karma, not for people.
 */
export interface WriteAhead {
  /** The resourceVersion of the Environment that the claim returned. */
  claim?: string
  /** Who holds the lock of the environment. */
  holder: string
  /** The graph version that the change will have. */
  version?: number
  /** The environments that the change passes together, sorted, at most 5; instead of claim and version. */
  environments?: WriteAheadEnvironment[]
  /**
   * Whether a change over several environments was decided, once it was prepared in all of them. From then on it will
   * happen, whoever completes it; until then it can be taken back. Default false.
   */
  decided?: boolean
}

/** One Component. A text null means that it was not there before, or is not after. */
export interface Image {
  /** The Component as type/nickname. */
  component: string
  /** Its metadata.uid; absent when it is made anew. */
  uid?: string
  /** The inverse of the change, as the text of a JSON merge patch. */
  before: string
  /** The change, as the text of a JSON merge patch. */
  after: string
}

/** One transition. */
export interface HistoryEntry {
  /** The number of this entry, one more than the one before. */
  seq: number
  /** When it happened. */
  at: string
  /** What happened, as an event type, for example change.applied. */
  type: string
  /** Why, in one CamelCase word. */
  reason?: string
  /** Why, in a sentence. */
  message?: string
  /** More about it, as the text of a JSON object. */
  attrs?: string
}

/** How far it has come. Written by Karma alone. */
export interface ChangeRequestStatus {
  /** The metadata.generation that this status was worked out for. */
  observedGeneration?: number
  /**
   * The step it has reached. Pending, Queued, AwaitingApproval and Applying go on; all others are ends. Scripts should
   * wait for the condition Finished and then read Succeeded.
   */
  phase?: Phase
  /** What is to be changed, in a few words, for example s3-bucket/shared and 2 more. */
  subject?: string
  /** The name of the Environment whose gate the change passes. */
  environment?: string
  /**
   * The Components that the change can reach through references, as type/nickname, nearest first, at most 100;
   * affectedCount says how many there are.
   */
  affectedComponents?: string[]
  /** How many Components the change can reach. */
  affectedCount?: number
  /** What the guards warn of, one sentence each, at most 16. */
  warnings?: string[]
  /** Where the ledger tells the story of this change; kubectl karma log shows it. */
  logEntryId?: string
  /** What the change does, as it was worked out last. */
  plan?: PlanSummary
  /** What it waits for, at most 16 things. It goes on by itself once these are gone. */
  blockedBy?: BlockedBy[]
  /** The ChangeApprovals that decided it, at most 4: those that agreed to what was applied, or were against it. */
  approvals?: DecidedBy[]
  /** Its place in the queue of the environment, while it is queued. */
  queue?: QueuePosition
  /**
   * What anybody needs to finish the change or take it back, stored before the first effect. For Karma, not for people.
   */
  writeAhead?: WriteAhead
  /**
   * What the change writes, and what undoes it, of each Component. Kept after the end, so that the change can be rolled
   * back. The images hold at most 64 KiB together.
   */
  images?: Image[]
  /** The name of the ChangeRequest that undid this one. */
  rolledBackBy?: string
  /** The number of the last history entry ever written. */
  seq?: number
  /** The last transitions, oldest first, at most 32. Older ones are in the ledger. */
  history?: HistoryEntry[]
  /** The state in standard form. Succeeded sums up the others; Finished is true at every end. */
  conditions?: Condition[]
}

/**
 * A Component is one piece of infrastructure: what it is, how it is configured, and which other Components it depends
 * on. Its spec is what somebody wants; status.committed is what Karma let through. Everything that Karma works out
 * (dependents, impact, outputs) rests on what is committed.
 */
export interface Component {
  apiVersion: 'usekarma.dev/v1alpha1'
  kind: 'Component'
  metadata: ObjectMeta
  spec: ComponentSpec
  status?: ComponentStatus
}

/** Where the configuration comes from, so that a reader can find the file and its version. */
export interface Source {
  /** The address of the repository, for example https://git.example/infra. */
  repository: string
  /** The file or folder inside the repository. */
  path?: string
  /** The commit, tag or version that the configuration was taken from. */
  revision?: string
}

/** One dependency. */
export interface Reference {
  /**
   * The name of this reference, unique in the list; config uses it in ${NAME.OUTPUT}. Letters, digits, hyphens and
   * underscores.
   */
  name: string
  /** The Component referred to, as type/nickname in the same namespace or namespace/type/nickname in another one. */
  component: string
  /**
   * The outputs of that Component that this one reads. Default: those that config names in ${NAME.OUTPUT}; if it names
   * none, all of them.
   */
  outputs?: string[]
}

/** What is wanted. A change here takes effect once it has passed the gate. */
export interface ComponentSpec {
  /**
   * What kind of thing this is, for example s3-bucket. Lower-case letters, digits and hyphens; the name of its
   * ComponentType, if there is one. Cannot be changed.
   */
  type: string
  /**
   * The name of this piece among those of its type, for example karma-dev. Lower-case letters, digits, hyphens and
   * dots. Cannot be changed.
   */
  nickname: string
  /**
   * The name of the Environment in the same namespace through which all changes of this Component pass. It is created
   * when it is first named. Cannot be changed.
   */
  environment: string
  /** The project this piece belongs to. For people and for guards; Karma gives it no meaning. */
  project?: string
  /** Where the configuration comes from, so that a reader can find the file and its version. */
  source?: Source
  /**
   * The configuration: any JSON object of at most 32 KiB, without nulls and without integers beyond 2^53. The
   * configSchema of its ComponentType says what belongs in it. A string may hold ${NAME.OUTPUT}, an output of the
   * Component that the reference NAME points at.
   */
  config?: JsonObject
  /**
   * The Components that this one depends on. A change of one of them can reach this one; this one cannot be without
   * them.
   */
  references?: Reference[]
  /** The other namespaces whose Components may refer to this one. Default: none, only its own namespace. */
  allowedNamespaces?: string[]
}

/**
 * What Karma let through: the truth that graph, guards and dependents rest on. Absent until the Component has passed
 * the gate once.
 */
export interface Committed {
  /** The committed configuration. */
  config?: JsonObject
  /** The committed references. */
  references?: Reference[]
  /** Where the committed configuration came from. */
  source?: Source
  /** The committed project. */
  project?: string
  /** The other namespaces whose Components may refer to this one. */
  allowedNamespaces?: string[]
  /**
   * The hash of config, references, source, project and allowedNamespaces as sha256:HEX. The spec is committed when its
   * hash is this one.
   */
  hash: string
  /** The name of the ChangeRequest that brought this about. Absent for a creation. */
  changeRequest?: string
  /** The version of the environment's graph in which this was committed. */
  graphVersion: number
  /** When this was committed. */
  at: string
}

/** How the piece is found in the real world. Reported by an account that has the verb report on components. */
export interface Runtime {
  /** Its state in one word, for example running or stopped. */
  state?: string
  /**
   * The configuration as it was found. Where it differs from the committed one it has drifted; keys that only stand
   * here are no difference.
   */
  config?: JsonObject
  /** When it was looked at. With it, what was looked at before the last commit is not taken for drift. */
  observedAt?: string
}

/** One ChangeRequest. */
export interface AppliedRequest {
  /** Its metadata.name. */
  name: string
  /** The hash of what it asks for as sha256:HEX. */
  hash: string
}

/** What is. Written by Karma, except for outputs and runtime, which are reported. */
export interface ComponentStatus {
  /** The metadata.generation that this status was worked out for. */
  observedGeneration?: number
  /**
   * What Karma let through: the truth that graph, guards and dependents rest on. Absent until the Component has passed
   * the gate once.
   */
  committed?: Committed
  /**
   * What this piece offers to its dependents, by name, for example an address or an identifier. Reported by an account
   * that has the verb report on components.
   */
  outputs?: JsonObject
  /** How the piece is found in the real world. Reported by an account that has the verb report on components. */
  runtime?: Runtime
  /** The hash of the outputs and the runtime (without observedAt) that were last told of as an event, as sha256:HEX. */
  reportHash?: string
  /**
   * The last ChangeRequests that were applied to this Component, oldest first. One that is created again with the same
   * name and content changes nothing.
   */
  applied?: AppliedRequest[]
  /** How many committed Components refer to this one directly. */
  dependents?: number
  /** The number of the last history entry ever written. */
  seq?: number
  /** The last transitions, oldest first, at most 32. Older ones are in the ledger. */
  history?: HistoryEntry[]
  /** The state in standard form. Ready sums up the others, but for Drifted. */
  conditions?: Condition[]
}

/**
 * A ComponentType says what holds for all Components of a type: what their config looks like, which outputs they offer,
 * and which rules their changes have to meet. It is optional; its name is the type.
 */
export interface ComponentType {
  apiVersion: 'usekarma.dev/v1alpha1'
  kind: 'ComponentType'
  metadata: ObjectMeta
  spec: ComponentTypeSpec
  status?: ComponentTypeStatus
}

/** One output. */
export interface Output {
  /** The name of the output, as in status.outputs and in ${REFERENCE.NAME}. */
  name: string
  /**
   * What the output is made of: JSON pointers into config such as /aliases, or references.NAME for a reference. A
   * change of anything else leaves the output as it is and does not reach those who read only it. Default: everything.
   */
  from?: string[]
  /** Whether the value is a secret that must not appear in events and logs. Default false. */
  sensitive?: boolean
}

/** One rule about a change. */
export interface Guard {
  /** The name of the guard, unique in the list; verdicts and events name it. */
  name: string
  /**
   * A CEL expression that is true when the change may pass. It reads component, before, after, changedPaths, impact,
   * environment and request, and with forEach also other. One that fails rejects the change.
   */
  expression: string
  /**
   * Asks once for each committed Component that refers to the changed one (Dependents), that the changed one refers to
   * (Dependencies), or that the change can reach (Affected); it is called other in the expression. Default: asks once.
   */
  forEach?: 'Dependents' | 'Dependencies' | 'Affected'
  /**
   * What happens when the expression is false: Warn lets the change pass with a warning, RequireApproval makes it wait
   * until somebody else agrees to its plan with a ChangeApproval, Queue makes it wait until the expression is true,
   * Reject ends it. Default Reject.
   */
  verdict?: 'Warn' | 'RequireApproval' | 'Queue' | 'Reject'
  /** What to tell the requester when the expression is false. */
  message?: string
}

/** What holds for all Components of this type. */
export interface ComponentTypeSpec {
  /** The JSON Schema of config. A change whose result does not fit is rejected. Default: any object fits. */
  configSchema?: JsonObject
  /** The outputs that Components of this type offer. Default: any, and each may alter with any change. */
  outputs?: Output[]
  /** The rules that every change of a Component of this type has to meet. */
  guards?: Guard[]
}

/** How things stand. Written by Karma alone. */
export interface ComponentTypeStatus {
  /** The metadata.generation that this status was worked out for. */
  observedGeneration?: number
  /** How many Components of this type there are. */
  components?: number
  /** The state in standard form. Ready says whether schema and guards could be read. */
  conditions?: Condition[]
}

/**
 * An Environment is the gate through which all changes of its Components pass, one after another. It holds the policy
 * for them and the version of their dependency graph. It is created by Karma, without any policy, when a Component
 * first names it.
 */
export interface Environment {
  apiVersion: 'usekarma.dev/v1alpha1'
  kind: 'Environment'
  metadata: ObjectMeta
  spec?: EnvironmentSpec
  status?: EnvironmentStatus
}

/** The policy for all changes in this environment. */
export interface EnvironmentSpec {
  /** The rules that every change in this environment has to meet. */
  guards?: Guard[]
  /**
   * What to do with a change that has to wait for something, when the request itself does not say: Queue waits, Reject
   * ends it. Default Queue. An approval is waited for in any case.
   */
  onConflict?: 'Queue' | 'Reject'
  /**
   * The field managers that write what is in Git. A ChangeRequest may not change a field that one of them owns: it is
   * changed in Git. Default: argocd-controller, kustomize-controller and helm.
   */
  gitManagers?: string[]
  /** Whether a change may pass whose impact was too large to be worked out in full. Default false: it is rejected. */
  allowTruncatedImpact?: boolean
}

/** One change that was decided. */
export interface Applying {
  /** Whether a ChangeRequest is applied, or a Component created or removed. */
  kind: 'ChangeRequest' | 'Creation' | 'Removal'
  /** The metadata.name of the ChangeRequest or Component. */
  name: string
  /** Its metadata.uid. */
  uid: string
  /** For a Creation, the hash of what was let through; what has been edited since is not. */
  hash?: string
}

/**
 * A change over several environments that is prepared here and may not be decided yet. Its request says: it is
 * published here next, or never. Until it is known which, nothing else passes.
 */
export interface Prepared {
  /** The metadata.name of the ChangeRequest. */
  name: string
  /** Its metadata.uid. */
  uid: string
  /**
   * The claim of this environment that the request was written ahead with. With another one it was written ahead again
   * since, and this is over.
   */
  claim: string
}

/** What one environment is about to refer to. */
export interface Promised {
  /** The environment that refers, as namespace/name. */
  environment: string
  /**
   * Its metadata.resourceVersion, on which its publish is conditioned. While it has it, nothing is decided; with
   * another one, it was published or never will be.
   */
  resourceVersion: string
  /** Its version once it is published. */
  version: number
  /**
   * The ids of what it refers to, as type/nickname. Absent: there are too many to be listed, and it may be any
   * Component here.
   */
  components?: string[]
}

/** How things stand. Written by Karma alone. */
export interface EnvironmentStatus {
  /** The metadata.generation that this status was worked out for. */
  observedGeneration?: number
  /** The version of the dependency graph, one more with every publish. */
  version?: number
  /** Who claimed the environment last in order to carry changes through it. */
  lockedBy?: string
  /**
   * What was decided at this version and may not be finished yet. Whoever takes over completes it. The names and hashes
   * hold at most 48 KiB together.
   */
  applying?: Applying[]
  /**
   * A change over several environments that is prepared here and may not be decided yet. Its request says: it is
   * published here next, or never. Until it is known which, nothing else passes.
   */
  prepared?: Prepared
  /**
   * What other environments are about to refer to here, each written before it decides. Until it is seen what became of
   * it, these Components do not change. Environments and ids hold at most 8 KiB together.
   */
  promised?: Promised[]
  /** The highest metadata.resourceVersion among the Components written so far. A plan must have seen it. */
  committedResourceVersion?: string
  /**
   * The value of the annotation usekarma.dev/rebuild-graph for which the graph was built anew last. With another value
   * there it is built again.
   */
  graphRebuilt?: string
  /** How many ChangeRequests wait. */
  queued?: number
  /** The number of the last history entry ever written. */
  seq?: number
  /** The last transitions, oldest first, at most 32. Older ones are in the ledger. */
  history?: HistoryEntry[]
  /** The state in standard form. Ready sums up the others. */
  conditions?: Condition[]
}

/** The fields of metadata that Karma reads or writes. */
export interface ObjectMeta {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  /** of spec; read from managedFields */
  owners?: FieldOwner[]
  annotations?: Record<string, string>
  finalizers?: string[]
}
/** One field manager and what it owns of spec. */
export interface FieldOwner {
  manager: string
  /** whether it applies: what it owns comes back when it is applied again */
  applies: boolean
  /** JSON text of the set of fields (FieldsV1 of KEP-555) below spec */
  fields: string
}
export type Json = null | boolean | number | string | Json[] | JsonObject
export interface JsonObject {
  [key: string]: Json
}

/**
 * What the API server lets through: characters of a string, entries of a list or map; `field[]` is an element of the
 * list. A status that goes beyond is refused whole (422), so cut what is written.
 */
export const limits = {
  Approver: {
    username: 1024,
    uid: 253,
    groups: 512,
    'groups[]': 512,
  },
  ChangeApprovalSpec: {
    changeRequest: 253,
    planHash: 128,
    reason: 1024,
  },
  Condition: {
    type: 63,
    reason: 63,
    message: 1024,
    lastTransitionTime: 64,
  },
  ChangeApprovalStatus: {
    expiresAt: 64,
    changeRequestUid: 64,
    conditions: 10,
  },
  ProposedReference: {
    name: 63,
    component: 317,
    outputs: 16,
    'outputs[]': 63,
  },
  AskedChange: {
    component: 317,
    proposedChange: 1024,
    remove: 64,
    'remove[]': 512,
    proposedReferences: 64,
  },
  Requester: {
    username: 1024,
    uid: 253,
    groups: 512,
    'groups[]': 512,
  },
  ChangeRequestSpec: {
    component: 253,
    proposedChange: 1024,
    remove: 64,
    'remove[]': 512,
    proposedReferences: 64,
    changes: 100,
    rollbackOf: 253,
    planHash: 128,
    wantedHash: 128,
    reason: 1024,
  },
  VerdictEntry: {
    guard: 63,
    object: 317,
    message: 512,
  },
  PlanSummary: {
    hash: 128,
    graphVersions: 8,
    added: 16,
    'added[]': 253,
    changed: 16,
    'changed[]': 253,
    removed: 16,
    'removed[]': 253,
    verdicts: 16,
  },
  BlockedBy: {
    reason: 63,
    object: 317,
    message: 512,
  },
  DecidedBy: {
    name: 253,
    uid: 64,
    username: 253,
  },
  QueuePosition: {
    since: 64,
  },
  WriteAheadEnvironment: {
    environment: 127,
    claim: 64,
  },
  WriteAhead: {
    claim: 64,
    holder: 253,
    environments: 5,
  },
  Image: {
    component: 317,
    uid: 40,
    before: 65536,
    after: 65536,
  },
  HistoryEntry: {
    at: 64,
    type: 63,
    reason: 63,
    message: 512,
    attrs: 2048,
  },
  ChangeRequestStatus: {
    subject: 512,
    environment: 63,
    affectedComponents: 100,
    'affectedComponents[]': 253,
    warnings: 16,
    'warnings[]': 512,
    logEntryId: 253,
    blockedBy: 16,
    approvals: 4,
    images: 100,
    rolledBackBy: 253,
    history: 32,
    conditions: 10,
  },
  Source: {
    repository: 2048,
    path: 1024,
    revision: 253,
  },
  Reference: {
    name: 63,
    component: 317,
    outputs: 16,
    'outputs[]': 63,
  },
  ComponentSpec: {
    type: 63,
    nickname: 251,
    environment: 63,
    project: 253,
    config: 1024,
    references: 64,
    allowedNamespaces: 64,
    'allowedNamespaces[]': 63,
  },
  Committed: {
    config: 1024,
    references: 64,
    project: 253,
    allowedNamespaces: 64,
    'allowedNamespaces[]': 63,
    hash: 128,
    changeRequest: 253,
    at: 64,
  },
  Runtime: {
    state: 253,
    config: 1024,
    observedAt: 64,
  },
  AppliedRequest: {
    name: 253,
    hash: 128,
  },
  ComponentStatus: {
    outputs: 256,
    reportHash: 128,
    applied: 64,
    history: 32,
    conditions: 10,
  },
  Output: {
    name: 63,
    from: 64,
    'from[]': 512,
  },
  Guard: {
    name: 63,
    expression: 4096,
    message: 1024,
  },
  ComponentTypeSpec: {
    configSchema: 64,
    outputs: 64,
    guards: 32,
  },
  ComponentTypeStatus: {
    conditions: 10,
  },
  EnvironmentSpec: {
    guards: 32,
    gitManagers: 16,
    'gitManagers[]': 128,
  },
  Applying: {
    name: 253,
    uid: 64,
    hash: 128,
  },
  Prepared: {
    name: 253,
    uid: 64,
    claim: 64,
  },
  Promised: {
    environment: 127,
    resourceVersion: 64,
    components: 64,
    'components[]': 317,
  },
  EnvironmentStatus: {
    lockedBy: 253,
    applying: 640,
    promised: 16,
    committedResourceVersion: 64,
    graphRebuilt: 64,
    history: 32,
    conditions: 10,
  },
} as const
