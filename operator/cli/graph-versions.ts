import { type Result, success } from '../api/result.ts'
import { keyOf } from '../core/component/identity.ts'
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
CHANGE is the ChangeRequest that decided a version, or the Component that came or went; its uid where it is gone by now.
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
  const answer = await makeGraphHistory(environment.value, desk).versions(flags.limit)
  if (!answer.ok) return answer
  const { head, versions, truncated } = answer.value
  const authorsOf = await readAuthors(session.objects, namespace)
  const rows = versions.map(({ changeId, ...one }) => ({ ...one, changes: authorsOf(changeId) }))
  terminal.err(behindNote(head, environment.value))
  if (truncated) terminal.err(`only ${versions.length} versions are shown; --limit N shows more\n`)
  const key = keyOf(environment.value)
  if (flags.output !== 'table') terminal.out(serialized({ environment: key, head, versions: rows }, flags.output))
  else if (rows.length > 0) terminal.out(table(columns, rows, terminal))
  else terminal.err(`${key} is at version ${head.version}; what led there is not held\n`)
  return success(0)
}

type Row = Omit<Version, 'changeId'> & { readonly changes: readonly Author[] }

const columns: Column<Row>[] = [
  { title: 'VERSION', text: ({ version }) => String(version) },
  { title: 'AT', text: ({ at }) => at },
  { title: 'SUM', text: ({ sum }) => sum ?? '-' },
  { title: 'CHANGE', text: ({ changes }) => authorsText(changes) },
]
