import type { Applying, ChangeRequest, Component, Environment, Image, Promised } from '../../api/kinds.generated.ts'
import { isNewer, newestOf } from '../../api/resource-version.ts'
import { display, idOf, idOfName, keyOfId, placeOf, resolveId } from '../component/identity.ts'
import { hashOf, wantedOf } from '../component/wanted.ts'
import type { InFlight } from '../guard/facts.ts'
import { askedBy } from './asked.ts'
import { bounds } from './bounds.ts'
import type { Pledge } from './pledge.ts'
import { isFinished, phaseOf } from './status.ts'

/*
 * References into other environments. Nobody holds two environments for one: who is about to refer to a Component
 * elsewhere promises it there, in the status of that Component's environment, before deciding in its own. The promise
 * is conditioned on that environment being as it was planned on, and it moves its resourceVersion: whoever plans there
 * afterwards sees it, and whoever planned before cannot publish. Until it is seen what became of it, the Component
 * stays as it is. The exploration is test/unit/core/change/promise.test.ts.
 */

/** What the caches of this process show. */
export interface Sight {
  /** by key */
  environment(key: string): Environment | undefined
  object(kind: 'ChangeRequest' | 'Component', key: string): ChangeRequest | Component | undefined
  /** Requests were written ahead there, and may be published next. */
  isAhead(environment: string): boolean
  /** Everything of a kind up to here has been seen. */
  readonly reached: { readonly Environment: string; readonly Component: string }
}

/** What stands as promised in an environment. */
export interface Open {
  /** it is not known what became of these */
  readonly open: readonly Promised[]
  /** A plan must have seen Components up to here to know what became of the others. */
  readonly seen: string
}

export const openPromises = (environment: Environment, sight: Sight): Open => {
  const open: Promised[] = []
  let seen = '0'
  for (const promise of environment.status?.promised ?? []) {
    const at = outcomeOf(promise, environment, sight)
    if (at === undefined) open.push(promise)
    else seen = newestOf([seen, at])
  }
  return { open, seen }
}

/** Up to where Components show what became of it; undefined: they do not yet, or it is not decided. */
const outcomeOf = (promise: Promised, { metadata }: Environment, sight: Sight): string | undefined => {
  // One above that of the Environment it stands in is of another etcd (a restored backup).
  if (isNewer(promise.resourceVersion, metadata.resourceVersion ?? '')) return '0'
  const other = sight.environment(promise.environment)
  // It was deleted, or has not been seen.
  if (!other) return isNewer(promise.resourceVersion, sight.reached.Environment) ? undefined : '0'
  if (isUndecided(promise, other)) return undefined
  const { version = 0, applying = [] } = other.status ?? {}
  // Somebody else has written it since: it can be published no more.
  if (version < promise.version) return '0'
  const highest = highestOf(other)
  if (isNewer(highest, sight.reached.Component)) return undefined
  return version === promise.version ? allArrived(applying, highest, other, sight) : highest
}

const isUndecided = ({ resourceVersion }: Promised, { metadata }: Environment): boolean =>
  !isNewer(metadata.resourceVersion ?? '', resourceVersion)

/** One above the Environment's own is of another etcd, and would never be reached. */
const highestOf = ({ metadata, status }: Environment): string => {
  const { committedResourceVersion = '0' } = status ?? {}
  return isNewer(committedResourceVersion, metadata.resourceVersion ?? '') ? '0' : committedResourceVersion
}

const allArrived = (applying: readonly Applying[], from: string, environment: Environment, sight: Sight) =>
  applying.reduce<string | undefined>((highest, one) => {
    const at = arrived(one, environment, sight)
    return highest === undefined || at === undefined ? undefined : newestOf([highest, at])
  }, from)

/** The highest resourceVersion of the Components into which something was written that is applying. Undefined: it may not be there yet. */
const arrived = (applying: Applying, environment: Environment, sight: Sight): string | undefined => {
  const { namespace = '' } = environment.metadata
  const { kind, name, uid } = applying
  const find = (id: string): Component | undefined => componentAt(id, sight)
  if (kind !== 'ChangeRequest') {
    const id = idOfName(namespace, name)
    const component = id.ok ? find(id.value) : undefined
    const isAnother = component?.metadata.uid !== uid
    if (kind === 'Removal') return isAnother ? '0' : ifThat(!component?.status?.committed, component)
    if (!component || isAnother) return undefined
    // One that was edited since is not committed any more.
    const isEdited = !component.status?.committed && hashOf(wantedOf(component.spec)) !== applying.hash
    return ifThat(component.status?.committed !== undefined || isEdited, component)
  }
  const request = requestAt(applying, namespace, sight)
  if (!request || !isFinished(phaseOf(request.status))) return undefined
  return (request.status?.images ?? []).reduce<string | undefined>((highest, image) => {
    const id = resolveId(image.component, request.metadata.namespace ?? '')
    const at = id.ok ? arrivedIn(image, find(id.value), environment) : '0'
    return highest === undefined || at === undefined ? undefined : newestOf([highest, at])
  }, '0')
}

const arrivedIn = (image: Image, component: Component | undefined, { metadata, status }: Environment) => {
  if (image.after === 'null') return component ? ifThat(!component.status?.committed, component) : '0'
  if (!component) return undefined
  // Its part in another environment.
  if (component.spec.environment !== metadata.name || component.metadata.namespace !== metadata.namespace) return '0'
  if (image.uid !== undefined && image.uid !== component.metadata.uid) return '0'
  return ifThat((component.status?.committed?.graphVersion ?? 0) >= (status?.version ?? 0), component)
}

const ifThat = (holds: boolean, component: Component | undefined): string | undefined =>
  holds ? (component?.metadata.resourceVersion ?? '0') : undefined

const componentAt = (id: string, sight: Sight): Component | undefined => {
  const key = keyOfId(id)
  const found = key.ok ? sight.object('Component', key.value) : undefined
  return found?.kind === 'Component' ? found : undefined
}

const requestAt = ({ name, uid }: Applying, namespace: string, sight: Sight) => {
  const found = sight.object('ChangeRequest', `${namespace}/${name}`)
  return found?.kind === 'ChangeRequest' && found.metadata.uid === uid ? found : undefined
}

/** What keeps others from these Components until it is seen what became of what was promised. `all`: full ids. */
export const inFlightFor = (open: readonly Promised[], namespace: string, all: () => Iterable<string>): InFlight[] =>
  open.map(({ environment, components }) => ({
    object: `environment/${environment}`,
    affected: new Set(components ? components.map((id) => `${namespace}/${id}`) : all()),
  }))

export interface Asking {
  /** the environment that is about to refer, as its holder has it */
  readonly environment: Environment
  readonly sight: Sight
}

/**
 * What is to be promised in another environment, whose key is `place`, before one may refer to Components of it.
 * Undefined: it has to wait. All that was decided there about these Components must show in the cache, for on that they
 * are judged.
 */
export const pledgeFor = (
  ids: readonly string[],
  place: string,
  { environment, sight }: Asking,
): Pledge | undefined => {
  const other = sight.environment(place)
  if (!other) return undefined
  const { prepared, applying = [], promised = [] } = other.status ?? {}
  if (prepared || isNewer(highestOf(other), sight.reached.Component)) return undefined
  if (applying.some((one) => mayWrite(one, ids, other, sight))) return undefined
  if (promised.length >= bounds.promised && openPromises(other, sight).open.length >= bounds.promised) return undefined
  // Who is about to publish would be displaced; two that do so to each other would get nowhere.
  const isExpected = environment.status?.promised?.some((one) => one.environment === place && isUndecided(one, other))
  if (isExpected || sight.isAhead(place)) return undefined
  return { environment: place, resourceVersion: other.metadata.resourceVersion ?? '', components: ids }
}

/** What was decided may still be written into one of these. */
const mayWrite = (applying: Applying, ids: readonly string[], environment: Environment, sight: Sight): boolean => {
  if (arrived(applying, environment, sight) !== undefined) return false
  const { namespace = '' } = environment.metadata
  if (applying.kind !== 'ChangeRequest') {
    const id = idOfName(namespace, applying.name)
    return !id.ok || ids.includes(id.value)
  }
  const request = requestAt(applying, namespace, sight)
  if (!request || request.spec.rollbackOf !== undefined) return true
  return askedBy(request.spec).some(({ component }) => {
    const id = resolveId(component, request.metadata.namespace ?? '')
    return !id.ok || ids.includes(id.value)
  })
}

/** The promise as it stands in the status of the other environment, whose namespace is given. */
export const promiseOf = (
  { components }: Pledge,
  held: { readonly environment: string; readonly resourceVersion: string; readonly version: number },
  namespace: string,
): Promised => {
  const { environment, resourceVersion, version } = held
  const local = components.map((id) => display(id, namespace))
  const isShort = local.length <= 64 && local.join('').length <= bounds.promisedBytes
  return { environment, resourceVersion, version: version + 1, ...(isShort && { components: local }) }
}

/** Of these full ids those that are committed, by the key of their environment, but for those of `own`. */
export const abroad = (
  ids: readonly string[],
  own: string,
  known: (id: string) => { readonly component: Component } | undefined,
): Map<string, string[]> => {
  const byPlace = new Map<string, string[]>()
  for (const id of ids) {
    const component = known(id)?.component
    const place = component && placeOf(component)
    if (place === undefined || place === own) continue
    byPlace.set(place, [...(byPlace.get(place) ?? []), idOf(component!)])
  }
  return byPlace
}
