import { dependentStride, type GraphArrays } from './arrays.ts'
import { type ArrivalQueue, addSeed, copyArrivals, makeArrivalQueue, makeRoom } from './arrivals.ts'
import type { Lists } from './lists.ts'
import { allOutputs, type reachedBit } from './outputs.ts'
import { makeReached, type Reached } from './reached.ts'
import { makeSets, type Sets } from './sets.ts'
import type { GraphView } from './view.ts'

/** A Component that changes, and which of its outputs may change with it; an empty list reaches nobody. */
export interface Seed {
  readonly id: string
  readonly outputs: 'all' | readonly string[]
}

/** What an impact may cost; absent: no limit. */
export interface ImpactLimits {
  /** Components reached */
  readonly maxReached?: number
  /** references in a row */
  readonly maxDepth?: number
  /** milliseconds */
  readonly budgetMs?: number
}

/** An impact beyond these is cut off, and said to be. */
export const impactLimits: ImpactLimits = { maxReached: 100_000, maxDepth: 1_000, budgetMs: 500 }

/** The limit that cut the search off: there may be more than what was reached. */
export interface Truncated {
  readonly limit: keyof ImpactLimits
  readonly message: string
}

export interface Impact extends Reached {
  /** Seeds that are not committed in this view. Those of them that references name are searched from all the same. */
  readonly missing: readonly string[]
  readonly truncated?: Truncated
}

/**
 * Impact: the dependents, transitively, that a change of the seeds can reach. A change passes a reference when it
 * alters an output that the reference uses, and then alters those outputs of the dependent that the reference feeds.
 * One visit for each Component would lose dependents - a second way in may alter outputs that the first did not - so
 * the search goes on until no set of altered outputs grows. It goes nearest first, so the first arrival at a Component
 * has the shortest distance of all ways that carry the change. Seeds are no part of their impact, also where a cycle
 * leads back. Time is in proportion to what is reached, not to the graph: scratch memory is kept between calls.
 *
 * `now`: milliseconds, monotonic.
 */
export function makeImpact({ now }: { now: () => number }) {
  const scratch: Scratch = { changed: new Int32Array(1024), queue: makeArrivalQueue(), count: 0 }

  return (view: GraphView, seeds: readonly Seed[], limits: ImpactLimits = {}): Impact => {
    const graph = view.arrays()
    const sets = makeSets(graph.outputs)
    let truncated: Truncated | undefined
    let missing: string[]
    begin(scratch, graph)
    try {
      missing = plant(scratch, graph, sets, seeds)
      truncated = search(scratch, graph, sets, limits, now)
    } finally {
      forget(scratch)
    }
    const reached = makeReached(graph, copyArrivals(scratch.queue), scratch.count)
    return Object.assign(reached, { missing }, truncated && { truncated })
  }
}

interface Scratch {
  /** By vertex: the outputs known to change and, once it is reached, `reachedBit`. All 0 between calls. */
  changed: Int32Array
  readonly queue: ArrivalQueue
  /** Components reached */
  count: number
}

function begin(scratch: Scratch, graph: GraphArrays): void {
  if (scratch.changed.length < graph.vertices) scratch.changed = new Int32Array(Math.ceil(graph.vertices * 1.5))
  scratch.queue.length = 0
  scratch.queue.levels = [0]
  scratch.count = 0
}

function plant({ changed, queue }: Scratch, graph: GraphArrays, sets: Sets, seeds: readonly Seed[]): string[] {
  const missing: string[] = []
  for (const { id, outputs } of seeds) {
    const vertex = graph.numberOf(id)
    if (vertex < 0 || !graph.isPresent(vertex)) missing.push(id)
    if (vertex < 0) continue
    const word = outputs === 'all' ? allOutputs : sets.wordOf(graph.outputs.find(graph.groupOf(vertex), outputs))
    changed[vertex] = sets.carry(allOutputs, allOutputs, changed[vertex]!, word)
    addSeed(queue, vertex, word)
  }
  return missing
}

/** Arrivals between two looks at the clock. */
const clockEvery = 256

/** Goes on, distance by distance, until nothing is new or a limit cuts it off. */
function search(scratch: Scratch, graph: GraphArrays, sets: Sets, limits: ImpactLimits, now: () => number) {
  const { maxReached = Infinity, maxDepth = Infinity, budgetMs = Infinity } = limits
  const { queue } = scratch
  const deadline = now() + budgetMs

  const level = (begin: number, end: number): keyof ImpactLimits | undefined => {
    const deeper = queue.levels.length <= maxDepth
    for (let next = begin; next < end; ) {
      if (now() > deadline) return 'budgetMs'
      const stretch = stretchFrom(graph, queue, next, Math.min(next + clockEvery, end))
      if (!spread(scratch, stretch, sets, deeper ? maxReached : -1)) return deeper ? 'maxReached' : 'maxDepth'
      next = stretch.end
    }
    return undefined
  }

  for (let begin = 0; begin < queue.length; ) {
    const end = queue.length
    const cut = level(begin, end)
    if (queue.length > end) queue.levels.push(end)
    if (cut !== undefined) return cutOff(cut, limits[cut]!, scratch.count)
    begin = end
  }
  return undefined
}

/** Arrivals `begin` up to `end`, and where the dependents of their vertices are listed. */
interface Stretch {
  readonly begin: number
  readonly end: number
  readonly lists: Lists
  /** the list of all of them; undefined: the one with the number of the vertex */
  readonly list?: number
}

/** Ends where lists of another kind begin: those that an overlay replaced stand alone. */
function stretchFrom({ dependents, replaced }: GraphArrays, queue: ArrivalQueue, begin: number, most: number): Stretch {
  if (replaced === undefined) return { begin, end: most, lists: dependents }
  const words = replaced.dependents.get(queue.vertices[begin]!)
  if (words !== undefined) {
    const count = Int32Array.of(words.length / dependentStride)
    return {
      begin,
      end: begin + 1,
      list: 0,
      lists: { stride: dependentStride, words, start: new Int32Array(1), count },
    }
  }
  let end = begin + 1
  while (end < most && !replaced.dependents.has(queue.vertices[end]!)) end++
  return { begin, end, lists: dependents }
}

/**
 * Carries the change from a stretch of arrivals over to those who refer to their Components. Answers false when there
 * would be more than `allowed` Components, or with -1 anything new. The innermost loop of the program: one function over
 * local variables, with literals for what is imported (their types hold them equal), as an import is looked up at each
 * use. Taken apart it needs twice the time.
 */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: see above
function spread(scratch: Scratch, stretch: Stretch, sets: Sets, allowed: number): boolean {
  const { changed, queue } = scratch
  const { begin, end, list = -1 } = stretch
  const { words, start, count: lengths } = stretch.lists
  const { isWide } = sets
  const stride: typeof dependentStride = 4
  const all: typeof allOutputs = -1
  const flag: typeof reachedBit = 0x40000000
  let { vertices, deltas, parents, names, length } = queue
  let { count } = scratch
  let within = true
  for (let place = begin; place < end && within; place++) {
    const row = list < 0 ? vertices[place]! : list
    const delta = deltas[place]!
    const from = start[row]!
    const to = from + lengths[row]! * stride
    if (length + (to - from) > vertices.length) {
      makeRoom(queue, length + (to - from))
      ;({ vertices, deltas, parents, names } = queue)
    }
    for (let at = from; at < to; at += stride) {
      const dependent = words[at]!
      const before = changed[dependent]!
      // First, as most ways lead to where all is known to change already.
      if (before === all) continue
      const uses = words[at + 1]!
      const feeds = words[at + 2]!
      let after = before
      if (isWide) after = sets.carry(delta, uses, before, feeds)
      else if ((delta & uses) !== 0) after = before | feeds | flag
      if (after === before) continue
      if (count >= allowed && (before === 0 || allowed < 0)) {
        within = false
        break
      }
      changed[dependent] = after
      vertices[length] = dependent
      deltas[length] = feeds
      parents[length] = place
      names[length] = before === 0 ? words[at + 3]! : ~words[at + 3]!
      if (before === 0) count++
      length++
    }
  }
  queue.length = length
  scratch.count = count
  return within
}

function cutOff(limit: keyof ImpactLimits, allowed: number, count: number): Truncated {
  const found = `the search stopped at ${limit} = ${allowed} with ${count} Components reached`
  return { limit, message: `impact: expected to find all of it, ${found}; raise the limit or narrow the change` }
}

function forget({ changed, queue: { vertices, length } }: Scratch): void {
  // Many are forgotten faster all at once.
  if (length * 16 > changed.length) changed.fill(0)
  else for (let place = 0; place < length; place++) changed[vertices[place]!] = 0
}
