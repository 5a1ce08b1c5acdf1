import type { Json, JsonObject } from './kinds.generated.ts'

/*
 * JSON merge patches (RFC 7386) over free-form config. People's patches hold no nulls (they are refused at the edge);
 * Karma's own do: null takes a key away, and objects merge key by key while everything else is replaced whole.
 */

/** An object without a prototype, so that no key of it can mean more than its value. */
export const emptyObject = (): JsonObject => Object.create(null) as JsonObject

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const deepEqual = (a: Json | undefined, b: Json | undefined): boolean => {
  if (a === b) return true
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => deepEqual(item, b[i]))
  }
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && deepEqual(a[key], b[key]))
  )
}

/** `target` with `patch` merged in; neither is changed. */
export const mergePatch = (target: Json | undefined, patch: Json): Json => {
  if (!isObject(patch)) return patch
  const merged = Object.assign(emptyObject(), isObject(target) ? target : undefined)
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(merged[key], value)
  }
  return merged
}

/** The merge patch that leads from `before` to `after`; empty when they are equal. A key with no value is absent. */
export const patchBetween = (before: JsonObject, after: JsonObject): JsonObject => {
  const patch = emptyObject()
  for (const key of Object.keys(before)) {
    const isThere = Object.hasOwn(after, key) && after[key] !== undefined
    if (before[key] !== undefined && !isThere) patch[key] = null
  }
  for (const [key, value] of Object.entries(after)) {
    const old = Object.hasOwn(before, key) ? before[key] : undefined
    if (value === undefined || deepEqual(old, value)) continue
    patch[key] = isObject(old) && isObject(value) ? patchBetween(old, value) : value
  }
  return patch
}
