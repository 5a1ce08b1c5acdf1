import { failure, type Result, success } from '../api/result.ts'
import { keyOf } from '../core/component/identity.ts'
import { only } from './count.ts'
import { makeGraphHistory } from './graph-history.ts'
import { type Author, authorsText, readAuthors } from './graph-names.ts'
import { environmentOf, type GraphFlags, withEnvironment } from './graph-place.ts'
import { behindNote, type Version } from './graph-port.ts'
import { type Format, outputOption, serialized } from './output.ts'
import { type Column, table } from './table.ts'
import type { Desk, Verb } from './verb.ts'

interface VersionsFlags extends GraphFlags {
  readonly limit?: string
  readonly output: Format
}

const help = `
CHANGE is the ChangeRequest that decided a version, or the Component that came or went; its uid where
it is gone and the ledger, which knows the names of those, may not be read or does not reach back.
SUM is the same for equal graphs, whoever wrote them; it is - where a version is not held any more, and known from the
ledger only.

Examples:
  kubectl karma graph versions -n dev
  kubectl karma graph versions -n dev --environment prod --limit 5 -o json
`

export const addVersions: Verb = (program, run) => {
  const command = program
    .command('versions')
    .description('list the versions and by which change, newest first')
    .option('--limit <count>', 'versions at most (default: 100)')
    .addOption(outputOption())
    .addHelpText('after', help)
  withEnvironment(command).action((flags: VersionsFlags) => run(flags, (desk) => showVersions(flags, desk)))
}

const showVersions = async (flags: VersionsFlags, desk: Desk): Promise<Result<number>> => {
  const { session, namespace, terminal } = desk
  const environment = await environmentOf(session.objects, namespace, flags.environment)
  if (!environment.ok) return environment
  const limit = limitOf(flags.limit)
  if (!limit.ok) return limit
  const history = makeGraphHistory(environment.value, desk)
  const answer = await history.versions(limit.value)
  if (!answer.ok) return answer
  const { head, versions, truncated } = answer.value
  const authorsOf = await readAuthors(session.objects, namespace, { versions, history: history.history })
  const rows = versions.map(({ changeId, ...one }) => ({ ...one, changes: authorsOf(changeId) }))
  terminal.err(behindNote(head, environment.value))
  if (truncated) terminal.err(`${only(versions.length, 'version')}; ${moreAfter(versions.length)}\n`)
  const key = keyOf(environment.value)
  if (flags.output !== 'table') terminal.out(serialized({ environment: key, head, versions: rows }, flags.output))
  else if (rows.length > 0) terminal.out(table(columns, rows, terminal))
  else terminal.err(`${key} is at version ${head.version}; what led there is not held\n`)
  return success(0)
}

/** What the operator tells at once. */
const mostVersions = 1_000

const limitOf = (text: string | undefined): Result<number | undefined> => {
  const limit = text === undefined ? undefined : /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (limit === undefined || (limit > 0 && limit <= mostVersions)) return success(limit)
  const message = `--limit: expected a whole number from 1 to ${mostVersions}, found ${JSON.stringify(text)}`
  return failure({ reason: 'BadRequest', message, retry: false })
}

const moreAfter = (shown: number): string =>
  shown < mostVersions ? `--limit N shows more, up to ${mostVersions}` : 'these are the most that are shown'

type Row = Omit<Version, 'changeId'> & { readonly changes: readonly Author[] }

const columns: Column<Row>[] = [
  { title: 'VERSION', text: ({ version }) => String(version) },
  { title: 'AT', text: ({ at }) => at },
  { title: 'SUM', text: ({ sum }) => sum ?? '-' },
  { title: 'CHANGE', text: ({ changes }) => authorsText(changes) },
]
