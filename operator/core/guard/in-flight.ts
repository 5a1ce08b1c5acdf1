import { display } from '../component/identity.ts'
import type { WholeGuard } from './facts.ts'

/** A change waits while another one that touches the same Components has not finished. */
export const inFlight: WholeGuard = ({ world, items, impact }) => {
  const other = world.inFlight.find(
    ({ affected }) => items.some(({ id }) => affected.has(id)) || overlaps(affected, impact),
  )
  if (!other) return []
  const shared = items.find(({ id }) => other.affected.has(id)) ?? items[0]
  const message = `Component ${display(shared?.id ?? '', world.namespace)}: ${other.object} affects the same Components and has not finished`
  const waits = { object: other.object, waitsFor: other.object }
  return [{ guard: 'InFlight', verdict: 'Queue', reason: 'InFlight', ...waits, message }]
}

const overlaps = (affected: ReadonlySet<string>, impact: { reached: readonly { id: string }[] }): boolean =>
  affected.size > 0 && impact.reached.some(({ id }) => affected.has(id))
