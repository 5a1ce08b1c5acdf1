import assert from 'node:assert/strict'
import fc from 'fast-check'

/** Counts how often what a test is about came up: a property that never meets it proves nothing. */
export type Hit = (what: string) => void

/**
 * Checks `predicate` on random values and prints seed and hits; fails when one of `expected` was never hit. With the
 * environment variable SEED the same run is repeated.
 */
export function holds<T>(
  values: fc.Arbitrary<T>,
  runs: number,
  expected: readonly string[],
  predicate: (value: T, hit: Hit) => void,
): void {
  const hits: Record<string, number> = Object.fromEntries(expected.map((what) => [what, 0]))
  const seed = process.env.SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(process.env.SEED)
  const hit: Hit = (what) => {
    hits[what] = (hits[what] ?? 0) + 1
  }
  fc.assert(
    fc.property(values, (value) => predicate(value, hit)),
    { numRuns: runs, seed },
  )
  console.log(`      seed ${seed}, ${runs} runs, hits ${JSON.stringify(hits)}`)
  for (const what of expected) assert.ok(hits[what]! > 0, `seed ${seed}: expected a run with "${what}", found none`)
}
