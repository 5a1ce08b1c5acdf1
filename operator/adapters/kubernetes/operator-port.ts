import { isLoopback } from '../../api/loopback.ts'
import { failure, type Result, success } from '../../api/result.ts'
import type { Credential, Credentials } from './credentials.ts'
import { type Exchange, exchange, makePool } from './transport.ts'

export interface OperatorPortOptions {
  readonly credentials: Credentials
  /** KARMA_API: URL of the operator's port; default: the API server's service proxy */
  readonly address?: string | undefined
}

/** The operator's port, as whoever holds the kubeconfig. */
export interface OperatorPort {
  /** Fails with the reason that the operator or the API server gave. */
  get(path: string): Promise<Result<unknown>>
  /** What is to be done stands in the path: nothing else is sent. */
  post(path: string): Promise<Result<unknown>>
  close(): Promise<void>
}

/** Where the operator's Service stands. */
const service = '/api/v1/namespaces/karma-system/services/http:karma:http/proxy'
const serviceName = 'Service karma in namespace karma-system'
const timeoutMs = 30_000

export const makeOperatorPort = ({ credentials, address }: OperatorPortOptions): OperatorPort => {
  const { proxyUrl } = credentials
  const pool = makePool({
    connections: 1,
    connectTimeoutMs: 5_000,
    proxyUrl: address === undefined ? proxyUrl : undefined,
  })
  const ask = async (method: 'GET' | 'POST', path: string): Promise<Result<unknown>> => {
    const credential = await credentialOf(credentials)
    if (!credential.ok) return credential
    const target = targetOf(credentials, credential.value, address)
    if (!target.ok) return target
    const { url, tls, headers, through } = target.value
    const outgoing = { method, path: url.pathname.replace(/\/+$/, '') + path, headers }
    return answerOf(await exchange(pool.agent(tls), url.origin, outgoing, { timeoutMs }), through)
  }
  return {
    get: (path) => ask('GET', path),
    post: (path) => ask('POST', path),
    close: () => pool.close(),
  }
}

/** Reading it runs the kubeconfig's exec plugin, if it has one. */
const credentialOf = async (credentials: Credentials): Promise<Result<Credential>> => {
  try {
    return success(await credentials.current())
  } catch (error) {
    const message = `kubeconfig user "${credentials.user}": ${(error as Error).message}`
    return failure({ reason: 'InvalidKubeconfig', message, retry: false })
  }
}

interface Target extends Credential {
  readonly url: URL
  /** for messages */
  readonly through: string
}

const targetOf = (
  { server, user }: Credentials,
  { headers, tls }: Credential,
  address: string | undefined,
): Result<Target> => {
  const { authorization = '' } = headers
  if (!/^bearer +\S/i.test(authorization)) return noToken(user)
  if (address === undefined) {
    // The API server takes Authorization for itself; the operator reads the other header.
    const both = { ...headers, 'x-karma-authorization': authorization }
    const url = new URL(server.replace(/\/+$/, '') + service)
    return success({ url, tls, headers: both, through: `operator, through ${serviceName} of ${server}` })
  }
  if (!URL.canParse(address)) return invalidAddress(address, 'a URL')
  const url = new URL(address)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    return invalidAddress(address, 'https, or http on the loopback, since your token is sent there')
  }
  return success({ url, tls: {}, headers: { authorization }, through: `operator at ${address}` })
}

const invalidAddress = (found: string, expected: string): Result<never> =>
  failure({
    reason: 'InvalidAddress',
    message: `KARMA_API: expected ${expected}, found ${JSON.stringify(found)}`,
    retry: false,
  })

/** A client certificate proves who one is to the API server only; nobody else can be shown it. */
const noToken = (user: string): Result<never> =>
  failure({
    reason: 'NoToken',
    message:
      `kubeconfig user "${user}": expected a bearer token to show to the operator, found none (a client certificate ` +
      'cannot be passed on); give one with --token, for instance of an account that may list changerequests: ' +
      '--token "$(kubectl create token ACCOUNT)"',
    retry: false,
  })

const answerOf = (answer: Exchange, through: string): Result<unknown> => {
  const unreachable = (what: string): Result<never> =>
    failure({ reason: 'Unreachable', message: `${through}: ${what}`, retry: true })
  if (!answer.answered) {
    const { message, code } = answer.error as Error & { code?: unknown }
    return unreachable(message || String(code))
  }
  const { status, text } = answer
  const body = parse(text)
  if (status === 200 && body !== undefined) return success(body)
  const { kind, reason, message } = (body ?? {}) as { kind?: unknown; reason?: unknown; message?: unknown }
  const words = typeof message === 'string' ? message : `HTTP ${status} ${text.slice(0, 200)}`
  // The API server's own word: the operator was not reached.
  const said = kind === 'Status' ? `${through}: ${words}; ${advice}` : words
  return typeof reason === 'string' ? failure({ reason, message: said, retry: status >= 500 }) : unreachable(said)
}

const advice = 'where that does not lead to the operator, set KARMA_API to the URL of its HTTP port, see README'

const parse = (text: string): object | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
