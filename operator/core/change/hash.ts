import { hash } from 'node:crypto'
import { canonical } from '../../api/json.ts'
import type { ChangeRequestSpec } from '../../api/kinds.generated.ts'
import type { Wanted } from '../component/wanted.ts'
import type { Verdict } from '../guard/facts.ts'
import { askedBy } from './asked.ts'
import { stateOf } from './image.ts'

/** What binds a plan: the same for equal plans, whatever the version, the time, the cluster or the order of arrival. */
export interface Bound {
  readonly request: Omit<ChangeRequestSpec, 'requestedBy'>
  readonly changes: readonly { readonly id: string; readonly before: Wanted | null; readonly after: Wanted | null }[]
  /** full ids */
  readonly affected: readonly string[]
  readonly verdicts: readonly Verdict[]
}

/** What a request asks for, whoever asks: a request with the same name and content is the same one, created again. */
export const contentHash = ({ requestedBy: _, cancel: __, ...content }: ChangeRequestSpec): string =>
  `sha256:${hash('sha256', canonical(content))}`

export const planHash = ({ request, changes, affected, verdicts }: Bound): string => {
  const said = verdicts
    // These say when, not what: the plan of a change that waits is the plan that it has when it does not wait any more.
    .filter(({ verdict }) => verdict !== 'Queue')
    .map(({ guard, verdict, reason, object, message }) => canonical({ guard, verdict, reason, object, message }))
  const bound = {
    request: requested(request),
    changes: changes.map(({ id, before, after }) => canonical({ id, before: form(before), after: form(after) })).sort(),
    affected: affected.toSorted(),
    verdicts: said.sort(),
  }
  return `sha256:${hash('sha256', canonical(bound))}`
}

/** A change alone is a set of one; a set has no order. */
const requested = (spec: Bound['request']) => ({
  rollbackOf: spec.rollbackOf,
  origin: spec.origin,
  asked: askedBy(spec as ChangeRequestSpec)
    .map(({ component, operation, proposedChange, remove, proposedReferences }) => {
      const references = proposedReferences.map((reference) =>
        canonical({ ...reference, outputs: reference.outputs?.toSorted() }),
      )
      return canonical({
        component,
        operation,
        proposedChange,
        remove: remove.toSorted(),
        references: references.sort(),
      })
    })
    .sort(),
})

/** Neither references nor their outputs have an order. */
const form = (wanted: Wanted | null) =>
  wanted &&
  stateOf({
    ...wanted,
    ...(wanted.references && {
      references: wanted.references.map(({ outputs, ...rest }) => ({
        ...rest,
        ...(outputs && { outputs: outputs.toSorted() }),
      })),
    }),
    ...(wanted.allowedNamespaces && { allowedNamespaces: wanted.allowedNamespaces.toSorted() }),
  })
