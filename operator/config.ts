import { join, resolve } from 'node:path'
import type { LeaseTimings } from './api/lease.ts'
import { isLoopback } from './api/loopback.ts'
import { failure, type Result, success } from './api/result.ts'
import { type KafkaConfig, readKafka } from './config-kafka.ts'
import { timingFault } from './core/lock/election.ts'

/** Everything that can be set. Nothing else reads the environment of the process. */
export interface Config {
  /** undefined: the usual places, or the pod's service account */
  readonly kubeconfigPath: string | undefined
  /** the operator's own namespace */
  readonly namespace: string
  /** of this process: what a Lease's holder begins with */
  readonly podName: string
  /** where the ledger lives when it is in this process */
  readonly dataFolder: string
  /** a ClickHouse server; absent: the ledger is in this process */
  readonly ledger?: { readonly url: string; readonly user: string; readonly password: string }
  /** days for which the ledger keeps events and dead letters; absent: for ever */
  readonly ledgerKeepDays?: number
  readonly http: { readonly host: string; readonly port: number }
  readonly probes: { readonly host: string; readonly port: number }
  /** absent: the bus is in this process */
  readonly kafka?: KafkaConfig
  /** absent: the graph is in this process, and built of the committed Components */
  readonly graph?: {
    /** ws://HOST:PORT/gremlin or wss://…; of a Neptune cluster the cluster endpoint */
    readonly writer: string
    /** for history; absent: the writer */
    readonly reader?: string
    /** requests are signed with IAM */
    readonly iam?: { readonly region: string }
  }
  /** how often a graph store is compared with the committed Components, and how many versions it keeps */
  readonly graphCheck: { readonly everyMs: number; readonly keepVersions: number }
  readonly lease: LeaseTimings
  /** An environment is given free when nothing has come for so long, in milliseconds. */
  readonly lingerMs: number
  readonly logLevel: string
}

type Variables = Readonly<Record<string, string | undefined>>

/** A holder is this and a UUID; an Environment takes 253 characters of it. */
const longestPodName = 253 - 37

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** Lists every fault at once, each with the variable's name, what was expected and what was found. */
export const readConfig = (variables: Variables): Result<Config> => {
  const faults: string[] = []
  const whole = (name: string, what: string, fallback: number): number => {
    const text = variables[name]
    if (text === undefined || text === '') return fallback
    const value = Number(text)
    if (Number.isInteger(value) && value > 0) return value
    faults.push(`${name}: expected a number of ${what} above 0, found ${JSON.stringify(text)}`)
    return fallback
  }
  const milliseconds = (name: string, fallback: number): number => whole(name, 'milliseconds', fallback)
  const webSocket = (name: string): string | undefined => {
    const text = variables[name]
    if (text === undefined || text === '') return undefined
    if (
      URL.canParse(text) &&
      ['ws:', 'wss:'].includes(new URL(text).protocol) &&
      `${new URL(text).username}${new URL(text).password}` === ''
    )
      return text
    faults.push(
      `${name}: expected ws://HOST:PORT/gremlin or wss://HOST:PORT/gremlin without credentials, found one that begins with ${beginningOf(text)}`,
    )
    return undefined
  }
  const address = (name: string, fallback: string): { host: string; port: number } => {
    const text = variables[name] || fallback
    const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? []
    if (host !== undefined && port !== undefined && Number(port) < 65_536) return { host, port: Number(port) }
    faults.push(`${name}: expected HOST:PORT, found ${JSON.stringify(text)}`)
    return { host: '127.0.0.1', port: 0 }
  }
  const lease: LeaseTimings = {
    durationMs: milliseconds('KARMA_LEASE_DURATION_MS', 15_000),
    renewDeadlineMs: milliseconds('KARMA_LEASE_RENEW_DEADLINE_MS', 10_000),
    retryMs: milliseconds('KARMA_LEASE_RETRY_MS', 1_500),
    requestTimeoutMs: milliseconds('KARMA_LEASE_REQUEST_TIMEOUT_MS', 3_000),
  }
  const fault = timingFault(lease)
  if (fault !== undefined) faults.push(`KARMA_LEASE_…: ${fault}`)
  const writer = webSocket('KARMA_GRAPH_ENDPOINT')
  const reader = webSocket('KARMA_GRAPH_READER_ENDPOINT')
  const region = variables.KARMA_GRAPH_IAM_REGION || undefined
  if (writer === undefined && (reader ?? region) !== undefined && faults.length === 0) {
    faults.push(
      'KARMA_GRAPH_ENDPOINT: expected the endpoint of the graph store, as other KARMA_GRAPH_… are set, found none',
    )
  }
  faults.push(...plainFaults(region, { KARMA_GRAPH_ENDPOINT: writer, KARMA_GRAPH_READER_ENDPOINT: reader }))
  const kafka = readKafka(variables, faults)
  const logLevel = variables.KARMA_LOG_LEVEL || 'info'
  if (!logLevels.includes(logLevel)) {
    faults.push(`KARMA_LOG_LEVEL: expected one of ${logLevels.join(', ')}, found ${JSON.stringify(logLevel)}`)
  }
  const config: Config = {
    kubeconfigPath: variables.KUBECONFIG || undefined,
    namespace: variables.KARMA_NAMESPACE || 'karma-system',
    podName: (variables.POD_NAME || variables.HOSTNAME || 'karma').slice(0, longestPodName),
    dataFolder: resolve(variables.KARMA_DATA || join('.karma', 'data')),
    ...ledgerIn(variables, faults),
    ...keepDaysIn(variables, faults),
    http: address('KARMA_HTTP', '127.0.0.1:8480'),
    probes: address('KARMA_PROBES', '127.0.0.1:8481'),
    ...(kafka && { kafka }),
    ...(writer !== undefined && {
      graph: { writer, ...(reader !== undefined && { reader }), ...(region !== undefined && { iam: { region } }) },
    }),
    graphCheck: {
      everyMs: milliseconds('KARMA_GRAPH_CHECK_MS', 3_600_000),
      keepVersions: whole('KARMA_GRAPH_KEEP_VERSIONS', 'versions', 1_000),
    },
    lease,
    lingerMs: milliseconds('KARMA_LINGER_MS', 1_000),
    logLevel,
  }
  if (faults.length === 0) return success(config)
  return failure({ reason: 'InvalidConfig', message: faults.join('\n'), retry: false })
}

/** Of an address, to be shown. Not the whole of it: there may be a password in it. */
const beginningOf = (text: string): string => JSON.stringify(/^[\w+.-]{0,20}/.exec(text)?.[0] ?? '')

/** Beyond it a time that the ledger can hold would leave its calendar. */
const longestKeepDays = 36_500

const keepDaysIn = ({ KARMA_LEDGER_KEEP_DAYS: text }: Variables, faults: string[]): Pick<Config, 'ledgerKeepDays'> => {
  if (text === undefined || text === '') return {}
  const days = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (days > 0 && days <= longestKeepDays) return { ledgerKeepDays: days }
  faults.push(
    `KARMA_LEDGER_KEEP_DAYS: expected a number of days from 1 to ${longestKeepDays}, found ${JSON.stringify(text)}`,
  )
  return {}
}

/** Adds to `faults` what is wrong with it; nothing of a password is said. */
const ledgerIn = (variables: Variables, faults: string[]): Pick<Config, 'ledger'> => {
  const text = variables.KARMA_LEDGER_URL || undefined
  const user = variables.KARMA_LEDGER_USER || undefined
  const password = variables.KARMA_LEDGER_PASSWORD || undefined
  if (text === undefined) {
    if ((user ?? password) !== undefined) {
      faults.push('KARMA_LEDGER_URL: expected the address of a ClickHouse server, as its user is set, found none')
    }
    return {}
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url?.protocol === 'http:'
  if (!url || !(isPlain || url.protocol === 'https:') || url.href !== `${url.origin}/`) {
    faults.push(
      `KARMA_LEDGER_URL: expected http://HOST:PORT or https://HOST:PORT, without credentials or path, found one that begins with ${beginningOf(text)}`,
    )
    return {}
  }
  if (isPlain && password !== undefined && !isLoopback(url.hostname)) {
    faults.push(
      'KARMA_LEDGER_URL: expected https://… with KARMA_LEDGER_PASSWORD, found http://; a password can be read by others on the way',
    )
  }
  return { ledger: { url: url.origin, user: user ?? 'default', password: password ?? '' } }
}

/** A signed request, and the token in it, can be read by others on the way. */
const plainFaults = (region: string | undefined, endpoints: Readonly<Record<string, string | undefined>>): string[] =>
  Object.entries(endpoints).flatMap(([name, url]) => {
    if (region === undefined || url === undefined || new URL(url).protocol === 'wss:') return []
    return [
      `${name}: expected wss://… with KARMA_GRAPH_IAM_REGION, found ws://; a signed request can be read by others on the way`,
    ]
  })
