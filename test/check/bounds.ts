import { type Kind, type Node, nodesOf, type Schema } from './schema.ts'

/** What is wrong with a kind's schema, one line each, beginning with the path. Empty when all is well. */
export const faultsOf = (kind: Kind): string[] =>
  nodesOf(kind).flatMap((node) => [...faultsOfNode(node)].map((fault) => `${kind.file}: ${node.path}: ${fault}`))

function* faultsOfNode({ path, schema, field }: Node): Generator<string> {
  if (field && !schema.description?.trim()) yield 'expected a description, found none'
  if (schema.type === undefined) yield 'expected a type, found none'
  if (schema.type === 'number') yield 'expected an integer or a string, found a number (floats differ by machine)'
  if (schema.type === 'string') yield* faultsOfString(schema)
  if (schema.type === 'integer') yield* faultsOfInteger(schema)
  if (schema.type === 'array') yield* faultsOfArray(schema)
  if (schema.type === 'object') yield* faultsOfObject(path, schema)
}

function* faultsOfString(schema: Schema): Generator<string> {
  if (schema.maxLength === undefined && schema.enum === undefined) yield 'expected maxLength or enum, found neither'
}

function* faultsOfInteger(schema: Schema): Generator<string> {
  const { minimum, maximum } = schema
  if (minimum === undefined || maximum === undefined) yield 'expected minimum and maximum, found not both'
  if ((maximum ?? 0) > Number.MAX_SAFE_INTEGER) yield `expected a maximum of at most 2^53 - 1, found ${maximum}`
}

function* faultsOfArray(schema: Schema): Generator<string> {
  if (schema.maxItems === undefined) yield 'expected maxItems, found none'
  if (schema.items === undefined) yield 'expected items, found none'
  if (schema['x-kubernetes-list-type'] === undefined) yield 'expected x-kubernetes-list-type, found none'
}

/** Free-form objects: where they may stand, and how large Karma lets them be (characters of JSON). */
const freeForm: Readonly<Record<string, number>> = {
  'ChangeRequest.spec.proposedChange': 32_768,
  'ChangeRequest.spec.changes[].proposedChange': 32_768,
  'Component.spec.config': 32_768,
  'Component.status.committed.config': 32_768,
  'Component.status.outputs': 32_768,
  'Component.status.runtime.config': 32_768,
  'ComponentType.spec.configSchema': 262_144,
}

function* faultsOfObject(path: string, schema: Schema): Generator<string> {
  const free = schema['x-kubernetes-preserve-unknown-fields'] === true
  const map = schema.additionalProperties !== undefined
  if (free && !(path in freeForm)) yield 'expected properties, found a free-form object that is not on the list'
  if ((free || map) && schema.maxProperties === undefined) yield 'expected maxProperties, found none'
  if ((free || map) && path.includes('.status.') && schema['x-kubernetes-map-type'] !== 'atomic') {
    yield 'expected x-kubernetes-map-type: atomic for a map in a status, found none'
  }
  if (!free && !map && schema.properties === undefined) yield 'expected properties, found none'
}

/** Texts that a rule of the schema bounds together, however many there are. */
const bounded: Readonly<Record<string, number>> = {
  'ChangeRequest.status.images[].before': 65_536,
  'ChangeRequest.status.images[].after': 0, // in the same rule as before
  'ChangeRequest.status.images[].component': 0, // so is this
  'Environment.status.applying[].name': 49_152,
  'Environment.status.applying[].hash': 0,
  'Environment.status.promised[].environment': 8192,
  'Environment.status.promised[].components[]': 0, // in the same rule as the environments
}

/**
 * The most characters of JSON that the schema lets a kind's status have: the sum of all its bounds, and of `freeForm`
 * apart from it. What Karma writes is a hundredth of it; the sum says that even the worst fits into one write.
 */
export function statusSizeOf(kind: Kind): { bounds: number; freeForm: number } {
  const status = kind.schema.properties?.status
  const inStatus = (sizes: Readonly<Record<string, number>>): number =>
    sumOf(Object.entries(sizes).map(([path, size]) => (path.startsWith(`${kind.name}.status.`) ? size : 0)))
  return {
    bounds: status === undefined ? 0 : sizeOf(`${kind.name}.status`, status) + inStatus(bounded),
    freeForm: inStatus(freeForm),
  }
}

const longestKey = 317
const unbounded = Number.POSITIVE_INFINITY

function sizeOf(path: string, schema: Schema): number {
  if (path in bounded || schema['x-kubernetes-preserve-unknown-fields']) return 2
  if (schema.enum) return Math.max(...schema.enum.map((value) => value.length)) + 2
  switch (schema.type) {
    case 'string':
      return (
        2 + (schema.format === 'date-time' ? '2000-01-01T00:00:00.000000000Z'.length : (schema.maxLength ?? unbounded))
      )
    case 'integer':
      return String(schema.maximum ?? Number.MAX_SAFE_INTEGER).length
    case 'boolean':
      return 'false'.length
    case 'array':
      return 2 + (schema.maxItems ?? unbounded) * (1 + sizeOf(`${path}[]`, schema.items ?? {}))
    case 'object':
      return 2 + (schema.additionalProperties ? sizeOfMap(path, schema) : sizeOfFields(path, schema))
    default:
      return unbounded
  }
}

// 4 for two quotes, a colon and a comma
const sizeOfMap = (path: string, { maxProperties = unbounded, additionalProperties = {} }: Schema): number =>
  maxProperties * (longestKey + 4 + sizeOf(`${path}{}`, additionalProperties))

const sizeOfFields = (path: string, { properties = {} }: Schema): number =>
  sumOf(Object.entries(properties).map(([name, field]) => name.length + 4 + sizeOf(`${path}.${name}`, field)))

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0)
