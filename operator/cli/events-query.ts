import { type Result, success } from '../api/result.ts'
import { addSpan, type FilterFlags, filterQuery, type SpanFlags, withFilter, withSpan } from './events-filter.ts'
import { isLogAnswer, notKarma, printLog } from './log.ts'
import { type Format, formats, outputOption } from './output.ts'
import type { Desk, Verb } from './verb.ts'

interface QueryFlags extends FilterFlags, SpanFlags {
  readonly correlation?: string
  readonly limit?: string
  readonly output: Format | 'ndjson'
}

const help = `
In order of happening. Where there are more than --limit, the latest are shown (of --correlation the first).

Examples:
  kubectl karma events query --from 24h -n dev
  kubectl karma events query --entity s3-bucket/shared --type component.committed component.drifted
  kubectl karma events query -A --tag environment=prod kind=Component --from 2026-01-31T00:00:00Z --to 2026-02-01T00:00:00Z
  kubectl karma events query -A --limit 5000 -o ndjson | jq -r .entity_id
`

export const addQuery: Verb = (program, run) => {
  const command = program
    .command('query')
    .description('print the events of the ledger that are meant')
    .option('--correlation <uid>', 'that one change caused: the uid that its events share')
    .option('--limit <count>', 'so many at most (default: 100; at most 5000)')
    .addOption(outputOption([...formats, 'ndjson']))
    .addHelpText('after', help)
  withFilter(withSpan(command)).action((flags: QueryFlags) => run(flags, (desk) => showEvents(flags, desk)))
}

const showEvents = async (flags: QueryFlags, { session, namespace, terminal }: Desk): Promise<Result<number>> => {
  const { query, shown } = filterQuery(flags, namespace)
  addSpan(query, flags, terminal.now())
  if (flags.correlation !== undefined) query.set('correlation', flags.correlation)
  if (flags.limit !== undefined) query.set('limit', flags.limit)
  const answer = await session.operator(`/api/v1/events?${query}`)
  if (!isLogAnswer(answer)) return notKarma('events')
  if (!answer.ok) return answer
  const isLines = flags.output === 'ndjson'
  const { out, note } = printLog(answer.value, {
    ...terminal,
    format: flags.output === 'ndjson' ? 'json' : flags.output,
    ...(shown !== undefined && { namespace: shown }),
  })
  terminal.out(isLines ? answer.value.events.map((event) => `${JSON.stringify(event)}\n`).join('') : out)
  terminal.err(note)
  return success(0)
}
