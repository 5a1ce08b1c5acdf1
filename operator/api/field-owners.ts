import { isPlainObject } from './free-form.ts'
import type { FieldOwner } from './kinds.generated.ts'

/** kubectl apply without --server-side: it remembers what it applied, and brings it back. */
const clientSideApply = 'kubectl-client-side-apply'

/**
 * Who owns which fields of spec, from metadata.managedFields. What Karma wrote itself is left out, and so is what was
 * written through a subresource. Kept as text: there are many objects, and few are asked.
 */
export const readOwners = (managedFields: unknown, self: string): FieldOwner[] | undefined => {
  if (!Array.isArray(managedFields)) return undefined
  const owners = managedFields.flatMap((entry): FieldOwner[] => {
    if (!isPlainObject(entry) || entry.subresource || typeof entry.manager !== 'string') return []
    const fields = isPlainObject(entry.fieldsV1) ? entry.fieldsV1['f:spec'] : undefined
    if (entry.manager === self || !isPlainObject(fields)) return []
    const applies = entry.operation === 'Apply' || entry.manager === clientSideApply
    return [{ manager: entry.manager, applies, fields: JSON.stringify(fields) }]
  })
  return owners.length > 0 ? owners : undefined
}
