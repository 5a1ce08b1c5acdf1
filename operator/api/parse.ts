import { readOwners } from './field-owners.ts'
import { add, describe, type Fault, type FreeFormLimits, freeForm, isPlainObject, isReservedKey } from './free-form.ts'
import type {
  AskedChange,
  ChangeApproval,
  ChangeApprovalSpec,
  ChangeApprovalStatus,
  ChangeRequest,
  ChangeRequestSpec,
  ChangeRequestStatus,
  Committed,
  Component,
  ComponentSpec,
  ComponentStatus,
  ComponentType,
  ComponentTypeSpec,
  ComponentTypeStatus,
  Environment,
  EnvironmentSpec,
  EnvironmentStatus,
  Json,
  JsonObject,
  ObjectMeta,
} from './kinds.generated.ts'
import { deepEqual } from './merge-patch.ts'
import { failure, type Result, success } from './result.ts'

export type { Fault } from './free-form.ts'
export { faultMessage } from './free-form.ts'

/**
 * An object as the API server gave it, typed, with what is wrong with its free-form parts. Structure is the API server's
 * business (the schemas of the kinds); what it cannot check is checked here. A faulty value is left out of the object:
 * whoever decides by the object looks at `faults` first and refuses.
 */
export type Parsed<T> = T & { readonly faults: readonly Fault[] }

/** Bytes of JSON, and whether null is a value. */
export const limits = {
  config: { bytes: 32_768, nulls: false },
  proposedChange: { bytes: 32_768, nulls: false },
  outputs: { bytes: 32_768, nulls: true },
  runtimeConfig: { bytes: 32_768, nulls: true },
  configSchema: { bytes: 131_072, nulls: true },
} as const satisfies Record<string, FreeFormLimits>

const apiVersion = 'usekarma.dev/v1alpha1'

/** Fails (InvalidObject) when `raw` has no name or lacks type, nickname or environment. Takes the raw spec apart once. */
export const parseComponent = (raw: unknown): Result<Parsed<Component>> => {
  const read = readObject('Component', raw)
  if (!read.ok) return read
  const { metadata, rawSpec, rawStatus, named } = read.value
  for (const field of ['type', 'nickname', 'environment'] as const) {
    if (typeof rawSpec[field] !== 'string') return invalid(named, `spec.${field}`, 'a string', rawSpec[field])
  }
  const faults: Fault[] = []
  const spec = { ...rawSpec } as unknown as ComponentSpec
  replace(spec, 'config', freeForm(rawSpec.config, 'spec.config', limits.config, faults))
  const component: Component = { apiVersion, kind: 'Component', metadata, spec }
  const owners = readOwners((raw as { metadata: Record<string, unknown> }).metadata.managedFields, 'karma')
  if (owners) metadata.owners = owners
  if (rawStatus !== undefined) component.status = readComponentStatus(rawStatus, spec, faults)
  return parsed(component, faults)
}

/** Fails (InvalidObject) when `raw` has no name. A faulty proposedChange or remove, wherever it stands, is in `faults`. */
export const parseChangeRequest = (raw: unknown): Result<Parsed<ChangeRequest>> => {
  const read = readObject('ChangeRequest', raw)
  if (!read.ok) return read
  const { metadata, rawSpec, rawStatus, named } = read.value
  const { component, changes } = rawSpec
  if (component !== undefined && typeof component !== 'string')
    return invalid(named, 'spec.component', 'a string', component)
  if (changes !== undefined && !isListOfChanges(changes))
    return invalid(named, 'spec.changes', 'a list of objects with component', changes)
  const faults: Fault[] = []
  const spec = readChange(rawSpec, 'spec', faults) as unknown as ChangeRequestSpec
  if (changes !== undefined) {
    spec.changes = changes.map((one, i) => readChange(one, `spec.changes[${i}]`, faults) as unknown as AskedChange)
  }
  const request: ChangeRequest = { apiVersion, kind: 'ChangeRequest', metadata, spec }
  if (rawStatus !== undefined) request.status = rawStatus as ChangeRequestStatus
  return parsed(request, faults)
}

/** Fails (InvalidObject) unless it says what was decided, on what, and by whom: nothing less may count. */
export const parseChangeApproval = (raw: unknown): Result<Parsed<ChangeApproval>> => {
  const read = readObject('ChangeApproval', raw)
  if (!read.ok) return read
  const { metadata, rawSpec, rawStatus, named } = read.value
  for (const field of ['changeRequest', 'planHash'] as const) {
    if (typeof rawSpec[field] !== 'string') return invalid(named, `spec.${field}`, 'a string', rawSpec[field])
  }
  const { decision, approver, validForSeconds } = rawSpec
  if (decision !== 'Approve' && decision !== 'Deny') return invalid(named, 'spec.decision', 'Approve or Deny', decision)
  if (!isPlainObject(approver) || typeof approver.username !== 'string' || approver.username === '')
    return invalid(named, 'spec.approver.username', 'a string', isPlainObject(approver) ? approver.username : approver)
  if (!Number.isSafeInteger(validForSeconds))
    return invalid(named, 'spec.validForSeconds', 'a whole number', validForSeconds)
  const spec = rawSpec as unknown as ChangeApprovalSpec
  const approval: ChangeApproval = { apiVersion, kind: 'ChangeApproval', metadata, spec }
  if (rawStatus !== undefined) approval.status = rawStatus as ChangeApprovalStatus
  return parsed(approval, [])
}

/** Fails (InvalidObject) when `raw` has no name. */
export const parseEnvironment = (raw: unknown): Result<Parsed<Environment>> => {
  const read = readObject('Environment', raw)
  if (!read.ok) return read
  const { metadata, rawSpec, rawStatus } = read.value
  const environment: Environment = { apiVersion, kind: 'Environment', metadata, spec: rawSpec as EnvironmentSpec }
  if (rawStatus !== undefined) environment.status = rawStatus as EnvironmentStatus
  return parsed(environment, [])
}

/** Fails (InvalidObject) when `raw` has no name. A faulty configSchema is in `faults`: then no config can be judged. */
export const parseComponentType = (raw: unknown): Result<Parsed<ComponentType>> => {
  const read = readObject('ComponentType', raw)
  if (!read.ok) return read
  const { metadata, rawSpec, rawStatus } = read.value
  const faults: Fault[] = []
  const spec = { ...rawSpec } as ComponentTypeSpec
  const schema = freeForm(rawSpec.configSchema, 'spec.configSchema', limits.configSchema, faults)
  // A schema that is left out whole must not look like a type without schema: those take every config.
  const refused = faults.length > 0 ? (Object.create(null) as JsonObject) : undefined
  replace(spec, 'configSchema', schema ?? refused)
  const type: ComponentType = { apiVersion, kind: 'ComponentType', metadata, spec }
  if (rawStatus !== undefined) type.status = rawStatus as ComponentTypeStatus
  return parsed(type, faults)
}

const isListOfChanges = (value: unknown): value is Record<string, unknown>[] =>
  Array.isArray(value) && value.every((one) => isPlainObject(one) && typeof one.component === 'string')

/** What is asked for of one Component. */
const readChange = (raw: Record<string, unknown>, path: string, faults: Fault[]): Record<string, unknown> => {
  const change = { ...raw }
  const proposed = freeForm(raw.proposedChange, `${path}.proposedChange`, limits.proposedChange, faults)
  replace(change, 'proposedChange', proposed)
  return replace(change, 'remove', readPointers(raw.remove, `${path}.remove`, faults))
}

interface Read {
  readonly metadata: ObjectMeta
  readonly rawSpec: Record<string, unknown>
  readonly rawStatus: Record<string, unknown> | undefined
  /** `Component dev/vpc.main`, for messages */
  readonly named: string
}

const readObject = (kind: string, raw: unknown): Result<Read> => {
  if (!isPlainObject(raw)) return invalid(kind, 'the object', 'an object', raw)
  const { metadata, spec = {}, status } = raw
  if (!isPlainObject(metadata)) return invalid(kind, 'metadata', 'an object', metadata)
  if (typeof metadata.name !== 'string') return invalid(kind, 'metadata.name', 'a string', metadata.name)
  const namespace = typeof metadata.namespace === 'string' ? `${metadata.namespace}/` : ''
  const named = `${kind} ${namespace}${metadata.name}`
  if (!isPlainObject(spec)) return invalid(named, 'spec', 'an object', spec)
  if (status !== undefined && !isPlainObject(status)) return invalid(named, 'status', 'an object', status)
  return success({ metadata: readMetadata(metadata), rawSpec: spec, rawStatus: status, named })
}

/** kubectl keeps a second copy of the whole object in this annotation; nobody here reads it. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

const readMetadata = (raw: Record<string, unknown>): ObjectMeta => {
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp } =
    raw as unknown as ObjectMeta
  const metadata: ObjectMeta = { name }
  if (namespace !== undefined) metadata.namespace = namespace
  if (uid !== undefined) metadata.uid = uid
  if (resourceVersion !== undefined) metadata.resourceVersion = resourceVersion
  if (generation !== undefined) metadata.generation = generation
  if (creationTimestamp !== undefined) metadata.creationTimestamp = creationTimestamp
  if (deletionTimestamp !== undefined) metadata.deletionTimestamp = deletionTimestamp
  if (isPlainObject(raw.labels)) metadata.labels = textMap(raw.labels)
  if (isPlainObject(raw.annotations)) metadata.annotations = textMap(raw.annotations, lastApplied)
  if (Array.isArray(raw.finalizers)) metadata.finalizers = raw.finalizers
  return metadata
}

/** Keys of labels and annotations are free (`constructor` is a valid label), hence no prototype. */
const textMap = (raw: Record<string, unknown>, except?: string): Record<string, string> => {
  const map = Object.create(null) as Record<string, string>
  for (const key of Object.keys(raw)) {
    const value = raw[key]
    if (key !== except && typeof value === 'string') map[key] = value
  }
  return map
}

const readComponentStatus = (raw: Record<string, unknown>, spec: ComponentSpec, faults: Fault[]): ComponentStatus => {
  const status = { ...raw } as ComponentStatus
  replace(status, 'outputs', freeForm(raw.outputs, 'status.outputs', limits.outputs, faults))
  if (isPlainObject(raw.committed)) {
    const committed = { ...raw.committed } as unknown as Committed
    replace(committed, 'config', freeForm(raw.committed.config, 'status.committed.config', limits.config, faults))
    status.committed = sharing(committed, spec)
  }
  if (isPlainObject(raw.runtime)) {
    const runtime = { ...raw.runtime } as { config?: JsonObject }
    const config = freeForm(raw.runtime.config, 'status.runtime.config', limits.runtimeConfig, faults)
    status.runtime = replace(runtime, 'config', config)
  }
  return status
}

/** What is committed is mostly what spec says: then it is held once, as most of a Component stands in these two. */
const sharing = (committed: Committed, { config, references }: ComponentSpec): Committed => {
  if (config && deepEqual(committed.config, config)) committed.config = config
  if (references && deepEqual(committed.references as Json | undefined, references as unknown as Json))
    committed.references = references
  return committed
}

/** JSON pointers into config: `/a/b`; the whole config cannot be removed. Faulty ones are left out. */
const readPointers = (raw: unknown, path: string, faults: Fault[]): string[] | undefined => {
  if (raw === undefined) return undefined
  if (!Array.isArray(raw)) {
    add(faults, { reason: 'InvalidObject', path, expected: 'a list of JSON pointers', found: describe(raw) })
    return undefined
  }
  return raw.filter((pointer, i): pointer is string => {
    const fault = pointerFault(pointer)
    if (fault !== undefined) add(faults, { ...fault, path: `${path}[${i}]`, found: describe(pointer) })
    return fault === undefined
  })
}

const pointerForm = /^(\/([^~/]|~[01])*)+$/

const pointerFault = (pointer: unknown): Pick<Fault, 'reason' | 'expected'> | undefined => {
  if (typeof pointer !== 'string' || !pointerForm.test(pointer)) {
    return {
      reason: 'InvalidPointer',
      expected: 'a JSON pointer such as /subnets/0 (~ is written ~0, / is written ~1)',
    }
  }
  if (!pointer.split('/').some(isReservedKey)) return undefined
  return { reason: 'ReservedKey', expected: 'a pointer without the keys __proto__, constructor, prototype' }
}

/** Sets `key`, or takes it away when there is no value (an absent member is absent, not undefined). */
const replace = <T extends object, K extends keyof T>(object: T, key: K, value: T[K] | undefined): T => {
  if (value === undefined) delete object[key]
  else object[key] = value
  return object
}

const none: readonly Fault[] = Object.freeze([])

const parsed = <T extends object>(object: T, faults: readonly Fault[]): Result<Parsed<T>> =>
  success(Object.assign(object, { faults: faults.length > 0 ? faults : none }))

const invalid = (object: string, field: string, expected: string, found: unknown): Result<never> =>
  failure({
    reason: 'InvalidObject',
    message: `${object}: ${field}: expected ${expected}, found ${describe(found)}`,
    retry: false,
  })
