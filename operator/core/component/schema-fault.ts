import type { ErrorObject } from 'ajv'
import { add, describe, type Fault, faultLimit, joinPath } from '../../api/free-form.ts'
import type { Json, JsonObject } from '../../api/kinds.generated.ts'
import { isWholePlaceholder, placeholdersOf } from './placeholder.ts'

/** Errors of Ajv (all of them, verbose) as faults of `config`, without those that a placeholder leaves open. */
export const faultsOf = (errors: readonly ErrorObject[], config: JsonObject): readonly Fault[] => {
  const faults: Fault[] = []
  const seen = new Set<string>()
  for (const error of certain(errors, config)) {
    const fault = faultOf(error, config)
    const key = `${fault.path} ${fault.expected}`
    if (!seen.has(key)) add(faults, fault)
    seen.add(key)
    if (faults.length === faultLimit) break
  }
  return faults
}

/** Keywords whose answer about a value may depend on any string within it. */
const wholeValue: ReadonlySet<string> = new Set([
  'anyOf',
  'oneOf',
  'not',
  'if',
  'contains',
  'const',
  'enum',
  'unevaluatedProperties',
  'unevaluatedItems',
])
const branches = /\/(anyOf|oneOf|not|if|then|else|contains|\$defs|definitions)\//

const certain = (errors: readonly ErrorObject[], config: JsonObject): readonly ErrorObject[] => {
  const holders = new Set(placeholdersOf(config).map((placeholder) => placeholder.pointer))
  if (holders.size === 0) return errors
  const open = errors.filter(
    (error) => wholeValue.has(error.keyword) && [...holders].some((holder) => isWithin(holder, error.instancePath)),
  )
  return errors.filter((error) => {
    if (open.some((around) => around === error || isBranchOf(error, around))) return false
    if (!holders.has(error.instancePath)) return true
    // A text with a placeholder within is a string for certain, whatever else it may turn out to be.
    const mixed = typeof error.data === 'string' && !isWholePlaceholder(error.data)
    return mixed && error.keyword === 'type' && !branches.test(error.schemaPath)
  })
}

const isWithin = (pointer: string, ancestor: string): boolean =>
  pointer === ancestor || pointer.startsWith(`${ancestor}/`)

/** Whether `error` comes from a branch of the combinator that `around` tells of; a `$ref` hides which, so it may. */
const isBranchOf = (error: ErrorObject, around: ErrorObject): boolean => {
  if (!isWithin(error.instancePath, around.instancePath)) return false
  const above = around.schemaPath.slice(0, around.schemaPath.lastIndexOf('/'))
  const roots = around.keyword === 'if' ? [`${above}/then/`, `${above}/else/`] : [`${around.schemaPath}/`]
  return [...roots, '#/$defs/', '#/definitions/'].some((root) => error.schemaPath.startsWith(root))
}

const faultOf = (error: ErrorObject, config: JsonObject): Fault => {
  const path = pathOf(error.instancePath, config)
  const params = error.params as Readonly<Record<string, unknown>>
  const fault = (at: string, expected: string, found: string): Fault => ({
    reason: 'InvalidConfig',
    path: at,
    expected,
    found,
  })
  const missing = params.missingProperty
  if (typeof missing === 'string') return fault(joinPath(path, missing), 'a value', 'nothing')
  const extra = params.additionalProperty ?? params.unevaluatedProperty
  if (typeof extra === 'string') {
    return fault(joinPath(path, extra), expectedKeys(error), describe((error.data as JsonObject)[extra]))
  }
  return fault(path, expectedOf(error, params), describe(error.data))
}

type Params = Readonly<Record<string, unknown>>

/** What a value should be, by keyword. */
const expectations: Readonly<Record<string, (params: Params, error: ErrorObject) => string>> = {
  type: ({ type }, error) => `${list(type).join(' or ')}${detail(error)}`,
  pattern: ({ pattern }) => `string matching ${short(pattern)}`,
  format: ({ format }) => `string in format ${format}`,
  enum: ({ allowedValues }) => `one of ${short(allowedValues)}`,
  const: ({ allowedValue }) => short(allowedValue),
  minimum: ({ limit }) => `at least ${limit}`,
  maximum: ({ limit }) => `at most ${limit}`,
  exclusiveMinimum: ({ limit }) => `more than ${limit}`,
  exclusiveMaximum: ({ limit }) => `less than ${limit}`,
  multipleOf: ({ multipleOf }) => `a multiple of ${multipleOf}`,
  minLength: ({ limit }) => `at least ${limit} characters`,
  maxLength: ({ limit }) => `at most ${limit} characters`,
  minItems: ({ limit }) => `at least ${limit} items`,
  maxItems: ({ limit }) => `at most ${limit} items`,
  minProperties: ({ limit }) => `at least ${limit} keys`,
  maxProperties: ({ limit }) => `at most ${limit} keys`,
  uniqueItems: ({ i, j }) => `items that differ (${j} and ${i} are alike)`,
  contains: ({ minContains }) => `at least ${minContains} items that fit "contains"`,
  propertyNames: ({ propertyName }) => `keys that fit "propertyNames" (${short(propertyName)} does not)`,
  anyOf: () => 'a value that fits one of "anyOf"',
  oneOf: () => 'a value that fits exactly one of "oneOf"',
  not: () => 'a value that does not fit "not"',
  if: ({ failingKeyword }) => `a value that fits "${failingKeyword}"`,
  'false schema': () => 'no value here',
}

const expectedOf = (error: ErrorObject, params: Params): string =>
  expectations[error.keyword]?.(params, error) ?? `a value that ${error.message ?? `fits "${error.keyword}"`}`

/** A wrong type says at once what the right one must look like. */
const detail = (error: ErrorObject): string => {
  const { pattern, format } = (error.parentSchema ?? {}) as { pattern?: unknown; format?: unknown }
  if (typeof pattern === 'string') return ` matching ${short(pattern)}`
  return typeof format === 'string' ? ` in format ${format}` : ''
}

const expectedKeys = (error: ErrorObject): string => {
  const known = Object.keys((error.parentSchema?.properties ?? {}) as object)
  return known.length > 0 ? `only keys the schema knows (${short(known)})` : 'no such key'
}

const list = (type: unknown): readonly string[] => (Array.isArray(type) ? type : String(type).split(','))

const short = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

/** `/a/0/b` as `config.a[0].b`; whether a step is an index only the value can tell. */
const pathOf = (pointer: string, config: JsonObject): string => {
  let path = 'config'
  let value: Json | undefined = config
  for (const step of pointer.split('/').slice(1)) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    path = joinPath(path, Array.isArray(value) ? Number(key) : key)
    value = typeof value === 'object' && value !== null ? (value as JsonObject)[key] : undefined
  }
  return path
}
