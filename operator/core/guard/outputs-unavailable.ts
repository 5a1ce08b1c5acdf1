import { display, namespaceOf } from '../component/identity.ts'
import { placeholdersOf } from '../component/placeholder.ts'
import { mayRefer } from '../component/reference.ts'
import { outputsRead, unreported } from '../component/resolution.ts'
import type { Guard } from './facts.ts'
import { targetOf } from './missing-reference.ts'

/** The outputs that a Component reads must have been reported; until then its changes wait for them. */
export const outputsUnavailable: Guard = ({ world, id, after, references }) => {
  const placeholders = placeholdersOf(after ?? undefined)
  return references.flatMap((reference) => {
    const target = world.known(targetOf(reference, namespaceOf(id)) ?? '')
    if (!target || !mayRefer(id, target)) return []
    // In no order of writing: the same plan has the same hash.
    const missing = unreported(target.component, outputsRead(reference, placeholders)).sort()
    if (missing.length === 0) return []
    const object = display(target.id, world.namespace)
    const reported =
      Object.keys(target.component.status?.outputs ?? {})
        .sort()
        .join(', ') || 'none'
    const message =
      `Component ${object}: status.outputs: expected ${missing.join(', ')} to be reported ` +
      `(${display(id, world.namespace)} reads it as ${reference.name}), found ${reported}`
    const waits = { object, waitsFor: target.id }
    return [{ guard: 'OutputsUnavailable', verdict: 'Queue', reason: 'OutputsUnavailable', ...waits, message }]
  })
}
