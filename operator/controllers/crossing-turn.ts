import { bounds } from '../core/change/bounds.ts'
import type { Caches } from '../ports/cluster.ts'
import type { Gather } from './gather.ts'
import type { Waiting } from './waiting.ts'

export interface Crossing {
  readonly request: string
  /** keys, sorted */
  readonly environments: readonly string[]
}

export interface CrossingTurnDependencies {
  readonly caches: Pick<Caches, 'ChangeRequest'>
  readonly gather: Pick<Gather, 'named'>
  readonly waiting: Waiting
  /** This request is to be looked at again. */
  readonly again: (requestKey: string) => void
}

/** The change over several environments that is next in the first of them, if one waits there. */
export const makeCrossingTurn =
  ({ caches, gather, waiting, again }: CrossingTurnDependencies) =>
  (home: string): Crossing | undefined => {
    const [request] = waiting.of(home, 'Crossing')
    const known = request === undefined ? undefined : caches.ChangeRequest.get(request)
    if (request === undefined || !known) return undefined
    const environments = gather.named(known).environments.slice(0, bounds.environments)
    if (environments.length > 1 && environments[0] === home) return { request, environments }
    // What it is about has come or gone since: it asks where to wait.
    waiting.leave(home, 'Crossing', request)
    again(request)
    return undefined
  }
