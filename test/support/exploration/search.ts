import { makePairs } from './pairs.ts'
import { makeReach } from './reach.ts'

/** What a search found. `first` and `trace`: the first violation, and the steps that lead to it. */
export interface Searched {
  readonly states: number
  readonly violations: number
  readonly first?: string
  readonly trace: readonly string[]
}

/** Thrown by `successors`: the state they were asked for breaks a rule. */
export class Violation extends Error {}

interface Search<State> {
  readonly start: State
  readonly successors: (state: State) => readonly (readonly [label: string, next: State])[]
  readonly violation: (state: State) => string | undefined
  /** Nothing is left to do. When it is given, rest must stay within reach. */
  readonly rests?: (state: State) => boolean
  /** equal for equal states and for no others */
  readonly keyOf: (state: State) => number
  /** end at the first violation */
  readonly untilViolation: boolean
}

/** Every state that can be reached from the start, breadth first; a state that breaks a rule leads no further. */
export const search = <State>(given: Search<State>): Searched => {
  const { start, successors, violation, rests, keyOf, untilViolation } = given
  const seen = new Map([[keyOf(start), 0]])
  const found: { state: State | null; from: number; label: string }[] = [{ state: start, from: -1, label: 'start' }]
  const reach = makeReach()
  let violations = 0
  let first: string | undefined
  let trace: string[] = []
  const report = (what: string, at: number): void => {
    violations++
    if (first !== undefined) return
    first = what
    for (let i = at; i >= 0; i = found[i]!.from) trace.push(found[i]!.label)
    trace = trace.reverse()
  }
  const expand = (state: State, from: number): void => {
    for (const [label, next] of successors(state)) {
      const key = keyOf(next)
      const known = seen.get(key)
      if (rests) reach.step(from, known ?? found.length)
      if (known !== undefined) continue
      seen.set(key, found.length)
      found.push({ state: next, from, label })
    }
  }
  for (let i = 0; i < found.length && !(untilViolation && violations > 0); i++) {
    const state = found[i]!.state!
    found[i]!.state = null
    if (rests?.(state)) reach.end(i)
    const wrong = violation(state)
    if (wrong) {
      report(wrong, i)
      continue
    }
    try {
      expand(state, i)
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      report(error.message, i)
    }
  }
  const stuck = rests && violations === 0 ? reach.missing(found.length) : []
  if (stuck.length > 0) report('rest is out of reach', stuck[0]!)
  return { states: seen.size, violations, ...(first === undefined ? {} : { first }), trace }
}

export interface Parts {
  /** One object for all parts that are equal (of equal JSON), the first that came. */
  same<T extends object>(part: T): T
  /** One object for all that are made of the same parts, each of which `same` or `whole` gave. */
  whole<T extends object>(made: T): T
  /** Of a part that `same` or `whole` gave. */
  numberOf(part: object): number
  /** One number for two (whole, of 32 bits); another for any other two. */
  pairOf(a: number, b: number): number
}

/** Parts of states, each kept once: most states share most of their parts with those they come from. */
export const makeParts = (): Parts => {
  const byText = new Map<string, object>()
  const byParts = new Map<string, object>()
  const numbers = new Map<object, number>()
  return {
    same(part) {
      if (numbers.has(part)) return part
      const text = JSON.stringify(part)
      const known = byText.get(text)
      if (known !== undefined) return known as typeof part
      byText.set(text, part)
      numbers.set(part, numbers.size)
      return part
    },
    whole(made) {
      let key = ''
      for (const part of Object.values(made)) key += `${numbers.get(part)},`
      const known = byParts.get(key)
      if (known !== undefined) return known as typeof made
      byParts.set(key, made)
      numbers.set(made, numbers.size)
      return made
    },
    numberOf: (part) => numbers.get(part)!,
    pairOf: makePairs(),
  }
}

/** Asks once for each thing, or each two things. */
export const once = <A extends object, T>(ask: (a: A) => T): ((a: A) => T) => {
  const answers = new Map<A, T>()
  return (a) => {
    if (answers.has(a)) return answers.get(a)!
    const answer = ask(a)
    answers.set(a, answer)
    return answer
  }
}
export const onceForTwo = <A extends object, B extends object, T>(ask: (a: A, b: B) => T): ((a: A, b: B) => T) => {
  const asked = once((a: A) => once((b: B) => ask(a, b)))
  return (a, b) => asked(a)(b)
}
