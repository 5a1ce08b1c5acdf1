import { failure, type Result, success } from '../api/result.ts'
import { msOf } from './age.ts'
import { versionIn } from './graph-place.ts'
import { type GraphPort, isUnheld, type VersionChange } from './graph-port.ts'
import type { Terminal } from './terminal.ts'

/** What stands on the command line. */
export interface Ends {
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/** What is asked for: two versions, or a span of time. */
export type Span =
  | { readonly of: 'versions'; readonly from: number; readonly to: number | undefined }
  | { readonly of: 'time'; readonly ms: number }

export const spanIn = ({ from, to }: Ends, since: string | undefined): Result<Span> => {
  if ((from === undefined) === (since === undefined)) {
    return bad(`expected two versions, or --since, found ${from === undefined ? 'neither' : 'both'}`)
  }
  if (since !== undefined) {
    const ms = msOf(since)
    if (ms === undefined || ms === 0)
      return bad(`--since: expected a duration such as 24h or 1h30m, found ${JSON.stringify(since)}`)
    return success({ of: 'time', ms })
  }
  const older = versionIn(from ?? '', 'from')
  if (!older.ok) return older
  const newer = to === undefined ? success(undefined) : versionIn(to, 'to')
  if (!newer.ok) return newer
  if (newer.value !== undefined && newer.value < older.value)
    return bad(`expected the older version first, found ${older.value} before ${newer.value}`)
  return success({ of: 'versions', from: older.value, to: newer.value })
}

const bad = (message: string): Result<never> => failure({ reason: 'BadRequest', message, retry: false })

export interface ReadSpan {
  readonly from: number
  readonly to: number
  readonly changes: readonly VersionChange[]
}

/** How many versions are looked through for a time. */
const looked = 1_000

/** The changes that lie in it. */
export const readSpan = async (
  port: Pick<GraphPort, 'changes' | 'versions'>,
  span: Span,
  { now, err }: Pick<Terminal, 'now' | 'err'>,
): Promise<Result<ReadSpan>> => {
  const read = async (from: number, to: number): Promise<Result<ReadSpan>> => {
    const answer = await port.changes(from, to)
    return answer.ok ? success({ from, to, changes: answer.value.changes }) : answer
  }
  if (span.of === 'versions' && span.to !== undefined) return read(span.from, span.to)
  const known = await port.versions(looked)
  if (!known.ok) return known
  const { head, versions } = known.value
  if (span.of === 'versions') return read(span.from, head.version)
  const then = now() - span.ms
  const last = versions.find(({ at }) => Date.parse(at) <= then)
  if (last) return read(last.version, head.version)
  const oldest = versions.at(-1)?.version ?? head.version
  const whole = await read(Math.max(oldest - 1, 0), head.version)
  const rest = isUnheld(whole) ? await read(oldest, head.version) : whole
  if (rest.ok && rest.value.from > 0) {
    err(`warning: not whole: no version before ${rest.value.from} is known, and the next one is younger than that\n`)
  }
  return rest
}
