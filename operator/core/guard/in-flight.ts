import { display } from '../component/identity.ts'
import type { Guard } from './facts.ts'

/** A change waits while another one that touches the same Components has not finished. */
export const inFlight: Guard = ({ world, id, impact }) => {
  const other = world.inFlight.find(({ affected }) => affected.has(id) || overlaps(affected, impact))
  if (!other) return []
  const message = `Component ${display(id, world.namespace)}: ${other.object} affects the same Components and has not finished`
  const waits = { object: other.object, waitsFor: other.object }
  return [{ guard: 'InFlight', verdict: 'Queue', reason: 'InFlight', ...waits, message }]
}

const overlaps = (affected: ReadonlySet<string>, impact: { reached: readonly { id: string }[] }): boolean =>
  affected.size > 0 && impact.reached.some(({ id }) => affected.has(id))
