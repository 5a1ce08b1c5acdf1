/** Every event_type that Karma itself gives, and when. Foreign streams bring their own. */
export const eventTypes = [
  // each transition of a ChangeRequest
  'change.requested',
  'change.planned',
  'change.queued',
  'change.awaiting-approval',
  'change.approved', // those who agreed are in it; it goes on at once
  'change.denied', // its rejection follows
  'change.applying',
  'change.withdrawn', // written ahead, never decided: back to where it was
  'change.applied',
  'change.rejected',
  'change.cancelled',
  'change.expired', // it has waited for too long
  'change.superseded', // a newer edit of the same Component took its place
  'change.rolled-back', // a later request has undone it
  // a Component passed the gate, left, or is held back
  'component.committed',
  'component.removed',
  'component.blocked',
  // a report says something new; what was found is not what is committed; it is (again)
  'component.observed',
  'component.drifted',
  'component.converged',
  // an Environment was claimed for a batch of changes, and given free again
  'environment.locked',
  'environment.released',
  // a graph version became the head; a store was rebuilt or caught up
  'graph.published',
  'graph.repaired',
] as const

export type EventType = (typeof eventTypes)[number]
