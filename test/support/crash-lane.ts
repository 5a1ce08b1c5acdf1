import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { request } from 'undici'
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts'
import { freePort } from '../cluster/free-port.ts'
import { install, operatorKubeconfig } from '../cluster/install.ts'
import { waitForAdmission } from './admission.ts'
import { apiOf } from './api.ts'
import { effectOf, type Written } from './crash-effects.ts'
import { makeStage, type Stage } from './crash-stage.ts'
import { eventsIn } from './crash-trace.ts'
import { type OperatorProcess, superviseOperator } from './operator-process.ts'
import { type ApiProxy, type ProxiedRequest, startProxy } from './proxy.ts'
import { type Recorder, startRecorder } from './recorder.ts'

/** A control plane with one operator, which speaks to it through a proxy, and a recorder, which does not. */
export interface Lane {
  readonly controlPlane: ControlPlane
  readonly proxy: ApiProxy
  readonly recorder: Recorder
  readonly operator: OperatorProcess
  /** path of a kubeconfig of the operator's account that leads through the proxy */
  readonly kubeconfig: string
  /** folder for what a test puts down; goes with the lane */
  readonly folder: string
  /** a namespace of its own */
  stage(): Promise<Stage>
  /** those of every stage so far */
  namespaces(): readonly string[]
  /** How the ledger differs from the transitions in etcd, after some patience; undefined: it does not. */
  ledgerFault(namespace: string): Promise<string | undefined>
  /** rows of the ledger, and distinct ids; the operator must have ended */
  ledgerRows(): Promise<{ readonly rows: number; readonly ids: number }>
  /** every write that the operator has sent so far */
  writes(): readonly Write[]
  log(lines: number): string
  stop(): Promise<void>
}

export interface Write {
  readonly effect: Written
  readonly request: ProxiedRequest
}

const ledgerProgram = resolve(import.meta.dirname, 'crash-ledger.ts')
/** Events are told after what they tell of, and perhaps by an operator that has yet to start. */
const patienceMs = 60_000

/**
 * @param env of the operator: Lease times above all
 * @param compileCache folder in which Node keeps what it compiled, so that many starts cost less
 */
export const startLane = async ({
  name,
  env,
  compileCache,
}: {
  name: string
  env: Readonly<Record<string, string>>
  compileCache: string
}): Promise<Lane> => {
  const controlPlane = await startControlPlane()
  const { kubeconfig: admin, folder } = controlPlane
  const ends: (() => Promise<unknown>)[] = [() => controlPlane.stop()]
  const stop = async (): Promise<void> => {
    for (const end of ends.toReversed()) await end()
  }
  try {
    await install({ kubeconfig: admin, program: controlPlane.binaries.kubectl })
    await waitForAdmission(admin)
    const api = apiOf(admin)
    ends.push(() => api.close())
    const proxy = await startProxy({ target: controlPlane.url, ca: controlPlane.ca })
    ends.push(() => proxy.stop())
    const recorder = await startRecorder(controlPlane)
    ends.push(() => recorder.stop())
    const kubeconfig = await operatorKubeconfig({ controlPlane, dir: folder, server: proxy.url })
    const data = join(folder, 'data')
    const logPath = join(folder, 'operator.log')
    const http = `127.0.0.1:${await freePort()}`
    const everyEnv = { KARMA_PROBES: '127.0.0.1:0', NODE_COMPILE_CACHE: compileCache, ...env }
    const operator = superviseOperator({ kubeconfig, data, http, log: logPath, env: everyEnv })
    ends.push(() => operator.end('SIGKILL'))

    const writes: Write[] = []
    proxy.onRequest((proxied) => {
      const effect = effectOf(proxied)
      if (effect !== undefined) writes.push({ effect, request: proxied })
      return undefined
    })

    /** Event ids in the ledger, with what each is. */
    const told = async (namespace: string): Promise<Map<string, string>> => {
      const headers = { authorization: `Bearer ${controlPlane.token}` }
      const answer = await request(`http://${http}/api/v1/log?namespace=${namespace}&limit=5000`, { headers })
      const { events = [] } = (await answer.body.json()) as { events?: { id: string; event_type: string }[] }
      return new Map(events.map(({ id, event_type }) => [id, event_type]))
    }

    const namespaces: string[] = []
    return {
      controlPlane,
      proxy,
      recorder,
      operator,
      kubeconfig,
      folder,
      stage: () => {
        const namespace = `${name}-${namespaces.length + 1}`
        namespaces.push(namespace)
        return makeStage(api, recorder, namespace)
      },
      namespaces: () => namespaces,
      ledgerFault: async (namespace) => {
        const deadline = performance.now() + patienceMs
        for (;;) {
          const transitions = eventsIn(recorder.states(namespace))
          const events = await told(namespace).catch(() => new Map<string, string>())
          const missing = [...transitions].filter(([id]) => !events.has(id)).map(([, title]) => title)
          const extra = [...events].filter(([id]) => !transitions.has(id)).map(([, type]) => type)
          if (missing.length + extra.length === 0) return undefined
          if (performance.now() > deadline)
            return `ledger of ${namespace}: ${events.size} events, ${transitions.size} transitions; missing: ${missing.join(', ') || 'none'}; too many: ${extra.join(', ') || 'none'}`
          await sleep(25)
        }
      },
      ledgerRows: async () => {
        const { stdout } = await promisify(execFile)(process.execPath, [ledgerProgram, data])
        return JSON.parse(stdout)
      },
      writes: () => writes,
      log: (lines) => readFileSync(logPath, 'utf8').trim().split('\n').slice(-lines).join('\n'),
      stop,
    }
  } catch (cause) {
    await stop()
    throw cause
  }
}
