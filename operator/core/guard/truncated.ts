import { display } from '../component/identity.ts'
import type { WholeGuard } from './facts.ts'

/** An impact that could not be worked out whole is not a small one: Reject, unless the Environment allows it. */
export const truncated: WholeGuard = ({ world, items, impact }) => {
  if (!impact.truncated) return []
  const object = display(items[0]?.id ?? '', world.namespace)
  const places = [world, ...(world.beside?.values() ?? [])]
  const allowed = places.every(({ environment }) => environment.spec?.allowTruncatedImpact === true)
  const message = `Component ${object}: the impact was cut off: ${impact.truncated.message}`
  const verdict = allowed ? 'Warn' : 'Reject'
  return [{ guard: 'Truncated', verdict, reason: 'Truncated', object, message }]
}
