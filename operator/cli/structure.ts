import { add, describe, type Fault, isPlainObject, joinPath } from '../api/free-form.ts'

/** As much of a structural schema of Kubernetes as Karma's kinds use for what people write. */
export interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema
  readonly items?: Schema
  readonly required?: readonly string[]
  readonly enum?: readonly unknown[]
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
}

/** What the API server would refuse, as `kubectl apply` has it checked: fields it does not know are errors. */
export const structuralFaults = (schema: Schema, value: unknown, path: string, faults: Fault[] = []): Fault[] => {
  const expected = typeFault(schema, value) ?? valueFault(schema, value)
  if (expected !== undefined) {
    add(faults, { reason: 'InvalidObject', path, expected, found: describe(value) })
    return faults
  }
  if (isPlainObject(value)) memberFaults(schema, value, path, faults)
  if (Array.isArray(value) && schema.items) {
    for (const [i, item] of value.entries()) structuralFaults(schema.items, item, joinPath(path, i), faults)
  }
  return faults
}

const memberFaults = (schema: Schema, value: Record<string, unknown>, path: string, faults: Fault[]): void => {
  const { properties, additionalProperties, required = [] } = schema
  for (const name of required) {
    if (Object.hasOwn(value, name)) continue
    add(faults, { reason: 'InvalidObject', path: joined(path, name), expected: 'a value', found: 'nothing' })
  }
  if (schema['x-kubernetes-preserve-unknown-fields'] || (!properties && !additionalProperties)) return
  for (const [name, member] of Object.entries(value)) {
    const known = properties && Object.hasOwn(properties, name) ? properties[name] : additionalProperties
    if (known) structuralFaults(known, member, joined(path, name), faults)
    else {
      const expected = `one of ${Object.keys(properties ?? {}).join(', ')}`
      add(faults, { reason: 'InvalidObject', path: joined(path, name), expected, found: 'a field of another name' })
    }
  }
}

const joined = (path: string, name: string): string => (path === '' ? name : joinPath(path, name))

const types: Readonly<Record<string, { readonly noun: string; readonly is: (value: unknown) => boolean }>> = {
  object: { noun: 'an object', is: isPlainObject },
  array: { noun: 'a list', is: Array.isArray },
  string: { noun: 'a string', is: (value) => typeof value === 'string' },
  boolean: { noun: 'true or false', is: (value) => typeof value === 'boolean' },
  integer: { noun: 'a whole number', is: (value) => typeof value === 'bigint' || Number.isInteger(value) },
}

const typeFault = ({ type = '' }: Schema, value: unknown): string | undefined => {
  const known = types[type]
  return !known || known.is(value) ? undefined : known.noun
}

const valueFault = (schema: Schema, value: unknown): string | undefined => {
  if (schema.enum && !schema.enum.includes(value)) return schema.enum.join(' or ')
  if (typeof value === 'string') return boundFault([...value].length, schema.minLength, schema.maxLength, 'characters')
  if (Array.isArray(value)) return boundFault(value.length, schema.minItems, schema.maxItems, 'entries')
  if (typeof value === 'number') return boundFault(value, schema.minimum, schema.maximum, '')
  return undefined
}

const boundFault = (size: number, least = -Infinity, most = Infinity, noun: string): string | undefined => {
  if (size < least) return `at least ${least} ${noun}`.trimEnd()
  return size > most ? `at most ${most} ${noun}`.trimEnd() : undefined
}
