import { hash } from 'node:crypto'
import { Ajv, type ErrorObject, type Options, type SchemaValidateFunction, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { type Fault, faultMessage } from '../../api/free-form.ts'
import { canonical } from '../../api/json.ts'
import type { ComponentType, Json, JsonObject } from '../../api/kinds.generated.ts'
import { failure, type Result, success } from '../../api/result.ts'
import { compilePattern } from './pattern.ts'
import { faultsOf } from './schema-fault.ts'

/** Compiled schemas, by content. One for the whole program; nothing in it is worth keeping across restarts. */
export interface SchemaCache {
  /** Errors of Ajv, empty when `config` fits. Throws Error when `schema` does not compile or costs too much. */
  check(schema: JsonObject, config: JsonObject): readonly ErrorObject[]
}

/** What of a ComponentType matters here; `faults` is what the edge found wrong with configSchema. */
export type TypeWithSchema = Pick<ComponentType, 'metadata' | 'spec'> & { readonly faults?: readonly Fault[] }

/**
 * What is wrong with `config` under the type's configSchema; empty when it fits, or when there is no schema.
 *
 * Fails (InvalidSchema) when the schema cannot be used: then no config of the type passes.
 *
 * A string that is one placeholder `${name.output}` fits everywhere, since its value is not known yet; a string that
 * merely holds one is taken as a string of unknown text. Where a placeholder decides (`anyOf`, `oneOf`, `not`, `if`,
 * `contains`, `enum`, `const`, `unevaluated…` around it) the doubt goes to the config. All else is judged as always.
 */
export const checkConfig = (
  type: TypeWithSchema,
  config: JsonObject | undefined,
  cache: SchemaCache,
): Result<readonly Fault[]> => {
  const name = `ComponentType ${type.metadata.name}`
  const fault = type.faults?.[0]
  if (fault !== undefined) return unusable(faultMessage(name, fault))
  const schema = type.spec.configSchema
  if (schema === undefined) return success([])
  try {
    const errors = cache.check(schema, config ?? {})
    return success(errors.length === 0 ? [] : faultsOf(errors, config ?? {}))
  } catch (error) {
    return unusable(`${name}: spec.configSchema: expected a JSON Schema that can be used, found: ${messageOf(error)}`)
  }
}

const unusable = (message: string): Result<never> => failure({ reason: 'InvalidSchema', message, retry: false })

const messageOf = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error)
  return text.length > 500 ? `${text.slice(0, 500)}…` : text
}

/** Work that one config may cost: patterns by their size and the text's, and 100 for each `$ref` that is followed. */
const mostWork = 30_000_000
const workOfReference = 100

/** `size`: how many compiled schemas are kept; the one unused for longest goes first. */
export const makeSchemaCache = ({ size = 256 }: { readonly size?: number } = {}): SchemaCache => {
  const work = { left: 0 }
  const spend = (units: number): void => {
    work.left -= units
    if (work.left < 0) throw new Error('it costs too much to check this config (long texts, large patterns, $ref)')
  }
  const dialects = { draft07: draft07(spend), draft2020: draft2020(spend) }
  const byHash = new Map<string, ValidateFunction>()
  // The informer hands out the same object until the ComponentType changes: then nothing needs to be hashed.
  const byObject = new WeakMap<JsonObject, ValidateFunction>()

  const find = (schema: JsonObject): ValidateFunction => {
    const known = byObject.get(schema)
    if (known !== undefined) return known
    const sum = hash('sha256', canonical(schema))
    const validate = byHash.get(sum) ?? compile(dialects, schema)
    byHash.delete(sum)
    byHash.set(sum, validate)
    byObject.set(schema, validate)
    if (byHash.size > size) byHash.delete(byHash.keys().next().value as string)
    return validate
  }

  return {
    check: (schema, config) => {
      work.left = mostWork
      const validate = find(schema)
      work.left = mostWork
      return validate(plain(config)) ? [] : (validate.errors ?? [])
    },
  }
}

const step = 'x-karma-step'

/** `ownProperties`: a required `toString` is not met by what objects inherit. `strict`: schemas of the world have extras. */
const optionsWith = (spend: (units: number) => void): Options => ({
  allErrors: true,
  verbose: true,
  strict: false,
  ownProperties: true,
  logger: false,
  code: { regExp: Object.assign((source: string) => boundedPattern(source, spend), { code: 'undefined' }) },
})

const boundedPattern = (source: string, spend: (units: number) => void) => {
  const pattern = compilePattern(source)
  return {
    // Ajv tells patterns apart by their text.
    toString: () => source,
    test: (text: string): boolean => {
      spend(pattern.cost(text))
      return pattern.test(text)
    },
  }
}

const prepared = <A extends Ajv>(ajv: A, spend: (units: number) => void): A => {
  addFormats.default(ajv)
  boundFormats(ajv)
  ajv.addKeyword({ keyword: step, errors: false, validate: () => spend(workOfReference) ?? true })
  ajv.removeKeyword('uniqueItems')
  ajv.addKeyword({ keyword: 'uniqueItems', type: 'array', schemaType: 'boolean', validate: uniqueItems() })
  return ajv
}

/** Ajv compares each item with each other, which takes a second for the largest config; this takes milliseconds. */
const uniqueItems = (): SchemaValidateFunction => {
  const validate: SchemaValidateFunction = (unique: boolean, items: readonly unknown[]) => {
    const seen = new Map<string, number>()
    for (const [i, item] of unique ? items.entries() : []) {
      const text = canonical(item)
      const j = seen.get(text)
      if (j !== undefined) validate.errors = [{ keyword: 'uniqueItems', params: { i, j } }]
      if (j !== undefined) return false
      seen.set(text, i)
    }
    return true
  }
  return validate
}

const draft07 = (spend: (units: number) => void): Ajv => prepared(new Ajv(optionsWith(spend)), spend)
const draft2020 = (spend: (units: number) => void): Ajv => prepared(new Ajv2020(optionsWith(spend)), spend)

/** The formats are expressions for JavaScript's engine, well known but not linear: no name or address is longer. */
const longestFormatted = 2048

const boundFormats = (ajv: Ajv): void => {
  for (const [name, format] of Object.entries(ajv.formats)) {
    const test = format instanceof RegExp ? (text: string) => format.test(text) : format
    if (typeof test === 'function') {
      ajv.addFormat(name, (text: string) => text.length <= longestFormatted && Boolean(test(text)))
    }
  }
}

const compile = (dialects: { draft07: Ajv; draft2020: Ajv }, schema: JsonObject): ValidateFunction => {
  const { $schema: dialect = 'https://json-schema.org/draft/2020-12/schema', ...rest } = withSteps(schema) as JsonObject
  const is07 = typeof dialect === 'string' && /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/.test(dialect)
  const is2020 = typeof dialect === 'string' && /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/.test(dialect)
  if (!is07 && !is2020) throw new Error(`$schema: expected draft-07 or draft/2020-12, found ${JSON.stringify(dialect)}`)
  const ajv = is07 ? dialects.draft07 : dialects.draft2020
  try {
    const validate = ajv.compile(rest)
    if ('$async' in validate) throw new Error('$async: a schema must answer at once')
    return validate
  } finally {
    // Else two types whose schemas bear the same $id would meet.
    ajv.removeSchema(rest)
  }
}

/** Members whose objects are values, not schemas. */
const values: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'examples'])

/**
 * A copy of the schema in which each schema with a `$ref` also counts: references are the only means by which a small
 * schema can cost without bound (two to the same definition, in each of forty definitions).
 */
const withSteps = (schema: Json): Json => {
  if (Array.isArray(schema)) return schema.map(withSteps)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy: JsonObject = {}
  for (const [key, value] of Object.entries(schema)) copy[key] = values.has(key) ? plain(value) : withSteps(value)
  if (typeof schema.$ref === 'string' || typeof schema.$dynamicRef === 'string') copy[step] = true
  return copy
}

/** Ajv compares objects by methods that those without prototype lack. Keys were checked at the edge. */
const plain = <T extends Json>(value: T): T => {
  if (Array.isArray(value)) return value.map(plain) as T
  if (typeof value !== 'object' || value === null) return value
  const copy: JsonObject = {}
  for (const [key, member] of Object.entries(value)) copy[key] = plain(member)
  return copy as T
}
