import { failure, type Result, success } from '../api/result.ts'
import type { ApiServer, Item } from '../ports/api-server.ts'
import {
  account,
  belonging,
  type Collection,
  type KarmaKind,
  karmaKinds,
  locks,
  namespacePath,
  ownNamespace,
  ownNamespaceOf,
  pathOfKind,
  policies,
  roles,
} from './installation.ts'

export interface Removal {
  readonly api: ApiServer
  /** a line for each thing that is done */
  readonly say: (line: string) => void
  readonly sleep: (ms: number) => Promise<unknown>
}

/**
 * Deletes all that is Karma's. May be stopped anywhere and repeated.
 *
 * The order is what keeps anything from getting stuck. First the operator's rights, so that nobody puts finalizers back,
 * and the policies that fill them in. Then finalizers, while the kinds are served and before anything is deleted: an
 * object that fills the last byte could not even take the time of its deletion. Then the kinds, which take their objects along.
 */
export const removeKarma = async (removal: Removal): Promise<Result<void>> => {
  const steps: readonly (() => Promise<Result<void>>)[] = [
    () => removeAll(removal, account),
    ...policies.map((collection) => () => removeAll(removal, collection)),
    () => stripAll(removal),
    () => removeKinds(removal),
    () => removeAll(removal, locks),
    () => removeAll(removal, roles),
    () => removeNamespace(removal),
  ]
  for (const step of steps) {
    const done = await step()
    if (!done.ok) return done
  }
  return success(undefined)
}

/** A policy that was deleted is at work for some seconds more, and so is a schema that was altered. */
const triesAfterwards = 60
const pauseAfterwards = 500
/** Without anything moving. */
const patience = 15_000
const pause = 250

const removeAll = async ({ api, say, sleep }: Removal, collection: Collection): Promise<Result<void>> => {
  const found = await belonging(api, collection)
  if (!found.ok) return found
  for (const { metadata } of found.value) {
    const { namespace, name } = metadata
    const path = namespace === undefined ? collection.path : namespaced(collection.path, namespace)
    let removed = await api.remove(`${path}/${name}`)
    for (let tries = 0; !removed.ok && isOfPolicy(removed.failure) && tries < triesAfterwards; tries++) {
      await sleep(pauseAfterwards)
      removed = await api.remove(`${path}/${name}`)
    }
    if (!removed.ok) return removed
    say(`${collection.noun} ${namespace === undefined ? name : `${namespace}/${name}`} deleted`)
  }
  return success(undefined)
}

const namespaced = (path: string, namespace: string): string =>
  path.replace(/\/([^/]+)$/, (_, plural) => `/namespaces/${namespace}/${plural}`)

const isOfPolicy = ({ reason, message }: { reason: string; message: string }): boolean =>
  reason === 'Forbidden' && message.includes('ValidatingAdmissionPolicy')

/** Until a look at all of them finds none: others may write at the same time. */
const stripAll = async (removal: Removal): Promise<Result<void>> => {
  const there = await karmaKinds(removal.api)
  if (!there.ok) return there
  for (const kind of there.value) {
    for (let left = 1; left > 0; ) {
      const stripped = await strip(removal, kind)
      if (!stripped.ok) return stripped
      left = stripped.value
    }
  }
  return success(undefined)
}

/** Takes Karma's finalizers from all objects of a kind, and says how many had any. */
const strip = async (removal: Removal, kind: KarmaKind): Promise<Result<number>> => {
  const { api, say } = removal
  let count = 0
  for await (const page of api.pages(pathOfKind(kind), { metadataOnly: true })) {
    // The list grew too old while it was read.
    if (!page.ok) return page.failure.reason === 'Expired' ? success(count + 1) : page
    const held = page.value.items.filter(({ metadata }) => metadata.finalizers?.some(isFinalizer))
    const written = await Promise.all(held.map((item) => release(removal, kind, item)))
    const failed = written.find((one) => !one.ok)
    if (failed) return failed
    count += held.length
  }
  if (count > 0) say(`finalizers taken from ${count} ${kind.plural}`)
  return success(count)
}

const isFinalizer = (name: string): boolean => name.startsWith('usekarma.dev/')

const release = async (removal: Removal, kind: KarmaKind, item: Item): Promise<Result<void>> => {
  const { resourceVersion, finalizers = [] } = item.metadata
  const metadata = { resourceVersion, finalizers: finalizers.filter((name) => !isFinalizer(name)) }
  let written = await removal.api.patch(pathOfKind(kind, item), { metadata })
  if (!written.ok && written.failure.message.includes('too large')) {
    written = await releaseEmptied(removal, kind, item, metadata)
  }
  if (written.ok) return success(undefined)
  const { reason, message } = written.failure
  // Gone meanwhile, or written by somebody else: the next look will tell.
  if (reason === 'NotFound' || reason === 'Conflict') return success(undefined)
  return failure({ ...written.failure, message: `${titleOf(kind, item)}: its finalizers stay: ${message}` })
}

/**
 * One that fills the last byte can be written only if it becomes smaller, and what makes it large may be immutable: the
 * schema, which goes anyway, is taken away first.
 */
const releaseEmptied = async (
  { api, sleep }: Removal,
  kind: KarmaKind,
  item: Item,
  metadata: object,
): Promise<Result<Item>> => {
  const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  const versions = kind.versions.map(({ name, served, storage }) => ({
    name,
    served,
    storage,
    schema: { openAPIV3Schema },
  }))
  const relaxed = await api.patch(definitionPath(kind), { spec: { versions } })
  if (!relaxed.ok) return relaxed
  for (let tries = 1; ; tries++) {
    const written = await api.patch(pathOfKind(kind, item), { metadata, spec: null })
    const isEarly = !written.ok && ['Invalid', 'Forbidden'].includes(written.failure.reason)
    if (!isEarly || tries === triesAfterwards) return written
    await sleep(pauseAfterwards)
  }
}

const titleOf = ({ plural }: KarmaKind, { metadata: { namespace, name } }: Item): string =>
  `${plural} ${namespace === undefined ? name : `${namespace}/${name}`}`

/** Nobody can create objects of a kind that is being deleted, so what was created until then is stripped too. */
const removeKinds = async (removal: Removal): Promise<Result<void>> => {
  const { api } = removal
  const there = await karmaKinds(api)
  if (!there.ok) return there
  for (const kind of there.value) {
    const removed = await api.remove(definitionPath(kind))
    if (!removed.ok) return removed
  }
  for (const kind of there.value) {
    const gone = await whenGone(removal, kind)
    if (!gone.ok) return gone
  }
  return success(undefined)
}

/** The API server deletes the objects; one that does not go is held, perhaps because it was created late. */
const whenGone = async (removal: Removal, kind: KarmaKind): Promise<Result<void>> => {
  const { api, say, sleep } = removal
  let before = Number.POSITIVE_INFINITY
  for (let waited = 0; waited <= patience; waited += pause) {
    const definition = await api.get(definitionPath(kind))
    if (!definition.ok && definition.failure.reason === 'NotFound') {
      say(`customresourcedefinition ${kind.definition} deleted`)
      return success(undefined)
    }
    const left = definition.ok ? await api.list(pathOfKind(kind), { metadataOnly: true }) : definition
    if (!left.ok) return left
    const isMoving = left.value.total < before
    before = left.value.total
    const stripped = isMoving ? success(0) : await strip(removal, kind)
    if (!stripped.ok) return stripped
    if (isMoving || stripped.value > 0) waited = 0
    await sleep(pause)
  }
  return stuck(api, kind)
}

const definitionPath = ({ definition }: KarmaKind): string =>
  `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definition}`

/** Only finalizers of others can hold an object now. */
const stuck = async (api: ApiServer, kind: KarmaKind): Promise<Result<never>> => {
  const page = await api.list(pathOfKind(kind), { metadataOnly: true })
  const items = page.ok ? page.value.items : []
  const named = items.slice(0, 5).map((item) => `${titleOf(kind, item)} (${item.metadata.finalizers?.join(', ')})`)
  const more = page.ok && page.value.total > named.length ? ` and ${page.value.total - named.length} more` : ''
  return failure({
    reason: 'Stuck',
    message:
      `customresourcedefinition ${kind.definition}: expected to be gone, found objects that are held by finalizers of others: ` +
      `${named.join('; ')}${more}; have those take them away`,
    retry: true,
  })
}

const removeNamespace = async ({ api, say, sleep }: Removal): Promise<Result<void>> => {
  const own = await ownNamespaceOf(api)
  if (!own.ok || own.value === undefined) return own.ok ? success(undefined) : own
  const removed = await api.remove(namespacePath)
  if (!removed.ok) return removed
  for (let waited = 0; waited <= patience * 8; waited += pause) {
    const found = await ownNamespaceOf(api)
    if (!found.ok) return found
    if (found.value === undefined) {
      say(`namespace ${ownNamespace} deleted`)
      return success(undefined)
    }
    await sleep(pause)
  }
  const message = `namespace ${ownNamespace}: expected to be gone, found it terminating; see kubectl get namespace ${ownNamespace} -o yaml`
  return failure({ reason: 'Stuck', message, retry: true })
}
