import type { Failure } from '../../api/result.ts'

/**
 * What an error of a request means. Conflict: rolled back, since others were at the same elements. Throttled: not begun,
 * or given up, for want of room. ReadOnly: this instance writes no more. Lost: no connection, or none any more. Late: no
 * answer in time. Denied: credentials were refused. Garbled: an answer that cannot be read. Refused: it can never
 * succeed. Failed: the server says that it could not, and not why.
 */
export type Kind = 'Conflict' | 'Throttled' | 'ReadOnly' | 'Lost' | 'Late' | 'Denied' | 'Garbled' | 'Refused' | 'Failed'

export interface Problem {
  readonly kind: Kind
  /** one bounded line, without anything that was signed */
  readonly text: string
  /** The server may have carried it out. */
  readonly mayBeDone: boolean
}

/** An error of our own making that says what it means. */
export const errorOf = (kind: Kind, text: string): Error => Object.assign(new Error(text), { kind })

/** Neptune's words, in the JSON that is its status message. */
const codes: Readonly<Record<string, Kind>> = {
  ConcurrentModificationException: 'Conflict',
  // Vertices of an edge that others are just taking away; documented as transient.
  ConstraintViolationException: 'Conflict',
  ReadOnlyViolationException: 'ReadOnly',
  ThrottlingException: 'Throttled',
  TooManyRequestsException: 'Throttled',
  QueryLimitExceededException: 'Throttled',
  TimeLimitExceededException: 'Failed',
  MemoryLimitExceededException: 'Failed',
  AccessDeniedException: 'Denied',
  BadRequestException: 'Refused',
  FailureByQueryException: 'Refused',
  InvalidNumericDataException: 'Refused',
  InvalidParameterException: 'Refused',
  MalformedQueryException: 'Refused',
  MethodNotAllowedException: 'Refused',
  MissingParameterException: 'Refused',
  QueryLimitException: 'Refused',
  QueryTooLargeException: 'Refused',
  UnsupportedOperationException: 'Refused',
}

/** Statuses of the protocol that say enough by themselves. */
const statuses: Readonly<Record<number, Kind>> = {
  401: 'Denied',
  403: 'Denied',
  407: 'Denied',
  429: 'Throttled',
  497: 'Refused',
  498: 'Refused',
  499: 'Refused',
  // a temporary failure, which may be sent again
  596: 'Conflict',
  597: 'Refused',
  598: 'Failed',
  599: 'Refused',
}

/**
 * Gremlin Server says 500 for these; its transactions are optimistic, and two that make the same element collide. What
 * stands further on in a message may be of the traversal, and say anything.
 */
const conflict = /^(Conflict|(Vertex|Edge) with id already exists)|^[^:]*\bdeadlock|TransactionException$/i
/** What the traversal itself is guilty of, by the class of exception that Gremlin Server names, or by its sentence. */
const refused =
  /IllegalArgumentException|UnsupportedOperationException|ClassCastException|VerificationException|Could not locate method/

/** What was rolled back, or never begun. */
const notDone: ReadonlySet<Kind> = new Set(['Conflict', 'Throttled', 'ReadOnly', 'Denied', 'Refused'])

interface ServerError {
  readonly statusCode: number
  readonly statusMessage?: unknown
  readonly statusAttributes?: unknown
}

const isServerError = (error: unknown): error is ServerError =>
  typeof (error as { statusCode?: unknown } | null)?.statusCode === 'number'

/** `isSent`: its bytes may have left this process. */
export const problemOf = (error: unknown, isSent: boolean): Problem => {
  const [kind, text] = isServerError(error) ? answered(error) : unanswered(error)
  return { kind, text: bounded(text), mayBeDone: isSent && !notDone.has(kind) }
}

/** Of a request that got no answer in time. */
export const lateProblem = (timeoutMs: number, isSent: boolean): Problem => ({
  kind: 'Late',
  text: `no answer within ${timeoutMs} ms`,
  mayBeDone: isSent,
})

const unanswered = (error: unknown): [Kind, string] => {
  const text = textOf(error)
  const kind = (error as { kind?: Kind } | null)?.kind
  if (kind !== undefined) return [kind, text]
  // What a refused handshake says besides is not looked at: AWS repeats what was signed.
  const status = /Unexpected server response(?: code)?:? (\d{3})/.exec(text)?.[1]
  if (status === '401' || status === '403') return ['Denied', `credentials were refused (HTTP ${status})`]
  return ['Lost', status === undefined ? text : `the connection was refused (HTTP ${status})`]
}

const answered = (error: ServerError): [Kind, string] => {
  const { statusCode, statusMessage, statusAttributes } = error
  const said = typeof statusMessage === 'string' ? statusMessage : ''
  // For want of a request id it is told to all that wait, and was about one of them.
  if (String((error as { message?: unknown }).message).includes('(no request information)'))
    return ['Garbled', `the server could not read a request: ${said} (${statusCode})`]
  const { code, detail } = neptuneError(said)
  // Gremlin Server repeats the whole traversal.
  if (statusCode === 598) return ['Failed', 'the server gave up at its time limit (598)']
  const text = `${code === undefined ? '' : `${code}: `}${detail ?? said} (${statusCode})`
  const kind = meaningOf(code, detail ?? said, exceptionsOf(statusAttributes), statusCode)
  return [kind, kind === 'Denied' ? `credentials were refused (${code ?? statusCode})` : text]
}

const meaningOf = (code: string | undefined, said: string, exceptions: readonly string[], status: number): Kind => {
  const known = (code === undefined ? undefined : codes[code]) ?? statuses[status]
  if (known !== undefined) return known
  if (conflict.test(said) || exceptions.some((name) => conflict.test(name))) return 'Conflict'
  return refused.test(said) || exceptions.some((name) => refused.test(name)) ? 'Refused' : 'Failed'
}

/** Classes of exceptions, outermost first. */
const exceptionsOf = (attributes: unknown): string[] => {
  const found = attributes instanceof Map ? attributes.get('exceptions') : undefined
  return Array.isArray(found) || found instanceof Set ? [...found].map(String) : []
}

const neptuneError = (said: string): { code?: string; detail?: string } => {
  if (!said.startsWith('{')) return {}
  try {
    const { code, detailedMessage: detail } = JSON.parse(said)
    return { ...(typeof code === 'string' && { code }), ...(typeof detail === 'string' && { detail }) }
  } catch {
    return {}
  }
}

/** `store` names the endpoint. */
export const failureOf = (store: string, { kind, text, mayBeDone }: Problem, write: boolean): Failure => ({
  reason: kind === 'Refused' ? 'GraphRefused' : 'GraphUnavailable',
  message: `graph store ${store}: ${text}${advice[kind] ?? ''}`,
  retry: kind !== 'Refused',
  cause: `${store} ${/\bENOTFOUND\b/.test(text) ? 'is no host that is known' : causes[kind]}`,
  ...(write && { outcome: mayBeDone ? 'Unknown' : 'NotDone' }),
})

/** What is met may vary from one request to the next while this does not. */
const causes: Readonly<Record<Kind, string>> = {
  Lost: 'gives no answer',
  Late: 'gives no answer',
  Denied: 'refuses the credentials',
  Garbled: 'answers what cannot be read',
  ReadOnly: 'takes no writes',
  Conflict: 'is too busy',
  Throttled: 'is too busy',
  Failed: 'fails',
  Refused: 'refuses what it is asked',
}

const advice: Partial<Record<Kind, string>> = {
  Denied: '; see what the AWS identity of this process may do there (neptune-db:*)',
  Garbled: '; see that this is a Gremlin endpoint, and what is in between',
  ReadOnly: '; see that this is the endpoint of the cluster, not of a replica',
}

/** Several addresses that were tried are one error without a message of its own. */
export const textOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  // What `fetch` says of everything.
  if (error.message === 'fetch failed' && error.cause !== undefined) return textOf(error.cause)
  if (error.message !== '') return error.message
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(textOf).join(', ')
  return String((error as { code?: unknown }).code ?? error.name)
}

const longestText = 512

const bounded = (text: string): string => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a server sends must not forge lines of a log
  const line = text.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim()
  return line.length > longestText ? `${line.slice(0, longestText - 1)}…` : line
}
