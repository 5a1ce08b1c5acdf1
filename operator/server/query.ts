import { failure, type Result, success } from '../api/result.ts'

/** The name of a namespace, and of what stands in one. */
export const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
export const subdomain = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/

export type Query = Readonly<Record<string, unknown>>

/** The parameters of a request, each of these names at most once. Fails with `BadRequest`, as all in this file. */
export const textsOf = <K extends string>(
  query: Query,
  known: readonly K[],
): Result<{ readonly [N in K]?: string }> => {
  const texts: { [N in K]?: string } = {}
  for (const [name, value] of Object.entries(query)) {
    if (!known.includes(name as K)) return bad(name, `one of ${known.join(', ')}`, name)
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

export const bad = (field: string, expected: string, found: unknown): Result<never> =>
  failure({
    reason: 'BadRequest',
    message: `${field}: expected ${expected}, found ${JSON.stringify(found)?.slice(0, 200) ?? 'nothing'}`,
    retry: false,
  })
