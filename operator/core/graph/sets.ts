import { type Outputs, reachedBit } from './outputs.ts'

/** Sets of outputs for the length of one search: words of `Outputs`, and more below those for sets made on the way. */
export interface Sets {
  /** Whether words for wide sets can occur; else `carry` is `before | feeds | reachedBit` if `delta & uses`. */
  readonly isWide: boolean
  wordOf(bits: bigint): number
  /**
   * What is known to change of a dependent, and that it is reached, after a change of the outputs `delta` met a reference
   * of it: `before` itself when nothing passes or nothing is added.
   */
  carry(delta: number, uses: number, before: number, feeds: number): number
}

export function makeSets(outputs: Outputs): Sets {
  const first = -2 - outputs.wideSets
  const made: bigint[] = []
  const bitsOf = (word: number): bigint => (word <= first ? made[first - word]! : outputs.bitsOf(word))
  const wordOf = (bits: bigint): number =>
    bits >= -1n && bits < 1n << 31n ? Number(bits) : first - (made.push(bits) - 1)

  return {
    isWide: outputs.wideSets > 0,
    wordOf,
    carry(delta, uses, before, feeds) {
      if ((bitsOf(delta) & bitsOf(uses)) === 0n) return before
      const old = bitsOf(before)
      const bits = old | bitsOf(feeds) | BigInt(reachedBit)
      return bits === old ? before : wordOf(bits)
    },
  }
}
