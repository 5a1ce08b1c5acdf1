import { Argument, InvalidArgumentError, Option } from 'commander'
import type { Json } from '../api/kinds.generated.ts'
import { type Result, success } from '../api/result.ts'
import { type View, viewNames, views } from '../core/event/views.ts'
import { msOf, shortSpanOf } from './age.ts'
import { only } from './count.ts'
import { notKarma } from './log.ts'
import { type Format, formats, outputOption, serialized, withConnection } from './output.ts'
import { type Column, type Look, table } from './table.ts'
import type { CommonFlags, Desk, Verb } from './verb.ts'

type StatsFormat = Format | 'csv'

interface StatsFlags extends CommonFlags {
  readonly allNamespaces?: boolean
  readonly environment?: string
  /** milliseconds */
  readonly since?: number
  readonly output: StatsFormat
}

const help = `
Without VIEW it lists what can be asked. With --since a view is about the changes that were asked for since then, and
about what happened to Components and actions since then. Columns of times that passed, such as P90, are in milliseconds
in all formats but the table.

Examples:
  kubectl karma stats
  kubectl karma stats lead-time -A --since 168h
  kubectl karma stats timeline -n dev --environment production
  kubectl karma stats outcomes -A -o csv
`

export const addStats: Verb = (program, run) => {
  const command = program
    .command('stats')
    .description('print what the ledger teaches, one question at a time')
    .addArgument(new Argument('[view]', 'a question; default: list them').choices(viewNames))
    .addOption(new Option('-A, --all-namespaces', 'of all namespaces').conflicts('namespace'))
    .option('--environment <name>', 'of the Environments of this name only')
    .addOption(new Option('--since <duration>', 'of what began so long ago or later, such as 24h').argParser(spanIn))
    .addOption(outputOption([...formats, 'csv']))
    .addHelpText('after', help)
  withConnection(command).action((view: View | undefined, flags: StatsFlags) =>
    run(flags, (desk) => (view === undefined ? listViews(flags, desk) : showStats(view, flags, desk))),
  )
}

const spanIn = (text: string): number => {
  const ms = msOf(text)
  if (ms === undefined || ms === 0) throw new InvalidArgumentError('expected a duration such as 24h or 1h30m')
  return ms
}

const listViews = async ({ output }: StatsFlags, { terminal }: Desk): Promise<Result<number>> => {
  const rows = viewNames.map((view) => ({ view, tells: views[view] }))
  terminal.out(printed({ columns: ['view', 'tells'], rows }, { ...terminal, format: output, named: 'views' }))
  return success(0)
}

const showStats = async (view: View, flags: StatsFlags, desk: Desk): Promise<Result<number>> => {
  const { session, namespace, terminal } = desk
  const query = new URLSearchParams({ view })
  if (!flags.allNamespaces) query.set('namespace', namespace)
  if (flags.environment !== undefined) query.set('environment', flags.environment)
  if (flags.since !== undefined) query.set('since', new Date(Math.max(terminal.now() - flags.since, 0)).toISOString())
  const answer = await session.operator(`/api/v1/stats?${query}`)
  if (!isStatsAnswer(answer)) return notKarma('columns, rows')
  if (!answer.ok) return answer
  const { columns, rows, truncated } = answer.value
  // What is the same in every row is said by who asked for it.
  const shown = flags.allNamespaces ? columns : columns.filter((column) => column !== 'namespace')
  if (rows.length === 0 && flags.output === 'table') terminal.err('nothing to tell\n')
  else terminal.out(printed({ columns, rows }, { ...terminal, format: flags.output, named: 'rows', shown }))
  if (truncated) terminal.err(`${only(rows.length, 'row')}; --environment and --since leave fewer\n`)
  return success(0)
}

interface Rows {
  readonly columns: readonly string[]
  readonly rows: readonly Readonly<Record<string, Json>>[]
}

const isStatsAnswer = (answer: Result<unknown>): answer is Result<Rows & { readonly truncated: boolean }> => {
  if (!answer.ok) return true
  const { columns, rows } = answer.value as Partial<Rows>
  return Array.isArray(columns) && Array.isArray(rows)
}

/** `named`: what the rows are called in JSON. `shown`: the columns of the table, if not all. */
const printed = (
  { columns, rows }: Rows,
  { format, named, shown = columns, ...look }: Look & { format: StatsFormat; named: string; shown?: readonly string[] },
): string => {
  if (format === 'csv') return csv({ columns, rows })
  return format === 'table' ? table(shown.map(columnOf), rows, look) : serialized({ [named]: rows }, format)
}

const columnOf = (name: string): Column<Readonly<Record<string, Json>>> => ({
  title: name.replace(/_ms$/, '').replaceAll('_', '-').toUpperCase(),
  text: (row) => textOf(row[name] ?? null, name.endsWith('_ms')),
})

const textOf = (value: Json, isSpan: boolean): string => {
  if (isSpan && typeof value === 'number') return shortSpanOf(value)
  if (Array.isArray(value)) return value.map(String).join(', ') || '-'
  return value === null || value === '' ? '-' : String(value)
}

/** As RFC 4180 has it. A list is the JSON text of one. */
const csv = ({ columns, rows }: Rows): string =>
  [columns, ...rows.map((row) => columns.map((column) => plainOf(row[column] ?? null)))]
    .map((fields) => `${fields.map(quoted).join(',')}\r\n`)
    .join('')

const plainOf = (value: Json): string => {
  if (value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
