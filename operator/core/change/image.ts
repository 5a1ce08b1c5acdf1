import type {
  Component,
  ComponentSpec,
  Image,
  Json,
  JsonObject,
  ObjectMeta,
  Reference,
  Source,
} from '../../api/kinds.generated.ts'
import { emptyObject, isObject, mergePatch, patchBetween } from '../../api/merge-patch.ts'
import { identityOf, nameOfIdentity, resolveId } from '../component/identity.ts'
import { type Wanted, wantedOf } from '../component/wanted.ts'

/*
 * Images: what a change writes into a Component, and what undoes it, as texts of JSON merge patches (RFC 7386). They
 * stand in the request's status from the write-ahead on, so that anybody can finish the change, or undo it later.
 *
 * Patches are over a form of what is wanted in which references are a map by name: a patch reaches into one of them
 * and leaves the others alone. The text `null` stands for a Component that is not there.
 */

export type State = JsonObject

export const stateOf = ({ config, references, source, project, allowedNamespaces }: Wanted): State => {
  const state = emptyObject()
  if (config) state.config = config
  // Always a map: of the last one that goes a patch says its name, too, not that there are none any more.
  state.references = byName(references ?? [])
  if (source) state.source = source as unknown as JsonObject
  if (project) state.project = project
  if (allowedNamespaces) state.allowedNamespaces = allowedNamespaces
  return state
}

const byName = (references: readonly Reference[]): JsonObject => {
  const map = emptyObject()
  for (const { name, ...rest } of references) map[name] = rest as JsonObject
  return map
}

export const wantedFrom = (state: State): Wanted => {
  const { config, references, source, project, allowedNamespaces } = state
  return wantedOf({
    ...(isObject(config) && { config }),
    ...(isObject(references) && { references: referencesIn(references) }),
    ...(isObject(source) && { source: source as unknown as Source }),
    ...(typeof project === 'string' && { project }),
    ...(Array.isArray(allowedNamespaces) && { allowedNamespaces: allowedNamespaces as string[] }),
  })
}

const referencesIn = (map: JsonObject): Reference[] =>
  Object.entries(map).map(([name, rest]) => ({ name, ...(rest as object) }) as Reference)

/** The texts of a change from `before` to `after`. `whole`: what a Component that is not there needs beside its state. */
export const imageTexts = (
  before: Wanted | null,
  after: Wanted | null,
  whole: JsonObject,
): Pick<Image, 'before' | 'after'> => {
  if (before === null || after === null) {
    const text = (wanted: Wanted | null): string => JSON.stringify(wanted && { ...whole, ...stateOf(wanted) })
    return { before: text(before), after: text(after) }
  }
  const [was, is] = [stateOf(before), stateOf(after)]
  return { before: JSON.stringify(patchBetween(is, was)), after: JSON.stringify(patchBetween(was, is)) }
}

/** What an image makes of a Component; `undefined`: the text is none that Karma writes. */
export const imaged = (text: string, wanted: Wanted | null): Wanted | null | undefined => {
  const patch = readImage(text)
  if (patch === undefined || patch === null) return patch
  return wantedFrom(mergePatch(wanted === null ? emptyObject() : stateOf(wanted), patch) as State)
}

/** `null`, or the patch. `undefined`: it is neither. */
export const readImage = (text: string): State | null | undefined => {
  try {
    const value = JSON.parse(text, (_key, member: Json) => (isObject(member) ? unnamed(member) : member)) as Json
    return value === null || isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** The environment of one that comes or goes. Of one that stays the image does not say it. */
export const environmentIn = ({ before, after }: Image): string | undefined => {
  const whole = before === 'null' ? readImage(after) : after === 'null' ? readImage(before) : undefined
  return typeof whole?.environment === 'string' ? whole.environment : undefined
}

/** Whether a Component that is committed at this version (undefined: it is not) is what the image makes of it, or a later one. */
export const isCarried = (image: Image | undefined, version: number | undefined, wanted: number): boolean =>
  image?.after === 'null' ? version === undefined : (version ?? 0) >= wanted

/** Without a prototype: `constructor` is a key like any other. */
const unnamed = (object: JsonObject): JsonObject => Object.assign(emptyObject(), object)

/** A Component that is not there, as an image says it shall be. `undefined`: the image says no such thing. */
export const componentFrom = (image: Image, namespace: string, text = image.after): Component | undefined => {
  const id = resolveId(image.component, namespace)
  const identity = id.ok ? identityOf(id.value) : id
  const whole = readImage(text)
  if (!identity.ok || !whole || typeof whole.environment !== 'string') return undefined
  const { environment, labels, ...state } = whole
  const { type, nickname } = identity.value
  const metadata: ObjectMeta = { namespace: identity.value.namespace, name: nameOfIdentity(identity.value) }
  if (isObject(labels)) metadata.labels = labels as Record<string, string>
  const spec = { type, nickname, environment, ...wantedFrom(state) }
  return { apiVersion: 'usekarma.dev/v1alpha1', kind: 'Component', metadata, spec }
}

/** The merge patch of a spec that brings `patch` (of its state) about. Lists are replaced whole, in the order they have. */
export const specPatchOf = (patch: State, spec: ComponentSpec): JsonObject => {
  const { references, ...rest } = patch
  if (!isObject(references)) return rest
  const merged = mergePatch(byName(spec.references ?? []), references) as JsonObject
  return { ...rest, references: referencesIn(merged) as unknown as Json }
}
