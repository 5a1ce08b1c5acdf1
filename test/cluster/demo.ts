import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify, styleText } from 'node:util'
import { waitForAdmission } from '../support/admission.ts'
import { recordsOf } from '../support/kafka-records.ts'
import { findBinaries } from './binaries.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { playCases } from './demo-cases.ts'
import { readFlags } from './flags.ts'
import { freePort } from './free-port.ts'
import { type GremlinServer, startGremlinServer } from './gremlin-server.ts'
import { install, kubectl, operatorKubeconfig } from './install.ts'
import { lastLines } from './jars.ts'
import { type Broker, startBroker } from './kafka.ts'
import { startOperator, whenListening } from './operator.ts'
import { createTable, type Row } from './table.ts'

/**
 * `npm run demo`: a control plane, the operator, and the cases of demo-cases.ts by `kubectl apply`, with what was
 * expected beside what came. Everything is gone afterwards, also after a signal. Exit code 1 when something came out
 * otherwise.
 */
const say = (line: string): boolean => process.stdout.write(`${line}\n`)
const step = (line: string): boolean => say(styleText('dim', `· ${line}`))

/** Where the plan of a change read the graph. */
async function readOf(run: (...args: string[]) => Promise<string>, graph: string): Promise<Row> {
  const path = 'jsonpath={.status.plan.readFrom}'
  const said = run('get', '--namespace=dev', 'changerequest', 'new-alias', '-o', path)
  return {
    what: 'where the plan of new-alias read the graph',
    expected: graph === 'gremlin' ? 'Mirror' : 'Process',
    actual: await said.catch((cause: Error) => cause.message),
    why: graph === 'gremlin' ? 'the copy in process of what is in Gremlin Server' : 'the graph is in the operator',
  }
}

const mainOfPlugin = resolve(import.meta.dirname, '../../operator/cli/main.ts')

/** Runs `kubectl karma`. Rejects with what it said. */
async function plugin({ kubeconfig, args }: { kubeconfig: string; args: readonly string[] }): Promise<string> {
  const env = { ...process.env, KUBECONFIG: kubeconfig }
  const { stdout } = await promisify(execFile)(process.execPath, [mainOfPlugin, ...args], { env })
  return stdout
}

/** Asked until the last event has arrived: telling comes after deciding. */
async function story(api: string, token: string, change: string): Promise<string[]> {
  for (let attempt = 0; ; attempt++) {
    const answer = await fetch(`${api}/api/v1/log?change=${change}`, { headers: { authorization: `Bearer ${token}` } })
    const { events = [] } = (await answer.json()) as { events?: { event_type: string }[] }
    const types = events.flatMap(({ event_type }) => (event_type.startsWith('change.') ? [event_type.slice(7)] : []))
    if (types.includes('rolled-back') || attempt === 50) return types
    await sleep(100)
  }
}

/** Telling comes after deciding: asked until both have the same, or for ten seconds. */
async function carried(api: string, token: string, broker: Broker): Promise<Row> {
  const counts = { kafka: 0, ledger: -1 }
  const count = async (): Promise<void> => {
    const answer = await fetch(`${api}/api/v1/log?limit=5000`, { headers: { authorization: `Bearer ${token}` } })
    counts.ledger = ((await answer.json()) as { events: unknown[] }).events.length
    const records = await recordsOf(broker.address, 'events.normalized')
    counts.kafka = new Set(records.map(({ headers }) => headers?.ce_id?.toString())).size
  }
  let why = 'the operator publishes to the broker, and the ledger takes from there'
  for (let attempt = 0; counts.kafka !== counts.ledger && attempt < 50; attempt++) {
    await count().catch((cause: Error) => {
      why = cause.message
    })
  }
  return {
    what: 'events in Kafka, and in the ledger',
    expected: `as many in both: ${counts.kafka}`,
    actual: `as many in both: ${counts.ledger}`,
    why,
  }
}

/**
 * `--graph gremlin`: the graph is in a Gremlin Server, as it would be in Neptune, and not in the operator.
 * `--bus kafka`: events travel over an Apache Kafka broker.
 */
const choices = { graph: ['embedded', 'gremlin'], bus: ['embedded', 'kafka'] } as const

function asked(): Record<keyof typeof choices, string> {
  const option = { type: 'string', default: 'embedded' } as const
  const { values } = readFlags('npm run demo', { graph: option, bus: option })
  for (const [name, known] of Object.entries(choices)) {
    const found = values[name as keyof typeof choices]
    if (known.some((one) => one === found)) continue
    throw new Error(`--${name}: expected ${known.join(' or ')}, found ${JSON.stringify(found)}`)
  }
  return values
}

/** How to stop what was started, in the order of starting. */
type Started = (() => Promise<unknown>)[]

/** Resolves with host:port of its HTTP port when it listens. */
async function startKarma(
  controlPlane: ControlPlane,
  env: Readonly<Record<string, string>>,
  started: Started,
): Promise<string> {
  const http = `127.0.0.1:${await freePort()}`
  const kubeconfig = await operatorKubeconfig({ controlPlane, dir: controlPlane.folder })
  const folder = mkdtempSync(join(tmpdir(), 'karma-demo-'))
  const log = join(folder, 'operator.log')
  const operator = startOperator({
    kubeconfig,
    data: join(folder, 'data'),
    http,
    log,
    env: { KARMA_PROBES: '127.0.0.1:0', ...env },
    removeWithParent: folder,
  })
  started.push(async () => {
    await operator.stop()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  if (await whenListening({ http, process: operator })) return http
  throw new Error(`the operator did not start; the end of its log:\n${lastLines(log, 8)}`)
}

async function demonstrate(
  { graph, bus }: ReturnType<typeof asked>,
  started: Started,
  over: AbortSignal,
): Promise<number> {
  const begun = performance.now()
  const { kubectl: program } = await findBinaries()
  step('control plane: etcd, kube-apiserver, kube-controller-manager')
  const controlPlane = await startControlPlane()
  started.push(controlPlane.stop)
  const { kubeconfig } = controlPlane
  const run = (...args: string[]): Promise<string> => kubectl({ kubeconfig, program, args })
  let store: GremlinServer | undefined
  let broker: Broker | undefined
  if (graph === 'gremlin') {
    step('graph store: Gremlin Server')
    store = await startGremlinServer()
    started.push(store.close)
  }
  if (bus === 'kafka') {
    step('bus: Apache Kafka')
    broker = await startBroker()
    started.push(broker.close)
  }
  await install({ kubeconfig, program })
  await waitForAdmission(kubeconfig)
  step('operator')
  const env = {
    ...(store && { KARMA_GRAPH_ENDPOINT: store.url }),
    ...(broker && { KARMA_KAFKA_BROKERS: broker.address }),
  }
  const api = `http://${await startKarma(controlPlane, env, started)}`
  const token = (await run('create', 'token', 'karma', '--namespace=karma-system')).trim()
  const rows = await playCases({
    kubectl: run,
    karma: (...args) => plugin({ kubeconfig, args }),
    story: (change) => story(api, token, change),
    step: (line) => {
      over.throwIfAborted()
      step(line)
    },
    patience: { first: 30, afterwards: 5 },
  })
  rows.push(await readOf(run, graph))
  if (broker) rows.push(await carried(api, token, broker))
  say('')
  say(await run('get', 'karma', '--all-namespaces').catch((cause: Error) => cause.message))
  say(createTable(rows))
  const wrong = rows.filter(({ expected, actual }) => expected !== actual)
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  say(`${rows.length - wrong.length} of ${rows.length} as expected, ${seconds} s`)
  return wrong.length === 0 ? 0 : 1
}

const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
/** What is left of the demo fails at once when the control plane is gone, and then its own folders go. */
const lastWordsMs = 5_000

async function main(): Promise<number> {
  const choice = asked()
  const interrupted = Promise.withResolvers<number>()
  const over = new AbortController()
  for (const [signal, code] of Object.entries(signals)) process.once(signal, () => interrupted.resolve(code))
  const started: Started = []
  const demo = demonstrate(choice, started, over.signal)
  try {
    return await Promise.race([demo, interrupted.promise])
  } finally {
    over.abort()
    for (let stop = started.pop(); stop; stop = started.pop()) await stop()
    const ended = demo.catch(() => {})
    await Promise.race([ended, sleep(lastWordsMs)])
  }
}

try {
  process.exit(await main())
} catch (cause) {
  process.stderr.write(`${(cause as Error).message}\n`)
  process.exit(1)
}
