import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Attached } from '../cluster/attached.ts'
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts'
import { freePort } from '../cluster/free-port.ts'
import { install, kubectl, operatorKubeconfig } from '../cluster/install.ts'
import { startOperator, whenListening } from '../cluster/operator.ts'
import { waitForAdmission } from './admission.ts'
import { type Api, apiOf } from './api.ts'

/** An operator as a process of its own, with a data folder of its own. */
export interface Operator {
  readonly process: Attached
  /** host:port of its port */
  readonly http: string
  /** what it logged so far, a JSON object a line */
  logged(): LogLine[]
}

export interface LogLine {
  /** pino's: 30 info, 40 warn, 50 error */
  readonly level: number
  readonly msg: string
  readonly [field: string]: unknown
}

/** A control plane with Karma installed. */
export interface Karma {
  readonly controlPlane: ControlPlane
  readonly api: Api
  /** Runs kubectl as the cluster's admin; throws an Error that quotes standard error. */
  readonly kubectl: (...args: string[]) => Promise<string>
  /** Writes a manifest to a file, for `kubectl -f`. */
  readonly file: (manifest: string) => string
  /** `server`: URL under which it finds the API server, such as a proxy's */
  readonly startOperator: (options?: { server?: string; env?: Readonly<Record<string, string>> }) => Promise<Operator>
  readonly stop: () => Promise<void>
}

/** Installs Karma on a new control plane. No operator runs yet. Binaries are built at the first run on a machine. */
export async function installKarma({ auditLog = false } = {}): Promise<Karma> {
  const folder = mkdtempSync(join(tmpdir(), 'karma-e2e-'))
  const controlPlane = await startControlPlane({ auditLog })
  const { kubeconfig, binaries } = controlPlane
  const api = apiOf(kubeconfig)
  const operators: Operator[] = []
  const cacheFolder = join(folder, 'kubectl-cache')
  let files = 0

  const stop = async (): Promise<void> => {
    await Promise.all(operators.map(({ process }) => process.stop()))
    await api.close()
    await controlPlane.stop()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  const start: Karma['startOperator'] = async ({ server = controlPlane.url, env = {} } = {}) => {
    const dir = mkdtempSync(join(folder, 'operator-'))
    const account = await operatorKubeconfig({ controlPlane, dir, server })
    const http = `127.0.0.1:${await freePort()}`
    const log = join(dir, 'operator.log')
    const process = startOperator({
      kubeconfig: account,
      data: join(dir, 'data'),
      http,
      log,
      env: { KARMA_PROBES: '127.0.0.1:0', ...env },
    })
    const text = (): string => (existsSync(log) ? readFileSync(log, 'utf8') : '')
    const logged = (): LogLine[] => text().split('\n').flatMap(lineOf)
    const operator = { process, http, logged }
    operators.push(operator)
    if (!(await whenListening({ http, process }))) throw new Error(`the operator did not start; its log:\n${text()}`)
    return operator
  }

  try {
    await install({ kubeconfig, program: binaries.kubectl })
    await waitForAdmission(kubeconfig)
  } catch (cause) {
    await stop()
    throw cause
  }
  return {
    controlPlane,
    api,
    kubectl: (...args) => kubectl({ kubeconfig, args, program: binaries.kubectl, cacheFolder }),
    file: (manifest) => {
      const path = join(folder, `manifest-${++files}.yaml`)
      writeFileSync(path, manifest)
      return path
    },
    startOperator: start,
    stop,
  }
}

/** What is no JSON was not written by the log: it is the end of a process that died. */
const lineOf = (line: string): LogLine[] => {
  if (line === '') return []
  return line.startsWith('{') ? [JSON.parse(line) as LogLine] : [{ level: 60, msg: line }]
}
