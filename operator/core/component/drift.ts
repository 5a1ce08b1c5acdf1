import { describe } from '../../api/free-form.ts'
import type { Committed, Component, ComponentType, Json, JsonObject } from '../../api/kinds.generated.ts'
import { isObject } from '../../api/merge-patch.ts'
import { faultMessage, type Parsed } from '../../api/parse.ts'
import type { Reason } from '../../api/reasons.ts'
import { cut } from '../../api/text.ts'
import { display, idOf } from './identity.ts'
import { escapePointer, filledIn, placeholdersIn } from './placeholder.ts'
import { referredTo } from './reference.ts'

/** What a Component is found to be, against what is committed of it. */
export interface Drift {
  /** Unknown: the report says nothing about what is committed */
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: Reason
  readonly message: string
  /** JSON pointers into config: where it differs */
  readonly pointers: readonly string[]
}

/** `known` answers by full id, `type` by name. */
export interface Surroundings {
  known(id: string): Component | undefined
  type(name: string): ComponentType | undefined
}

/** Undefined: nothing is committed, or no runtime config is reported. */
export const driftOf = (component: Parsed<Component>, surroundings: Surroundings): Drift | undefined => {
  const { committed, runtime } = component.status ?? {}
  if (!committed) return undefined
  const fault = component.faults.find(({ path }) => path.startsWith('status.runtime.config'))
  if (fault) return unknown(fault.reason, faultMessage(`Component ${nameOf(component)}`, fault))
  if (!runtime?.config) return undefined
  const outputs = outputsOf(component, committed, surroundings)
  const differences = differencesBetween(committed.config ?? {}, runtime.config, outputs)
  const version = `version ${committed.graphVersion}`
  if (differences.length === 0) {
    return { status: 'False', reason: 'AsCommitted', message: `found as committed in ${version}`, pointers: [] }
  }
  if (isOlder(runtime.observedAt, committed.at)) {
    const times = `observed at ${runtime.observedAt}, before ${version} was committed at ${committed.at}`
    return unknown('Outdated', `status.runtime was ${times}; waits for a newer report`)
  }
  const pointers = differences.map(({ pointer }) => pointer)
  return { status: 'True', reason: 'ConfigDiffers', message: messageOf(component, version, differences), pointers }
}

/** One place where config is not as it should be. The texts are for messages, and tell nothing of a secret. */
export interface Difference {
  readonly pointer: string
  readonly expected: string
  readonly found: string
}

/** The outputs that placeholders name, by the reference's name and their own. */
export interface Outputs {
  /** undefined: not known */
  value(reference: string, output: string): Json | undefined
  isSensitive(reference: string, output: string): boolean
}

/**
 * Where `found` is not as `committed`. Keys that were only found are the defaults of a cloud, and no difference; lists
 * are compared whole, position by position; what is empty is the same as what is not there; nothing is said of a string
 * that reads an output which is not known.
 */
export const differencesBetween = (committed: JsonObject, found: JsonObject, outputs: Outputs): Difference[] => {
  const differences: Difference[] = []
  compare(committed, found, { pointer: '', outputs, differences })
  return differences
}

interface Walk {
  readonly pointer: string
  /** absent inside the value of an output, which holds no placeholders */
  readonly outputs?: Outputs | undefined
  /** the text in whose place a secret stands */
  readonly secret?: string
  readonly differences: Difference[]
}

const compare = (expected: Json, found: Json | undefined, walk: Walk): void => {
  if (typeof expected === 'string' && walk.outputs) compareText(expected, found, walk)
  else if (Array.isArray(expected)) compareList(expected, found, walk)
  else if (isObject(expected)) compareObject(expected, found, walk)
  else if (expected !== (found ?? null)) differ(expected, found, walk)
}

const compareText = (text: string, found: Json | undefined, { pointer, outputs, differences }: Walk): void => {
  const expected = filledIn(text, outputs!.value)
  if (expected === undefined) return
  const isSecret = placeholdersIn(text).some(({ reference, output }) => outputs!.isSensitive(reference, output))
  compare(expected, found, { pointer, differences, ...(isSecret && { secret: text }) })
}

const compareList = (expected: readonly Json[], found: Json | undefined, walk: Walk): void => {
  const list = found ?? []
  if (!Array.isArray(list) || list.length !== expected.length) differ(expected, found, walk)
  else for (const [i, item] of expected.entries()) compare(item, list[i], { ...walk, pointer: `${walk.pointer}/${i}` })
}

const compareObject = (expected: JsonObject, found: Json | undefined, walk: Walk): void => {
  const object = found ?? {}
  if (!isObject(object)) {
    differ(expected, found, walk)
    return
  }
  for (const [key, value] of Object.entries(expected)) {
    const member = Object.hasOwn(object, key) ? object[key] : undefined
    compare(value, member, { ...walk, pointer: `${walk.pointer}/${escapePointer(key)}` })
  }
}

const differ = (expected: Json | readonly Json[], found: Json | undefined, walk: Walk): void => {
  const { pointer, secret, differences } = walk
  const texts =
    secret === undefined
      ? { expected: short(expected), found: short(found) }
      : { expected: short(secret), found: found === undefined ? 'nothing' : 'another value' }
  differences.push({ pointer, ...texts })
}

const outputsOf = (component: Component, { references = [] }: Committed, { known, type }: Surroundings): Outputs => {
  const target = (name: string): Component | undefined => {
    const reference = references.find((one) => one.name === name)
    return reference && referredTo(component, reference, known)
  }
  return {
    value: (reference, output) => {
      const outputs = target(reference)?.status?.outputs ?? {}
      return Object.hasOwn(outputs, output) ? outputs[output] : undefined
    },
    isSensitive: (reference, output) => {
      const offered = type(target(reference)?.spec.type ?? '')?.spec.outputs ?? []
      return offered.some(({ name, sensitive }) => name === output && sensitive === true)
    },
  }
}

const unknown = (reason: Reason, message: string): Drift => ({ status: 'Unknown', reason, message, pointers: [] })

/** Many clocks tell whole seconds only, so within one nothing is older. */
const isOlder = (observedAt: string | undefined, committedAt: string): boolean =>
  secondsOf(observedAt ?? '') < secondsOf(committedAt)

/** NaN, which is older than nothing, when it is no time. */
const secondsOf = (time: string): number => Math.floor(Date.parse(time) / 1000)

const nameOf = (component: Component): string => display(idOf(component), component.metadata.namespace ?? '')

const messageOf = (component: Component, version: string, differences: readonly Difference[]): string => {
  const told = differences.slice(0, mostTold).map(({ pointer, expected, found }) => {
    return `${cut(plain.test(pointer) ? pointer : describe(pointer), longestPointer)}: expected ${expected}, found ${found}`
  })
  const more = differences.length - told.length
  const rest = more > 0 ? `; and ${more} more` : ''
  const where = `Component ${nameOf(component)}: status.runtime.config is not as committed in ${version}`
  return `${where}: ${told.join('; ')}${rest}; set it right, or ask for what was found with a ChangeRequest`
}

const mostTold = 3
const plain = /^[!-~]*$/
const longestPointer = 64
const short = (value: unknown): string => cut(describe(value), 48)
