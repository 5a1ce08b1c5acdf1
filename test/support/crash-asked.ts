import type { Recorded } from './recorder.ts'

/*
 * What requests ask for, worked out again, apart from the product. Workloads change and remove top-level fields only,
 * name their references, and write Components as `type/nickname`.
 */

/** What is wanted of a Component, or committed of it: the parts that workloads change. null: it is not there. */
export type Parts = { readonly config: Fields; readonly references: Fields } | null
type Fields = Readonly<Record<string, unknown>>

export const partsOf = (wanted: Recorded | undefined): Parts =>
  wanted ? { config: wanted.config ?? {}, references: byName(wanted.references) } : null

const byName = (references: readonly Recorded[] = []): Fields =>
  Object.fromEntries(references.map(({ name, ...rest }) => [name, rest]))

/** What a request has done to its Components, by `metadata.name`. */
export interface Done {
  readonly before: Parts
  readonly after: Parts
}

/** What has happened in one namespace so far, as far as rollbacks need it. */
export interface Past {
  /** by the name of the request, then by Component */
  readonly done: ReadonlyMap<string, ReadonlyMap<string, Done>>
}

/** Names of the Components that a request is about. */
export const namesAsked = ({ spec }: Recorded, { done }: Past): string[] =>
  spec.rollbackOf !== undefined
    ? [...(done.get(spec.rollbackOf)?.keys() ?? [])]
    : changesOf(spec).map(({ component }: Recorded) => nameIn(component))

/** What a Component of which `before` is committed must be once the request is through; undefined: it is not asked for. */
export const partsAfter = (before: Parts, name: string, { spec }: Recorded, past: Past): Parts | undefined => {
  if (spec.rollbackOf !== undefined) {
    const undone = past.done.get(spec.rollbackOf)?.get(name)
    return undone && undo(before, undone)
  }
  const asked = changesOf(spec).find(({ component }: Recorded) => nameIn(component) === name)
  if (!asked || before === null) return undefined
  return asked.operation === 'Delete' ? null : patched(before, asked)
}

const changesOf = (spec: Recorded): readonly Recorded[] => spec.changes ?? [spec]
const nameIn = (component: string): string => component.replace('/', '.')

const patched = (before: NonNullable<Parts>, asked: Recorded): Parts => {
  const config = { ...before.config, ...asked.proposedChange }
  for (const pointer of asked.remove ?? []) delete config[pointer.slice(1)]
  const references = { ...before.references }
  for (const { name, remove, ...rest } of asked.proposedReferences ?? []) {
    if (remove) delete references[name]
    else references[name] = rest
  }
  return { config, references }
}

/** Field by field: what the change has made another is as it was before, everything else is as it is now. */
const undo = (now: Parts, { before, after }: Done): Parts => {
  if (before === null || after === null || now === null) return before
  const restored = (part: 'config' | 'references'): Fields => {
    const fields: Record<string, unknown> = { ...now[part] }
    for (const name of new Set([...Object.keys(before[part]), ...Object.keys(after[part])])) {
      if (JSON.stringify(before[part][name]) === JSON.stringify(after[part][name])) continue
      if (name in before[part]) fields[name] = before[part][name]
      else delete fields[name]
    }
    return fields
  }
  return { config: restored('config'), references: restored('references') }
}
