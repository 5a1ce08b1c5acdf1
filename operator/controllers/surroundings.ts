import { failure, type Result, success } from '../api/result.ts'
import { inFlightOf } from '../core/change/in-flight.ts'
import { idOf, keyOf } from '../core/component/identity.ts'
import { joined } from '../core/graph/across.ts'
import type { GraphView } from '../core/graph/view.ts'
import type { InFlight } from '../core/guard/facts.ts'
import type { Caches, Of } from '../ports/cluster.ts'
import type { GraphStore, Read } from '../ports/graph.ts'
import { changeIdOf } from './passage.ts'
import { namespacesAbroad } from './wake.ts'

export interface SurroundingsDependencies {
  readonly caches: Caches
  readonly graph: GraphStore
  /** whether the graph of an environment is what its Components say */
  readonly isBuilt: (environmentKey: string) => boolean
  readonly isWhole: (environment: Of<'Environment'>) => boolean
  /** built anew where it is not held */
  readonly viewAt: (environmentKey: string, version: number, changeId: string) => Promise<Result<Read>>
}

/** An environment's graph, with what depends on it in others. */
export interface Surrounded {
  readonly view: GraphView
  /** by key: the other environments from which something is in it */
  readonly otherVersions: Readonly<Record<string, number>>
}

/** Another environment at one version of its graph. */
export interface Other {
  readonly key: string
  readonly version: number
  readonly view: GraphView
}

/**
 * What refers to the Components of an environment from elsewhere. From other namespaces only those are looked at out of
 * which somebody refers in; while nobody does, nothing is built.
 */
export const makeSurroundings = ({ caches, graph, isBuilt, isWhole, viewAt }: SurroundingsDependencies) => {
  /** by namespace: those that may have a part in the graphs of its environments */
  const namespaces = new Map<string, readonly string[]>()
  /** by environment: what was put together last, and of what */
  const last = new Map<string, { readonly of: readonly unknown[]; readonly surrounded: Surrounded }>()

  caches.Component.onChange(({ before, after }) => {
    const refersAbroad = [before, after].some((component) => component && namespacesAbroad(component).length > 0)
    if (refersAbroad) namespaces.clear()
  })

  /** A namespace, those that refer into it, those that refer into these, … */
  const namespacesAround = (namespace: string): readonly string[] => {
    const known = namespaces.get(namespace)
    if (known) return known
    const found = new Set([namespace])
    // What is added on the way is visited too.
    for (const one of found) {
      for (const { metadata } of caches.Component.byIndex('abroad', one)) found.add(metadata.namespace ?? '')
    }
    namespaces.set(namespace, [...found])
    return [...found]
  }

  const othersThan = (key: string): Of<'Environment'>[] =>
    namespacesAround(key.slice(0, key.indexOf('/')))
      .flatMap((namespace) => [...caches.Environment.byIndex('namespace', namespace)])
      .filter((environment) => keyOf(environment) !== key)

  /** The newest version that is decided and that the store holds, unless it has missed one. */
  const heldOf = async (key: string, version: number, whole: boolean): Promise<Result<number | undefined>> => {
    if (!isBuilt(key)) return success(undefined)
    const head = await graph.head(key)
    if (!head.ok) return head
    // While an environment is being written, the version before may be the newest.
    const least = whole ? version : version - 1
    // One that is ahead of what is decided was written by somebody else.
    return success(head.value.version >= least ? Math.min(head.value.version, version) : undefined)
  }

  const newestOf = async (environment: Of<'Environment'>): Promise<Result<Other>> => {
    const key = keyOf(environment)
    const { version: published = 0, applying = [] } = environment.status ?? {}
    const held = await heldOf(key, published, isWhole(environment))
    if (!held.ok) return held
    if (held.value === undefined && !isWhole(environment)) return beingWritten(key)
    const version = held.value ?? published
    const kept = held.value === undefined ? undefined : await graph.view(key, version)
    const isToBeLoaded = !kept || (!kept.ok && kept.failure.reason === 'MirrorDiffers' && isWhole(environment))
    const view = isToBeLoaded ? await viewAt(key, version, changeIdOf(applying)) : kept
    return view.ok ? success({ key, version, view: view.value.view }) : view
  }

  return {
    /** `passed`: those that a change passes together with this one, and `ids` of what it changes there */
    async around(
      key: string,
      base: GraphView,
      { passed, ids }: { readonly passed: readonly Other[]; readonly ids: readonly string[] },
    ): Promise<Result<Surrounded>> {
      const others = [...passed]
      for (const environment of othersThan(key)) {
        if (passed.some((other) => other.key === keyOf(environment))) continue
        const other = await newestOf(environment)
        if (!other.ok) return other
        others.push(other.value)
      }
      // What comes back may be named by references that were never taken away.
      const coming = [...[...caches.Component.byIndex('coming', key)].map(idOf), ...ids]
      const of = [base, ...others.map(({ view }) => view), coming.join()]
      const before = last.get(key)
      if (before && of.length === before.of.length && of.every((one, i) => one === before.of[i])) {
        return success(before.surrounded)
      }
      const views = others.map(({ view }) => view)
      const { view, parts } = joined(base, views, coming)
      const versions = others.flatMap((other) => (parts.has(other.view) ? [[other.key, other.version] as const] : []))
      const surrounded = { view, otherVersions: Object.fromEntries(versions) }
      last.set(key, { of, surrounded })
      return success(surrounded)
    },

    /** Changes that are being written elsewhere and may touch the same: there, or reaching in from there. */
    inFlight(key: string, otherVersions: Surrounded['otherVersions']): InFlight[] {
      const namespace = key.slice(0, key.indexOf('/'))
      const requests = new Set(caches.ChangeRequest.byIndex('reaches', key))
      for (const other of Object.keys(otherVersions)) {
        for (const request of caches.ChangeRequest.byIndex('applying', other)) requests.add(request)
      }
      return [...requests].map((request) => inFlightOf(request, namespace))
    },

    forget: (key: string): void => void last.delete(key),
  }
}

const beingWritten = (key: string): Result<never> =>
  failure({
    reason: 'Unavailable',
    message: `graph of ${key}: expected one that is whole, found a version that is being written`,
    retry: true,
  })
