import http from 'node:http'
import https from 'node:https'
import { failure, type Result, success } from '../api/result.ts'
import type { Session } from './kubeconfig.ts'

export interface ApiOptions {
  readonly session: Session
  /** KARMA_API: URL of the operator's port; default: the API server's service proxy */
  readonly address?: string
}

/** Where the operator's Service stands. */
const service = '/api/v1/namespaces/karma-system/services/http:karma:http/proxy'
const timeLimit = 30_000
const longestAnswer = 64 * 2 ** 20

/** GET from the operator's read-only port. Fails with the reason that the operator or the API server gave. */
export const get = async ({ session, address }: ApiOptions, path: string): Promise<Result<unknown>> => {
  const target = targetOf(session, address, path)
  if (!target.ok) return target
  const { url, options, through } = target.value
  return new Promise((resolve) => {
    const unreachable = (what: string): void =>
      resolve(failure({ reason: 'Unreachable', message: `${through}: ${what}`, retry: true }))
    const module = url.protocol === 'https:' ? https : http
    const request = module.get(url, { ...options, timeout: timeLimit }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
        if (text.length > longestAnswer) request.destroy(new Error(`answer longer than ${longestAnswer} characters`))
      })
      response.on('error', (error) => unreachable(error.message))
      response.on('end', () => resolve(answerOf(response.statusCode ?? 0, text, through)))
    })
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeLimit / 1000} s`)))
    request.on('error', (error) => unreachable(error.message || String((error as { code?: string }).code)))
  })
}

interface Target {
  readonly url: URL
  readonly options: https.RequestOptions
  /** for messages */
  readonly through: string
}

const targetOf = (session: Session, address: string | undefined, path: string): Result<Target> => {
  if (session.token === undefined) return noToken(session)
  const bearer = `Bearer ${session.token}`
  if (address === undefined) {
    // The API server takes Authorization for itself; the operator reads the other header.
    const headers = { ...session.tls.headers, 'x-karma-authorization': bearer }
    const url = new URL(session.server.replace(/\/+$/, '') + service + path)
    return success({ url, options: { ...session.tls, headers }, through: `operator, through ${session.server}` })
  }
  if (!URL.canParse(address)) return invalidAddress(address, 'a URL')
  const url = new URL(address.replace(/\/+$/, '') + path)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    return invalidAddress(address, 'https, or http on the loopback, since your token is sent there')
  }
  return success({ url, options: { headers: { authorization: bearer } }, through: `operator at ${address}` })
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host)

const invalidAddress = (found: string, expected: string): Result<never> =>
  failure({
    reason: 'InvalidAddress',
    message: `KARMA_API: expected ${expected}, found ${JSON.stringify(found)}`,
    retry: false,
  })

/** A client certificate proves who one is to the API server only; nobody else can be shown it. */
const noToken = ({ user }: Session): Result<never> =>
  failure({
    reason: 'NoToken',
    message:
      `kubeconfig user "${user}": expected a bearer token to show to the operator, found none (a client certificate ` +
      'cannot be passed on); give one with --token, for instance of an account that may list changerequests: ' +
      '--token "$(kubectl create token ACCOUNT)"',
    retry: false,
  })

const answerOf = (status: number, text: string, through: string): Result<unknown> => {
  const body = parse(text)
  if (status === 200 && body !== undefined) return success(body)
  const { reason, message } = (body ?? {}) as { reason?: unknown; message?: unknown }
  const said = typeof message === 'string' ? message : `HTTP ${status} ${text.slice(0, 200)}`
  return failure({
    reason: typeof reason === 'string' ? reason : 'Unreachable',
    message: typeof reason === 'string' ? said : `${through}: ${said}`,
    retry: status >= 500,
  })
}

const parse = (text: string): object | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
