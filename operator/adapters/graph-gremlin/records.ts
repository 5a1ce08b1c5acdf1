import { failure, type Result, success } from '../../api/result.ts'
import type { Published } from '../../ports/graph.ts'
import type { EdgeRecord, HeadRecord, StateRecord } from './model.ts'

/*
 * What the store answers, parsed: it may be garbage, or written by somebody else. Failure: `GraphUnavailable`.
 */

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (value: unknown): Fields =>
  value instanceof Map ? Object.fromEntries(value as Map<string, unknown>) : {}

const isText = (value: unknown): value is string => typeof value === 'string'
const isNumber = (value: unknown): value is number => Number.isSafeInteger(value)
const isNames = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText)

/** Integers beyond 2^31 come as bigint from some servers. */
const numeric = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value)

const parseAll = <T>(
  what: string,
  values: readonly unknown[],
  parse: (fields: Fields) => T | undefined,
): Result<T[]> => {
  const parsed: T[] = []
  for (const value of values) {
    const one = parse(fieldsOf(value))
    if (one === undefined) return unexpected(what, value)
    parsed.push(one)
  }
  return success(parsed)
}

const unexpected = (what: string, value: unknown): Result<never> =>
  failure({
    reason: 'GraphUnavailable',
    message: `graph store: expected ${what}, found ${shown(value)}; see who else writes to it`,
    retry: true,
    cause: 'the graph store holds what Karma never wrote',
  })

const shown = (value: unknown): string => {
  const fields = value instanceof Map ? Object.fromEntries(value as Map<string, unknown>) : value
  return (
    JSON.stringify(fields, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part)) ?? typeof value
  ).slice(0, 200)
}

export const headsOf = (values: readonly unknown[]): Result<HeadRecord[]> =>
  parseAll('a Head', values, ({ epoch, attempt, sum, ...numbers }) => {
    const [ready, building, claim, horizon] = ['ready', 'building', 'claim', 'horizon'].map((key) =>
      numeric(numbers[key]),
    )
    if (!isText(epoch) || !isText(attempt) || !isText(sum)) return undefined
    if (!isNumber(ready) || !isNumber(building) || !isNumber(claim) || !isNumber(horizon)) return undefined
    return { epoch, ready, building, claim, attempt, sum, horizon }
  })

export const statesOf = (values: readonly unknown[]): Result<StateRecord[]> =>
  parseAll('a State', values, ({ id, component, type, since, until }) =>
    isText(id) && isText(component) && isText(type) && isNumber(since) && isNumber(until)
      ? { id, component, type, since, until }
      : undefined,
  )

export const edgesOf = (values: readonly unknown[]): Result<EdgeRecord[]> =>
  parseAll('a REF', values, ({ id, from, to, name, uses, feeds, index, since, until }) => {
    const [used, fed] = [namesOf(uses), namesOf(feeds)]
    if (!isText(id) || !isText(from) || !isText(to) || !isText(name) || used === undefined || fed === undefined)
      return undefined
    if (!isNumber(index) || !isNumber(since) || !isNumber(until)) return undefined
    const edge = { name, to, ...(used !== 'all' && { uses: used }), ...(fed !== 'all' && { feeds: fed }) }
    return { id, from, edge, index, since, until }
  })

const namesOf = (value: unknown): 'all' | string[] | undefined => {
  if (value === '*') return 'all'
  if (!isText(value)) return undefined
  try {
    const names: unknown = JSON.parse(value)
    return isNames(names) ? names : undefined
  } catch {
    return undefined
  }
}

export const versionsOf = (values: readonly unknown[]): Result<Published[]> =>
  parseAll('a Version', values, ({ version, change, at, sum, epoch }) =>
    isNumber(version) && isText(change) && isText(at) && isText(sum) && isText(epoch)
      ? { version, changeId: change, at, sum, epoch }
      : undefined,
  )

export const textsOf = (what: string, values: readonly unknown[]): Result<string[]> => {
  const wrong = values.findIndex((value) => !isText(value))
  return wrong < 0 ? success(values as string[]) : unexpected(what, values[wrong])
}
