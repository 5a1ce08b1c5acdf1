import { failure, type Result, success } from '../api/result.ts'
import { vertexOf } from '../core/change/plan.ts'
import { knownOf } from '../core/component/committed.ts'
import { sumOf } from '../core/graph/content.ts'
import type { Caches } from '../ports/cluster.ts'
import type { GraphStore, Head, Publisher, Read, VertexState } from '../ports/graph.ts'
import type { Repairs } from './repairs.ts'

export interface GraphsDependencies {
  readonly caches: Pick<Caches, 'Component' | 'ComponentType'>
  readonly graph: GraphStore
  readonly repairs: Pick<Repairs, 'note' | 'settled' | 'mirrorBuilt' | 'advance'>
}

/** The graph of each environment, and whether it is what its committed Components say. They are the truth. */
export interface Graphs {
  /** Loaded where it is not held. Fails with `GraphDiffers` where it has to be set right first. */
  viewAt(environmentKey: string, version: number, changeId: string): Promise<Result<Read>>
  /** whether it is known to be what the Components say */
  isBuilt(environmentKey: string): boolean
  /** It must be loaded before it is used again. */
  forget(environmentKey: string): void
  /** It was seen not to be what is committed: nothing is planned on it until it is rebuilt. */
  distrust(environmentKey: string): void
  /** Whether the store says what is committed, element by element, at this version; then it is not distrusted any more. */
  confirm(environmentKey: string, version: number): Promise<Result<boolean>>
  /** The store gets what is committed. */
  rebuild(environmentKey: string, version: number, by: Publisher): Promise<Result<Head>>
  /** The environment is there no more. */
  gone(environmentKey: string): void
  /** The content sum of what is committed. */
  sum(environmentKey: string): string
}

export const makeGraphs = ({ caches, graph, repairs }: GraphsDependencies): Graphs => {
  const built = new Set<string>()
  const distrusted = new Set<string>()
  /** What a graph is made of may become another while it is loaded or rebuilt: what came of that counts for nothing. */
  const turns = new Map<string, number>()
  let types = 0
  // Edges are made from ComponentTypes too.
  caches.ComponentType.onChange(({ before, after }) => {
    if (before?.metadata.generation === after?.metadata.generation) return
    types++
    built.clear()
  })

  const turnOf = (key: string): string => `${turns.get(key) ?? 0} ${types}`
  const turn = (key: string): void => void turns.set(key, (turns.get(key) ?? 0) + 1)

  function* vertices(environmentKey: string): Generator<VertexState> {
    for (const component of caches.Component.byIndex('environment', environmentKey)) {
      const found = knownOf(component)
      if (found) yield vertexOf(found, component.spec.type, { type: (name) => caches.ComponentType.get(name) })
    }
  }

  /** undefined: it has to be loaded */
  const heldAt = async (key: string, version: number): Promise<Result<Read> | undefined> => {
    if (!built.has(key)) return undefined
    const read = await graph.view(key, version)
    if (read.ok || !isToBeLoaded(read.failure.reason)) return read
    if (read.failure.reason === 'MirrorDiffers') {
      const head = await graph.head(key)
      if (head.ok) repairs.mirrorBuilt(key, head.value)
    }
    return undefined
  }

  const load = async (key: string, version: number, changeId: string, begun: string): Promise<Result<Head>> => {
    const loaded = await graph.load(key, version, vertices(key), changeId)
    if (turnOf(key) !== begun) return movedOn(key)
    if (loaded.ok) {
      built.add(key)
      repairs.settled(key)
      return loaded
    }
    built.delete(key)
    if (loaded.failure.reason === 'GraphDiffers') repairs.note(key)
    return loaded
  }

  return {
    async viewAt(key, version, changeId) {
      if (distrusted.has(key)) return differs(key)
      const begun = turnOf(key)
      const held = await heldAt(key, version)
      if (held) return held
      const loaded = await load(key, version, changeId, begun)
      return loaded.ok ? graph.view(key, version) : loaded
    },
    isBuilt: (key) => built.has(key),
    forget: (key) => void built.delete(key),
    distrust(key) {
      turn(key)
      distrusted.add(key)
      repairs.note(key)
    },
    async confirm(key, version) {
      const begun = turnOf(key)
      const [head, found] = [await graph.head(key), await graph.audit(key)]
      if (!head.ok) return head
      if (!found.ok) return found
      const sum = sumOf(vertices(key))
      const isSame = [head.value, found.value].every((one) => one.version === version && one.sum === sum)
      if (!isSame || turnOf(key) !== begun) return success(false)
      distrusted.delete(key)
      repairs.settled(key)
      return success(true)
    },
    async rebuild(key, version, by) {
      const begun = turnOf(key)
      const advance = (done: number, total: number): void => repairs.advance(key, { done, total })
      const rebuilt = await graph.rebuild(key, version, vertices(key), by, advance)
      repairs.advance(key, undefined)
      if (!rebuilt.ok || turnOf(key) !== begun) return rebuilt
      distrusted.delete(key)
      built.add(key)
      repairs.settled(key)
      return rebuilt
    },
    gone(key) {
      turn(key)
      built.delete(key)
      distrusted.delete(key)
    },
    sum: (key) => sumOf(vertices(key)),
  }
}

const isToBeLoaded = (reason: string): boolean => reason === 'VersionUnknown' || reason === 'MirrorDiffers'

const differs = (key: string): Result<never> =>
  failure({
    reason: 'GraphDiffers',
    message: `graph of ${key}: expected what is committed, found something else in the store; it is set right`,
    retry: true,
  })

const movedOn = (key: string): Result<never> =>
  failure({
    reason: 'Unavailable',
    message: `graph of ${key}: what it is made of became another while it was loaded; it is loaded again`,
    retry: true,
  })
