import type { ComponentTypeSpec, JsonObject, Output, Reference } from '../../api/kinds.generated.ts'
import { type Result, success } from '../../api/result.ts'
import { identityOf, resolveId } from '../component/identity.ts'
import { type Placeholder, placeholdersOf } from '../component/placeholder.ts'
import type { Edge } from './vertex.ts'

/** What Karma let through of a Component, as far as the graph is concerned. */
export interface Referring {
  /** full id */
  readonly id: string
  readonly config?: JsonObject | undefined
  readonly references?: readonly Reference[] | undefined
}

/** The ComponentType of this name, when there is one. */
export type TypeLookup = (type: string) => Pick<ComponentTypeSpec, 'outputs'> | undefined

/**
 * The edges of a Component: what each reference reads of its dependency and what of the Component it can alter. They
 * depend on ComponentTypes too, so edges are made anew when one of those changes.
 *
 * Uses: the reference's `outputs` and those which config names as `${reference.output}`; all when there are neither, or
 * when one of them is not declared by the dependency's type although others are: nothing says what alters it.
 * Feeds: an output declared by the Component's own type is fed by a reference when its `from` has `references.NAME`, or
 * a JSON pointer at, above or below a placeholder of that reference, or when it has no `from`. No declared outputs: all.
 *
 * Fails (UnknownComponent) when a reference names no Component.
 */
export function edgesFor({ id, config, references = [] }: Referring, typeOf: TypeLookup): Result<Edge[]> {
  const identity = identityOf(id)
  if (!identity.ok) return identity
  const { namespace, type } = identity.value
  const own = declared(typeOf(type))
  const placeholders = placeholdersOf(config)
  const edges: Edge[] = []
  for (const reference of references) {
    const to = resolveId(reference.component, namespace)
    if (!to.ok) return to
    const dependency = identityOf(to.value)
    if (!dependency.ok) return dependency
    const mine = placeholders.filter((placeholder) => placeholder.reference === reference.name)
    const uses = used(reference, mine, declared(typeOf(dependency.value.type)))
    const feeds = own?.filter((output) => isFed(output, reference.name, mine)).map(({ name }) => name)
    edges.push({ name: reference.name, to: to.value, ...(uses && { uses }), ...(feeds && { feeds }) })
  }
  return success(edges)
}

/**
 * The outputs that a change at these JSON pointers into config can alter: those with a pointer in `from` at, above or
 * below one of them, and those without `from`. A path that is no pointer (a reference was changed) can alter all, as can
 * any change of a Component whose type declares no outputs.
 */
export function changedOutputs(
  type: Pick<ComponentTypeSpec, 'outputs'> | undefined,
  changedPaths: readonly string[],
): 'all' | string[] {
  const outputs = declared(type)
  if (changedPaths.length === 0) return []
  if (outputs === undefined || !changedPaths.every(isPointer)) return 'all'
  const isChanged = ({ from }: Output): boolean =>
    isEmpty(from) || from.some((source) => isPointer(source) && changedPaths.some((path) => onOneLine(source, path)))
  return outputs.filter(isChanged).map(({ name }) => name)
}

const declared = (type: Pick<ComponentTypeSpec, 'outputs'> | undefined): readonly Output[] | undefined =>
  isEmpty(type?.outputs) ? undefined : type?.outputs

/** Absent and empty lists mean the same, as the API server may drop either. */
const isEmpty = (list: readonly unknown[] | undefined): list is undefined => list === undefined || list.length === 0

function used(reference: Reference, placeholders: readonly Placeholder[], outputs: readonly Output[] | undefined) {
  const names = [...new Set([...(reference.outputs ?? []), ...placeholders.map(({ output }) => output)])]
  const isKnown = (name: string): boolean => outputs === undefined || outputs.some((output) => output.name === name)
  return names.length > 0 && names.every(isKnown) ? names : undefined
}

const isFed = ({ from }: Output, name: string, placeholders: readonly Placeholder[]): boolean =>
  isEmpty(from) ||
  from.some((source) =>
    isPointer(source)
      ? placeholders.some(({ pointer }) => onOneLine(source, pointer))
      : source === `references.${name}`,
  )

const isPointer = (path: string): boolean => path === '' || path.startsWith('/')

/** One of two JSON pointers is the other, or leads to it. */
const onOneLine = (a: string, b: string): boolean => a === b || b.startsWith(`${a}/`) || a.startsWith(`${b}/`)
