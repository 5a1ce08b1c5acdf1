import {
  Environment,
  EvaluationError,
  ParseError,
  type ParseResult,
  TypeError as TypeFault,
} from '@marcbachmann/cel-js'
import { describe } from '../../api/free-form.ts'
import type { Guard } from '../../api/kinds.generated.ts'
import { failure, type Result, success } from '../../api/result.ts'
import { type Budget, type Meter, makeMeter, metered } from './meter.ts'

export type { Budget } from './meter.ts'

/**
 * What an expression can read. Values are JSON and must not change once given (they are converted once): whole numbers
 * are CEL's int, others double. One that is absent or undefined is null. `other` only with forEach.
 */
export type Variables = { readonly [name in Variable | 'other']?: unknown }

const variables = ['component', 'before', 'after', 'changedPaths', 'impact', 'environment', 'request'] as const
type Variable = (typeof variables)[number]

/** A guard that compiles. `where` is the object that holds it: `ComponentType vpc`. */
export interface CompiledGuard {
  readonly guard: Guard
  readonly where: string
  readonly program: Program
}

export interface Program {
  readonly names: readonly string[]
  readonly run: ParseResult
}

/** Compiles and evaluates guards in CEL, and keeps what it compiled. All Failures have the reason GuardError. */
export interface Guards {
  /** Fails when the expression is no CEL, uses an unknown name or function, or cannot be a bool; says where in it. */
  compile(guard: Guard, where: string): Result<CompiledGuard>
  /**
   * True: the change may pass. Fails when the expression throws, is not a bool, or costs more than the budget (by
   * default 250,000 steps and one second); give one budget to all evaluations of a forEach.
   */
  evaluate(compiled: CompiledGuard, variables: Variables, budget?: Budget): Result<boolean>
  budget(): Budget
}

/** `now`: monotonic milliseconds. `size`: how many expressions are kept; the one compiled first goes first. */
export const makeGuards = ({ now, size = 1024 }: { readonly now: () => number; readonly size?: number }): Guards => {
  const meter = makeMeter({ now })
  const languages = { plain: makeLanguage(meter, false), withOther: makeLanguage(meter, true) }
  const programs = new Map<string, Result<Program>>()
  const converted = new WeakMap<object, unknown>()

  const programOf = (guard: Guard): Result<Program> => {
    const key = `${guard.forEach === undefined ? '' : 'other '}${guard.expression}`
    const known = programs.get(key)
    if (known !== undefined) return known
    const program = build(guard.forEach === undefined ? languages.plain : languages.withOther, guard.expression)
    if (programs.size >= size) programs.delete(programs.keys().next().value as string)
    programs.set(key, program)
    return program
  }

  return {
    compile: (guard, where) => {
      const program = programOf(guard)
      if (program.ok) return success({ guard, where, program: program.value })
      return guardError(guard, where, 'a CEL expression that answers with a bool', program.failure.message)
    },
    evaluate: ({ guard, where, program }, values, budget = meter.budget()) => {
      const context = Object.create(null) as Record<string, unknown>
      for (const name of program.names) context[name] = convert(values[name as Variable] ?? null, converted)
      const answer = attempt(() => meter.under(budget, () => program.run(context)), false)
      if (budget.exceeded !== undefined)
        return guardError(guard, where, 'an answer', `an expression that needs ${budget.exceeded}`)
      if (!answer.ok) return guardError(guard, where, 'true or false', `the error ${answer.failure.message}`)
      if (typeof answer.value === 'boolean') return success(answer.value)
      return guardError(guard, where, 'true or false', foundOf(answer.value))
    },
    budget: meter.budget,
  }
}

/** `original` judges what people wrote, `counting` runs what was written anew (longer and deeper). */
interface Language {
  readonly names: readonly string[]
  readonly original: Environment
  readonly counting: Environment
}

const makeLanguage = (meter: Meter, withOther: boolean): Language => {
  const names = withOther ? [...variables, 'other'] : variables
  const make = (maxAstNodes: number, maxDepth: number): Environment => {
    const environment = new Environment({
      enableOptionalTypes: true,
      homogeneousAggregateLiterals: false,
      limits: { maxAstNodes, maxDepth },
    })
    for (const name of names) environment.registerVariable(name, 'dyn')
    return environment
  }
  const counting = make(20_000, 2000)
  for (const [signature, handler] of Object.entries(meter.functions)) {
    const options = { handler, async: false }
    counting.registerFunction(signature, options)
  }
  return { names, original: make(1500, 100), counting }
}

const build = ({ names, original, counting }: Language, expression: string): Result<Program> => {
  const parsed = attempt(() => checked(original.parse(expression)), true)
  if (!parsed.ok) return parsed
  const { type } = parsed.value.check()
  if (type !== 'bool' && type !== 'dyn') return error(`a value of type ${type}`)
  return attempt(() => {
    const text = metered(parsed.value.ast)
    if (!text.ok) throw new Error(text.failure.message)
    return { names: names.filter((name) => expression.includes(name)), run: checked(counting.parse(text.value)) }
  }, false)
}

const checked = (parsed: ParseResult): ParseResult => {
  const { error: fault } = parsed.check()
  if (fault !== undefined) throw fault
  return parsed
}

const attempt = <T>(act: () => T, placed: boolean): Result<T> => {
  try {
    return success(act())
  } catch (thrown) {
    return error(explain(thrown, placed))
  }
}

const error = (message: string): Result<never> => failure({ reason: 'GuardError', message, retry: false })

const guardError = (guard: Guard, where: string, expected: string, found: string): Result<never> =>
  error(
    `${where}: guard ${guard.name}: expected ${expected}, found ${found}; expression: ${cut(guard.expression, 160)}`,
  )

/** `placed`: the error is about the text that people wrote, so that its place in it can be told. */
const explain = (thrown: unknown, placed: boolean): string => {
  if (thrown instanceof ParseError || thrown instanceof TypeFault || thrown instanceof EvaluationError) {
    const { summary, range, node } = thrown
    const place = placed && range !== undefined ? placeOf(node?.input ?? '', range.start) : ''
    return cut(`${summary}${place}`, 160)
  }
  if (thrown instanceof RangeError && /call stack/.test(thrown.message)) return 'too deep nesting'
  return cut(thrown instanceof Error ? thrown.message : String(thrown), 160)
}

const placeOf = (text: string, offset: number): string => {
  const before = text.slice(0, offset).split('\n')
  return ` at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`
}

const cut = (text: string, longest: number): string => {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > longest ? `${line.slice(0, longest)}…` : line
}

const foundOf = (value: unknown): string =>
  value === null || typeof value !== 'object' ? describe(value) : 'a value of another type'

/** JSON as the CEL library takes it: whole numbers as bigint, objects without prototype. */
const convert = (value: unknown, known: WeakMap<object, unknown>): unknown => {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value
  if (typeof value !== 'object' || value === null) return value
  const before = known.get(value)
  if (before !== undefined) return before
  const copy = Array.isArray(value) ? value.map((item) => convert(item ?? null, known)) : convertMembers(value, known)
  known.set(value, copy)
  return copy
}

const convertMembers = (object: object, known: WeakMap<object, unknown>): object => {
  const copy = Object.create(null) as Record<string, unknown>
  for (const [key, member] of Object.entries(object)) if (member !== undefined) copy[key] = convert(member, known)
  return copy
}
