import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { request } from 'undici'
import { findBinaries } from '../cluster/binaries.ts'
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts'
import { freePort } from '../cluster/free-port.ts'
import { install, operatorKubeconfig } from '../cluster/install.ts'
import { waitForAdmission } from './admission.ts'
import { apiOf } from './api.ts'
import { compileCache, compileOperator } from './compile-cache.ts'
import { effectOf, type Written } from './crash-effects.ts'
import { startGraphStore } from './crash-graph.ts'
import { makeStage, type Stage } from './crash-stage.ts'
import { eventsIn } from './crash-trace.ts'
import { type OperatorProcess, superviseOperator } from './operator-process.ts'
import { type ApiProxy, type ProxiedRequest, startProxy } from './proxy.ts'
import { type Recorder, startRecorder } from './recorder.ts'

/** An operator and the proxy through which it alone speaks to the API server. */
export interface Contender {
  readonly operator: OperatorProcess
  readonly proxy: ApiProxy
  /** path of a kubeconfig of the operator's account that leads through the proxy */
  readonly kubeconfig: string
  readonly data: string
  readonly log: string
}

/** A control plane with one operator or several, which speak to it through proxies, and a recorder, which does not. */
export interface Lane extends Contender {
  readonly controlPlane: ControlPlane
  readonly recorder: Recorder
  /** the first of which the lane is itself */
  readonly contenders: readonly Contender[]
  /** folder for what a test puts down; goes with the lane */
  readonly folder: string
  /** a namespace of its own */
  stage(): Promise<Stage>
  /** those of every stage so far */
  namespaces(): readonly string[]
  /** How the ledger differs from the transitions in etcd, after some patience; undefined: it does not. */
  ledgerFault(namespace: string): Promise<string | undefined>
  /** How the graph store differs from what is committed, one sentence for each environment; of one in process nothing. */
  graphFaults(): Promise<readonly string[]>
  /** rows of the first operator's ledger, and distinct ids; it must have ended */
  ledgerRows(): Promise<{ readonly rows: number; readonly ids: number }>
  /** every write that the operators have sent so far */
  writes(): readonly Write[]
  stop(): Promise<void>
}

export interface Write {
  readonly effect: Written
  readonly request: ProxiedRequest
}

/** Where the graph is: in the operators, or in a Gremlin Server. */
export type Graph = 'embedded' | 'gremlin'

const ledgerProgram = resolve(import.meta.dirname, 'crash-ledger.ts')
/**
 * @param env of the operator: Lease times above all
 * @param also what the environment of each further operator has beside that of the first
 * @param program of the operator, if it is not this one
 * @param patienceMs how long something may take to come
 */
export const startLane = async ({
  name,
  env: ownEnv,
  also = [],
  graph = 'embedded',
  program,
  patienceMs = 120_000,
}: {
  name: string
  graph?: Graph | undefined
  env: Readonly<Record<string, string>>
  also?: readonly Readonly<Record<string, string>>[]
  program?: string | undefined
  patienceMs?: number | undefined
}): Promise<Lane> => {
  // No namespace ends here and nothing is collected as garbage: nobody else has to hear of every write.
  const { controllerManager: _, ...binaries } = await findBinaries()
  const controlPlane = await startControlPlane({ binaries })
  const { kubeconfig: admin, folder } = controlPlane
  const ends: (() => Promise<unknown>)[] = [() => controlPlane.stop()]
  const stop = async (): Promise<void> => {
    for (const end of ends.toReversed()) await end()
  }
  try {
    await compileOperator(program)
    await install({ kubeconfig: admin, program: controlPlane.binaries.kubectl })
    await waitForAdmission(admin)
    const api = apiOf(admin)
    ends.push(() => api.close())
    const store = graph === 'gremlin' ? await startGraphStore() : undefined
    if (store) ends.push(store.stop)
    const env = { ...ownEnv, ...store?.env }
    const recorder = await startRecorder(controlPlane)
    ends.push(() => recorder.stop())
    const writes: Write[] = []
    const contend = async (own: Readonly<Record<string, string>>, dir: string): Promise<Contender> => {
      mkdirSync(dir, { recursive: true })
      const proxy = await startProxy({ target: controlPlane.url, ca: controlPlane.ca })
      ends.push(() => proxy.stop())
      proxy.onRequest((proxied) => {
        const effect = effectOf(proxied)
        if (effect !== undefined) writes.push({ effect, request: proxied })
        return undefined
      })
      const kubeconfig = await operatorKubeconfig({ controlPlane, dir, server: proxy.url })
      const [data, log] = [join(dir, 'data'), join(dir, 'operator.log')]
      const http = `127.0.0.1:${await freePort()}`
      const everyEnv = { KARMA_PROBES: '127.0.0.1:0', NODE_COMPILE_CACHE: compileCache, ...env, ...own }
      const operator = superviseOperator({ kubeconfig, data, http, log, env: everyEnv, program })
      ends.push(() => operator.end('SIGKILL'))
      return { operator, proxy, kubeconfig, data, log }
    }
    const first = await contend({}, join(folder, 'operator-0'))
    const contenders = [first]
    for (const own of also) contenders.push(await contend(own, join(folder, `operator-${contenders.length}`)))

    interface Told {
      readonly id: string
      readonly event_type: string
    }
    const toldBy = async ({ operator }: Contender, namespace: string): Promise<readonly Told[]> => {
      const headers = { authorization: `Bearer ${controlPlane.token}` }
      const url = `http://${operator.http}/api/v1/log?namespace=${namespace}&limit=5000`
      const answer = await request(url, { headers })
      const { events = [] } = (await answer.body.json()) as { events?: Told[] }
      return events
    }
    /** Event ids in the ledgers, with what each is; nothing of one that does not answer just now. */
    const told = async (namespace: string): Promise<Map<string, string>> => {
      const every = await Promise.all(contenders.map((one) => toldBy(one, namespace).catch(() => [])))
      return new Map(every.flat().map(({ id, event_type }) => [id, event_type]))
    }

    const namespaces: string[] = []
    return {
      ...first,
      controlPlane,
      recorder,
      contenders,
      folder,
      stage: () => {
        const namespace = `${name}-${namespaces.length + 1}`
        namespaces.push(namespace)
        return makeStage(api, recorder, namespace, patienceMs)
      },
      namespaces: () => namespaces,
      graphFaults: async () => (store ? store.faults(api, patienceMs) : []),
      ledgerFault: async (namespace) => {
        // Events are told after what they tell of, and perhaps by an operator that has yet to start.
        const begun = performance.now()
        // Few events at a time are written twice a second: who asks sooner asks in vain, which costs the operator 25 ms.
        for (let restMs = 600; ; restMs = 1_200) {
          await sleep(restMs)
          const transitions = eventsIn(recorder.states(namespace))
          const events = await told(namespace)
          const missing = [...transitions].filter(([id]) => !events.has(id)).map(([, title]) => title)
          const extra = [...events].filter(([id]) => !transitions.has(id)).map(([, type]) => type)
          if (missing.length + extra.length === 0) return undefined
          const waited = performance.now() - begun
          if (waited > patienceMs / 2)
            return `ledger of ${namespace}: ${events.size} events, ${transitions.size} transitions; missing: ${missing.join(', ') || 'none'}; too many: ${extra.join(', ') || 'none'}`
        }
      },
      ledgerRows: async () => {
        const { stdout } = await promisify(execFile)(process.execPath, [ledgerProgram, first.data])
        return JSON.parse(stdout)
      },
      writes: () => writes,
      stop,
    }
  } catch (cause) {
    await stop()
    throw cause
  }
}
