import type { Reference } from '../../api/kinds.generated.ts'
import type { Reason } from '../../api/reasons.ts'
import { display, namespaceOf, resolveId } from '../component/identity.ts'
import { placeholdersOf } from '../component/placeholder.ts'
import { foreignFault, mayRefer } from '../component/reference.ts'
import type { Facts, Guard, Verdict } from './facts.ts'

/** Every reference must lead to a committed Component, and every `${reference.output}` to a reference and an output. */
export const missingReference: Guard = (facts) => [
  ...facts.references.flatMap((reference) => missingTarget(facts, reference)),
  ...missingPlaceholders(facts),
]

/** Full id of what a reference names; undefined when it is malformed. */
export const targetOf = (reference: Reference, namespace: string): string | undefined => {
  const id = resolveId(reference.component, namespace)
  return id.ok ? id.value : undefined
}

const missingTarget = (facts: Facts, reference: Reference): Verdict[] => {
  const { world, id } = facts
  const field = `spec.references[${reference.name}].component`
  const target = targetOf(reference, namespaceOf(id))
  const known = target === undefined ? undefined : world.known(target)
  if (!known || !mayRefer(id, known)) return [nowhere(facts, `${field}: `, reference, target)]
  return missingOutputs(
    facts,
    reference.outputs ?? [],
    known.component.spec.type,
    `spec.references[${reference.name}].outputs`,
  )
}

/** Nothing is given away about other namespaces: not whether it is there, and not whom it lets refer to it. */
const nowhere = (facts: Facts, field: string, { component }: Reference, target: string | undefined): Verdict => {
  if (target !== undefined && namespaceOf(target) !== namespaceOf(facts.id)) {
    return { ...reject(facts, 'ForeignReference', field + foreignFault(facts.id, target)), waitsFor: target }
  }
  const message = `${field}expected a committed Component, found none named ${component}`
  return { ...reject(facts, 'MissingReference', message), ...(target !== undefined && { waitsFor: target }) }
}

const missingPlaceholders = (facts: Facts): Verdict[] =>
  placeholdersOf(facts.after ?? undefined).flatMap(({ reference: name, output, pointer }) => {
    const field = `spec.config${pointer}`
    const reference = facts.references.find((candidate) => candidate.name === name)
    if (!reference) {
      const names =
        facts.references
          .map((known) => known.name)
          .sort()
          .join(', ') || 'none'
      const message = `${field}: expected one of its references (${names}), found \${${name}.${output}}`
      return [reject(facts, 'MissingReference', message)]
    }
    const target = facts.world.known(targetOf(reference, namespaceOf(facts.id)) ?? '')
    return target && mayRefer(facts.id, target)
      ? missingOutputs(facts, [output], target.component.spec.type, field)
      : []
  })

/** An output that the dependency's ComponentType does not declare will never come. Types that declare none are open. */
const missingOutputs = (facts: Facts, outputs: readonly string[], typeName: string, field: string): Verdict[] => {
  const declared = facts.world.type(typeName)?.spec.outputs?.map(({ name }) => name)
  if (!declared?.length) return []
  return outputs
    .filter((output) => !declared.includes(output))
    .map((output) => {
      const expected = `an output of ComponentType ${typeName} (${declared.join(', ')})`
      return reject(facts, 'MissingReference', `${field}: expected ${expected}, found ${output}`)
    })
}

const reject = ({ id, world }: Facts, reason: Reason, message: string): Verdict => {
  const object = display(id, world.namespace)
  return { guard: 'MissingReference', verdict: 'Reject', reason, object, message: `Component ${object}: ${message}` }
}
