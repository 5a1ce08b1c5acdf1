import type { Json, JsonObject } from '../../api/kinds.generated.ts'
import { deepEqual, emptyObject, isObject, mergePatch } from '../../api/merge-patch.ts'

export const mergeConfig = (config: JsonObject, patch: JsonObject): JsonObject =>
  mergePatch(config, patch) as JsonObject

/**
 * The part of `patch` (which leads away from `before`) that somebody's edit does not stand in the way of: keys whose
 * value in `current` is still the one in `before`. Everything else is left to its editor.
 */
export const patchOfUntouched = (patch: JsonObject, before: JsonObject, current: JsonObject): JsonObject => {
  const kept = emptyObject()
  for (const [key, value] of Object.entries(patch)) {
    const was = ownValue(before, key)
    const is = ownValue(current, key)
    if (deepEqual(was, is)) kept[key] = value
    else if (isObject(value) && isObject(was) && isObject(is)) {
      const inner = patchOfUntouched(value, was, is)
      if (Object.keys(inner).length > 0) kept[key] = inner
    }
  }
  return kept
}

/** `toString` is a key like any other. */
const ownValue = (object: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined

/** JSON pointers (RFC 6901) of what differs; lists count as one value. Sorted. */
export const changedPaths = (before: JsonObject, after: JsonObject): string[] => {
  const paths: string[] = []
  const walk = (a: JsonObject, b: JsonObject, at: string): void => {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      const path = `${at}/${escapeToken(key)}`
      const [x, y] = [ownValue(a, key), ownValue(b, key)]
      if (isObject(x) && isObject(y)) walk(x, y, path)
      else if (!deepEqual(x, y)) paths.push(path)
    }
  }
  walk(before, after, '')
  return paths.sort()
}

const escapeToken = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')
const unescapeToken = (token: string): string => token.replaceAll('~1', '/').replaceAll('~0', '~')

export const pointerTokens = (pointer: string): string[] =>
  pointer === '' ? [] : pointer.slice(1).split('/').map(unescapeToken)

/** As RFC 6901 writes the place of an element: no sign, no leading zero, nothing else that a number may be. */
const listIndex = /^(0|[1-9][0-9]{0,15})$/

/** What stands at a JSON pointer, or `undefined`. Looks at own keys only. */
export const valueAt = (config: Json | undefined, pointer: string): Json | undefined => {
  let value = config
  for (const token of pointerTokens(pointer)) {
    if (Array.isArray(value)) value = listIndex.test(token) ? value[Number(token)] : undefined
    else if (isObject(value) && Object.hasOwn(value, token)) value = value[token]
    else return undefined
  }
  return value
}

/** `config` without what stands at the pointer; `undefined` when nothing stands there. Elements of lists stay. */
export const removeAt = (config: JsonObject, pointer: string): JsonObject | undefined => {
  const [head, ...rest] = pointerTokens(pointer)
  if (head === undefined || !Object.hasOwn(config, head)) return undefined
  const copy = Object.assign(emptyObject(), config)
  if (rest.length === 0) {
    delete copy[head]
    return copy
  }
  const inner = config[head]
  if (!isObject(inner)) return undefined
  const shorter = removeAt(inner, `/${rest.map(escapeToken).join('/')}`)
  if (shorter === undefined) return undefined
  copy[head] = shorter
  return copy
}
