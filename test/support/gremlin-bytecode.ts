import type { Bytecode } from 'gremlin'

/*
 * What a request must keep to so that it does on Neptune what it does in the tests. No server of ours is as strict:
 * TinkerGraph takes any step, any number of them, any id and any value.
 */

/** Undocumented; AWS says that larger ones may be refused. */
export const mostSteps = 1_500
/** Neptune's advice. A record is a vertex or an edge with its label, or a property. */
export const mostRecords = 200

/** Steps that Neptune 1.2 to 1.5 have and that mean the same in TinkerPop 3.6 to 3.8. A step more needs a look at both. */
const steps: ReadonlySet<string> = new Set(
  [
    'V E inject mergeV mergeE property option sideEffect drop',
    'has hasLabel hasId hasNot id label values elementMap project by path',
    'inE outE inV outV in out repeat emit times until where not or and',
    'count fold unfold limit order dedup identity constant coalesce',
  ].flatMap((line) => line.split(' ')),
)
const writingSteps: ReadonlySet<string> = new Set(['mergeV', 'mergeE', 'addV', 'addE', 'property', 'drop'])

type Instruction = readonly [name: string, ...values: unknown[]]
type Nature = 'vertex' | 'edge' | undefined

/** What a step hands on; those that are not here hand on what they got. */
const natures: Readonly<Record<string, Nature>> = {
  V: 'vertex',
  mergeV: 'vertex',
  inV: 'vertex',
  outV: 'vertex',
  in: 'vertex',
  out: 'vertex',
  E: 'edge',
  mergeE: 'edge',
  inE: 'edge',
  outE: 'edge',
}
for (const step of ['values', 'id', 'label', 'project', 'elementMap', 'path', 'count', 'fold', 'inject', 'constant'])
  Object.assign(natures, { [step]: undefined })

/** A traversal in a traversal is an argument of a step, with its bytecode in it. */
const bytecodeOf = (value: unknown): Bytecode | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  if ('stepInstructions' in value) return value as Bytecode
  return 'getBytecode' in value ? (value as { getBytecode(): Bytecode }).getBytecode() : undefined
}

const instructionsOf = (bytecode: Bytecode): readonly Instruction[] => bytecode.stepInstructions as Instruction[]

/** All steps, also those of traversals in it. */
export const allSteps = (bytecode: Bytecode): Instruction[] =>
  instructionsOf(bytecode).flatMap((instruction) => {
    const inner = instruction.slice(1).flatMap((value) => bytecodeOf(value) ?? [])
    return [instruction, ...inner.flatMap(allSteps)]
  })

export const isWrite = (bytecode: Bytecode): boolean => allSteps(bytecode).some(([name]) => writingSteps.has(name))

/** What is wrong with a request; nothing, when it will do. */
export function problemsOf(bytecode: Bytecode): string[] {
  const all = allSteps(bytecode)
  const names = all.map(([name]) => name)
  const problems = [...traversalProblems(bytecode, undefined)]
  if (bytecode.sourceInstructions.length > 0) problems.push('a source instruction, such as a strategy or a side effect')
  if (all.length > mostSteps) problems.push(`${all.length} steps, expected at most ${mostSteps}`)
  if (!isWrite(bytecode)) return problems
  const records = recordsOf(bytecode)
  if (records > mostRecords) problems.push(`${records} records, expected at most ${mostRecords}`)
  // A reducing barrier as the last step has everything before it done; `limit` may stop it early.
  if (instructionsOf(bytecode).at(-1)?.[0] !== 'count') problems.push('a write that does not end with count')
  if (names.includes('limit')) problems.push('limit in a write')
  return problems
}

function* traversalProblems(bytecode: Bytecode, from: Nature): Generator<string> {
  let nature = from
  for (const instruction of instructionsOf(bytecode)) {
    const [name, ...values] = instruction
    if (!steps.has(name)) yield `step ${name}`
    yield* stepProblems(instruction, nature)
    if (name in natures) nature = natures[name]
    for (const value of values) {
      if (typeof value === 'function') yield `a lambda in ${name}`
      const inner = bytecodeOf(value)
      if (inner) yield* traversalProblems(inner, nature)
    }
  }
}

function* stepProblems([name, ...values]: Instruction, nature: Nature): Generator<string> {
  if (name === 'V' || name === 'E' || name === 'hasId') {
    for (const id of values) if (typeof id !== 'string') yield `an id of ${name} that is not text: ${shown(id)}`
  }
  if (name === 'mergeV' || name === 'mergeE') yield* mergeProblems(name, values)
  if (name === 'option') yield* optionProblems(values)
  if (name === 'property') yield* propertyProblems(values, nature)
  if (name === 'has') yield* comparisonProblems(values.at(-1))
  if (name === 'hasLabel') for (const label of values) yield* labelProblems(label)
}

/** Properties in it would have the server's default cardinality, which is not the same everywhere. */
function* mergeProblems(name: string, [match, ...more]: readonly unknown[]): Generator<string> {
  if (!(match instanceof Map) || more.length > 0) return yield `${name} of something else than one Map`
  if (![...match.keys()].some((key) => tokenOf(key) === 'id')) yield `${name} without an id: it is no upsert`
  for (const [key, value] of match) {
    const token = tokenOf(key)
    if (token === 'label') yield* labelProblems(value)
    else if (token === undefined) yield `a property in the Map of ${name}: ${shown(key)}`
    else if (typeof value !== 'string') yield `an id of ${name} that is not text: ${shown(value)}`
  }
}

/** What has just been made has each property once, whatever the cardinality. */
function* optionProblems([when, then]: readonly unknown[]): Generator<string> {
  if (tokenOf(when) !== 'onCreate') yield `option ${shown(when)}`
  if (!(then instanceof Map))
    return yield 'option with something else than a Map: 3.8 gives its traversal another element'
  for (const [key, value] of then) {
    if (tokenOf(key) === 'label') yield* labelProblems(value)
    else if (typeof key === 'string') yield* valueProblems(key, value)
    else yield `a key of option that is neither label nor text: ${shown(key)}`
  }
}

function* propertyProblems(values: readonly unknown[], nature: Nature): Generator<string> {
  if (nature === undefined) yield 'property of something that is neither vertex nor edge'
  const isSingle = typeNameOf(values[0]) === 'Cardinality'
  if (isSingle && tokenOf(values[0]) !== 'single') yield `cardinality ${shown(values[0])}`
  if (nature === 'vertex' && !isSingle) yield `property ${shown(values[0])} of a vertex without cardinality single`
  if (nature === 'edge' && isSingle) yield `property ${shown(values[1])} of an edge with a cardinality`
  const [key, value, ...meta] = isSingle ? values.slice(1) : values
  if (typeof key !== 'string') yield `a property that is not named by a text: ${shown(key)}`
  if (meta.length > 0) yield `property ${shown(key)} with properties of its own`
  yield* valueProblems(key, value)
}

function* valueProblems(key: unknown, value: unknown): Generator<string> {
  if (!isPlain(value)) yield `property ${shown(key)} that is neither text nor a whole number: ${shown(value)}`
}

function* comparisonProblems(value: unknown): Generator<string> {
  const compared = typeNameOf(value) === undefined && isPredicate(value) ? [value.value].flat() : [value]
  for (const one of compared) if (!isPlain(one)) yield `has with neither text nor a whole number: ${shown(one)}`
}

function* labelProblems(label: unknown): Generator<string> {
  if (typeof label !== 'string' || label === '' || label.includes('::')) yield `label ${shown(label)}`
}

/** Labels, properties, and elements that are dropped or rewritten by their ids: each of those. */
export function recordsOf(bytecode: Bytecode): number {
  let records = 0
  let elements = 1
  for (const [name, ...values] of instructionsOf(bytecode)) {
    if (name === 'V' || name === 'E') elements = Math.max(values.length, 1)
    if (name === 'mergeV' || name === 'mergeE') elements = 1
    if (name === 'property' || name === 'drop') records += elements
    if (name === 'mergeE' || name === 'option')
      records += values.flatMap((value) => (value instanceof Map ? [...value.keys()] : [])).filter(isRecord).length
    for (const inner of values.flatMap((value) => bytecodeOf(value) ?? [])) records += recordsOf(inner)
  }
  return records
}

const isRecord = (key: unknown): boolean => typeof key === 'string' || tokenOf(key) === 'label'

const isPlain = (value: unknown): boolean => typeof value === 'string' || Number.isSafeInteger(value)

const isPredicate = (value: unknown): value is { readonly operator: string; readonly value: unknown } =>
  typeof value === 'object' && value !== null && 'operator' in value

const typeNameOf = (value: unknown): string | undefined => (value as { typeName?: string } | null | undefined)?.typeName

/** `T.id` and such; Direction writes its elements in capitals or not, by version. */
const tokenOf = (value: unknown): string | undefined =>
  typeNameOf(value) === undefined ? undefined : String((value as { elementName: string }).elementName)

const shown = (value: unknown): string =>
  tokenOf(value) ?? (typeof value === 'bigint' ? `${value}n` : JSON.stringify(value)?.slice(0, 60)) ?? typeof value
