import type { AskedChange, ChangeRequestSpec, JsonObject, ProposedReference } from '../../api/kinds.generated.ts'
import { emptyObject } from '../../api/merge-patch.ts'

/** One change of one Component that a request asks for. */
export interface Asked {
  /** as it is written there */
  readonly component: string
  /** where it is written: `spec`, or `spec.changes[2]` */
  readonly field: string
  readonly operation: 'Patch' | 'Delete'
  readonly proposedChange: JsonObject
  /** JSON pointers into config */
  readonly remove: readonly string[]
  readonly proposedReferences: readonly ProposedReference[]
}

/** All that a request asks for, in its order. Nothing for a rollback: the request that it undoes knows. */
export const askedBy = (spec: ChangeRequestSpec): Asked[] => {
  const { component, changes = [] } = spec
  if (component !== undefined) return [askedIn({ ...spec, component }, 'spec')]
  return changes.map((change, i) => askedIn(change, `spec.changes[${i}]`))
}

const askedIn = (
  { component, operation = 'Patch', proposedChange = emptyObject(), remove = [], proposedReferences = [] }: AskedChange,
  field: string,
): Asked => ({ component, field, operation, proposedChange, remove, proposedReferences })

export const isEmpty = ({ operation, proposedChange, remove, proposedReferences }: Asked): boolean =>
  operation === 'Patch' && Object.keys(proposedChange).length + remove.length + proposedReferences.length === 0

/** What a request is about, in a few words. */
export const subjectOf = (spec: ChangeRequestSpec): string => {
  if (spec.rollbackOf !== undefined) return `rollback of ${spec.rollbackOf}`
  const [first, ...others] = askedBy(spec).map(({ component }) => component)
  return others.length === 0 ? (first ?? '') : `${first} and ${others.length} more`
}
