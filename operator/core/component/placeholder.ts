import type { Json, JsonObject } from '../../api/kinds.generated.ts'

/** One `${reference.output}` in config. `pointer` is the JSON pointer of the string that holds it. */
export interface Placeholder {
  readonly reference: string
  readonly output: string
  readonly pointer: string
}

/**
 * Every placeholder in config, in order of writing; strings anywhere are searched, keys are not, and one string may hold
 * several. `$${bucket.arn}` is the escape: it means the text `${bucket.arn}`. What does not have the form
 * `${name.name}`, such as `${AWS::Region}` or `${HOME}`, is text of somebody else's language and left alone.
 */
export const placeholdersOf = (config: JsonObject | undefined): Placeholder[] => {
  const found: Placeholder[] = []
  if (config !== undefined) collect(config, '', found)
  return found
}

/** References and outputs named in one string. */
export const placeholdersIn = (text: string): { readonly reference: string; readonly output: string }[] => {
  if (!text.includes('${')) return []
  const found: { reference: string; output: string }[] = []
  for (const match of text.matchAll(form)) {
    if (match.groups?.reference && match.groups.output) {
      found.push({ reference: match.groups.reference, output: match.groups.output })
    }
  }
  return found
}

/**
 * What a string of config stands for, every placeholder replaced by the value that `read` gives. Undefined: one of
 * them is not known, or is no text where text is needed.
 */
export const filledIn = (
  text: string,
  read: (reference: string, output: string) => Json | undefined,
): Json | undefined => {
  if (!text.includes('${')) return text
  const [only] = isWholePlaceholder(text) ? placeholdersIn(text) : []
  if (only) return read(only.reference, only.output)
  let isKnown = true
  const filled = text.replaceAll(written, (_, escaped: string | undefined, reference = '', output = '') => {
    if (escaped !== undefined) return escaped
    const value = read(reference, output)
    if (value === undefined || typeof value === 'object') isKnown = false
    return String(value)
  })
  return isKnown ? filled : undefined
}

/** True when the string is one placeholder and nothing else: only then may its value be something else than a string. */
export const isWholePlaceholder = (text: string): boolean => whole.test(text)

/** A step of a JSON pointer (RFC 6901). */
export const escapePointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')

// The escape is tried first, so that `$${a.b}` is passed over whole.
const form = /\$\$\{|\$\{(?<reference>[A-Za-z0-9_-]+)\.(?<output>[A-Za-z0-9_-]+)\}/g
/** The same, or an escape of it: `$${HOME}` is left alone like `${HOME}`. */
const written = /\$(\$\{[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\})|\$\{([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\}/g
const whole = /^\$\{[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\}$/

const collect = (value: Json, pointer: string, found: Placeholder[]): void => {
  if (typeof value === 'string') {
    for (const named of placeholdersIn(value)) found.push({ ...named, pointer })
  } else if (Array.isArray(value)) {
    value.forEach((item, i) => {
      collect(item, `${pointer}/${i}`, found)
    })
  } else if (typeof value === 'object' && value !== null) {
    for (const key of Object.keys(value)) collect(value[key] ?? null, `${pointer}/${escapePointer(key)}`, found)
  }
}
