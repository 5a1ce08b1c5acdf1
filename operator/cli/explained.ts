/** What one gate says. `Pending`: it has not been asked yet. */
export interface Gate {
  readonly gate: string
  readonly verdict: 'Allow' | 'Warn' | 'RequireApproval' | 'Queue' | 'Reject' | 'Pending'
  /** what holds it */
  readonly object?: string
  readonly message: string
}

/** Why something stands where it stands. */
export interface Explained {
  readonly kind: 'ChangeRequest' | 'Component'
  readonly namespace: string
  readonly name: string
  /** Queued, or Ready */
  readonly standing: string
  readonly reason: string
  readonly message: string
  /** since when; empty: that is not known */
  readonly since: string
  /** about it, a line each */
  readonly notes: readonly string[]
  readonly gates: readonly Gate[]
  /** the objects that hold it, as they are at this moment */
  readonly holders: readonly { readonly object: string; readonly state: string }[]
  /** what can be done */
  readonly next: string
}

/** The reason of what waits for its graph. */
export const graphAway = 'GraphUnavailable'

/** What that waits for. */
export const graphAgain = 'the graph store answers again (KARMA_GRAPH_ENDPOINT of the operator; its log has each error)'
