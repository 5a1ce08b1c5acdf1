import type { VertexState } from '../../../operator/core/graph/vertex.ts'

/** Numbers from 0 up to, not including, 1; the same ones for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** References of a graph without cycles: Component n refers to those at n * references .. of `dependencies`, all < n. */
export interface References {
  readonly components: number
  readonly perComponent: number
  readonly dependencies: Int32Array
}

/** Each Component refers to others before it, all equally likely. */
export const uniform = (components: number, perComponent: number, seed: number): References =>
  chosen(components, perComponent, randomNumbers(seed), (n, random) => Math.floor(random() * n))

/** Preferential attachment: the more dependents a Component has, the likelier it gets one more. */
export function powerLaw(components: number, perComponent: number, seed: number): References {
  const ends: number[] = []
  const prefer = (n: number, random: () => number): number => {
    // Half of the time anybody, so that newcomers are found at all.
    const choice =
      random() < 0.5 || ends.length === 0 ? Math.floor(random() * n) : ends[Math.floor(random() * ends.length)]!
    ends.push(choice)
    return choice
  }
  return chosen(components, perComponent, randomNumbers(seed), prefer)
}

function chosen(components: number, perComponent: number, random: () => number, choose: Choice): References {
  const dependencies = new Int32Array(components * perComponent).fill(-1)
  for (let n = 1; n < components; n++) {
    const mine = new Set<number>()
    for (let tries = 0; mine.size < Math.min(n, perComponent) && tries < perComponent * 20; tries++) {
      mine.add(choose(n, random))
    }
    let at = n * perComponent
    for (const dependency of mine) dependencies[at++] = dependency
  }
  return { components, perComponent, dependencies }
}

type Choice = (n: number, random: () => number) => number

const types = ['subnet', 's3-bucket', 'lambda', 'ec2-instance', 'route53-zone', 'cloudfront-distribution', 'iam-role']
const outputs = ['id', 'arn', 'name', 'endpoint']

const typeOf = (n: number): string => types[n % types.length]!
export const idOf = (n: number): string => `dev/${typeOf(n)}/component-${n}`

export function* dependenciesOf({ perComponent, dependencies }: References, n: number): Generator<number> {
  for (let at = n * perComponent; at < (n + 1) * perComponent; at++) if (dependencies[at]! >= 0) yield dependencies[at]!
}

/**
 * As committed Components. Each reference uses two outputs. `fed`: it feeds two of its Component's, so that searches
 * prune; else all, so that they reach what a search without outputs does.
 */
export function* vertices(references: References, { fed }: { fed: boolean }): Generator<VertexState> {
  for (let n = 0; n < references.components; n++) {
    const edges = Array.from(dependenciesOf(references, n), (dependency, k) => ({
      name: `${typeOf(dependency)}-${k}`,
      to: idOf(dependency),
      uses: [outputs[k % 4]!, outputs[(k + n) % 4]!],
      ...(fed && { feeds: [outputs[(k + 1) % 4]!, outputs[(k + n + 2) % 4]!] }),
    }))
    yield { id: idOf(n), type: typeOf(n), edges }
  }
}
