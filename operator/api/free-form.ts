import type { Json, JsonObject } from './kinds.generated.ts'
import type { Reason } from './reasons.ts'

/** What is wrong with one value of an object. `path` begins at the object's root: `spec.config.cidr`. */
export interface Fault {
  readonly reason: Reason
  readonly path: string
  readonly expected: string
  readonly found: string
}

/** `bytes` counts JSON text in UTF-8; `nulls` says whether null is a value here or a mistake. */
export interface FreeFormLimits {
  readonly bytes: number
  readonly nulls: boolean
}

/** More faults of one object are not collected: one is enough to refuse it. */
export const faultLimit = 20
/** Deeper nesting is a fault: it is never meant, and recursion elsewhere may rely on it. */
export const depthLimit = 64
const reservedKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

export const isReservedKey = (key: string): boolean => reservedKeys.has(key)

/** `noun object: field: expected, found`, the form of every message about a fault. */
export const faultMessage = (object: string, fault: Fault): string =>
  `${object}: ${fault.path}: expected ${fault.expected}, found ${fault.found}`

/**
 * A copy of free-form JSON made of objects without prototype. Values that are faulty are left out of it, each with an
 * entry in `faults`: an object with faults must be refused, never judged by what is left of it.
 */
export const freeForm = (
  raw: unknown,
  path: string,
  limits: FreeFormLimits,
  faults: Fault[],
): JsonObject | undefined => {
  if (raw === undefined) return undefined
  if (!isPlainObject(raw)) {
    add(faults, { reason: 'InvalidObject', path, expected: 'an object', found: describe(raw) })
    return undefined
  }
  const walk: Walk = { limits, faults, size: 0 }
  const copy = copyObject(raw, { up: undefined, step: path }, 1, walk)
  const bytes = walk.size > limits.bytes ? exactSize(copy) : 0
  if (bytes <= limits.bytes) return copy
  add(faults, { reason: 'TooLarge', path, expected: `at most ${limits.bytes} bytes of JSON`, found: `${bytes} bytes` })
  return undefined
}

/** A value as it stands in a message: JSON, cut, without characters that would forge a line or hide text. */
export const describe = (value: unknown): string => {
  if (value === undefined) return 'nothing'
  if (typeof value === 'bigint') return cut(value.toString())
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return `an object with ${Object.keys(value).length} keys`
  return cut(typeof value === 'string' ? JSON.stringify(value.slice(0, longestFound)) : String(value))
}

/** `path` and `key` as one path: `spec.config.cidr`, `spec.config["a.b"]`, `spec.config.list[2]`. */
export const joinPath = (path: string, key: string | number): string => {
  if (typeof key === 'number') return `${path}[${key}]`
  return plainKey.test(key) ? `${path}.${key}` : `${path}[${cut(JSON.stringify(key))}]`
}

export const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Adds a fault unless there are `faultLimit` already. */
export const add = (faults: Fault[], fault: Fault): void => {
  if (faults.length < faultLimit) faults.push(fault)
}

interface Walk {
  readonly limits: FreeFormLimits
  readonly faults: Fault[]
  /** never less than the JSON text's bytes, and cheap to count */
  size: number
}

/** Where the walk is; becomes text only for a fault. */
interface Place {
  readonly up: Place | undefined
  readonly step: string | number
}

const copyObject = (raw: Record<string, unknown>, at: Place, depth: number, walk: Walk): JsonObject => {
  const copy = Object.create(null) as JsonObject
  walk.size += 2
  for (const key of Object.keys(raw)) {
    walk.size += boundOf(key) + 2
    if (isReservedKey(key)) {
      report(walk, 'ReservedKey', { up: at, step: key }, 'a key other than __proto__, constructor, prototype', key)
      continue
    }
    const value = copyValue(raw[key], { up: at, step: key }, depth, walk)
    if (value !== undefined) copy[key] = value
  }
  return copy
}

const copyList = (raw: readonly unknown[], at: Place, depth: number, walk: Walk): Json[] => {
  const copy: Json[] = []
  walk.size += 2 + raw.length
  for (let i = 0; i < raw.length; i++) {
    const value = copyValue(raw[i], { up: at, step: i }, depth, walk)
    if (value !== undefined) copy.push(value)
  }
  return copy
}

/** undefined: left out, with a fault. */
const copyValue = (raw: unknown, at: Place, depth: number, walk: Walk): Json | undefined => {
  if (typeof raw === 'string') {
    walk.size += boundOf(raw)
    return raw
  }
  if (typeof raw === 'number' || typeof raw === 'bigint') return copyNumber(raw, at, walk)
  if (typeof raw === 'boolean') {
    walk.size += 5
    return raw
  }
  if (raw === null) {
    walk.size += 4
    return walk.limits.nulls
      ? null
      : report(
          walk,
          'NullValue',
          at,
          'a value (to take a key away, leave it out, or name it in spec.remove of a ChangeRequest)',
          'null',
        )
  }
  if (typeof raw !== 'object') return report(walk, 'InvalidObject', at, 'a JSON value', typeof raw)
  if (depth >= depthLimit) {
    return report(walk, 'TooLarge', at, `at most ${depthLimit} levels of nesting`, 'more')
  }
  return Array.isArray(raw)
    ? copyList(raw, at, depth + 1, walk)
    : copyObject(raw as Record<string, unknown>, at, depth + 1, walk)
}

const copyNumber = (raw: number | bigint, at: Place, walk: Walk): number | undefined => {
  walk.size += 25
  const safe = typeof raw === 'number' && (Number.isSafeInteger(raw) || (Number.isFinite(raw) && raw % 1 !== 0))
  if (safe) return raw
  return report(walk, 'UnsafeInteger', at, 'a number within ±(2^53-1) (write a larger one as a string)', describe(raw))
}

const report = (walk: Walk, reason: Reason, at: Place, expected: string, found: string): undefined => {
  if (walk.faults.length < faultLimit) walk.faults.push({ reason, path: pathOf(at), expected, found })
  return undefined
}

const pathOf = (at: Place): string => (at.up === undefined ? String(at.step) : joinPath(pathOf(at.up), at.step))

/** At most six bytes for each UTF-16 unit (\uXXXX), and two quotes. */
const boundOf = (text: string): number => text.length * 6 + 2

const exactSize = (value: JsonObject): number => Buffer.byteLength(JSON.stringify(value))

const longestFound = 80
const plainKey = /^[A-Za-z_][A-Za-z0-9_-]{0,79}$/
/** control characters beyond those that JSON.stringify escapes, and those that change the direction of text */
const hidden = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

const cut = (text: string): string => {
  const short = text.length > longestFound ? `${text.slice(0, longestFound)}…` : text
  return short.replace(hidden, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
