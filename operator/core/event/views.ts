/** The questions that the ledger answers, and what each of them tells. */
export const views = {
  outcomes: 'how the changes of each environment ended',
  'lead-time': 'how long from requested to applied, by environment',
  'queue-wait': 'how long changes waited in the queue, by environment',
  blocked: 'what held up changes of which Component, and for how long until it was over',
  affected: 'how many Components each change reached, and the nearest of them',
  actions: 'how often actions succeeded, and how long an attempt took',
  timeline: 'what happened to each Component: when, by whom, why, and from which revision',
  invalidations: 'which dependents were reached by applied changes of which Component',
  'first-commits': 'how many Components of each type were refused before they were first committed',
  drift: 'how often Components were found to differ from what is committed, and for how long',
} as const

export type View = keyof typeof views

export const viewNames = Object.keys(views) as readonly View[]

export const isView = (name: string): name is View => Object.hasOwn(views, name)
