import { dependentStride, entries, type GraphArrays } from './arrays.ts'
import { enlarged } from './lists.ts'
import { allOutputs, reachedBit } from './outputs.ts'
import { arrivalStride, makeReached, type Reached } from './reached.ts'
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
  const scratch: Scratch = { changed: new Int32Array(1024), queue: new Int32Array(4096), tail: 0, levels: [], count: 0 }

  return (view: GraphView, seeds: readonly Seed[], limits: ImpactLimits = {}): Impact => {
    const graph = view.arrays()
    if (scratch.changed.length < graph.vertices) scratch.changed = new Int32Array(Math.ceil(graph.vertices * 1.5))
    const sets = makeSets(graph.outputs)
    try {
      const missing = plant(scratch, graph, sets, seeds)
      const truncated = search(scratch, graph, sets, limits, now)
      const found = makeReached(graph, scratch.queue.slice(0, scratch.tail), scratch.levels, scratch.count)
      return Object.assign(found, { missing }, truncated && { truncated })
    } finally {
      forget(scratch)
    }
  }
}

interface Scratch {
  /** By vertex: the outputs known to change and, once it is reached, `reachedBit`. All 0 between calls. */
  changed: Int32Array
  /** Arrivals, see `arrivalStride`; `tail` words of it are in use. */
  queue: Int32Array
  tail: number
  /** Where in the queue each distance begins. */
  levels: number[]
  /** Components reached */
  count: number
}

function plant(scratch: Scratch, graph: GraphArrays, sets: Sets, seeds: readonly Seed[]): string[] {
  const missing: string[] = []
  for (const { id, outputs } of seeds) {
    const vertex = graph.numberOf(id)
    if (vertex < 0 || !graph.isPresent(vertex)) missing.push(id)
    if (vertex < 0) continue
    const word = outputs === 'all' ? allOutputs : sets.wordOf(graph.outputs.find(graph.groupOf(vertex), outputs))
    scratch.changed[vertex] = sets.union(scratch.changed[vertex]! || reachedBit, word)
    arrive(scratch, vertex, word, -1, 0, false)
  }
  scratch.levels = [0]
  return missing
}

/** Words of the queue between two looks at the clock. */
const clockEvery = 256 * arrivalStride

function search(scratch: Scratch, graph: GraphArrays, sets: Sets, limits: ImpactLimits, now: () => number) {
  const { budgetMs = Infinity } = limits
  const { levels } = scratch
  const deadline = now() + budgetMs
  let levelEnd = scratch.tail
  let cut: Truncated | undefined
  for (let head = 0; head < scratch.tail && cut === undefined; head += arrivalStride) {
    if (head === levelEnd) {
      levels.push(head)
      levelEnd = scratch.tail
    }
    if (head % clockEvery === 0 && now() > deadline) cut = truncated('budgetMs', budgetMs, scratch.count)
    else cut = expand(scratch, graph, sets, head, limits)
  }
  // What the search had begun to reach when it was cut off.
  if (scratch.tail > levelEnd) levels.push(levelEnd)
  return cut
}

/**
 * Carries the change of one arrival over to those who refer to its Component. The innermost loop of the program: sets of
 * outputs are words, and only wide ones (below -1) leave for `sets`.
 */
function expand(
  scratch: Scratch,
  graph: GraphArrays,
  sets: Sets,
  head: number,
  { maxReached = Infinity, maxDepth = Infinity }: ImpactLimits,
): Truncated | undefined {
  const { changed } = scratch
  const deeper = scratch.levels.length <= maxDepth
  const delta = scratch.queue[head + 1]!
  const { words, from, to } = entries(graph, 'dependents', scratch.queue[head]!)
  for (let at = from; at < to; at += dependentStride) {
    const uses = words[at + 1]!
    const passes = delta < -1 || uses < -1 ? sets.overlap(delta, uses) : (delta & uses) !== 0
    if (!passes) continue
    const dependent = words[at]!
    const feeds = words[at + 2]!
    const before = changed[dependent]!
    const after = before < -1 || feeds < -1 ? sets.union(before || reachedBit, feeds) : before | feeds | reachedBit
    if (after === before) continue
    if (!deeper) return truncated('maxDepth', maxDepth, scratch.count)
    if (before === 0 && scratch.count === maxReached) return truncated('maxReached', maxReached, scratch.count)
    changed[dependent] = after
    arrive(scratch, dependent, feeds, head / arrivalStride, words[at + 3]!, before === 0)
  }
  return undefined
}

function arrive(scratch: Scratch, vertex: number, delta: number, parent: number, name: number, first: boolean): void {
  const { tail } = scratch
  if (tail === scratch.queue.length) scratch.queue = enlarged(scratch.queue, tail * 2)
  const { queue } = scratch
  queue[tail] = vertex
  queue[tail + 1] = delta
  queue[tail + 2] = parent
  queue[tail + 3] = first ? name : ~name
  scratch.tail = tail + arrivalStride
  if (first) scratch.count++
}

function truncated(limit: keyof ImpactLimits, allowed: number, count: number): Truncated {
  const found = `the search stopped at ${limit} = ${allowed} with ${count} Components reached`
  return { limit, message: `impact: expected to find all of it, ${found}; raise the limit or narrow the change` }
}

function forget(scratch: Scratch): void {
  const { changed, queue } = scratch
  for (let at = 0; at < scratch.tail; at += arrivalStride) changed[queue[at]!] = 0
  scratch.tail = 0
  scratch.count = 0
  scratch.levels = []
}
