import assert from 'node:assert/strict'
import type { HistoryEntry, JsonObject } from '../../operator/api/kinds.generated.ts'
import type { Ring } from '../../operator/core/event/outbox.ts'
import { kindsFolder } from '../check/places.ts'
import { readKinds, type Schema } from '../check/schema.ts'
import { assertDeclared } from './declared.ts'

/** Bytes of JSON that a status may have. */
export const statusLimit = 131_072

const statusSchemas: Readonly<Record<string, Schema>> = Object.fromEntries(
  readKinds(kindsFolder).map(({ name, schema }) => [name, schema.properties?.status ?? {}]),
)

/**
 * Fails unless the API server would take this as the status of a `kind`, unchanged, it is not too large, and its history
 * tells what core/event/attrs.ts declares.
 */
export const assertStorable = (kind: string, status: object): void => {
  const text = JSON.stringify(status)
  assert.deepEqual([...faultsIn(statusSchemas[kind] ?? {}, JSON.parse(text), 'status')], [])
  assert.ok(text.isWellFormed() && !/\\ud[89a-f]/i.test(text), 'half a character would be mended')
  const bytes = Buffer.byteLength(text)
  assert.ok(bytes <= statusLimit, `${kind}: status has ${bytes} bytes of JSON, expected at most ${statusLimit}`)
  for (const entry of (status as Ring).history ?? []) assertDeclared(entry.type, attrsOf(entry))
}

/** As the event has them. What was asked for comes from the request, not from its history. */
const attrsOf = ({ seq, type, reason, message, attrs = '{}' }: HistoryEntry): JsonObject => ({
  ...(type === 'change.requested' && { component: '', mode: 'Apply' }),
  ...(JSON.parse(attrs) as JsonObject),
  seq,
  ...(reason !== undefined && { reason }),
  ...(message !== undefined && { message }),
})

function* faultsIn(schema: Schema, value: unknown, path: string): Generator<string> {
  const found = Array.isArray(value) ? 'array' : typeof value
  const expected = schema.type === 'integer' ? 'number' : schema.type
  if (found !== expected) yield `${path}: expected ${expected}, found ${found}`
  else if (typeof value === 'string') yield* faultsInString(schema, value, path)
  else if (typeof value === 'number') yield* faultsInInteger(schema, value, path)
  else if (Array.isArray(value)) yield* faultsInList(schema, value, path)
  else if (typeof value === 'object' && value !== null) yield* faultsInObject(schema, value, path)
}

function* faultsInString(schema: Schema, value: string, path: string): Generator<string> {
  const characters = [...value].length
  if (characters > (schema.maxLength ?? Infinity)) yield `${path}: at most ${schema.maxLength}, found ${characters}`
  if (schema.enum && !schema.enum.includes(value)) yield `${path}: one of ${schema.enum}, found ${value}`
  if (schema.format === 'date-time' && Number.isNaN(Date.parse(value))) yield `${path}: a time, found ${value}`
}

function* faultsInInteger({ minimum = 0, maximum = 0 }: Schema, value: number, path: string): Generator<string> {
  if (!Number.isInteger(value) || value < minimum || value > maximum) yield `${path}: an integer, found ${value}`
}

function* faultsInList(schema: Schema, list: readonly unknown[], path: string): Generator<string> {
  const { items = {}, maxItems = Infinity } = schema
  if (list.length > maxItems) yield `${path}: at most ${maxItems}, found ${list.length}`
  for (const [i, item] of list.entries()) yield* faultsIn(items, item, `${path}[${i}]`)
}

function* faultsInObject(schema: Schema, object: object, path: string): Generator<string> {
  const { properties = {}, additionalProperties, required = [], maxProperties = Infinity } = schema
  for (const name of required) if (!Object.hasOwn(object, name)) yield `${path}: expected ${name}, found none`
  const members = Object.entries(object)
  if (members.length > maxProperties) yield `${path}: at most ${maxProperties} members, found ${members.length}`
  if (schema['x-kubernetes-preserve-unknown-fields']) return
  for (const [name, value] of members) {
    const inner = properties[name] ?? additionalProperties
    if (inner) yield* faultsIn(inner, value, `${path}.${name}`)
    else yield `${path}.${name}: is not in the schema and would be dropped`
  }
}
