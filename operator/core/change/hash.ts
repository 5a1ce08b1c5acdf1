import { hash } from 'node:crypto'
import { canonical } from '../../api/json.ts'
import type { ChangeRequestSpec, JsonObject } from '../../api/kinds.generated.ts'
import type { Verdict } from '../guard/facts.ts'

/** What binds a plan: the same for equal plans, whatever the version, the time, the cluster or the order of arrival. */
export interface Bound {
  readonly request: Pick<ChangeRequestSpec, 'component' | 'proposedChange' | 'remove'>
  readonly changes: readonly { readonly id: string; readonly before: JsonObject | null; readonly after: JsonObject }[]
  /** full ids */
  readonly affected: readonly string[]
  readonly verdicts: readonly Verdict[]
}

export const planHash = ({ request, changes, affected, verdicts }: Bound): string => {
  const { component, proposedChange = {}, remove = [] } = request
  const said = verdicts
    // These say when, not what: the plan of a change that waits is the plan that it has when it does not wait any more.
    .filter(({ verdict }) => verdict !== 'Queue')
    .map(({ guard, verdict, reason, object, message }) => canonical({ guard, verdict, reason, object, message }))
  const bound = {
    request: { component, proposedChange, remove: remove.toSorted() },
    changes: changes.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    affected: affected.toSorted(),
    verdicts: said.sort(),
  }
  return `sha256:${hash('sha256', canonical(bound))}`
}
