import assert from 'node:assert/strict'
import { makeParts, type Parts, type Searched, search } from './search.ts'

/** What came of exploring every schedule of a few holders. */
export interface Explored extends Searched {
  /** how often each effect was done, met a conflict, lost its answer, landed late; how often a holder crashed */
  readonly hits: Readonly<Record<string, number>>
}

/** Something came up: an effect, and what became of it ('': just that). */
export type Hit = (fate: '' | 'conflict' | 'lost answer' | 'crash after' | 'late', what: string) => void

export type Step<World> = [label: string, next: World]

/** One holder at one moment. `go` is its next step; `cost`: faults that it uses up. */
export interface Turn<World, Holder> {
  readonly w: World
  readonly i: number
  readonly holder: Holder
  readonly go: (label: string, holder: Holder, from: World, cost?: number) => void
}

interface Exploration<World> {
  readonly start: World
  /** the same world, of parts that are known */
  readonly sameWorld: (parts: Parts, w: World) => World
  readonly successors: (parts: Parts, hit: Hit) => (w: World) => Step<World>[]
  readonly violation: (w: World) => string | undefined
  /** Nothing is left to do. When it is given, rest must stay within reach. */
  readonly rests?: (w: World) => boolean
  /** equal for equal worlds and for no others */
  readonly keyOf: (parts: Parts, w: World) => number
  readonly untilViolation?: boolean | undefined
}

/** The same world, of parts that are known. */
export const sameOf =
  <World extends { readonly server: object; readonly holders: readonly object[] }>(
    sameServer: (parts: Parts, server: World['server']) => World['server'],
    sameHolder: (parts: Parts, holder: World['holders'][number]) => World['holders'][number],
  ) =>
  (parts: Parts, w: World): World => ({
    ...w,
    server: sameServer(parts, w.server),
    holders: w.holders.map((holder) => sameHolder(parts, holder)),
  })

export const explored = <World>(given: Exploration<World>): Explored => {
  const { start, sameWorld, successors, keyOf, untilViolation = false, ...rules } = given
  const counts: Record<Parameters<Hit>[0], Record<string, number>> = {
    '': {},
    conflict: {},
    'lost answer': {},
    'crash after': {},
    late: {},
  }
  const hit: Hit = (fate, what) => {
    const count = counts[fate]
    count[what] = (count[what] ?? 0) + 1
  }
  const parts = makeParts()
  const searched = search<World>({
    ...rules,
    start: sameWorld(parts, start),
    successors: successors(parts, hit),
    keyOf: (w) => keyOf(parts, w),
    untilViolation,
  })
  const hits = Object.entries(counts).flatMap(([fate, count]) =>
    Object.entries(count).map(([what, times]) => [`${fate} ${what}`.trim(), times] as const),
  )
  return { ...searched, hits: Object.fromEntries(hits) }
}

export const assertClean = (one: Explored): void => assert.equal(one.violations, 0, told(one))

/** A control: an exploration that finds nothing wrong with a broken protocol would be blind. */
export const assertFound = (one: Explored): void => assert.ok(one.violations > 0, told(one))

const told = ({ states, violations, first, trace }: Explored): string =>
  `${violations} violations in ${states} states${first ? `: ${first}\n  ${trace.join('\n  ')}` : ''}`

/**
 * Holders without late writes that are in vain: one that meets another resourceVersion of what it is about now meets one ever
 * after, whether it lands makes no difference.
 *
 * @param objectOf what a write is about, a part that is known
 * @param perform every outcome of a write
 */
export const makeWithoutVain = <Server, Sent extends object>(
  objectOf: (server: Server, sent: Sent) => object,
  perform: (sent: Sent, server: Server) => readonly (readonly [Server, { readonly is: string }])[],
) => {
  const vain = new Map<object, Map<Sent, boolean>>()
  const isVain = (server: Server, late: Sent): boolean => {
    const object = objectOf(server, late)
    const ofObject = vain.get(object) ?? new Map<Sent, boolean>()
    vain.set(object, ofObject)
    const found = ofObject.get(late) ?? perform(late, server).every(([, { is }]) => is === 'Conflict')
    ofObject.set(late, found)
    return found
  }
  return <Holder extends { readonly late: Sent | null }>(server: Server, holder: Holder): Holder =>
    holder.late && isVain(server, holder.late) ? { ...holder, late: null } : holder
}

/** What several explorations have seen together. */
export const makeTally = () => {
  let states = 0
  const hits: Record<string, number> = {}
  return {
    add(one: Explored): void {
      states += one.states
      for (const [what, count] of Object.entries(one.hits)) hits[what] = (hits[what] ?? 0) + count
    },
    assertSeen(least: number): void {
      console.log(`      ${states} states; hits: ${JSON.stringify(hits)}`)
      assert.ok(states >= least, `${states} states`)
    },
    assertMet(writes: readonly string[], faults: readonly string[]): void {
      for (const write of writes)
        for (const fault of faults) assert.ok((hits[`${fault} ${write}`] ?? 0) > 0, `${fault} ${write} was never met`)
    },
    assertDone(effects: readonly string[]): void {
      for (const effect of effects) assert.ok((hits[effect] ?? 0) > 0, `${effect} was never done`)
    },
  }
}
