import { resolveId } from '../component/identity.ts'
import { placeholdersOf } from '../component/placeholder.ts'
import { outputsRead } from '../component/resolution.ts'
import type { Wanted } from '../component/wanted.ts'

/** What a batch newly refers to in another environment, to be promised there (promise.ts). */
export interface Pledge {
  /** `namespace/name` */
  readonly environment: string
  /** as that environment was when the batch was planned: the promise is conditioned on it */
  readonly resourceVersion: string
  /** full ids */
  readonly components: readonly string[]
}

/** Those of a whole batch, one for each environment, in the order of their names. */
export const pledgesOf = (members: readonly { readonly refers?: readonly Pledge[] }[]): Pledge[] => {
  const byPlace = new Map<string, Pledge>()
  for (const pledge of members.flatMap(({ refers = [] }) => refers)) {
    const { components = [] } = byPlace.get(pledge.environment) ?? {}
    byPlace.set(pledge.environment, {
      ...pledge,
      components: [...new Set([...components, ...pledge.components])].sort(),
    })
  }
  return [...byPlace.values()].sort((a, b) => (a.environment < b.environment ? -1 : 1))
}

/** Full ids of what is referred to that was not before, or of which an output is read that was not. */
export const newlyReferred = (before: Wanted | null, after: Wanted | null, namespace: string): string[] => {
  const [was, is] = [readsOf(before, namespace), readsOf(after, namespace)]
  return [...is].flatMap(([id, outputs]) => (covers(was.get(id), outputs) ? [] : [id]))
}

/** No outputs: it may read all of them. */
const covers = (was: ReadonlySet<string> | undefined, is: ReadonlySet<string>): boolean =>
  was !== undefined && (was.size === 0 || (is.size > 0 && [...is].every((output) => was.has(output))))

const readsOf = (wanted: Wanted | null, namespace: string): Map<string, Set<string>> => {
  const reads = new Map<string, Set<string>>()
  const { references = [], config } = wanted ?? {}
  const placeholders = placeholdersOf(config)
  for (const reference of references) {
    const id = resolveId(reference.component, namespace)
    if (!id.ok) continue
    const outputs = outputsRead(reference, placeholders)
    const known = reads.get(id.value)
    const isAll = outputs.length === 0 || known?.size === 0
    reads.set(id.value, new Set(isAll ? [] : [...outputs, ...(known ?? [])]))
  }
  return reads
}
