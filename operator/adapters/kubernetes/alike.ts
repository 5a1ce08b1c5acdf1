import type { Component, ObjectMeta } from '../../api/kinds.generated.ts'

type Flat = Record<string, unknown>

/** How many different parts are remembered; when there are more, it begins anew. */
const mostRemembered = 100_000
/** Longer texts (hashes, values) are hardly the same twice. */
const longestText = 64

/**
 * What many objects hold word for word alike is held once: who owns which fields, ids in references, times and messages
 * that one version brought to hundreds of Components. Changes its argument, which is equal to what it was before.
 */
export const makeAlike = () => {
  const knownTexts = new Map<string, string>()
  /** by their JSON; beside the texts, as a text may read like the JSON of a part */
  const knownParts = new Map<string, unknown>()

  const once = <T>(known: Map<string, T>, text: string, part: T): T => {
    const same = known.get(text)
    if (same !== undefined) return same
    if (known.size >= mostRemembered) known.clear()
    known.set(text, part)
    return part
  }
  const whole = (part: unknown): unknown => once(knownParts, JSON.stringify(part), part)
  const text = (value: string): string => once(knownTexts, value, value)

  const texts = (object: Flat): void => {
    for (const key of Object.keys(object)) {
      const value = object[key]
      if (typeof value === 'string' && value.length <= longestText) object[key] = text(value)
    }
  }
  const textsOf = (list: readonly object[] | undefined): void => {
    for (const one of list ?? []) texts(one as Flat)
  }

  return <T extends { readonly metadata: ObjectMeta }>(object: T): T => {
    const { metadata, spec, status } = object as T & Partial<Pick<Component, 'spec' | 'status'>>
    const references = spec?.references
    const { committed, conditions, history } = status ?? {}
    for (const part of ['owners', 'annotations', 'labels', 'finalizers'] as const) {
      if (metadata[part] !== undefined) Object.assign(metadata, { [part]: whole(metadata[part]) })
    }
    if (metadata.creationTimestamp !== undefined) metadata.creationTimestamp = text(metadata.creationTimestamp)
    textsOf(references)
    if (committed) {
      texts(committed as unknown as Flat)
      if (committed.references !== references) textsOf(committed.references)
    }
    textsOf(conditions)
    textsOf(history)
    return object
  }
}
