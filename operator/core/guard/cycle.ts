import { display, namespaceOf } from '../component/identity.ts'
import { closedCycle } from '../graph/cycle.ts'
import type { Verdict, WholeGuard } from './facts.ts'
import { targetOf } from './missing-reference.ts'

/** References must not lead back to where they began. */
export const cycle: WholeGuard = ({ world, after, linked }) => {
  const added = linked.flatMap(({ id, references }) =>
    references.flatMap((reference) => {
      const to = targetOf(reference, namespaceOf(id))
      return to === undefined ? [] : [{ from: id, to }]
    }),
  )
  const found = added.length === 0 ? undefined : closedCycle(after, added)
  return found ? [inCycle(found[0]!, found, world.namespace)] : []
}

/** A circle may be as long as there are Components, and each of them tells of it. */
const namesInCycle = 10

/** `id`: the one that is held; `way`: each refers to the next, the last to the first. */
export const inCycle = (id: string, way: readonly string[], namespace: string): Verdict => {
  const object = display(id, namespace)
  const names = way.slice(0, namesInCycle).map((one) => display(one, namespace))
  const others = way.length > names.length ? [`… (${way.length - names.length} more)`] : []
  const shown = [...names, ...others, names[0]].join(' -> ')
  const message = `Component ${object}: spec.references: expected no way back, found ${shown}`
  return { guard: 'Cycle', verdict: 'Reject', reason: 'Cycle', object, message }
}
