import type { Component, Reference } from '../../api/kinds.generated.ts'
import type { Known } from '../guard/facts.ts'
import { knownOf } from './committed.ts'
import { idOf, namespaceOf, resolveId } from './identity.ts'

/**
 * Whether the Component with this full id may refer to that committed one: within its namespace always, to one of
 * another when that one says so. The only rule about it; who may not, is told the same as if there were none.
 */
export const mayRefer = (id: string, target: Pick<Known, 'id' | 'allowedNamespaces'>): boolean => {
  const namespace = namespaceOf(id)
  return namespace === namespaceOf(target.id) || (target.allowedNamespaces ?? []).includes(namespace)
}

/** What is expected of a reference into another namespace, and what was found, whatever there is. */
export const foreignFault = (id: string, target: string): string =>
  `expected a Component that lets namespace ${namespaceOf(id)} refer to it (spec.allowedNamespaces), ` +
  `found none named ${target}`

/** The committed Component that a reference of `component` leads to and may lead to. `known` answers by full id. */
export const referredTo = (
  component: Component,
  reference: Reference,
  known: (id: string) => Component | undefined,
): Component | undefined => {
  const id = resolveId(reference.component, component.metadata.namespace ?? '')
  const target = id.ok ? known(id.value) : undefined
  const committed = target && knownOf(target)
  return committed && mayRefer(idOf(component), committed) ? target : undefined
}

/** Whether `component`, as it is committed, refers to that committed one, and may. */
export const refersTo = (component: Component, target: Component): boolean => {
  const [id, committed] = [idOf(target), knownOf(target)]
  if (!committed || !mayRefer(idOf(component), committed)) return false
  return (component.status?.committed?.references ?? []).some((reference) => {
    const to = resolveId(reference.component, component.metadata.namespace ?? '')
    return to.ok && to.value === id
  })
}
