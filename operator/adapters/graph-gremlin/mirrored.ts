import { failure, type Result, success } from '../../api/result.ts'
import type { GraphStore, Head, Read } from '../../ports/graph.ts'
import { differs } from './store.ts'

/** Versions that a copy which is behind takes in one after the other; further behind it is loaded anew. */
const mostBehind = 64

/**
 * A store elsewhere with a copy in process, which answers as long as it is what the store says: the same version and
 * content sum, asked before each view. A version that the copy does not hold is read from the store.
 *
 * Failure beside those of the port: `MirrorDiffers`, of a view: the copy has the store's version and another content;
 * it is to be loaded again.
 */
export const makeMirroredGraph = ({
  store,
  mirror,
}: {
  readonly store: GraphStore
  readonly mirror: GraphStore
}): GraphStore => {
  const isSame = (one: Head, other: Head): boolean => one.version === other.version && one.sum === other.sum

  /** What others have published since, from the store. */
  const followed = async (environment: string, own: Head, head: Head): Promise<Head> => {
    if (own.version === 0 || head.version <= own.version || head.version - own.version > mostBehind) return own
    const missed = await store.changes(environment, own.version, head.version)
    if (!missed.ok) return own
    for (const { version, changeId, after } of missed.value) {
      const taken = await mirror.publish(environment, version, after, { changeId, claim: '0' })
      if (!taken.ok) return own
    }
    const now = await mirror.head(environment)
    return now.ok ? now.value : own
  }

  const fromMirror = async (environment: string, version: number): Promise<Result<Read> | undefined> => {
    const read = await mirror.view(environment, version)
    return read.ok ? success({ view: read.value.view, from: 'Mirror' }) : undefined
  }

  /**
   * The store had this version already, with other content than what was handed over now. Later versions may bring the heads
   * together again, but not what the copy holds of those before.
   */
  const reload = async (environment: string, version: number, changeId: string): Promise<void> => {
    const read = await store.view(environment, version)
    if (!read.ok) return
    const { view } = read.value
    const states = [...view.ids()].flatMap((id) => view.stateOf(id) ?? [])
    await mirror.load(environment, version, states, changeId)
  }

  return {
    ...store,

    async compact(environment, keep) {
      const compacted = await store.compact(environment, keep)
      return compacted.ok ? mirror.compact(environment, keep) : compacted
    },

    async publish(environment, version, patch, by) {
      const published = await store.publish(environment, version, patch, by)
      // The store was there before: what the copy lacks it takes from there.
      if (!published.ok || published.value.version !== version) return published
      // What it does not take in shows at the next view.
      const own = await mirror.publish(environment, version, patch, by)
      if (own.ok && !isSame(own.value, published.value)) await reload(environment, version, by.changeId)
      return published
    },

    async view(environment, version) {
      const head = await store.head(environment)
      if (!head.ok) return head
      const held = await mirror.head(environment)
      if (!held.ok) return held
      const own = isSame(held.value, head.value) ? held.value : await followed(environment, held.value, head.value)
      if (isSame(own, head.value)) {
        return (await fromMirror(environment, version)) ?? store.view(environment, version)
      }
      if (own.version === head.value.version) return mirrorDiffers(environment, own, head.value)
      return store.view(environment, version)
    },

    async load(environment, version, vertices, changeId) {
      const own = await mirror.load(environment, version, vertices, changeId)
      if (!own.ok) return own
      const head = await store.head(environment)
      if (!head.ok) return head
      return isSame(own.value, head.value) ? head : differs(environment, head.value, own.value)
    },

    async rebuild(environment, version, vertices, by, onProgress) {
      const all = [...vertices]
      const rebuilt = await store.rebuild(environment, version, all, by, onProgress)
      if (!rebuilt.ok) return rebuilt
      const own = await mirror.load(environment, version, all, by.changeId)
      return own.ok ? rebuilt : own
    },
  }
}

const mirrorDiffers = (environment: string, own: Head, head: Head): Result<never> =>
  failure({
    reason: 'MirrorDiffers',
    message: `graph of environment ${environment}: expected version ${head.version} with sum ${head.sum}, as in the store, found sum ${own.sum} in the copy of it in process; it is loaded again`,
    retry: true,
  })
