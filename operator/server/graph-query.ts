import { type Failure, failure, type Result } from '../api/result.ts'
import { environmentKey } from '../core/component/identity.ts'
import type { Access, Right } from '../ports/access.ts'
import type { GraphStore } from '../ports/graph.ts'
import { identified, permitted } from './caller.ts'
import { bad, label, type Query, subdomain, textsOf } from './query.ts'

export type ReadableGraph = Pick<GraphStore, 'head' | 'versions' | 'changes' | 'view'>

export type Route<T> = (token: string | undefined, query: Query) => Promise<Result<T>>

/** An Environment that is asked about. `key`: `namespace/name`. */
export interface Place {
  readonly key: string
  readonly namespace: string
  readonly name: string
}

/** Numbers of versions are whole, and exact. */
export const mostVersion = 999_999_999_999_999

/** What a route asks for beside the environment. */
interface Asking<Field extends string, Asked> {
  readonly fields: readonly Field[]
  readonly parse: (texts: { readonly [F in Field]?: string }) => Result<Asked>
  /** what the caller must be allowed to list beside Components */
  readonly also?: readonly NonNullable<Right['resource']>[]
}

/**
 * A route about one environment, `environment=NAMESPACE/NAME`. What a graph says is what the Components there say, so the
 * caller must be allowed to `list` them in that namespace.
 */
export const makeGraphRoute =
  <Field extends string, Asked, T>(
    access: Access,
    { fields, parse, also = [] }: Asking<Field, Asked>,
    answer: (place: Place, asked: Asked) => Promise<Result<T>>,
  ): Route<T> =>
  async (token, query) => {
    const caller = await identified(access, token)
    if (!caller.ok) return caller
    const texts = textsOf(query, ['environment', ...fields])
    if (!texts.ok) return texts
    const place = placeIn(texts.value.environment)
    if (!place.ok) return place
    const asked = parse(texts.value)
    if (!asked.ok) return asked
    const { namespace } = place.value
    for (const resource of ['components', ...also] as const) {
      const allowed = await permitted(access, caller.value, { verb: 'list', resource, namespace })
      if (!allowed.ok) return allowed
    }
    return answer(place.value, asked.value)
  }

const placeIn = (text: string | undefined): Result<Place> => {
  const [namespace = '', name = '', ...rest] = (text ?? '').split('/')
  if (rest.length > 0 || !label.test(namespace) || !subdomain.test(name)) {
    return bad('environment', 'NAMESPACE/NAME of an Environment', text)
  }
  return { ok: true, value: { key: environmentKey(namespace, name), namespace, name } }
}

/** How many versions are looked at to say which are held. */
const looked = 1_000

/** The failure of a version that cannot be read, with those that can. */
export const withHeld = async (graph: ReadableGraph, key: string, what: Failure): Promise<Result<never>> => {
  if (what.reason !== 'VersionUnknown' && what.reason !== 'VersionCompacted') return failure(what)
  const [head, versions] = [await graph.head(key), await graph.versions(key, looked)]
  if (!head.ok || !versions.ok) return failure(what)
  const held = new Set([...versions.value.map(({ version }) => version), head.value.version])
  return failure({ ...what, message: `${what.message}; versions that are held: ${rangesOf([...held])}` })
}

/** `1, 3 to 8` */
const rangesOf = (numbers: readonly number[]): string => {
  const ranges: [first: number, last: number][] = []
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const range = ranges.at(-1)
    if (range && range[1] === number - 1) range[1] = number
    else ranges.push([number, number])
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first} to ${last}`)).join(', ')
}

export const tooLarge = (message: string): Result<never> => failure({ reason: 'TooLarge', message, retry: false })
