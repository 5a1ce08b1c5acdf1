import type { AskedChange, JsonObject, ProposedReference } from '../api/kinds.generated.ts'
import { deepEqual, emptyObject, isObject, patchBetween } from '../api/merge-patch.ts'
import { failure, type Result, success } from '../api/result.ts'
import { stateOf } from '../core/change/image.ts'
import { changedPaths, valueAt } from '../core/change/patch.ts'
import { display } from '../core/component/identity.ts'
import type { Wanted } from '../core/component/wanted.ts'

/** What a set of changes has to do so that what is committed becomes what it was. */
export interface Restoration {
  readonly changes: readonly AskedChange[]
  /** deleted since, by full id: no request makes a Component */
  readonly missing: ReadonlyMap<string, Wanted>
  /** fields that no request changes */
  readonly beyond: readonly { readonly component: string; readonly fields: readonly string[] }[]
}

type Committed = ReadonlyMap<string, Wanted>

/** As the CRD has them. */
const most = { changes: 100, remove: 64, pointer: 512, references: 64 } as const

/** By full id. Fails (TooLarge) when it does not fit into one request. */
export const restorationOf = (now: Committed, then: Committed, namespace: string): Result<Restoration> => {
  const changes: AskedChange[] = []
  const beyond: Restoration['beyond'][number][] = []
  for (const id of [...now.keys()].sort()) {
    const component = display(id, namespace)
    const [is, was] = [now.get(id)!, then.get(id)]
    if (!was) {
      changes.push({ component, operation: 'Delete' })
      continue
    }
    const change = changeBack(component, is, was)
    if ((change.remove ?? []).length > most.remove || (change.proposedReferences ?? []).length > most.references) {
      return tooLarge(
        `Component ${component}: expected at most ${most.remove} fields and ${most.references} references to go back, found more; edit the Component instead`,
      )
    }
    if (Object.keys(change).length > 1) changes.push(change)
    const fields = (['allowedNamespaces', 'project', 'source'] as const).filter(
      (field) => !deepEqual(stateOf(is)[field], stateOf(was)[field]),
    )
    if (fields.length > 0) beyond.push({ component, fields })
  }
  if (changes.length > most.changes) {
    return tooLarge(
      `spec.changes: expected at most ${most.changes} Components, found ${changes.length} that are other than they were; go back to a newer version first, or undo single changes by kubectl karma rollback`,
    )
  }
  return success({ changes, missing: new Map([...then].filter(([id]) => !now.has(id))), beyond })
}

const tooLarge = (message: string): Result<never> => failure({ reason: 'TooLarge', message, retry: false })

const changeBack = (component: string, is: Wanted, was: Wanted): AskedChange => {
  const { remove, proposedChange } = configBack(is.config ?? emptyObject(), was.config ?? emptyObject())
  const proposedReferences = referencesBack(is, was)
  return {
    component,
    ...(Object.keys(proposedChange).length > 0 && { proposedChange }),
    ...(remove.length > 0 && { remove }),
    ...(proposedReferences.length > 0 && { proposedReferences }),
  }
}

/** First what is to be taken away, then what is to be merged in, as a request does it. */
const configBack = (is: JsonObject, was: JsonObject): { remove: string[]; proposedChange: JsonObject } => {
  const remove = changedPaths(is, was).filter((path) => valueAt(was, path) === undefined)
  const patch = patchBetween(is, was)
  if (remove.length <= most.remove && remove.every((path) => path.length <= most.pointer)) {
    return { remove, proposedChange: withoutNulls(patch, is) }
  }
  // Too many, or too deep: what they stand in goes as a whole, and comes back as it was.
  const tops = new Set(remove.map((path) => `/${path.split('/')[1]}`))
  const whole = Object.entries(was).filter(([key]) => Object.hasOwn(patch, key))
  return { remove: [...tops], proposedChange: Object.assign(emptyObject(), Object.fromEntries(whole)) }
}

/** The part of a patch that people may write: nulls are what `remove` is for. */
const withoutNulls = (patch: JsonObject, is: JsonObject): JsonObject => {
  const kept = emptyObject()
  for (const [key, value] of Object.entries(patch)) {
    const old = Object.hasOwn(is, key) ? is[key] : undefined
    if (value === null) continue
    if (!isObject(value) || !isObject(old)) kept[key] = value
    else {
      const inner = withoutNulls(value, old)
      if (Object.keys(inner).length > 0) kept[key] = inner
    }
  }
  return kept
}

const referencesBack = ({ references: is = [] }: Wanted, { references: was = [] }: Wanted): ProposedReference[] => {
  const now = new Map(is.map((reference) => [reference.name, reference]))
  const names = new Set(was.map(({ name }) => name))
  return [
    ...is.filter(({ name }) => !names.has(name)).map(({ name }) => ({ name, remove: true })),
    ...was.filter((one) => !deepEqual(now.get(one.name) as JsonObject | undefined, one as unknown as JsonObject)),
  ]
}
