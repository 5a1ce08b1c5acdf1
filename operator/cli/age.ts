const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const year = 365 * day

/** A span as kubectl writes it in its AGE columns: 95s, 5m20s, 3h, 2d. */
export const spanOf = (ms: number): string => {
  if (ms < 0) return '0s'
  const [unit, smaller] = scales.find(([, , most]) => ms < most) ?? [year, undefined]
  const [big, name] = [Math.floor(ms / unit), names.get(unit)!]
  if (smaller === undefined) return `${big}${name}`
  const rest = Math.floor((ms % unit) / smaller)
  return rest === 0 ? `${big}${name}` : `${big}${name}${rest}${names.get(smaller)}`
}

/** Up to how long a span is told in which units. */
const scales: readonly (readonly [unit: number, smaller: number | undefined, most: number])[] = [
  [second, undefined, 2 * minute],
  [minute, second, 10 * minute],
  [minute, undefined, 3 * hour],
  [hour, minute, 8 * hour],
  [hour, undefined, 2 * day],
  [day, hour, 8 * day],
  [day, undefined, 2 * year],
  [year, day, 8 * year],
]

const names = new Map([
  [second, 's'],
  [minute, 'm'],
  [hour, 'h'],
  [day, 'd'],
  [year, 'y'],
])

/** A span that is told more finely than kubectl does: 40ms, 1.2s, 65.02s, then as there. */
export const shortSpanOf = (ms: number): string => {
  if (ms < second) return `${Math.max(Math.round(ms), 0)}ms`
  return ms < 2 * minute ? `${Math.floor(ms / 10) / 100}s` : spanOf(ms)
}

/** How long ago; `<unknown>` for what has no time. */
export const ageOf = (at: string | undefined, now: number): string => {
  const then = Date.parse(at ?? '')
  return Number.isNaN(then) ? '<unknown>' : spanOf(now - then)
}

/** Milliseconds of `90s`, `2m`, `1h30m` as kubectl takes them, and of `2d` as it writes them; undefined: it is none. */
export const msOf = (text: string): number | undefined => {
  if (!/^(\d+[smhdy])+$/.test(text)) return undefined
  const parts = [...text.matchAll(/(\d+)([smhdy])/g)]
  return parts.reduce((sum, [, size, unit]) => sum + Number(size) * units[unit as keyof typeof units], 0)
}

const units = { s: second, m: minute, h: hour, d: day, y: year } as const
