import type { Event } from '../api/envelope.ts'
import { type Result, success } from '../api/result.ts'
import { addSpan, type FilterFlags, filterQuery, type SpanFlags, withFilter, withSpan } from './events-filter.ts'
import { follow, screenful, type Tail } from './following.ts'
import { columnsFor, notKarma } from './log.ts'
import { outputOption } from './output.ts'
import { escaped, painted } from './table.ts'
import type { Desk, Verb } from './verb.ts'

interface TailFlags extends FilterFlags, SpanFlags {
  readonly output: 'table' | 'ndjson'
}

const help = `
Begins with the latest ${screenful}, or with all that happened since --from, in the order in which the ledger got them: what
comes late has an earlier time. Ends at Ctrl-C, or when the time of --to is over.

Examples:
  kubectl karma events tail -n dev
  kubectl karma events tail -n dev --from 10m
  kubectl karma events tail -A --type change.rejected change.failed
  kubectl karma events tail -A --tag environment=prod -o ndjson | jq .
`

export const addTail: Verb = (program, run) => {
  const command = program
    .command('tail')
    .description('follow what comes into the ledger')
    .addOption(outputOption(['table', 'ndjson']))
    .addHelpText('after', help)
  withSpan(withFilter(command)).action((flags: TailFlags) => run(flags, (desk) => tail(flags, desk)))
}

const pauseMs = 1_000
/** What happened has come by then, if nothing is in its way. */
const arrivesMs = 5_000

const tail = async (flags: TailFlags, { session, namespace, terminal }: Desk): Promise<Result<number>> => {
  const { query, shown } = filterQuery(flags, namespace)
  addSpan(query, flags, terminal.now())
  const until = query.get('to')
  const signal = terminal.interruption()
  const read = async (limit: number, after?: string): Promise<Result<Tail>> => {
    const asked = new URLSearchParams(query)
    asked.set('limit', String(limit))
    if (after !== undefined) asked.set('after', after)
    const answer = await session.operator(`/api/v1/events/tail?${asked}`)
    return isTail(answer) ? answer : notKarma('events, next, again')
  }
  let said = ''
  const linesOf = flags.output === 'table' ? lineMaker(shown, terminal.colours) : jsonLines
  const following = follow({
    read,
    show: (events) => {
      said = ''
      if (!signal.aborted) terminal.out(linesOf(events))
    },
    failed: ({ reason, message }) => {
      if (signal.aborted || said === message) return
      said = message
      terminal.err(`${escaped(message)} (${reason}); trying again\n`)
    },
    pause: () => terminal.sleep(pauseMs, signal),
    isOver: () => signal.aborted,
    fromFirst: query.has('from'),
    isLast: () => until !== null && terminal.now() >= Date.parse(until) + arrivesMs,
  })
  // An answer that does not come is not waited for.
  const ended = await Promise.race([following, aborted(signal)])
  return ended.ok ? success(0) : ended
}

const aborted = (signal: AbortSignal): Promise<Result<void>> =>
  new Promise((resolve) => {
    const over = (): void => resolve(success(undefined))
    if (signal.aborted) over()
    signal.addEventListener('abort', over, { once: true })
  })

const isTail = (answer: Result<unknown>): answer is Result<Tail> => {
  if (!answer.ok) return true
  const { events, next, again } = answer.value as Partial<Tail>
  return Array.isArray(events) && typeof next === 'string' && typeof again === 'string'
}

const jsonLines = (events: readonly Event[]): string => events.map((event) => `${JSON.stringify(event)}\n`).join('')

/** Columns as in a table; what is to come is not known, so they grow. The message is not broken into lines. */
const lineMaker = (namespace: string | undefined, colours: boolean): ((events: readonly Event[]) => string) => {
  const columns = columnsFor(namespace)
  const widths = [24, 20, 24, 0]
  return (events) => {
    const rows = events.map((event) => columns.map(({ text }) => escaped(text(event))))
    for (const row of rows) {
      for (const [i, text] of row.slice(0, -1).entries()) widths[i] = Math.max(widths[i] ?? 0, text.length)
    }
    const lines = events.map((event, n) =>
      columns
        .map(({ colour }, i) => {
          const text = rows[n]?.[i] ?? ''
          const space = ' '.repeat(Math.max((widths[i] ?? 0) - text.length, 0))
          return painted(text, colours ? colour?.(event) : undefined) + space
        })
        .join('   ')
        .trimEnd(),
    )
    return lines.map((line) => `${line}\n`).join('')
  }
}
