import {
  parseChangeApproval,
  parseChangeRequest,
  parseComponent,
  parseComponentType,
  parseEnvironment,
} from '../../api/parse.ts'
import type { Result } from '../../api/result.ts'
import type { Kind, Of } from '../../ports/cluster.ts'
import { pathOf } from './path.ts'

const group = { group: 'usekarma.dev', version: 'v1alpha1' }
const plurals: Readonly<Record<Kind, string>> = {
  ChangeRequest: 'changerequests',
  Component: 'components',
  Environment: 'environments',
  ComponentType: 'componenttypes',
  ChangeApproval: 'changeapprovals',
}

const parsers: { readonly [K in Kind]: (raw: unknown) => Result<Of<K>> } = {
  ChangeRequest: parseChangeRequest,
  Component: parseComponent,
  Environment: parseEnvironment,
  ComponentType: parseComponentType,
  ChangeApproval: parseChangeApproval,
}

/** From what the API server sent to a typed object. */
export const parseAs = <K extends Kind>(kind: K, raw: unknown): Result<Of<K>> => parsers[kind](raw)

/** Of all objects of the kind, or of one object (`namespace/name`, or `name` for what has no namespace). */
export const collectionPath = (kind: Kind, namespace?: string): string =>
  pathOf({ ...group, plural: plurals[kind] }, namespace === undefined ? {} : { namespace })

export const objectPath = (kind: Kind, key: string, subresource?: string): string => {
  const slash = key.indexOf('/')
  const name = key.slice(slash + 1)
  const at = slash < 0 ? { name } : { namespace: key.slice(0, slash), name }
  return pathOf({ ...group, plural: plurals[kind] }, subresource === undefined ? at : { ...at, subresource })
}

/** Kubernetes Events of a namespace. */
export const eventsPath = (namespace: string): string =>
  pathOf({ group: 'events.k8s.io', version: 'v1', plural: 'events' }, { namespace })
