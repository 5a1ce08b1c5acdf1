import { display } from '../component/identity.ts'
import type { InFlight, WholeGuard } from './facts.ts'

/** A change waits while another one that touches the same Components has not finished. */
export const inFlight: WholeGuard = ({ world, items, impact }) => {
  if (world.inFlight.length === 0) return []
  const touched = [...items, ...impact.reached].map(({ id }) => id)
  const other = firstOf(world.inFlight, touched)
  if (!other) return []
  const shared = items.find(({ id }) => other.affected.has(id)) ?? items[0]
  const message = `Component ${display(shared?.id ?? '', world.namespace)}: ${other.object} affects the same Components and has not finished`
  const waits = { object: other.object, waitsFor: other.object }
  return [{ guard: 'InFlight', verdict: 'Queue', reason: 'InFlight', ...waits, message }]
}

/** Plain loops: a batch asks this of each of hundreds of changes, about all that come before it. */
const firstOf = (inFlight: readonly InFlight[], touched: readonly string[]): InFlight | undefined => {
  for (const one of inFlight) for (const id of touched) if (one.affected.has(id)) return one
  return undefined
}
