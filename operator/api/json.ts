/**
 * `JSON.parse` which loses nothing that the edge must see:
 * - whole numbers beyond 2^53 become bigint (a double would round them in silence);
 * - `__proto__` stays an own key, as with `JSON.parse`.
 * Throws SyntaxError for what is not JSON.
 */
export function parseJson(text: string): unknown {
  // Only a run of 16 digits can exceed 2^53, and the reviver costs ten times the plain parse.
  return longDigits.test(text)
    ? JSON.parse(text, reviveInteger as (key: string, value: unknown) => unknown)
    : JSON.parse(text)
}

const longDigits = /\d{16}/
const integer = /^-?\d+$/
/** Beyond this even a bigint is a burden; such a number stays the double (or infinity) that JSON.parse made of it. */
const longestInteger = 400

function reviveInteger(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context.source ?? ''
  return source.length <= longestInteger && integer.test(source) ? BigInt(source) : value
}

/**
 * One text for equal values, for hashing: RFC 8785 (keys sorted by UTF-16 unit, no spaces, numbers as ECMAScript writes
 * them). Takes what RFC 8785 leaves out and never throws: bigint is written as its digits, members that are undefined
 * or functions are left out, in a list they are null, as are numbers that are not finite. `value` must be a tree.
 */
export function canonical(value: unknown): string {
  // An explicit stack instead of recursion: depth must not throw. A string is text that is ready, the rest are values.
  const stack: Task[] = [{ value }]
  let text = ''
  for (let task = stack.pop(); task !== undefined; task = stack.pop()) {
    if (typeof task === 'string') text += task
    else if (typeof task.value !== 'object' || task.value === null) text += scalar(task.value)
    else if (Array.isArray(task.value)) pushList(stack, task.value)
    else pushMembers(stack, task.value as Record<string, unknown>)
  }
  return text
}

type Task = string | { readonly value: unknown }

function pushList(stack: Task[], list: readonly unknown[]): void {
  stack.push(']')
  for (let i = list.length - 1; i >= 0; i--) {
    stack.push({ value: list[i] })
    if (i > 0) stack.push(',')
  }
  stack.push('[')
}

function pushMembers(stack: Task[], object: Record<string, unknown>): void {
  const keys = Object.keys(object).filter((key) => !isAbsent(object[key]))
  keys.sort()
  stack.push('}')
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i]!
    stack.push({ value: object[key] }, `${i > 0 ? ',' : ''}${JSON.stringify(key)}:`)
  }
  stack.push('{')
}

const isAbsent = (value: unknown): boolean =>
  value === undefined || typeof value === 'function' || typeof value === 'symbol'

function scalar(value: unknown): string {
  if (typeof value === 'bigint') return value.toString()
  return isAbsent(value) ? 'null' : JSON.stringify(value)
}
