import { Option } from 'commander'
import { type Topic, topics } from '../api/envelope.ts'
import { type Result, success } from '../api/result.ts'
import type { KeptLetter } from '../ports/ledger.ts'
import { only } from './count.ts'
import { notKarma } from './log.ts'
import { type Moment, momentIn } from './moment.ts'
import { connectionOptions, type Format, outputOption, serialized } from './output.ts'
import { type Column, table } from './table.ts'
import type { CommonFlags, Desk, Verb } from './verb.ts'

interface ListFlags extends CommonFlags {
  readonly topic?: Topic
  readonly reason?: string
  readonly since?: Moment
  readonly limit?: string
  readonly output: Format
}

export const addList: Verb = (program, run) => {
  const command = program
    .command('list')
    .description('list what was put aside, newest first')
    .addOption(new Option('--topic <topic>', 'of this topic').choices(topics))
    .option('--reason <reason>', 'for this reason, such as NotJson')
    .addOption(new Option('--since <time>', 'then or later: RFC 3339, or so long ago, such as 24h').argParser(momentIn))
    .option('--limit <count>', 'so many at most (default: 100; at most 1000)')
    .addOption(outputOption())
  connectionOptions(command).action((flags: ListFlags) => run(flags, (desk) => list(flags, desk)))
}

const list = async (flags: ListFlags, { session, terminal }: Desk): Promise<Result<number>> => {
  const { topic, reason, since, limit, output } = flags
  const query = new URLSearchParams()
  if (topic !== undefined) query.set('topic', topic)
  if (reason !== undefined) query.set('reason', reason)
  if (since) query.set('since', since(terminal.now()))
  if (limit !== undefined) query.set('limit', limit)
  const answer = await session.operator(`/api/v1/dead-letters?${query}`)
  if (!isList(answer)) return notKarma('letters')
  if (!answer.ok) return answer
  const { letters, truncated } = answer.value
  if (output !== 'table') terminal.out(serialized({ letters }, output))
  else if (letters.length === 0) terminal.err('no dead letters\n')
  else terminal.out(table(columns, letters, terminal))
  if (truncated) terminal.err(`${only(letters.length, 'dead letter')}; --limit N shows more\n`)
  return success(0)
}

const isList = (
  answer: Result<unknown>,
): answer is Result<{ readonly letters: readonly KeptLetter[]; readonly truncated: boolean }> =>
  !answer.ok || Array.isArray((answer.value as { letters?: unknown }).letters)

/** As much of an id as tells it from others. */
export const shortId = (id: string): string => id.slice(0, 12)

/** `partition/offset` */
export const placeOf = ({ partition, offset }: KeptLetter): string =>
  partition === undefined && offset === undefined ? '-' : `${partition ?? '-'}/${offset ?? '-'}`

const columns: readonly Column<KeptLetter>[] = [
  { title: 'ID', text: ({ id }) => shortId(id) },
  { title: 'AT', text: ({ at }) => at },
  { title: 'TOPIC', text: ({ topic }) => topic },
  { title: 'OFFSET', text: placeOf },
  { title: 'BYTES', text: ({ size }) => String(size) },
  { title: 'REPLAYED', text: ({ replayedAt }) => replayedAt ?? '-' },
  { title: 'REASON', text: ({ reason }) => reason },
  { title: 'MESSAGE', text: ({ message }) => message },
]
