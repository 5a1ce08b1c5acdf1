import { join, resolve } from 'node:path'
import type { LeaseTimings } from './api/lease.ts'
import { failure, type Result, success } from './api/result.ts'
import { timingFault } from './core/lock/election.ts'

/** Everything that can be set. Nothing else reads the environment of the process. */
export interface Config {
  /** undefined: the usual places, or the pod's service account */
  readonly kubeconfigPath: string | undefined
  /** the operator's own namespace */
  readonly namespace: string
  /** of this process: what a Lease's holder begins with */
  readonly podName: string
  /** where the ledger lives */
  readonly dataFolder: string
  readonly http: { readonly host: string; readonly port: number }
  readonly probes: { readonly host: string; readonly port: number }
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
  const milliseconds = (name: string, fallback: number): number => {
    const text = variables[name]
    if (text === undefined || text === '') return fallback
    const value = Number(text)
    if (Number.isInteger(value) && value > 0) return value
    faults.push(`${name}: expected a number of milliseconds above 0, found ${JSON.stringify(text)}`)
    return fallback
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
  const logLevel = variables.KARMA_LOG_LEVEL || 'info'
  if (!logLevels.includes(logLevel)) {
    faults.push(`KARMA_LOG_LEVEL: expected one of ${logLevels.join(', ')}, found ${JSON.stringify(logLevel)}`)
  }
  const config: Config = {
    kubeconfigPath: variables.KUBECONFIG || undefined,
    namespace: variables.KARMA_NAMESPACE || 'karma-system',
    podName: (variables.POD_NAME || variables.HOSTNAME || 'karma').slice(0, longestPodName),
    dataFolder: resolve(variables.KARMA_DATA || join('.karma', 'data')),
    http: address('KARMA_HTTP', '127.0.0.1:8480'),
    probes: address('KARMA_PROBES', '127.0.0.1:8481'),
    lease,
    lingerMs: milliseconds('KARMA_LINGER_MS', 1_000),
    logLevel,
  }
  if (faults.length === 0) return success(config)
  return failure({ reason: 'InvalidConfig', message: faults.join('\n'), retry: false })
}
