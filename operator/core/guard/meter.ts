import type { ASTNode } from '@marcbachmann/cel-js'
import { failure, type Result, success } from '../../api/result.ts'
import { compilePattern, type Pattern } from '../component/pattern.ts'

/*
 * The CEL library checks the size of an expression but not what it costs. Hence an expression is written anew with calls
 * that count: each turn of a macro and each comparison takes a step, and values that are built are measured (a list
 * that is doubled thirty times would end the program). Regular expressions run in linear time.
 */

/** What one evaluation may cost, or several that share it. Made by `makeMeter().budget()`. */
export interface Budget {
  steps: number
  readonly deadline: number
  exceeded: string | undefined
}

export interface Meter {
  budget(): Budget
  /** Evaluates under the budget; throws what `evaluate` throws. Whoever calls looks at `budget.exceeded` afterwards. */
  under<T>(budget: Budget, evaluate: () => T): T
  /** CEL signature -> function, to be registered */
  readonly functions: Readonly<Record<string, (...values: never[]) => unknown>>
}

export const limits = { steps: 250_000, milliseconds: 1000, text: 65_536, elements: 1_000_000 }
/** How many steps pass between two looks at the clock. */
const strideOfClock = 32
/** Work of a pattern that counts as one step. */
const workOfStep = 128

/** `now`: monotonic milliseconds. Time is the second bound: steps are the same everywhere, time is not. */
export const makeMeter = ({ now }: { readonly now: () => number }): Meter => {
  let current: Budget | undefined
  const patterns = new Map<string, Pattern>()
  const sizes = new WeakMap<object, number>()

  const spend = (steps: number): boolean => {
    if (current === undefined || current.exceeded !== undefined) return false
    const before = current.steps
    current.steps -= steps
    if (current.steps < 0) current.exceeded = `more than ${limits.steps} steps`
    const looks = Math.floor(before / strideOfClock) !== Math.floor(current.steps / strideOfClock)
    if (looks && now() > current.deadline) current.exceeded = `more than ${limits.milliseconds} ms`
    return current.exceeded === undefined
  }

  const patternOf = (source: string): Pattern => {
    const known = patterns.get(source)
    if (known !== undefined) return known
    const pattern = compilePattern(source)
    if (patterns.size >= 1000) patterns.clear()
    patterns.set(source, pattern)
    return pattern
  }

  const matches = (text: string, source: string): boolean => {
    const pattern = patternOf(source)
    return spend(1 + Math.floor(pattern.cost(text) / workOfStep)) && pattern.test(text)
  }

  const sized = (value: unknown): unknown => {
    if (sizeOf(value, sizes) <= limits.elements && !(typeof value === 'string' && value.length > limits.text))
      return value
    if (current !== undefined) current.exceeded ??= 'a value that is too large'
    throw new RangeError('value is too large')
  }

  return {
    budget: () => ({ steps: limits.steps, deadline: now() + limits.milliseconds, exceeded: undefined }),
    under: (budget, evaluate) => {
      current = budget
      try {
        return evaluate()
      } finally {
        current = undefined
      }
    },
    functions: {
      'karma_step(): bool': () => spend(1),
      'karma_sized(dyn): dyn': sized,
      'karma_matches(string, string): bool': matches,
    },
  }
}

/** Values in it, counted as often as they occur: `[x, x]` is twice as large as `x`. */
const sizeOf = (value: unknown, known: WeakMap<object, number>): number => {
  if (typeof value !== 'object' || value === null) return 1
  const before = known.get(value)
  if (before !== undefined) return before
  let size = 1
  for (const member of value instanceof Map ? value.values() : Object.values(value)) size += sizeOf(member, known)
  known.set(value, size)
  return size
}

/** The expression with its counters, as CEL. Fails with a message when it calls what guards cannot use. */
export const metered = (node: ASTNode): Result<string> => {
  const unknown = new Set<string>()
  const text = write(node, unknown)
  if (unknown.size === 0) return success(text)
  return failure({
    reason: 'GuardError',
    message: `a function that guards cannot use: ${[...unknown].join(', ')}`,
    retry: false,
  })
}

const predicates: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter'])
const comparisons: ReadonlySet<string> = new Set(['==', '!=', 'in'])
/** What is not here a guard cannot call: the library has more, such as `join`, whose cost nothing bounds. */
const available: ReadonlySet<string> = new Set([
  ...['has', 'size', 'int', 'uint', 'double', 'string', 'bool', 'dyn', 'type', 'timestamp', 'duration'],
  ...['startsWith', 'endsWith', 'contains', 'matches', 'lowerAscii', 'upperAscii', 'trim', 'indexOf', 'lastIndexOf'],
  ...['substring', 'split', 'all', 'exists', 'exists_one', 'filter', 'map', 'bind'],
  ...['hasValue', 'value', 'or', 'orValue', 'of', 'none'],
  ...['getDate', 'getDayOfMonth', 'getDayOfWeek', 'getDayOfYear', 'getFullYear', 'getMonth'],
  ...['getHours', 'getMinutes', 'getSeconds', 'getMilliseconds'],
])

const write = (node: ASTNode, unknown: Set<string>): string => {
  const w = (child: ASTNode): string => write(child, unknown)
  switch (node.op) {
    case 'value':
    case 'id':
      return node.input.slice(node.start, node.end)
    case '.':
    case '.?':
      return `${w(node.args[0])}${node.op}${fieldName(node.args[1])}`
    case '[]':
      return `${w(node.args[0])}[${w(node.args[1])}]`
    case '[?]':
      return `${w(node.args[0])}[?${w(node.args[1])}]`
    case 'list':
      return node.args.length === 0 ? '[]' : `karma_sized([${node.args.map(w).join(', ')}])`
    case 'map':
      return `karma_sized({${node.args.map(([key, value]) => `${w(key)}: ${w(value)}`).join(', ')}})`
    case '?:':
      return `(${w(node.args[0])} ? ${w(node.args[1])} : ${w(node.args[2])})`
    case '!_':
      return `(!${w(node.args)})`
    case '-_':
      return `(-${w(node.args)})`
    case 'call':
      return writeCall(node.args[0], node.args[1], unknown)
    case 'rcall':
      return writeMethod(node.args, unknown)
    default:
      return writeBinary(node.op, w(node.args[0]), w(node.args[1]))
  }
}

const writeBinary = (op: string, left: string, right: string): string => {
  if (op === '+') return `karma_sized(${left} + ${right})`
  return comparisons.has(op) ? `(karma_step() ? ${left} ${op} ${right} : false)` : `(${left} ${op} ${right})`
}

const writeCall = (name: string, args: readonly ASTNode[], unknown: Set<string>): string => {
  if (!available.has(name)) unknown.add(name)
  return `${name}(${args.map((arg) => write(arg, unknown)).join(', ')})`
}

const writeMethod = ([name, target, args]: [string, ASTNode, ASTNode[]], unknown: Set<string>): string => {
  if (!available.has(name)) unknown.add(name)
  const receiver = write(target, unknown)
  const [first, second, ...rest] = args.map((arg) => write(arg, unknown))
  if (name === 'matches' && first !== undefined) return `karma_matches(${receiver}, ${first})`
  const isMacro = args[0]?.op === 'id' && second !== undefined
  if (isMacro && predicates.has(name)) return `${receiver}.${name}(${first}, (karma_step() ? ${second} : false))`
  if (isMacro && name === 'map') {
    const filter = rest[0] === undefined ? 'karma_step()' : `(karma_step() ? ${second} : false)`
    return `karma_sized(${receiver}.map(${first}, ${filter}, ${rest[0] ?? second}))`
  }
  const call = `${receiver}.${name}(${[first, second, ...rest].filter((arg) => arg !== undefined).join(', ')})`
  return name === 'split' ? `karma_sized(${call})` : call
}

const fieldName = (name: string): string => (/^[A-Za-z_]\w*$/.test(name) ? name : `\`${name}\``)
