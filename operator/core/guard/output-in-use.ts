import type { JsonObject, Output, Reference } from '../../api/kinds.generated.ts'
import { valueAt } from '../change/patch.ts'
import { display, namespaceOf } from '../component/identity.ts'
import { placeholdersOf } from '../component/placeholder.ts'
import { mayRefer } from '../component/reference.ts'
import { outputsRead } from '../component/resolution.ts'
import type { Facts, Guard, Known, Verdict } from './facts.ts'
import { targetOf } from './missing-reference.ts'

/**
 * An output, or a whole Component, that a committed dependent uses must not vanish, nor be shut to it. An output vanishes
 * when there was a field of config that it is made from (`outputs[].from` of the ComponentType), and none is left.
 */
export const outputInUse: Guard = (facts) => {
  const { before, after, type, changedPaths } = facts
  if (before === null) return []
  if (after === null) {
    return dependentsOf(facts)
      .slice(0, verdictLimit)
      .map((by) => wouldGo(facts, by.id))
  }
  const shutOut = changedPaths.includes('allowedNamespaces') ? shutOutBy(facts) : []
  const vanishing = (type?.spec.outputs ?? []).filter((output) => vanishes(output, before, after))
  if (vanishing.length === 0) return shutOut
  const verdicts = shutOut
  for (const known of dependentsOf(facts)) {
    verdicts.push(...vanishing.flatMap((output) => inUse(facts, output, known)))
    // One is enough to refuse the change; more than these nobody reads.
    if (verdicts.length >= verdictLimit) break
  }
  return verdicts.slice(0, verdictLimit)
}

const verdictLimit = 32

/** Committed ones that refer to it, and may, by id. */
const dependentsOf = ({ id, component, world }: Facts): Known[] => {
  const { allowedNamespaces } = component.status?.committed ?? {}
  return world.view
    .dependentsOf(id)
    .sort()
    .flatMap((by) => (mayRefer(by, { id, allowedNamespaces }) ? (world.known(by) ?? []) : []))
}

const wouldGo = ({ id, world }: Facts, dependent: string): Verdict => {
  const object = display(dependent, world.namespace)
  const message =
    `Component ${display(id, world.namespace)}: would be deleted, but ${object} refers to it; ` +
    `take that reference away first, or in the same ChangeRequest`
  return { guard: 'OutputInUse', verdict: 'Reject', reason: 'OutputInUse', object, message }
}

/** Those who refer to it from a namespace that it would not let refer to it any more. */
const shutOutBy = (facts: Facts): Verdict[] => {
  const { id, world } = facts
  const { allowedNamespaces } = world.known(id) ?? {}
  const shown = display(id, world.namespace)
  return dependentsOf(facts)
    .filter((by) => !mayRefer(by.id, { id, allowedNamespaces }))
    .slice(0, verdictLimit)
    .map(({ id: object }) => {
      const expected = `expected ${namespaceOf(object)} in it, as ${object} refers to it`
      const message =
        `Component ${shown}: spec.allowedNamespaces: ${expected}, found ${allowedNamespaces?.join(', ') || 'none'}; ` +
        `take that reference away first`
      return { guard: 'OutputInUse', verdict: 'Reject', reason: 'OutputInUse', object, message }
    })
}

const vanishes = ({ from = [] }: Output, before: JsonObject, after: JsonObject): boolean => {
  const standsIn = (config: JsonObject) => (pointer: string) =>
    pointer.startsWith('/') && valueAt(config, pointer) !== undefined
  return from.some(standsIn(before)) && !from.some(standsIn(after))
}

const inUse = ({ id, world }: Facts, output: Output, dependent: Known): Verdict[] => {
  const using = dependent.references.filter((reference) => targetOf(reference, namespaceOf(dependent.id)) === id)
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
