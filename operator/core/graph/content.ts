import { hash } from 'node:crypto'
import type { Edge, VertexState } from './vertex.ts'

/**
 * The sum of a graph's content, the same for equal graphs in whatever order they were written: 64 bits, modulo 2^64,
 * of the first 8 bytes of SHA-256 over the canonical state of each Component. 16 hexadecimal digits.
 */
export interface ContentSum {
  add(state: VertexState): void
  subtract(state: VertexState): void
  toString(): string
}

/** `start`: the sum that it goes on from. */
export function makeContentSum(start = '0'): ContentSum {
  let sum = BigInt(`0x${start}`)
  const change = (by: bigint): void => {
    sum = BigInt.asUintN(64, sum + by)
  }
  return {
    add: (state) => change(digest(state)),
    subtract: (state) => change(-digest(state)),
    toString: () => sum.toString(16).padStart(16, '0'),
  }
}

/** The sum of these Components, each of which stands there once. */
export function sumOf(states: Iterable<VertexState>): string {
  const sum = makeContentSum()
  for (const state of states) sum.add(state)
  return sum.toString()
}

function digest(state: VertexState): bigint {
  return state.removed ? 0n : BigInt(`0x${hash('sha256', canonicalState(state), 'hex').slice(0, 16)}`)
}

/** One text for equal states: edges and output names are sets, so their order and repeated names do not count. */
export function canonicalState(state: Exclude<VertexState, { removed: true }>): string {
  return JSON.stringify([state.id, state.type, state.edges.map(canonicalEdge).sort(byText)])
}

type CanonicalEdge = readonly [
  name: string,
  to: string,
  uses: readonly string[] | null,
  feeds: readonly string[] | null,
]

const canonicalEdge = ({ name, to, uses, feeds }: Edge): CanonicalEdge => [
  name,
  to,
  canonicalNames(uses),
  canonicalNames(feeds),
]

const canonicalNames = (names: readonly string[] | undefined): readonly string[] | null =>
  names === undefined ? null : names.length < 2 ? names : [...new Set(names)].sort()

function byText(a: CanonicalEdge, b: CanonicalEdge): number {
  return compare(a[0], b[0]) || compare(a[1], b[1]) || compare(JSON.stringify(a), JSON.stringify(b))
}

const compare = (a: string, b: string): number => Number(a > b) - Number(a < b)
