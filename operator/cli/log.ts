import { Option } from 'commander'
import type { Event } from '../api/envelope.ts'
import { failure, type Result, success } from '../api/result.ts'
import { display } from '../core/component/identity.ts'
import { only } from './count.ts'
import { type Format, outputOption, serialized, withConnection } from './output.ts'
import { type Column, green, type Look, red, table, yellow } from './table.ts'
import type { CommonFlags, Desk, Verb } from './verb.ts'

export interface LogFlags extends CommonFlags {
  readonly allNamespaces?: boolean
  readonly correlation?: string
  readonly limit?: string
  readonly output: Format
}

const help = `
Examples:
  kubectl karma log new-alias               # the story of a change
  kubectl karma log -n dev --limit 20       # the latest events of a namespace
  kubectl karma log -A -o json
`

export const addLog: Verb = (program, run) => {
  const command = program
    .command('log')
    .description('print the story of a change, or the latest events (newest first)')
    .argument('[change]', 'NAME of a ChangeRequest, or NAMESPACE/NAME')
    .addOption(new Option('-A, --all-namespaces', 'latest events of all namespaces').conflicts('namespace'))
    .option('--correlation <uid>', 'the story of whatever has this uid, instead of a change')
    .option('--limit <count>', 'events at most (default: 100 of the latest, 5000 of a story)')
    .addOption(outputOption())
    .addHelpText('after', help)
  withConnection(command).action((change: string | undefined, flags: LogFlags) =>
    run(flags, (desk) => showLog(change, flags, desk)),
  )
}

const showLog = async (
  change: string | undefined,
  flags: LogFlags,
  { session, namespace, terminal }: Desk,
): Promise<Result<number>> => {
  const answer = await session.operator(logPath(change, flags, namespace))
  if (!isLogAnswer(answer)) return notKarma('events')
  if (!answer.ok) return answer
  const shown = change?.split('/').at(-2) ?? namespace
  const { out, note } = printLog(answer.value, {
    ...terminal,
    format: flags.output,
    ...(!flags.allNamespaces && { namespace: shown }),
  })
  terminal.out(out)
  terminal.err(note)
  return success(0)
}

/** `expected`: what stands in every answer of this kind. */
export const notKarma = (expected: string): Result<never> =>
  failure({
    reason: 'Unreachable',
    message: `the answer is not from Karma: expected {${expected}}; look at KARMA_API`,
    retry: false,
  })

export interface LogAnswer {
  readonly events: readonly Event[]
  readonly truncated: boolean
}

/** Path and query of what is to be read. */
export const logPath = (
  change: string | undefined,
  options: Pick<LogFlags, 'correlation' | 'allNamespaces' | 'limit'>,
  namespace: string,
): string => {
  const query = new URLSearchParams()
  if (options.correlation !== undefined) query.set('correlation', options.correlation)
  if (change !== undefined) query.set('change', change.includes('/') ? change : `${namespace}/${change}`)
  else if (options.correlation === undefined && !options.allNamespaces) query.set('namespace', namespace)
  if (options.limit !== undefined) query.set('limit', options.limit)
  const text = query.toString()
  return `/api/v1/log${text && `?${text}`}`
}

/** What is printed, and what is said beside it on standard error. */
export const printLog = (
  { events, truncated }: LogAnswer,
  { format, colours, width, namespace }: Look & { format: Format; namespace?: string },
): { out: string; note: string } => {
  const note = truncated ? `${only(events.length, 'event')}; --limit N shows more\n` : ''
  if (format !== 'table') return { out: serialized({ events }, format), note }
  if (events.length === 0) return { out: '', note: 'no events\n' }
  return { out: table(columnsFor(namespace), events, { colours, width }), note }
}

/** Refuses what is not the operator's answer, such as a page of a proxy in between. */
export const isLogAnswer = (answer: Result<unknown>): answer is Result<LogAnswer> =>
  !answer.ok || Array.isArray((answer.value as { events?: unknown }).events)

/** By the last word of an event's type. */
export const colourOf: Readonly<Record<string, number>> = {
  applied: green,
  committed: green,
  converged: green,
  succeeded: green,
  queued: yellow,
  blocked: yellow,
  held: yellow,
  drifted: yellow,
  rejected: red,
  failed: red,
  denied: red,
}

export const columnsFor = (namespace: string | undefined): Column<Event>[] => [
  { title: 'TIME', text: (event) => event.ts },
  {
    title: 'EVENT',
    text: (event) => event.event_type,
    colour: (event) => colourOf[event.event_type.split('.').at(-1) ?? ''],
  },
  { title: 'OBJECT', text: ({ entity_id }) => (namespace === undefined ? entity_id : display(entity_id, namespace)) },
  { title: 'MESSAGE', text: messageOf },
]

/** Reason and message where Karma gave them, else the attributes that tell most. */
export const messageOf = ({ attrs }: Event): string => {
  const { reason, message } = attrs
  if (typeof message === 'string') return typeof reason === 'string' ? `${reason}: ${message}` : message
  const parts: string[] = typeof reason === 'string' ? [reason] : []
  const { requestedBy, requestReason, component, version } = attrs
  if (isObject(requestedBy) && typeof requestedBy.username === 'string') parts.push(`by ${requestedBy.username}`)
  if (typeof component === 'string') parts.push(`of ${component}`)
  if (typeof version === 'number') parts.push(`version ${version}`)
  if (typeof requestReason === 'string') parts.push(JSON.stringify(requestReason))
  return parts.join(' ')
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
