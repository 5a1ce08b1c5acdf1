import type { JsonObject, Output, Reference } from '../../api/kinds.generated.ts'
import { valueAt } from '../change/patch.ts'
import { display } from '../component/identity.ts'
import { placeholdersOf } from '../component/placeholder.ts'
import { outputsRead } from '../component/resolution.ts'
import type { Facts, Guard, Known, Verdict } from './facts.ts'
import { targetOf } from './missing-reference.ts'

/**
 * An output, or a whole Component, that a committed dependent uses must not vanish. An output vanishes when there was a
 * field of config that it is made from (`outputs[].from` of the ComponentType), and none is left.
 */
export const outputInUse: Guard = (facts) => {
  const { before, after, type, world, id } = facts
  if (before === null) return []
  if (after === null)
    return world.view
      .dependentsOf(id)
      .sort()
      .slice(0, verdictLimit)
      .map((by) => wouldGo(facts, by))
  const vanishing = (type?.spec.outputs ?? []).filter((output) => vanishes(output, before, after))
  if (vanishing.length === 0) return []
  const verdicts: Verdict[] = []
  for (const dependent of world.view.dependentsOf(id).sort()) {
    const known = world.known(dependent)
    if (known) verdicts.push(...vanishing.flatMap((output) => inUse(facts, output, known)))
    // One is enough to refuse the change; more than these nobody reads.
    if (verdicts.length >= verdictLimit) break
  }
  return verdicts.slice(0, verdictLimit)
}

const verdictLimit = 32

const wouldGo = ({ id, world }: Facts, dependent: string): Verdict => {
  const object = display(dependent, world.namespace)
  const message =
    `Component ${display(id, world.namespace)}: would be deleted, but ${object} refers to it; ` +
    `take that reference away first, or in the same ChangeRequest`
  return { guard: 'OutputInUse', verdict: 'Reject', reason: 'OutputInUse', object, message }
}

const vanishes = ({ from = [] }: Output, before: JsonObject, after: JsonObject): boolean => {
  const standsIn = (config: JsonObject) => (pointer: string) =>
    pointer.startsWith('/') && valueAt(config, pointer) !== undefined
  return from.some(standsIn(before)) && !from.some(standsIn(after))
}

const inUse = ({ id, world }: Facts, output: Output, dependent: Known): Verdict[] => {
  const using = dependent.references.filter((reference) => targetOf(reference, world.namespace) === id)
  return using
    .filter((reference) => uses(reference, output.name, dependent.config))
    .map((reference) => {
      const object = display(dependent.id, world.namespace)
      const message =
        `Component ${display(id, world.namespace)}: output ${output.name} would vanish (it is made from ` +
        `${output.from?.join(', ')}), but ${object} uses it through its reference ${reference.name}; ` +
        `change ${object} first`
      return { guard: 'OutputInUse', verdict: 'Reject', reason: 'OutputInUse', object, message }
    })
}

/** A reference that names no outputs, in its list or in config, may use all of them. */
const uses = (reference: Reference, output: string, config: JsonObject): boolean => {
  const read = outputsRead(reference, placeholdersOf(config))
  return read.length === 0 || read.includes(output)
}
