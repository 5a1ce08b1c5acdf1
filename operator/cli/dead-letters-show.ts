import { type Result, success } from '../api/result.ts'
import type { KeptLetter } from '../ports/ledger.ts'
import { shownBytes } from './bytes.ts'
import { notKarma } from './log.ts'
import { connectionOptions, type Format, outputOption, serialized } from './output.ts'
import { escaped } from './table.ts'
import type { CommonFlags, Desk, Verb } from './verb.ts'

interface ShowFlags extends CommonFlags {
  readonly output: Format
}

const help = `
Bytes that are text are printed as they are, others in hex; with -o json and yaml they are in base64.

Examples:
  kubectl karma dead-letters show 3f0c9a1b
  kubectl karma dead-letters show 3f0c9a1b -o json | jq -r .raw | base64 -d > letter
`

export const addShowLetter: Verb = (program, run) => {
  const command = program
    .command('show')
    .description('print one of them, with its bytes')
    .argument('<id>', 'its ID, or how it begins')
    .addOption(outputOption())
    .addHelpText('after', help)
  connectionOptions(command).action((id: string, flags: ShowFlags) => run(flags, (desk) => show(id, flags, desk)))
}

const show = async (id: string, { output }: ShowFlags, { session, terminal }: Desk): Promise<Result<number>> => {
  const answer = await session.operator(`/api/v1/dead-letter?${new URLSearchParams({ id })}`)
  if (!isLetter(answer)) return notKarma('letter, raw')
  if (!answer.ok) return answer
  const { letter, raw } = answer.value
  terminal.out(output === 'table' ? described(letter, raw) : serialized({ ...letter, raw }, output))
  return success(0)
}

const isLetter = (answer: Result<unknown>): answer is Result<{ readonly letter: KeptLetter; readonly raw: string }> => {
  if (!answer.ok) return true
  const { letter, raw } = answer.value as { letter?: unknown; raw?: unknown }
  return typeof letter === 'object' && letter !== null && typeof raw === 'string'
}

const described = (letter: KeptLetter, raw: string): string => {
  const { id, at, topic, partition, offset, key, reason, message, size, omitted, replayedAt } = letter
  const fields: [name: string, value: string | number | undefined][] = [
    ['ID', id],
    ['Put aside', at],
    ['Topic', topic],
    ['Partition', partition],
    ['Offset', offset],
    ['Key', key],
    ['Reason', reason],
    ['Message', message],
    ['Bytes', omitted === undefined ? size : `${size}, and ${omitted} more that were too many to be kept`],
    ['Replayed', replayedAt ?? 'no'],
  ]
  const lines = fields.flatMap(([name, value]) =>
    value === undefined ? [] : `${`${name}:`.padEnd(12)}${escaped(String(value))}\n`,
  )
  return `${lines.join('')}\n${shownBytes(Buffer.from(raw, 'base64'))}`
}
