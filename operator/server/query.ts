import { failure, type Result, success } from '../api/result.ts'

/** The name of a namespace, and of what stands in one. */
export const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
export const subdomain = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/

export type Query = Readonly<Record<string, unknown>>

/**
 * The parameters of a request, each of these names at most once. `also`: what else it may have, for messages. Fails with
 * `BadRequest`, as all in this file.
 */
export const textsOf = <K extends string>(
  query: Query,
  known: readonly K[],
  also: readonly string[] = [],
): Result<{ readonly [N in K]?: string }> => {
  const texts: { [N in K]?: string } = {}
  for (const [name, value] of Object.entries(query)) {
    if (!known.includes(name as K)) return bad(name, `one of ${[...known, ...also].join(', ')}`, name)
    if (typeof value !== 'string') return bad(name, 'one value', value)
    texts[name as K] = value
  }
  return success(texts)
}

/** `preset`: what is meant when nothing is said. */
export const numberIn = <P>(
  field: string,
  text: string | undefined,
  { least, most, preset }: { least: number; most: number; preset: P },
): Result<number | P> => {
  if (text === undefined) return success(preset)
  const number = /^\d{1,15}$/.test(text) ? Number(text) : -1
  return number >= least && number <= most
    ? success(number)
    : bad(field, `a whole number from ${least} to ${most}`, text)
}

/** In epoch milliseconds, as the ledger's time column can hold it. */
export const timeIn = (field: string, text: string | undefined): Result<number | undefined> => {
  if (text === undefined) return success(undefined)
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/.test(text) ? Date.parse(text) : Number.NaN
  return time >= 0 && time < Date.UTC(2200, 0) ? success(time) : bad(field, 'a time such as 2026-01-31T12:00:00Z', text)
}

/** Any text, as somebody else wrote it: it is only ever compared. */
export const textIn = (field: string, text: string | undefined, most: number): Result<string | undefined> =>
  text === undefined || (text !== '' && text.length <= most)
    ? success(text)
    : bad(field, `a text of 1 to ${most} characters`, text)

/** A parameter that may stand several times, up to `most` times. */
export const listIn = (query: Query, field: string, most: number): Result<readonly string[]> => {
  const given = query[field] ?? []
  const list: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (!list.every((one) => typeof one === 'string')) return bad(field, 'texts', given)
  return list.length <= most ? success(list) : bad(field, `at most ${most} of them`, list.length)
}

export const bad = (field: string, expected: string, found: unknown): Result<never> =>
  failure({
    reason: 'BadRequest',
    message: `${field}: expected ${expected}, found ${JSON.stringify(found)?.slice(0, 200) ?? 'nothing'}`,
    retry: false,
  })
