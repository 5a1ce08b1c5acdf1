import { type Result, success } from '../api/result.ts'
import type { ApiServer, Item } from '../ports/api-server.ts'

/*
 * What belongs to Karma in a cluster. Kinds and policies have its group in their names; roles and the namespace are told
 * from those of others by name and label.
 */

const group = 'usekarma.dev'
export const ownNamespace = 'karma-system'
const rbac = '/apis/rbac.authorization.k8s.io/v1'
const admission = '/apis/admissionregistration.k8s.io/v1'
export const namespacePath = `/api/v1/namespaces/${ownNamespace}`
const labelled = 'labelSelector=app.kubernetes.io/part-of=karma'

/** A collection in which some objects are Karma's. */
export interface Collection {
  readonly path: string
  readonly noun: string
  readonly query?: string
  readonly isKarmas: (item: Item) => boolean
}

const isOfGroup = ({ metadata }: Item): boolean => metadata.name.endsWith(`.${group}`)
const isNamedKarma = (name: string): boolean => name === 'karma' || name.startsWith('karma-')
const isRole = ({ metadata }: Item): boolean => isNamedKarma(metadata.name)

export const kinds: Collection = {
  path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  noun: 'customresourcedefinition',
  isKarmas: isOfGroup,
}
/** Without it an operator that runs all the same can write nothing. */
export const account: Collection = {
  path: `${rbac}/clusterrolebindings`,
  noun: 'clusterrolebinding',
  query: labelled,
  isKarmas: isRole,
}
export const roles: Collection = {
  path: `${rbac}/clusterroles`,
  noun: 'clusterrole',
  query: labelled,
  isKarmas: isRole,
}
/** What fills in finalizers goes before what refuses: nothing new is to be held. */
export const policies: readonly Collection[] = [
  ['mutatingadmissionpolicybinding', 'mutatingadmissionpolicybindings'],
  ['mutatingadmissionpolicy', 'mutatingadmissionpolicies'],
  ['validatingadmissionpolicybinding', 'validatingadmissionpolicybindings'],
  ['validatingadmissionpolicy', 'validatingadmissionpolicies'],
].map(([noun = '', plural]) => ({ path: `${admission}/${plural}`, noun, isKarmas: isOfGroup }))
/** The locks of environments, in their namespaces: written by nobody but the operator. */
export const locks: Collection = {
  path: '/apis/coordination.k8s.io/v1/leases',
  noun: 'lease',
  isKarmas: ({ metadata: { name, managedFields = [] } }) =>
    name.startsWith('karma-') && managedFields.some(({ manager }) => manager === 'karma'),
}

/** All that are Karma's. Fails like a list. */
export const belonging = async (api: ApiServer, collection: Collection): Promise<Result<Item[]>> => {
  const found: Item[] = []
  for await (const page of api.pages(collection.path, collection.query ? { query: collection.query } : {})) {
    if (!page.ok) return page
    found.push(...page.value.items.filter(collection.isKarmas))
  }
  return success(found)
}

/** A kind of Karma's, as its definition says. */
export interface KarmaKind {
  readonly definition: string
  readonly plural: string
  /** that objects are stored as */
  readonly version: string
  readonly versions: readonly KindVersion[]
}

interface KindVersion {
  readonly name: string
  readonly served: boolean
  readonly storage: boolean
}

export const karmaKinds = async (api: ApiServer): Promise<Result<KarmaKind[]>> => {
  const found = await belonging(api, kinds)
  if (!found.ok) return found
  return success(
    found.value.map(({ metadata, spec }) => {
      const { names, versions } = spec as { names: { plural: string }; versions: readonly KindVersion[] }
      const version = versions.find(({ storage }) => storage)?.name ?? ''
      return { definition: metadata.name, plural: names.plural, version, versions }
    }),
  )
}

export const pathOfKind = ({ version, plural }: KarmaKind, { metadata }: Partial<Item> = {}): string => {
  const base = `/apis/${group}/${version}`
  if (metadata === undefined) return `${base}/${plural}`
  const { namespace, name } = metadata
  return `${base}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${plural}/${name}`
}

/** What is there, as people read it: `7 components`. Empty: nothing is. */
export const installed = async (api: ApiServer): Promise<Result<string[]>> => {
  const there = await karmaKinds(api)
  if (!there.ok) return there
  const lines: string[] = []
  const add = (count: number, what: string): void => {
    if (count > 0) lines.push(`${count} ${what}`)
  }
  for (const kind of there.value) {
    const objects = await api.list(pathOfKind(kind), { metadataOnly: true })
    if (!objects.ok) return objects
    add(objects.value.total, kind.plural)
  }
  add(there.value.length, 'kinds')
  let count = 0
  for (const collection of [...policies, account, roles, locks]) {
    const found = await belonging(api, collection)
    if (!found.ok) return found
    count += found.value.length
  }
  add(count, 'policies, roles, bindings and locks')
  const own = await ownNamespaceOf(api)
  if (!own.ok) return own
  return success(own.value ? [...lines, `namespace ${ownNamespace}`] : lines)
}

/** The namespace, when it is Karma's by its label too. */
export const ownNamespaceOf = async (api: ApiServer): Promise<Result<Item | undefined>> => {
  const found = await belonging(api, {
    path: '/api/v1/namespaces',
    noun: 'namespace',
    query: labelled,
    isKarmas: ({ metadata }) => metadata.name === ownNamespace,
  })
  return found.ok ? success(found.value[0]) : found
}

/** Rights that the caller lacks, as `verb resource`. */
export const missingRights = async (api: ApiServer): Promise<Result<string[]>> => {
  const there = await karmaKinds(api)
  if (!there.ok) return there
  const missing: string[] = []
  const needed = [
    ...there.value.flatMap(({ plural }) => rightsOn(`/apis/${group}/*/${plural}`, ['list', 'patch'])),
    ...[kinds, ...policies, account, roles, locks].flatMap(({ path }) => rightsOn(path, ['list', 'delete'])),
    ...rightsOn(kinds.path, ['get', 'patch']),
    ...rightsOn('/api/v1/namespaces', ['get', 'list', 'delete']),
    ...rightsOn(locks.path, ['get']),
  ]
  const reviews = await Promise.all(needed.map((right) => review(api, right)))
  for (const [i, allowed] of reviews.entries()) {
    if (!allowed.ok) return allowed
    const { verb, resource, group: of } = needed[i]!
    if (!allowed.value) missing.push(`${verb} ${resource}${of && `.${of}`}`)
  }
  return success(missing)
}

interface Right {
  readonly verb: string
  readonly resource: string
  readonly group: string
}

const review = async (api: ApiServer, resourceAttributes: Right): Promise<Result<boolean>> => {
  const answer = await api.create('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  })
  return answer.ok ? success((answer.value.status as { allowed?: boolean } | undefined)?.allowed === true) : answer
}

/** `path`: /api/VERSION/RESOURCE or /apis/GROUP/VERSION/RESOURCE. */
const rightsOn = (path: string, verbs: readonly string[]): Right[] => {
  const parts = path.split('/').slice(1)
  const resource = parts.at(-1) ?? ''
  return verbs.map((verb) => ({ verb, resource, group: parts[0] === 'apis' ? (parts[1] ?? '') : '' }))
}

/**
 * Who leads, undefined when nobody does. A holder that was killed is still named in the Lease, so it is watched whether
 * the Lease is renewed while it is valid; the clocks of two machines need not agree for that.
 */
export const leaderOf = async (
  api: ApiServer,
  { note, sleep }: { note: (line: string) => void; sleep: (ms: number) => Promise<unknown> },
): Promise<Result<string | undefined>> => {
  const look = async (): Promise<Result<Item | undefined>> => {
    const lease = await api.get(`/apis/coordination.k8s.io/v1/namespaces/${ownNamespace}/leases/karma-leader`)
    return lease.ok || lease.failure.reason !== 'NotFound' ? lease : success(undefined)
  }
  const first = await look()
  if (!first.ok) return first
  const { holder, seconds } = heldBy(first.value)
  if (holder === '') return success(undefined)
  note(`looking for up to ${seconds} s whether ${holder} still leads`)
  for (let waited = 0; waited <= seconds; waited++) {
    await sleep(1_000)
    const now = await look()
    if (!now.ok) return now
    if (heldBy(now.value).holder === '') return success(undefined)
    if (now.value?.metadata.resourceVersion !== first.value?.metadata.resourceVersion) {
      return success(heldBy(now.value).holder)
    }
  }
  return success(undefined)
}

const heldBy = (lease: Item | undefined): { holder: string; seconds: number } => {
  const { holderIdentity = '', leaseDurationSeconds = 15 } = (lease?.spec ?? {}) as {
    holderIdentity?: string
    leaseDurationSeconds?: number
  }
  return { holder: holderIdentity, seconds: leaseDurationSeconds }
}

/** What stays, because it is not Karma's to delete. */
export const leftOf = async (api: ApiServer): Promise<string[]> => {
  const lines: string[] = []
  for (const [path, noun] of [
    [`${rbac}/rolebindings`, 'rolebinding'],
    [`${rbac}/clusterrolebindings`, 'clusterrolebinding'],
  ] as const) {
    const found = await belonging(api, { path, noun, isKarmas: refersToRole })
    if (!found.ok) lines.push(`${noun}s were not looked at: ${found.failure.message}`)
    for (const { metadata, roleRef } of found.ok ? found.value : []) {
      const name = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`
      lines.push(`${noun} ${name}, which names ClusterRole ${(roleRef as { name: string }).name}`)
    }
  }
  const namespace = await api.get(namespacePath)
  if (namespace.ok) lines.push(`namespace ${ownNamespace}, which has not the label app.kubernetes.io/part-of=karma`)
  return [...lines, 'the ledger, in the folder KARMA_DATA of the machine where the operator ran']
}

const refersToRole = ({ roleRef }: Item): boolean => {
  const { kind, name = '' } = (roleRef ?? {}) as { kind?: string; name?: string }
  return kind === 'ClusterRole' && isNamedKarma(name)
}
