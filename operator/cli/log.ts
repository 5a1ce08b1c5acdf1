import { stringify } from 'yaml'
import type { Event } from '../api/envelope.ts'
import type { Result } from '../api/result.ts'
import { display } from '../core/component/identity.ts'
import { type Column, table } from './table.ts'

export const formats = ['table', 'json', 'yaml'] as const
export type Format = (typeof formats)[number]

export interface LogOptions {
  readonly namespace?: string
  readonly allNamespaces?: boolean
  readonly correlation?: string
  readonly limit?: string
}

export interface LogAnswer {
  readonly events: readonly Event[]
  readonly truncated: boolean
}

/** Path and query of what is to be read. `preset`: the namespace of the kubeconfig's context. */
export const logPath = (change: string | undefined, options: LogOptions, preset: string): string => {
  const query = new URLSearchParams()
  const namespace = options.namespace ?? preset
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
  { format, colours, namespace }: { format: Format; colours: boolean; namespace?: string },
): { out: string; note: string } => {
  const note = truncated ? `only ${events.length} events are shown; --limit N shows more\n` : ''
  if (format === 'json') return { out: `${JSON.stringify({ events }, undefined, 2)}\n`, note }
  if (format === 'yaml') return { out: stringify({ events }), note }
  if (events.length === 0) return { out: '', note: 'no events\n' }
  return { out: table(columnsFor(namespace), events, colours), note }
}

/** Refuses what is not the operator's answer, such as a page of a proxy in between. */
export const isLogAnswer = (answer: Result<unknown>): answer is Result<LogAnswer> =>
  !answer.ok || Array.isArray((answer.value as { events?: unknown }).events)

const red = 31
const green = 32
const yellow = 33
const colourOf: Readonly<Record<string, number>> = {
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

const columnsFor = (namespace: string | undefined): Column<Event>[] => [
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
const messageOf = ({ attrs }: Event): string => {
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
