import type { Effect } from './crash-effects.ts'

/**
 * Where something goes wrong: `before` the request is forwarded; `during`: the API server has carried it out, and the
 * answer is on its way; `after` the answer was handed over, at once.
 */
export const positions = ['before', 'during', 'after'] as const
export type Position = (typeof positions)[number]

export const resources = ['components', 'changerequests', 'environments'] as const
export type Resource = (typeof resources)[number]

/** What a watch does for `ms`, from that moment on. */
export const disturbances = [
  /** it stays open and says nothing, then all of it */
  'frozen',
  /** it stays open and says nothing, then breaks off */
  'half-open',
  /** it breaks off, and what was missed is never shown: 410 Gone, and a list tells how things stand by then */
  'expired',
  /** it breaks off in the middle of a line */
  'truncated',
  /** a line that is no JSON */
  'garbled',
  /** each line comes twice */
  'repeated',
  /** the list after a 410 Gone is older than what was shown before */
  'gone back',
] as const
export type Disturbance = (typeof disturbances)[number]

export const refusals = [401, 409, 429, 500, 503] as const
export type Refusal = (typeof refusals)[number]

/** What goes wrong. Without one, the operator is killed. */
export type Deed =
  /** and the first lists that the next one gets are as old as the beginning of the workload */
  | { readonly do: 'kill'; readonly stale?: readonly Resource[] }
  /** as a kill, only that something else happens to the operator, and the request, or its answer, arrives all the same */
  | { readonly do: 'hold' }
  /** `before`: the request never arrives; `during`: its answer never does */
  | { readonly do: 'lose' }
  /** instead of what the server would do; it hears nothing */
  | { readonly do: 'refuse'; readonly status: Refusal; readonly times: number }
  | { readonly do: 'delay'; readonly ms: number }
  | { readonly do: 'disturb'; readonly how: Disturbance; readonly resource: Resource; readonly ms: number }

export interface Fault {
  readonly effect: Effect
  readonly position: Position
  /** which one of its kind, from the first moment of the workload or the fault before: 1 if not said */
  readonly nth?: number
  /** it may be that it never strikes: whether its effect comes depends on what struck before */
  readonly optional?: boolean
  readonly deed?: Deed
}

export const deedOf = ({ deed }: Fault): Deed => deed ?? { do: 'kill' }

/** In a few words, as it stands in tables. */
export const deedName = (fault: Fault): string => {
  const deed = deedOf(fault)
  switch (deed.do) {
    case 'kill':
      return deed.stale ? 'killed, stale lists' : 'killed'
    case 'hold':
      return 'held'
    case 'lose':
      return fault.position === 'before' ? 'request lost' : 'answer lost'
    case 'refuse':
      return `refused ${deed.status}`
    case 'delay':
      return 'delayed'
    case 'disturb':
      return `watch ${deed.how}`
  }
}
