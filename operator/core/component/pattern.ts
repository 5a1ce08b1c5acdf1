import { RE2JS } from 're2js'

/**
 * A regular expression that somebody else wrote. It is run by RE2's algorithm, in time linear in the text: JavaScript's
 * own engine needs minutes for `^(a+)+$` on forty letters.
 */
export interface Pattern {
  /** An upper bound of the work for a text, in units of about 30 ns at worst. */
  cost(text: string): number
  /** True when the pattern is found anywhere in `text`, as with RegExp.prototype.test. */
  test(text: string): boolean
}

/** Bounds the factor that a pattern puts before the length of the text: `x{0,1000}` is 2,002 instructions. */
const longestProgram = 1000

/**
 * JavaScript's syntax, without lookahead, lookbehind and back references (no linear engine has them).
 * Throws SyntaxError, with the reason, for what is no pattern or too large a one.
 */
export const compilePattern = (source: string): Pattern => {
  const compiled = compile(source)
  const size = compiled.programSize()
  if (size > longestProgram) {
    throw new SyntaxError(`pattern has ${size} instructions, at most ${longestProgram} are allowed: ${source}`)
  }
  return { cost: (text) => (text.length + 1) * size, test: (text) => compiled.test(text) }
}

const compile = (source: string): RE2JS => {
  try {
    return RE2JS.compile(RE2JS.translateRegExp(source))
  } catch (error) {
    throw new SyntaxError(`pattern ${JSON.stringify(source)}: ${(error as Error).message}`)
  }
}
