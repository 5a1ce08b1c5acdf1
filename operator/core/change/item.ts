import type { Component, Image, JsonObject, ProposedReference, Reference } from '../../api/kinds.generated.ts'
import { deepEqual, emptyObject } from '../../api/merge-patch.ts'
import { display } from '../component/identity.ts'
import { type Wanted, wantedOf } from '../component/wanted.ts'
import { changedOutputs } from '../graph/edges.ts'
import type { Seed } from '../graph/impact.ts'
import type { Known, World } from '../guard/facts.ts'
import type { Asked } from './asked.ts'
import { imageTexts, stateOf } from './image.ts'
import { changedPaths, mergeConfig, removeAt } from './patch.ts'

/** What a change does to one Component. */
export interface Item {
  /** full id */
  readonly id: string
  /** as it is; of one that is made anew, as it will be */
  readonly component: Component
  /** null: it is not there */
  readonly before: Wanted | null
  /** null: it is deleted */
  readonly after: Wanted | null
  /**
   * JSON pointers into config of what differs; `references.NAME`, `source`, `project`, `allowedNamespaces` for the rest.
   * `['']` when it comes or goes.
   */
  readonly changedPaths: readonly string[]
}

/** What is committed of it. */
export const committedOf = ({ component }: Known): Wanted => wantedOf(component.status?.committed ?? {})

export const itemOf = (known: Known, after: Wanted | null): Item => {
  const before = committedOf(known)
  const { id, component } = known
  return { id, component, before, after, changedPaths: after === null ? [''] : pathsBetween(before, after) }
}

/** The change that is asked for. `warnings`: what it names and does not find. */
export const itemAsked = (
  known: Known,
  asked: Asked,
  world: Pick<World, 'namespace'>,
): { item: Item; warnings: string[] } => {
  if (asked.operation === 'Delete') return { item: itemOf(known, null), warnings: [] }
  const before = committedOf(known)
  const shown = display(known.id, world.namespace)
  const warnings: string[] = []
  const absent = (field: string, expected: string): void => {
    warnings.push(`Component ${shown}: ${asked.field}.${field}: expected ${expected}, found nothing`)
  }
  const config = patchedConfig(before.config ?? emptyObject(), asked, (pointer) =>
    absent('remove', `something at ${pointer}`),
  )
  const references = patchedReferences(before.references ?? [], asked.proposedReferences, (name) =>
    absent('proposedReferences', `a reference ${name} to be removed`),
  )
  return { item: itemOf(known, wantedOf({ ...before, config, references })), warnings }
}

/** First what goes, then what comes. */
const patchedConfig = (
  before: JsonObject,
  { remove, proposedChange }: Asked,
  absent: (pointer: string) => void,
): JsonObject => {
  let config = before
  for (const pointer of remove) {
    const shorter = removeAt(config, pointer)
    if (shorter) config = shorter
    else absent(pointer)
  }
  return mergeConfig(config, proposedChange)
}

const patchedReferences = (
  before: readonly Reference[],
  proposed: readonly ProposedReference[],
  absent: (name: string) => void,
): Reference[] => {
  const references = new Map(before.map((reference) => [reference.name, reference]))
  for (const { name, component, outputs, remove } of proposed) {
    if (remove) {
      if (!references.delete(name)) absent(name)
    } else if (component !== undefined) references.set(name, { name, component, ...(outputs && { outputs }) })
  }
  return [...references.values()]
}

const pathsBetween = (before: Wanted, after: Wanted): string[] => {
  const [was, is] = [stateOf(before), stateOf(after)]
  const part = (name: string): [JsonObject, JsonObject] => [object(was[name]), object(is[name])]
  const references = part('references')
  const names = new Set(references.flatMap((map) => Object.keys(map)))
  return [
    ...changedPaths(...part('config')),
    ...[...names]
      .filter((name) => !deepEqual(references[0][name], references[1][name]))
      .map((name) => `references.${name}`),
    ...(['allowedNamespaces', 'project', 'source'] as const).filter((name) => !deepEqual(was[name], is[name])),
  ].sort()
}

const object = (value: unknown): JsonObject => (value as JsonObject | undefined) ?? emptyObject()

/** Where the impact of a change begins. Dependents read outputs, which config and references make. */
export const seedOf = ({ id, component, changedPaths: paths }: Item, { type }: Pick<World, 'type'>): Seed => {
  const making = paths.filter((path) => path === '' || path.startsWith('/') || path.startsWith('references.'))
  return { id, outputs: changedOutputs(type(component.spec.type)?.spec, making) }
}

/** What is stored of it before anything is written. */
export const imageOf = ({ id, component, before, after }: Item, namespace: string): Image => {
  const { uid, labels } = component.metadata
  const whole = { environment: component.spec.environment, ...(labels && { labels }) }
  return {
    component: display(id, namespace),
    ...(before && uid !== undefined && { uid }),
    ...imageTexts(before, after, whole),
  }
}
