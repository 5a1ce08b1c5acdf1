import { Option } from 'commander'
import { failure, type Result, success } from '../api/result.ts'
import { shortId } from './dead-letters-list.ts'
import { notKarma } from './log.ts'
import { connectionOptions, type Format, outputOption, serialized } from './output.ts'
import { type Column, green, red, table } from './table.ts'
import type { CommonFlags, Desk, Verb } from './verb.ts'

interface ReplayFlags extends CommonFlags {
  readonly reason?: string
  readonly all?: boolean
  readonly output: Format
}

/** Without a reason it is on its topic again. */
interface Outcome {
  readonly id: string
  readonly topic: string
  readonly reason?: string
  readonly message?: string
}

const help = `
The operator reads the bytes again, as it reads messages today. What is an event by now goes to its topic; what is still
none stays, and says why. With --reason and --all only those are tried that were not replayed before.

Exit code: 0 everything was replayed, 1 something stays, or it could not be tried.

Examples:
  kubectl karma dead-letters replay 3f0c9a1b 77aa01c2
  kubectl karma dead-letters replay --reason TooLarge
  kubectl karma dead-letters replay --all
`

export const addLetterReplay: Verb = (program, run) => {
  const command = program
    .command('replay')
    .description('try them once more, and publish what is an event by now')
    .argument('[ids...]', 'their IDs, or how they begin')
    .addOption(new Option('--reason <reason>', 'those that were put aside for this reason').conflicts('all'))
    .option('--all', 'all of them')
    .addOption(outputOption())
    .addHelpText('after', help)
  connectionOptions(command).action((ids: string[], flags: ReplayFlags) =>
    run(flags, (desk) => replay(ids, flags, desk)),
  )
}

const replay = async (ids: readonly string[], flags: ReplayFlags, desk: Desk): Promise<Result<number>> => {
  const { reason, all, output } = flags
  const isOfMany = reason !== undefined || all === true
  if (isOfMany === ids.length > 0) return oneOf(ids.length, isOfMany)
  const query = new URLSearchParams()
  for (const id of ids) query.append('id', id)
  if (reason !== undefined) query.set('reason', reason)
  if (all) query.set('all', 'true')
  const tried = await tryAll(query, desk)
  if (!tried.ok) return tried
  const { terminal } = desk
  const letters = tried.value
  if (output !== 'table') terminal.out(serialized({ letters }, output))
  else if (letters.length > 0) terminal.out(table(columns, letters, terminal))
  const stay = letters.filter((letter) => letter.reason !== undefined).length
  terminal.err(`${letters.length - stay} replayed, ${stay} stay\n`)
  return success(stay === 0 ? 0 : 1)
}

/** Page by page; how many they are is not known before. */
const tryAll = async (query: URLSearchParams, { session, terminal }: Desk): Promise<Result<Outcome[]>> => {
  const letters: Outcome[] = []
  const isShown = terminal.width !== undefined && !query.has('id')
  for (;;) {
    const answer = await session.post(`/api/v1/dead-letters/replay?${query}`)
    if (!isPage(answer)) return notKarma('letters')
    if (!answer.ok) return answer
    letters.push(...answer.value.letters)
    if (isShown) terminal.err(`\r${letters.length} tried`)
    if (answer.value.next === undefined) break
    query.set('after', answer.value.next)
  }
  if (isShown) terminal.err('\n')
  return success(letters)
}

const oneOf = (ids: number, isOfMany: boolean): Result<never> =>
  failure({
    reason: 'BadRequest',
    message: `expected IDs, or --reason REASON, or --all, found ${isOfMany ? `${ids} IDs beside it` : 'none of them'}`,
    retry: false,
  })

const isPage = (
  answer: Result<unknown>,
): answer is Result<{ readonly letters: readonly Outcome[]; readonly next?: string }> =>
  !answer.ok || Array.isArray((answer.value as { letters?: unknown }).letters)

const columns: readonly Column<Outcome>[] = [
  { title: 'ID', text: ({ id }) => shortId(id) },
  { title: 'TOPIC', text: ({ topic }) => topic },
  {
    title: 'OUTCOME',
    text: ({ reason }) => reason ?? 'Replayed',
    colour: ({ reason }) => (reason === undefined ? green : red),
  },
  { title: 'MESSAGE', text: ({ message }) => message ?? '' },
]
