import { display } from '../component/identity.ts'
import type { WholeGuard } from './facts.ts'

/** Who came first goes first: a change waits for earlier ones of the same Components that wait. Others pass by. */
export const queuedBehind: WholeGuard = ({ world, items }) => {
  for (const { id } of items) {
    const first = world.ahead(id)
    if (!first) continue
    const object = display(id, world.namespace)
    const message = `Component ${object}: ${first} was asked for earlier, changes the same Component and waits`
    return [
      { guard: 'QueuedBehind', verdict: 'Queue', reason: 'QueuedBehind', object: first, waitsFor: first, message },
    ]
  }
  return []
}
