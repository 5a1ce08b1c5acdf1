import type { Event, Message } from './envelope.ts'
import { depthLimit, describe, type Fault, faultMessage, isPlainObject, joinPath } from './free-form.ts'
import type { Reason } from './reasons.ts'
import { failure, type Result, success } from './result.ts'

/** Bounds of a message, in Unicode characters where nothing else is said. docs/schemas/event.json is made of them. */
export const eventBounds = {
  /** bytes of a whole message */
  bytes: 1_048_576,
  /** of id, event_type, entity_id, correlation_id and causation_id */
  name: 512,
  tags: 256,
  tagKey: 512,
  tagValue: 2048,
  /** Levels of `attrs`, itself the first. Karma's own patches hold config, which may have `depthLimit`, a few levels down. */
  depth: depthLimit + 8,
  /** first and last, written and in UTC: what the ledger's time column holds */
  years: [1970, 2199],
} as const

/** Why a message can be refused. None of it passes by itself: the same bytes are refused again. */
export const refusals = [
  'TooLarge',
  'NotUtf8',
  'NotJson',
  'EventInvalid',
  'InvalidTime',
  'NotUnicode',
  'ReservedKey',
  'UnsafeInteger',
] as const satisfies readonly Reason[]
export type Refusal = (typeof refusals)[number]

/**
 * Bytes that anybody may have put on the bus, as an event, or why they are none (one of `refusals`). `ts` becomes UTC
 * with milliseconds; members that the envelope does not know stay in `raw` alone. Never throws.
 *
 * Every event passes here: what can be left to JSON.parse and the engine's own checks of text is.
 */
export const parseMessage = (raw: Uint8Array): Result<Message> => {
  const text = raw.length <= eventBounds.bytes ? textOf(raw) : undefined
  if (text === undefined) return refuse(undefined, notText(raw))
  const read = readJson(text)
  if ('fault' in read) return refuse(undefined, read.fault)
  const { value } = read
  if (!isPlainObject(value)) return refuse(undefined, wrong('the message', 'an object', value))
  const ts = timeOf(value.ts)
  const fault = faultOf(value, ts)
  if (fault !== undefined) return refuse(value.id, fault)
  const event = eventFrom(value, ts!)
  const half = text.includes('\\u') ? halfIn(event) : undefined
  return half ? refuse(event.id, faultAt('', half)) : success({ event, raw: text })
}

// A mark of byte order is no part of JSON: it stays, and is refused.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const textOf = (raw: Uint8Array): string | undefined => {
  try {
    return utf8.decode(raw)
  } catch {
    return undefined
  }
}

const notText = ({ length }: Uint8Array): Fault =>
  length > eventBounds.bytes
    ? { reason: 'TooLarge', path: 'the message', expected: `at most ${eventBounds.bytes} bytes`, found: `${length}` }
    : { reason: 'NotUtf8', path: 'the message', expected: 'UTF-8', found: `${length} bytes that are not` }

const readJson = (text: string): { readonly value: unknown } | { readonly fault: Fault } => {
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    const found = whereNotJson(text, error as SyntaxError)
    return { fault: { reason: 'NotJson', path: 'the message', expected: 'JSON', found } }
  }
}

/** The engine tells the place where it gave up, but for the very beginning and the end. */
const whereNotJson = (text: string, { message }: SyntaxError): string => {
  if (text === '') return 'nothing'
  if (message.includes('Unexpected end')) return `its end after ${text.length} characters`
  const position = Number(/at position (\d+)/.exec(message)?.[1] ?? 0)
  const from = describe(text.slice(position))
  return position === 0 ? from : `${from} at position ${position}`
}

type Members = Readonly<Record<string, unknown>>

const faultOf = (members: Members, ts: string | undefined): Fault | undefined =>
  nameFault(members.id, 'id') ??
  (ts === undefined ? timeFault(members.ts) : undefined) ??
  nameFault(members.event_type, 'event_type') ??
  nameFault(members.entity_id, 'entity_id') ??
  nameFault(members.correlation_id, 'correlation_id') ??
  (members.causation_id === undefined ? undefined : nameFault(members.causation_id, 'causation_id')) ??
  tagsFault(members.tags) ??
  attrsFault(members.attrs)

const nameFault = (value: unknown, path: string): Fault | undefined =>
  value === '' ? wrong(path, 'a text that is not empty', value) : textFault(value, path, eventBounds.name)

const textFault = (value: unknown, path: string, most: number): Fault | undefined => {
  if (typeof value !== 'string') return wrong(path, 'a text', value)
  if (isLonger(value, most)) {
    return { reason: 'TooLarge', path, expected: `at most ${most} characters`, found: `${value.length}` }
  }
  return undefined
}

/** In characters, as JSON Schema counts; a character is two units of a string at most. */
const isLonger = (text: string, most: number): boolean =>
  text.length > most && (text.length > 2 * most || [...text].length > most)

const timeFault = (value: unknown): Fault => {
  if (typeof value !== 'string') return wrong('ts', 'a text', value)
  const [first, last] = eventBounds.years
  const expected = `a time with zone such as 2026-01-31T12:00:00.000Z, from ${first} to ${last}`
  return { reason: 'InvalidTime', path: 'ts', expected, found: describe(value) }
}

/** RFC 3339 with the years of `eventBounds`, without leap seconds, which no clock here knows. */
export const timePattern =
  /^(?:19[7-9]\d|2[01]\d\d)-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/
const firstTime = Date.UTC(eventBounds.years[0], 0)
const afterLastTime = Date.UTC(eventBounds.years[1] + 1, 0)
/** as `toISOString` writes it */
const lengthInUtc = 24

/** In UTC with milliseconds; what is finer is cut off. */
export const timeOf = (text: unknown): string | undefined => {
  if (typeof text !== 'string' || !timePattern.test(text) || !hasDay(text)) return undefined
  // To read and write a time costs as much as half of the rest.
  if (text.length === lengthInUtc && text.endsWith('Z')) return text
  const at = Date.parse(text)
  // Its zone may put it beyond the years that it names.
  return at >= firstTime && at < afterLastTime ? new Date(at).toISOString() : undefined
}

/** `Date.parse` takes the 30th of February for a day in March. */
const hasDay = (text: string): boolean => {
  const day = Number(text.slice(8, 10))
  return day <= 28 || day <= new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0)).getUTCDate()
}

const tagsFault = (tags: unknown): Fault | undefined => {
  if (!isPlainObject(tags)) return wrong('tags', 'an object of texts', tags)
  const keys = Object.keys(tags)
  if (keys.length > eventBounds.tags) {
    return { reason: 'TooLarge', path: 'tags', expected: `at most ${eventBounds.tags} tags`, found: `${keys.length}` }
  }
  for (const key of keys) {
    const fault = tagKeyFault(key) ?? textFault(tags[key], 'tags', eventBounds.tagValue)
    if (fault !== undefined) return { ...fault, path: joinPath('tags', key) }
  }
  return undefined
}

const tagKeyFault = (key: string): Fault | undefined => {
  if (key === '') return wrong('', 'a key that is not empty', key)
  return key === '__proto__' ? reserved('') : textFault(key, '', eventBounds.tagKey)
}

const attrsFault = (attrs: unknown): Fault | undefined => {
  if (!isPlainObject(attrs)) return wrong('attrs', 'an object', attrs)
  const fault = faultWithin(attrs, 1)
  return fault && faultAt('attrs', fault)
}

/** A fault somewhere within a value. `steps` lead to it from below: they are only gathered when there is one. */
interface Found {
  readonly what: Omit<Fault, 'path'>
  readonly steps: (string | number)[]
}

const faultAt = (path: string, { what, steps }: Found): Fault => ({
  ...what,
  path: steps.reduceRight<string>((above, step) => (above === '' ? String(step) : joinPath(above, step)), path),
})

const faultWithin = (value: unknown, depth: number): Found | undefined => {
  if (typeof value === 'number') return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? undefined : found(unsafe(value))
  if (typeof value !== 'object' || value === null) return undefined
  if (depth > eventBounds.depth) return found(tooDeep)
  return Array.isArray(value) ? faultInList(value, depth) : faultInMembers(value as Members, depth)
}

const faultInList = (list: readonly unknown[], depth: number): Found | undefined => {
  for (let i = 0; i < list.length; i++) {
    const fault = faultWithin(list[i], depth + 1)
    if (fault !== undefined) return below(fault, i)
  }
  return undefined
}

const faultInMembers = (members: Members, depth: number): Found | undefined => {
  for (const key of Object.keys(members)) {
    const value = members[key]
    const fault = keyFault(key, value) ?? faultWithin(value, depth + 1)
    if (fault !== undefined) return below(fault, key)
  }
  return undefined
}

/**
 * `__proto__` changes what an object is wherever members are assigned one by one, and `constructor.prototype` where they
 * are merged. Either word alone is a key like any other: a reference may be called `constructor`.
 */
const keyFault = (key: string, value: unknown): Found | undefined => {
  if (key === '__proto__') return found(reserved(''))
  if (key === 'constructor' && isPlainObject(value) && Object.hasOwn(value, 'prototype')) return found(reserved(''))
  return undefined
}

/**
 * Half of a surrogate pair can only come by an escape, which few messages have. To look at each text by itself costs more
 * than all else here.
 */
const halfIn = (value: unknown): Found | undefined => {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : found(notUnicode(value))
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, member] of Object.entries(value)) {
    const fault = halfIn(key) ?? halfIn(member)
    if (fault !== undefined) return below(fault, Array.isArray(value) ? Number(key) : key)
  }
  return undefined
}

const found = (what: Omit<Fault, 'path'>): Found => ({ what, steps: [] })

const below = (fault: Found, step: string | number): Found => {
  fault.steps.push(step)
  return fault
}

const wrong = (path: string, expected: string, value: unknown): Fault => ({
  reason: 'EventInvalid',
  path,
  expected,
  found: describe(value),
})

const reserved = (path: string): Fault => ({
  reason: 'ReservedKey',
  path,
  expected: 'a key other than __proto__ and constructor.prototype',
  found: 'one of them',
})

const notUnicode = (value: string): Omit<Fault, 'path'> => ({
  reason: 'NotUnicode',
  expected: 'whole characters',
  found: `half of a surrogate pair in ${describe(value)}`,
})

/** The digits that were written are gone already, hence about. */
const unsafe = (value: number): Omit<Fault, 'path'> => ({
  reason: 'UnsafeInteger',
  expected: 'a number within ±(2^53-1) (write a larger one as a text)',
  found: `about ${value.toExponential(3)}`,
})

const tooDeep: Omit<Fault, 'path'> = {
  reason: 'TooLarge',
  expected: `at most ${eventBounds.depth} levels of nesting`,
  found: 'more',
}

/** Of members that were looked at. */
const eventFrom = (members: Members, ts: string): Event => {
  const { id, event_type, entity_id, correlation_id, causation_id, tags, attrs } = members as unknown as Event
  const event = { id, ts, event_type, entity_id, correlation_id }
  return causation_id === undefined ? { ...event, tags, attrs } : { ...event, causation_id, tags, attrs }
}

/** With what is found (80 characters at most) no more than 200 are quoted. */
const quoted = { id: 64, path: 48 } as const

const refuse = (id: unknown, fault: Fault): Result<never> => {
  const named = typeof id === 'string' && id !== '' ? `Event ${describe(id.slice(0, quoted.id))}` : 'Event'
  const path = fault.path.length > quoted.path ? `${fault.path.slice(0, quoted.path)}…` : fault.path
  return failure({ reason: fault.reason, message: faultMessage(named, { ...fault, path }), retry: false })
}
