import type { Failure } from '../../api/result.ts'

/**
 * What the API server's answer, or its absence, means. `retry` is true where the same step may succeed later; for
 * Conflict and Expired that means after reading again. `outcome` is set for writes only.
 * `retryAfterMs` is what the server asked for.
 */
export interface KubernetesFailure extends Failure {
  readonly status?: number
  readonly retryAfterMs?: number
}

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: KubernetesFailure }

export const success = <T>(value: T): Answer<T> => ({ ok: true, value })
export const failure = (f: KubernetesFailure): Answer<never> => ({ ok: false, failure: f })

/** Which request failed. Its headers are not here, so that no token can reach a message. */
export interface Asked {
  readonly method: string
  readonly path: string
}

interface Meaning {
  readonly reason: string
  readonly retry: boolean
}

const meanings: Readonly<Record<number, Meaning>> = {
  401: { reason: 'Unauthorized', retry: true },
  // Rights may be granted later, and an API server that has just started refuses until it has read its roles.
  403: { reason: 'Forbidden', retry: true },
  404: { reason: 'NotFound', retry: false },
  408: { reason: 'Unavailable', retry: true },
  409: { reason: 'Conflict', retry: true },
  410: { reason: 'Expired', retry: true },
  413: { reason: 'TooLarge', retry: false },
  422: { reason: 'Invalid', retry: false },
  429: { reason: 'TooManyRequests', retry: true },
}

const tooLargeText = /request is too large|ResourceExhausted|trying to send message larger than max/i
const longestMessage = 1024

const meaningOf = (status: number, reason: string | undefined, text: string): Meaning => {
  if (status >= 500) {
    // etcd refuses what is too large with these texts, and the API server passes that on as its own fault.
    if (tooLargeText.test(text)) return { reason: 'TooLarge', retry: false }
    return { reason: 'Unavailable', retry: true }
  }
  if (status === 409 && reason === 'AlreadyExists') return { reason: 'AlreadyExists', retry: false }
  return meanings[status] ?? { reason: 'BadRequest', retry: false }
}

const isWrite = (method: string): boolean => method !== 'GET'

/** From an answer with a status of 300 or more. `body` is its text, `retryAfter` that header's value. */
export const failureOfStatus = (
  asked: Asked,
  status: number,
  body: string,
  retryAfter?: string | undefined,
): KubernetesFailure => {
  const said = statusObject(body)
  const text = said?.message ?? body
  const meaning = meaningOf(status, said?.reason, text)
  const seconds = Number(retryAfter)
  return {
    ...meaning,
    message: bounded(said?.message ?? `${asked.method} ${asked.path}: HTTP ${status} ${body}`),
    status,
    ...(seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}),
    ...(isWrite(asked.method) ? { outcome: meaning.reason === 'Unavailable' ? 'Unknown' : 'NotDone' } : {}),
  }
}

/** From a request that got no (whole) answer. `sent`: its bytes may have left this process. */
export const failureOfError = (asked: Asked, error: Error, sent: boolean): KubernetesFailure => {
  const code = (error as { code?: unknown }).code
  const what = error.message === '' && typeof code === 'string' ? code : error.message
  return {
    reason: 'Unavailable',
    message: bounded(`${asked.method} ${asked.path}: ${what}`),
    retry: true,
    ...(isWrite(asked.method) ? { outcome: sent ? 'Unknown' : 'NotDone' } : {}),
  }
}

/** From the Status object of an ERROR event in a watch, which comes with HTTP 200. */
export const failureOfWatchError = (status: {
  code?: number
  reason?: string
  message?: string
}): KubernetesFailure => {
  const code = status.code ?? 500
  const message = status.message ?? status.reason ?? 'the API server sent an error without a message'
  return { ...meaningOf(code, status.reason, message), message: bounded(message), status: code }
}

const statusObject = (body: string): { message?: string; reason?: string } | undefined => {
  if (!body.startsWith('{')) return undefined
  try {
    const { kind, message, reason } = JSON.parse(body)
    if (kind !== 'Status') return undefined
    return {
      ...(typeof message === 'string' ? { message } : {}),
      ...(typeof reason === 'string' ? { reason } : {}),
    }
  } catch {
    return undefined
  }
}

const bounded = (text: string): string => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a server sends must not forge lines of a log
  const line = text.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim()
  return line.length > longestMessage ? `${line.slice(0, longestMessage - 1)}…` : line
}
