/**
 * Every reason that Karma gives, with its meaning. The same word stands in condition, Kubernetes Event, ledger, log and
 * test, so that one search finds them all. Reasons of the transport (Conflict, NotFound, Unavailable…) stay in Failures.
 */
export const reasons = {
  // Where a change stands
  Accepted: 'The request was read and is being worked on.',
  Planned: 'The plan is made; mode Plan ends here.',
  Queued: 'The change waits for what blockedBy names.',
  Applying: 'The change is being written.',
  Applied: 'The change is committed.',
  AlreadyApplied: 'The same request, by name and content, was applied before; nothing was done again.',
  Unchanged: 'The request asks for what is committed already.',
  Expired: 'The request has waited longer than its queueDeadlineSeconds.',
  Superseded: 'A newer edit of the same Component took its place.',
  RolledBack: 'A later request has undone the change.',
  Cancelled: 'spec.cancel was set before the change began to apply.',
  Blocked: 'The state that is wanted did not pass the gate.',
  Committed: 'What is wanted is what is committed.',
  Created: 'The Component passed the gate for the first time.',
  Removed: 'The Component was taken out of the graph.',
  Edited: 'spec differs from what is committed; the edit is on its way through the gate.',

  // What is reported of a Component
  Observed: 'A report says something new of a Component.',
  ConfigDiffers: 'The config that was found is not the committed one.',
  AsCommitted: 'The config that was found is the committed one.',
  Outdated: 'The config was looked at before the committed one was committed; a newer report will tell.',

  // What was asked cannot be read or makes no sense
  InvalidObject: 'The object lacks what every object of its kind has.',
  NullValue: 'A value is null; spec.remove takes keys away.',
  UnsafeInteger: 'A whole number is beyond 2^53 (or a number is not finite) and would not survive unharmed.',
  ReservedKey: 'A key or pointer segment is __proto__, constructor or prototype.',
  InvalidPointer: 'An entry of spec.remove is not a JSON pointer.',
  TooLarge: 'Something is larger or deeper than its limit, in the object or in what would be written.',
  EmptyChange: 'The request, or an entry of it, names no change.',
  DuplicateChange: 'A set of changes names one Component twice.',
  TooManyEnvironments: 'A set of changes spans more environments than a change may pass together.',
  UnknownRequest: 'There is no ChangeRequest of the name that is to be rolled back.',
  NotApplied: 'What is to be rolled back was never applied.',
  UnknownComponent: 'The Component that is named does not exist, or is not committed.',

  // What came from a bus is no event
  NotUtf8: 'A message is not text in UTF-8.',
  NotJson: 'A message is not JSON.',
  EventInvalid: 'A message or an entry of a history lacks what every event has, or has it in another form.',
  InvalidTime: 'The time of an event is not RFC 3339 with a zone, or not one that the ledger can hold.',
  NotUnicode: 'A text holds half of a surrogate pair, which is no character and cannot be stored.',

  // Built-in guards
  InvalidConfig: 'config does not fit configSchema of its ComponentType.',
  InvalidSchema: 'configSchema of the ComponentType does not compile, so no config can be judged.',
  MissingReference: 'config or a reference names something that is not there.',
  ForeignReference:
    'A reference leads into another namespace, and no Component of that name there lets this namespace refer to it.',
  OutputsUnavailable: 'An output that is needed has not been reported yet.',
  OutputInUse: 'An output, reference or Component that a committed dependent uses would vanish, or be shut to it.',
  FieldOwned: 'A field belongs to a manager that writes what is in Git; it is changed there.',
  LaterChange: 'What is to be undone was changed again since, or is undone already.',
  PlanStale: 'The plan is another one than the planHash that was agreed to.',
  InFlight: 'Another change that has not finished affects the same Components.',
  QueuedBehind: 'An earlier change of the same Component waits; they go in the order of their creation.',
  Cycle: 'References would lead back to where they began.',
  Truncated: 'The impact is larger than the limits allow to work out.',

  // Guards in CEL
  GuardFailed: 'A guard in CEL answered false.',
  GuardError:
    'A guard in CEL does not compile, throws, costs too much or does not answer with a bool; the gate closes.',

  // Approvals
  ApprovalRequired: 'A guard asks for the approval of somebody else, and none counts.',
  Approved: 'Somebody else than the requester has agreed to the plan.',
  Denied: 'Somebody who may decide is against the plan.',
  Counted: 'The approval or denial counts for the plan of its ChangeRequest.',
  UnknownChange: 'The ChangeRequest that is named does not exist.',
  NotPlanned: 'The ChangeRequest has no plan that could be decided on yet.',
  OtherPlan: 'The ChangeRequest has another plan than the one that was decided on.',
  SelfApproval: 'The requester approved; somebody else has to.',
  ApprovalExpired: 'Its time is over; it is to be given again.',
  Spent: 'The approval has counted for an earlier ChangeRequest of this name.',
  Decided: 'The ChangeRequest has ended, or is being applied, without it.',

  // The graph
  GraphUnavailable: 'The graph store gives no answer; changes wait until it does.',
  GraphDiffers: 'The graph store says something else than what is committed; it is set right.',
  GraphRepaired:
    'The graph store, or the copy of it in process, said something else than what is committed, and was set right.',

  // Environments and telling
  LockedByAnother: 'Another holder has the environment at the moment.',
  TakenOver: 'A change that another holder left half done was carried through or taken back.',
  EventsDelayed: 'Events cannot be published at the moment; they wait in status.history.',
  EventsPublished: 'Every event is on the bus.',
} as const satisfies Record<string, string>

export type Reason = keyof typeof reasons
