import type { Edge } from '../../ports/graph.ts'

/*
 * How a graph stands in Gremlin: versions by interval. A reader at version r sees what has `since <= r < until`.
 *
 * - `Component`, id = Component id: its identity; lives for ever, and bare, so that edges have ends.
 * - `State`, id = `ENVIRONMENT#COMPONENT@since`: that a Component is committed, and its type. Written anew with each
 *   change of its references too: it says when the Component changed.
 * - `REF`, from dependent to dependency, id = `ENVIRONMENT#COMPONENT#index@since`.
 * - `Head`, id = `ENVIRONMENT#head`: how far the environment is.
 * - `Version`, id = `ENVIRONMENT#v` and the number: when and by which change elements were opened and closed. It stays as
 *   long as an element is there that it opened, also when the version itself was compacted.
 *
 * Only `until` of an element is ever rewritten. Nested values (names of outputs) are JSON text.
 */

/** `until` of what is not closed. */
export const open = 2_147_483_647

export const headId = (environment: string): string => `${environment}#head`
export const versionId = (environment: string, version: number): string => `${environment}#v${version}`
export const stateId = (environment: string, component: string, since: number): string =>
  `${environment}#${component}@${since}`
export const edgeId = (environment: string, component: string, index: number, since: number): string =>
  `${environment}#${component}#${index}@${since}`

export interface HeadRecord {
  readonly epoch: string
  /** the newest version that readers may see */
  readonly ready: number
  /** the version whose elements may be there in part; 0: none */
  readonly building: number
  /** of the Environment, the newest that was seen */
  readonly claim: number
  /** Unique for each try to publish: a request of an earlier try, however late, finds another one and does nothing. */
  readonly attempt: string
  readonly sum: string
  /** the oldest version that is held */
  readonly horizon: number
}

export interface StateRecord {
  readonly id: string
  readonly component: string
  readonly type: string
  readonly since: number
  readonly until: number
}

export interface EdgeRecord {
  readonly id: string
  readonly from: string
  readonly edge: Edge
  readonly index: number
  readonly since: number
  readonly until: number
}

/** Whether an element is there at this version. */
export const isThereAt =
  (version: number) =>
  ({ since, until }: { readonly since: number; readonly until: number }): boolean =>
    since <= version && version < until

/** One element to be written. What is put is open. */
export type Write =
  | { readonly put: 'Component'; readonly id: string }
  | { readonly put: 'State'; readonly component: string; readonly type: string; readonly since: number }
  | {
      readonly put: 'Edge'
      readonly from: string
      readonly edge: Edge
      readonly index: number
      readonly since: number
    }
  | { readonly close: 'State' | 'Edge'; readonly id: string; readonly until: number }

/** `*`: all of them, which is what absent names mean. */
export const namesText = (names: readonly string[] | undefined): string =>
  names === undefined ? '*' : JSON.stringify(names)
