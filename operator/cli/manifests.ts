import { type Document, isScalar, parseAllDocuments, type ScalarTag, type SchemaOptions, visit } from 'yaml'
import { parseJson } from '../api/json.ts'
import { failure, type Result, success } from '../api/result.ts'

/** One object of a file. `where`: for messages. */
export interface Manifest {
  readonly where: string
  readonly raw: unknown
}

/**
 * The objects of a file as kubectl reads it: JSON, or YAML 1.1 in the dialect of its library (`on` is true, `022` is 18,
 * but `190:20:30` and dates are text); several documents; the items of a List. Fails with `InvalidManifest`.
 */
export const readManifests = (text: string, file: string): Result<Manifest[]> => {
  const values = documentsOf(text.replace(/^\ufeff/, ''), file)
  if (!values.ok) return values
  const found = values.value.filter((value) => value !== undefined && value !== null).flatMap(itemsOf)
  const place = (i: number): string => (found.length > 1 ? `${file}, object ${i + 1}` : file)
  return success(found.map((raw, i) => ({ where: place(i), raw })))
}

const itemsOf = (value: unknown): unknown[] => {
  const { kind, items } = value as { kind?: unknown; items?: unknown }
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items) ? items : [value]
}

const documentsOf = (text: string, file: string): Result<unknown[]> => {
  // A flow mapping of YAML begins like JSON, and is tried second.
  const json = /^\s*\{/.test(text) ? jsonTexts(text) : undefined
  const read = json && attempt(() => json.map(parseJson))
  if (read?.ok) return read
  const documents = parseAllDocuments(text, { version: '1.1', schema: 'yaml-1.1', uniqueKeys: false, ...asGoReadsIt })
  const invalid = (fault: string): Result<never> =>
    failure({ reason: 'InvalidManifest', message: `${file}: ${fault}`, retry: false })
  const values: unknown[] = []
  for (const document of documents as Document.Parsed[]) {
    const fault = faultOf(document)
    if (fault !== undefined) return invalid(fault)
    const value = attempt(() => document.toJS({ maxAliasCount: 100 }) as unknown)
    if (!value.ok) return invalid(value.failure.message)
    values.push(value.value)
  }
  return success(values)
}

const attempt = <T>(act: () => T): Result<T> => {
  try {
    return success(act())
  } catch (error) {
    return failure({ reason: 'InvalidManifest', message: (error as Error).message, retry: false })
  }
}

/** JSON texts one after another, as `jq -c` writes them: cut where the braces of each close. */
const jsonTexts = (text: string): string[] => {
  const texts: string[] = []
  let depth = 0
  let begin = 0
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token === '{') depth++
    if (token !== '}' || --depth > 0) continue
    texts.push(text.slice(begin, index + 1))
    begin = index + 1
  }
  const rest = text.slice(begin)
  return rest.trim() === '' ? texts : [...texts, rest]
}

const faultOf = (document: Document.Parsed): string | undefined => {
  const [error] = document.errors
  if (error) return error.message.split('\n')[0]?.replace(/:$/, '')
  const { explicit, version } = document.directives.yaml
  if (explicit && version !== '1.1') return `%YAML: expected 1.1, which is what kubectl reads, found ${version}`
  let fault: string | undefined
  visit(document, {
    Pair: (_, { key }) => {
      if (isScalar(key) && key.value !== null) return undefined
      fault = `expected keys that are text or numbers, found ${isScalar(key) ? 'null' : 'a list or a map'}`
      return visit.BREAK
    },
  })
  return fault
}

/** Numbers as strconv.ParseInt(…, 0, 64) and ParseFloat take them, underscores left out. All else is text. */
const whole = /^[-+]?(0b[01]+|0o?[0-7]+|0x[0-9a-f]+|0|[1-9][0-9]*)$/i
const decimal = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)(e[-+]?[0-9]+)?$/i
const endless = /^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$/

const numberOf = (source: string): unknown => {
  const text = source.replaceAll('_', '')
  if (endless.test(source)) throw new Error(`expected a number that JSON can hold, found ${source}`)
  if (whole.test(text)) return wholeNumber(text)
  const number = decimal.test(text) ? Number(text) : Number.NaN
  return Number.isFinite(number) ? number : source
}

const wholeNumber = (text: string): number | bigint => {
  const [, sign, digits = ''] = /^([-+]?)(.*)$/.exec(text) ?? []
  const octal = /^0o?([0-7]+)$/i.exec(digits)
  const size = BigInt(octal ? `0o${octal[1]}` : digits)
  const value = sign === '-' ? -size : size
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

const int: ScalarTag = { tag: 'tag:yaml.org,2002:int', default: true, test: /^[-+.0-9]/, resolve: numberOf }
const float: ScalarTag = { tag: 'tag:yaml.org,2002:float', resolve: numberOf }

const binary: ScalarTag = {
  tag: 'tag:yaml.org,2002:binary',
  resolve: (text) => Buffer.from(text, 'base64').toString('utf8'),
}

const kept = ['map', 'seq', 'str', 'null', 'bool', 'merge'].map((name) => `tag:yaml.org,2002:${name}`)

const asGoReadsIt: Pick<SchemaOptions, 'customTags' | 'resolveKnownTags'> = {
  resolveKnownTags: false,
  customTags: (tags) => [
    ...tags.filter((tag) => typeof tag !== 'string' && kept.includes(tag.tag)),
    int,
    float,
    binary,
  ],
}
