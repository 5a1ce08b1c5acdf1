import { InvalidArgumentError } from 'commander'
import { timeOf } from '../api/parse-event.ts'
import { msOf } from './age.ts'

/** A time as people say it: ISO 8601 in UTC, once it is known when now is (epoch milliseconds). */
export type Moment = (now: number) => string

/** For an option: RFC 3339, or how long ago. */
export const momentIn = (text: string): Moment => {
  const ago = msOf(text)
  if (ago !== undefined) return (now) => new Date(Math.max(now - ago, 0)).toISOString()
  const time = timeOf(text)
  if (time !== undefined) return () => time
  throw new InvalidArgumentError('expected a time such as 2026-01-31T12:00:00Z, or how long ago, such as 24h')
}
