import type { Outputs } from './outputs.ts'

/** Sets of outputs for the length of one search: words of `Outputs`, and more below those for sets made on the way. */
export interface Sets {
  wordOf(bits: bigint): number
  overlap(a: number, b: number): boolean
  /** `before` itself when `added` adds nothing. */
  union(before: number, added: number): number
}

export function makeSets(outputs: Outputs): Sets {
  const first = -2 - outputs.wideSets
  const made: bigint[] = []
  const bitsOf = (word: number): bigint => (word <= first ? made[first - word]! : outputs.bitsOf(word))
  const wordOf = (bits: bigint): number =>
    bits >= -1n && bits < 1n << 31n ? Number(bits) : first - (made.push(bits) - 1)

  return {
    wordOf,
    overlap: (a, b) => (bitsOf(a) & bitsOf(b)) !== 0n,
    union(before, added) {
      const old = bitsOf(before)
      const bits = old | bitsOf(added)
      return bits === old ? before : wordOf(bits)
    },
  }
}
