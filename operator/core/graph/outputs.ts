import { identityOf } from '../component/identity.ts'
import { makeNames, type Names } from './names.ts'

/**
 * Sets of output names as 32-bit words, so that a search compares them with one instruction:
 *
 * | word | set |
 * |---|---|
 * | -1 | all outputs, named or not |
 * | 0 ..  | bit n: the output with number n of its group; bit 29: outputs that no edge names |
 * | -2 and below | a set with a number above 28, kept as a bigint beside the words |
 *
 * Bit 30 belongs to the search (`reachedBit`). Numbers count within a group of Components that share their outputs (a
 * type), so words of different groups mean nothing to each other. Sets of any size are exact.
 */
export interface Outputs {
  /** Numbers the names that are new. `undefined` is all outputs. */
  encode(group: number, names: readonly string[] | undefined): number
  /** As bits, numbering nothing: names that no edge mentions become the one bit for such outputs. */
  find(group: number, names: readonly string[]): bigint
  /** In the order of the numbers. */
  decode(group: number, word: number): readonly string[] | undefined
  /** The same set as bits of a bigint; all outputs are -1n. */
  bitsOf(word: number): bigint
  namesOf(group: number): Names
  readonly wideSets: number
}

/** Components with the same answer share the numbers of their outputs: those of one type. */
export const outputsGroup = (id: string): string => {
  const identity = identityOf(id)
  return identity.ok ? identity.value.type : ''
}

export const allOutputs = -1
const unnamedBit = 29
const unnamed = 1n << BigInt(unnamedBit)
/** Set in the word of a vertex that the search has reached, whatever outputs of it have changed. */
export const reachedBit = 0x40000000

/** With a `parent` its words stay good, and what is new is added here only: the parent may not grow meanwhile. */
export function makeOutputs(parent?: Outputs): Outputs {
  const groups = new Map<number, Names>()
  const firstWide = parent?.wideSets ?? 0
  const wide: bigint[] = []
  const wideWords = new Map<bigint, number>()

  const namesOf = (group: number): Names => {
    let names = groups.get(group)
    if (names === undefined) {
      names = makeNames(parent?.namesOf(group))
      groups.set(group, names)
    }
    return names
  }

  const wideWord = (bits: bigint): number => {
    let word = wideWords.get(bits)
    if (word === undefined) {
      word = -2 - (firstWide + wide.push(bits) - 1)
      wideWords.set(bits, word)
    }
    return word
  }

  const bitsOf = (word: number): bigint => {
    if (word >= allOutputs) return BigInt(word)
    const index = -2 - word
    return index < firstWide ? parent!.bitsOf(word) : wide[index - firstWide]!
  }

  return {
    namesOf,
    bitsOf,
    get wideSets() {
      return firstWide + wide.length
    },
    encode(group, names) {
      if (names === undefined) return allOutputs
      const known = namesOf(group)
      let word = 0
      let isWide = false
      for (const name of names) {
        const number = known.intern(name)
        if (number < unnamedBit) word |= 1 << number
        else isWide = true
      }
      return isWide ? wideWord(names.reduce((set, name) => set | bitOf(known.numberOf(name)), 0n)) : word
    },
    find(group, names) {
      const known = namesOf(group)
      return names.reduce((set, name) => set | (known.numberOf(name) < 0 ? unnamed : bitOf(known.numberOf(name))), 0n)
    },
    decode(group, word) {
      if (word === allOutputs) return undefined
      const names = namesOf(group)
      const bits = bitsOf(word)
      return Array.from({ length: names.size }, (_, number) => number)
        .filter((number) => (bits & bitOf(number)) !== 0n)
        .map((number) => names.nameOf(number))
    },
  }
}

/** Leaves out the bit for unnamed outputs and the search's own. */
const bitOf = (number: number): bigint => 1n << BigInt(number < unnamedBit ? number : number + 2)
