import assert from 'node:assert/strict'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { JsonObject } from '../../operator/api/kinds.generated.ts'
import { attrsSchema } from '../../operator/core/event/attrs.ts'
import { type EventType, eventTypes } from '../../operator/core/event/types.ts'

const ajv = new Ajv2020({ allErrors: true })
const compiled = new Map<string, ValidateFunction>()

/** Fails unless the attrs of an event are what core/event/attrs.ts declares for its type. */
export const assertDeclared = (type: string, attrs: JsonObject): void => {
  assert.ok(eventTypes.includes(type as EventType), `${type} is no type of Karma's events`)
  const omitted = Array.isArray(attrs.omitted) ? (attrs.omitted as string[]) : []
  const key = `${type} ${omitted.join(' ')}`
  const fits = compiled.get(key) ?? ajv.compile(attrsSchema(type as EventType, omitted))
  compiled.set(key, fits)
  assert.ok(fits(attrs), `${type}: ${ajv.errorsText(fits.errors, { dataVar: 'attrs' })}: ${JSON.stringify(attrs)}`)
}
