import { hash } from 'node:crypto'
import { failure, type Result, success } from '../../api/result.ts'

/*
 * The only place that joins or splits ids.
 *   full id        namespace/type/nickname   the key of core, and entity_id of a Component
 *   local id       type/nickname             what people write inside a namespace
 *   metadata.name  type.nickname             type has no dots, so the first dot divides
 */

export interface Identity {
  readonly namespace: string
  readonly type: string
  readonly nickname: string
}

export const fullId = ({ namespace, type, nickname }: Identity): string => `${namespace}/${type}/${nickname}`

/** The namespace of a full id. */
export const namespaceOf = (id: string): string => id.slice(0, Math.max(id.indexOf('/'), 0))

/** Fails (UnknownComponent) when `id` is not a full id. */
export const identityOf = (id: string): Result<Identity> => {
  const [namespace, type, nickname, ...rest] = id.split('/')
  const whole = namespace && type && nickname && rest.length === 0
  return whole ? success({ namespace, type, nickname }) : noComponent(id, 'namespace/type/nickname')
}

/** The full id of what a reference or `spec.component` names: `type/nickname`, or `namespace/type/nickname`. */
export const resolveId = (component: string, namespace: string): Result<string> => {
  const parts = component.split('/')
  if (parts.every((part) => part !== '')) {
    if (parts.length === 2) return success(`${namespace}/${component}`)
    if (parts.length === 3) return success(component)
  }
  return noComponent(component, 'type/nickname or namespace/type/nickname')
}

/** The full id of the Component with this metadata. Fails when the name has no dot. */
export const idOfName = (namespace: string, name: string): Result<string> => {
  const dot = name.indexOf('.')
  const whole = dot > 0 && dot < name.length - 1
  return whole
    ? success(`${namespace}/${name.slice(0, dot)}/${name.slice(dot + 1)}`)
    : noComponent(name, 'a name of the form type.nickname')
}

export const nameOfIdentity = ({ type, nickname }: Identity): string => `${type}.${nickname}`

/** Namespace and metadata.name of the Component with this full id. */
export const nameOfId = (id: string): Result<{ readonly namespace: string; readonly name: string }> => {
  const identity = identityOf(id)
  if (!identity.ok) return identity
  return success({ namespace: identity.value.namespace, name: nameOfIdentity(identity.value) })
}

/** metadata.name of what something of this namespace names; empty when it names nothing. */
export const nameIn = (namespace: string, component: string): string => {
  const id = resolveId(component, namespace)
  const at = id.ok ? nameOfId(id.value) : id
  return at.ok ? at.value.name : ''
}

/** `namespace/name`, the key of the Component with this full id. */
export const keyOfId = (id: string): Result<string> => {
  const at = nameOfId(id)
  return at.ok ? success(`${at.value.namespace}/${at.value.name}`) : at
}

/** The full id of a Component object. */
export const idOf = (component: {
  readonly metadata: { readonly namespace?: string }
  readonly spec: { readonly type: string; readonly nickname: string }
}): string => fullId({ ...component.spec, namespace: component.metadata.namespace ?? '' })

/** What `display` made, made full again; of Components and of `kind/name` alike. */
export const undisplay = (shown: string, namespace: string): string =>
  shown.split('/').length > 2 ? shown : `${namespace}/${shown}`

/** As people write it: `type/nickname` inside its own namespace, the full id elsewhere. */
export const display = (id: string, namespace: string): string =>
  id.startsWith(`${namespace}/`) ? id.slice(namespace.length + 1) : id

/** The key of the Environment that a Component is in. */
export const placeOf = (component: {
  readonly metadata: { readonly namespace?: string }
  readonly spec: { readonly environment: string }
}): string => environmentKey(component.metadata.namespace ?? '', component.spec.environment)

/** `namespace/name`, the key of an object that is in a namespace. */
export const keyOf = ({ metadata }: Metadata): string => `${metadata.namespace ?? ''}/${metadata.name}`
interface Metadata {
  readonly metadata: { readonly namespace?: string; readonly name: string }
}

/** The key of the Environment with this name. */
export const environmentKey = (namespace: string, name: string): string => `${namespace}/${name}`

/** entity_id of an event: the full id of a Component, `namespace/kind/name` (kind in lower case) of everything else. */
export const entityIdOf = (object: {
  readonly kind: string
  readonly metadata: { readonly namespace?: string; readonly name: string }
}): string => {
  const { namespace = '', name } = object.metadata
  if (object.kind === 'Component') {
    const id = idOfName(namespace, name)
    if (id.ok) return id.value
  }
  return `${namespace}/${object.kind.toLowerCase()}/${name}`
}

/** Parts joined by `-` as an object's name (a DNS subdomain, <= 253). See `fitted`. */
export const derivedName = (...parts: readonly string[]): string =>
  fitted(parts, 253, (text) => text.replace(/[^a-z0-9.-]+/g, '-').replace(/-*\.[.-]*/g, '.'))

/** Parts joined by `-` as the value of a label (<= 63). See `fitted`. */
export const derivedLabel = (...parts: readonly string[]): string =>
  fitted(parts, 63, (text) => text.replace(/[^A-Za-z0-9._-]+/g, '-'))

/**
 * What fits and is valid stays as it is; else it is cut, and 10 hex digits of the hash of all parts tell it from others
 * that begin alike. (Parts that fit are joined plainly: a caller whose parts may hold `-` adds a part that is a hash.)
 */
const fitted = (parts: readonly string[], longest: number, clean: (text: string) => string): string => {
  const joined = parts.join('-')
  const valid = clean(joined).replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '')
  if (valid === joined && valid.length <= longest && valid !== '') return valid
  const sum = hash('sha256', parts.join('\n')).slice(0, 10)
  const head = valid.slice(0, longest - sum.length - 1).replace(/[^A-Za-z0-9]+$/, '')
  return head === '' ? sum : `${head}-${sum}`
}

const noComponent = (found: string, expected: string): Result<never> =>
  failure({
    reason: 'UnknownComponent',
    message: `component: expected ${expected}, found ${JSON.stringify(found.slice(0, 300))}`,
    retry: false,
  })
