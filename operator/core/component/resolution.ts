import type { Component, Reference } from '../../api/kinds.generated.ts'
import { idOf, namespaceOf, resolveId } from './identity.ts'
import { type Placeholder, placeholdersOf } from './placeholder.ts'
import { foreignFault, referredTo } from './reference.ts'

/** The outputs that a reference reads: those it lists, and those that config names as `${reference.output}`. */
export const outputsRead = (reference: Reference, placeholders: readonly Placeholder[]): string[] => {
  const named = placeholders.filter((placeholder) => placeholder.reference === reference.name)
  return [...new Set([...(reference.outputs ?? []), ...named.map(({ output }) => output)])]
}

/** Those of `outputs` that have not been reported. */
export const unreported = (component: Component, outputs: readonly string[]): string[] =>
  outputs.filter((output) => !Object.hasOwn(component.status?.outputs ?? {}, output))

/** What the references of a Component still lack, one sentence each. `known` answers by full id. */
export const unresolvedOf = (component: Component, known: (id: string) => Component | undefined): string[] => {
  const { spec, status } = component
  const { references = [], config } = status?.committed ?? spec
  const placeholders = placeholdersOf(config)
  return references.flatMap((reference) => {
    const target = referredTo(component, reference, known)
    if (!target) return [`reference ${reference.name}: ${whyNot(component, reference)}`]
    const missing = unreported(target, outputsRead(reference, placeholders))
    if (missing.length === 0) return []
    return [`reference ${reference.name}: ${reference.component} has not reported ${missing.join(', ')}`]
  })
}

const whyNot = (component: Component, { component: named }: Reference): string => {
  const namespace = component.metadata.namespace ?? ''
  const id = resolveId(named, namespace)
  const isForeign = id.ok && namespaceOf(id.value) !== namespace
  return isForeign ? foreignFault(idOf(component), id.value) : `${named} is not committed`
}
