import type { Component, Reference } from '../../api/kinds.generated.ts'
import { resolveId } from './identity.ts'
import { type Placeholder, placeholdersOf } from './placeholder.ts'

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
  const { metadata, spec, status } = component
  const { references = [], config } = status?.committed ?? spec
  const placeholders = placeholdersOf(config)
  return references.flatMap((reference) => {
    const id = resolveId(reference.component, metadata.namespace ?? '')
    const target = id.ok ? known(id.value) : undefined
    if (!target?.status?.committed) return [`reference ${reference.name}: ${reference.component} is not committed`]
    const missing = unreported(target, outputsRead(reference, placeholders))
    if (missing.length === 0) return []
    return [`reference ${reference.name}: ${reference.component} has not reported ${missing.join(', ')}`]
  })
}
