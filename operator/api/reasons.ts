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
  Cancelled: 'spec.cancel was set before the change began to apply.',
  Blocked: 'The state that is wanted did not pass the gate.',
  Committed: 'What is wanted is what is committed.',
  Created: 'The Component passed the gate for the first time.',
  Removed: 'The Component was taken out of the graph.',
  Edited: 'spec differs from what is committed.',

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
  EmptyChange: 'The request has neither proposedChange nor remove.',
  UnknownComponent: 'The Component that is named does not exist, or is not committed.',

  // Built-in guards
  InvalidConfig: 'config does not fit configSchema of its ComponentType.',
  InvalidSchema: 'configSchema of the ComponentType does not compile, so no config can be judged.',
  MissingReference: 'config or a reference names something that is not there.',
  ForeignReference: 'A reference leads into another environment or namespace, which is not supported yet.',
  OutputsUnavailable: 'An output that is needed has not been reported yet.',
  OutputInUse: 'An output, reference or Component that a committed dependent uses would vanish.',
  InFlight: 'Another change that has not finished affects the same Components.',
  Cycle: 'References would lead back to where they began.',
  Truncated: 'The impact is larger than the limits allow to work out.',

  // Guards in CEL
  GuardFailed: 'A guard in CEL answered false.',
  GuardError:
    'A guard in CEL does not compile, throws, costs too much or does not answer with a bool; the gate closes.',

  // Environments and telling
  LockedByAnother: 'Another holder has the environment at the moment.',
  TakenOver: 'A change that another holder left half done was carried through or taken back.',
  EventsDelayed: 'Events cannot be published at the moment; they wait in status.history.',
  EventsPublished: 'Every event is on the bus.',
} as const satisfies Record<string, string>

export type Reason = keyof typeof reasons
