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

export function makeContentSum(): ContentSum {
  let sum = 0n
  const change = (by: bigint): void => {
    sum = BigInt.asUintN(64, sum + by)
  }
  return {
    add: (state) => change(digest(state)),
    subtract: (state) => change(-digest(state)),
    toString: () => sum.toString(16).padStart(16, '0'),
  }
}

function digest(state: VertexState): bigint {
  return state.removed ? 0n : BigInt(`0x${hash('sha256', canonicalState(state), 'hex').slice(0, 16)}`)
}

/** One text for equal states: edges and output names are sets, so their order and repeated names do not count. */
export function canonicalState(state: Exclude<VertexState, { removed: true }>): string {
  return JSON.stringify([state.id, state.type, state.edges.map(canonicalEdge).sort()])
}

const canonicalEdge = (edge: Edge): string =>
  JSON.stringify([edge.name, edge.to, canonicalNames(edge.uses), canonicalNames(edge.feeds)])

const canonicalNames = (names: readonly string[] | undefined): readonly string[] | null =>
  names === undefined ? null : names.length < 2 ? names : [...new Set(names)].sort()
