import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KubernetesClient } from '../../operator/adapters/kubernetes/client.ts'
import { startControlPlane } from '../cluster/control-plane.ts'
import { freePort } from '../cluster/free-port.ts'
import { install, operatorKubeconfig } from '../cluster/install.ts'
import { startOperator, whenListening } from '../cluster/operator.ts'
import { waitForAdmission } from '../support/admission.ts'
import { clientOf, median, ok, pool, type Watch, watchFinished } from './support/cluster.ts'
import type { Bench, Report } from './support/figure.ts'

const group = '/apis/usekarma.dev/v1alpha1'
const at = (plural: string, name = '', sub = ''): string =>
  `${group}/namespaces/bench/${plural}${name && `/${name}`}${sub && `/${sub}`}`
const inFlight = 32
const components = 512
const loadSeconds = 12
const rawSeconds = 4

/** Changes through the gate, beside the status patches that the same API server takes in the same run. */
const bench: Bench = async (report) => {
  const folder = mkdtempSync(join(tmpdir(), 'karma-bench-'))
  report.progress('starting the control plane')
  const controlPlane = await startControlPlane({ auditLog: true })
  let operator: ReturnType<typeof startOperator> | undefined
  try {
    await install({ kubeconfig: controlPlane.kubeconfig })
    await waitForAdmission(controlPlane.kubeconfig)
    const account = await operatorKubeconfig({ controlPlane, dir: folder })
    const user = clientOf(controlPlane.kubeconfig)
    const karma = clientOf(account)
    await prepare(user)
    report.progress('raw status patches, before')
    const before = await rawRate(user, karma)
    const http = `127.0.0.1:${await freePort()}`
    const log = join(folder, 'operator.log')
    const env = { KARMA_PROBES: '127.0.0.1:0', KARMA_LOG_LEVEL: 'warn' }
    operator = startOperator({ kubeconfig: account, data: join(folder, 'data'), http, log, env })
    if (!(await whenListening({ http, process: operator }))) throw new Error(`operator: ${readFileSync(log, 'utf8')}`)
    report.progress(`${components} Components pass the gate`)
    await committed(user)
    const watch = await watchFinished(user, at('changerequests'))
    report.progress('single changes on an idle cluster')
    const single = await singles(user, watch)
    const writes = await writesOfOne(user, watch, controlPlane.auditLogPath)
    const peer = await samePeer(user, karma)
    report.progress(`changes for ${loadSeconds} s, ${inFlight} in flight`)
    const rate = await throughput(user, watch)
    const shared = writesSince(controlPlane.auditLogPath, rate.from)
    watch.stop()
    await operator.stop()
    operator = undefined
    report.progress('raw status patches, after')
    const after = await rawRate(user, karma)
    tell(report, { raw: (before + after) / 2, before, after, single, peer, writes, rate, shared })
    await Promise.all([user.close(), karma.close()])
  } finally {
    await operator?.stop()
    await controlPlane.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
export default bench

interface Measured {
  readonly raw: number
  readonly before: number
  readonly after: number
  readonly single: number
  readonly peer: number
  readonly writes: Writes
  readonly rate: { readonly perSecond: number; readonly changes: number }
  readonly shared: Writes
}

const tell = (report: Report, { raw, before, after, single, peer, writes, rate, shared }: Measured): void => {
  report.figure({
    name: 'API writes for one change',
    value: writes.change,
    unit: 'writes',
    budget: { of: 'value', atMost: 5 },
  })
  report.figure({ name: '… beside it: Lease, claim and release, relay, Events', value: writes.beside, unit: 'writes' })
  const each = shared.change / rate.changes
  report.figure({
    name: `API writes per change, ${inFlight} in flight`,
    value: each,
    unit: 'writes',
    budget: { of: 'value', atMost: 5 },
  })
  report.figure({ name: '… beside it', value: shared.beside / rate.changes, unit: 'writes' })
  const ceiling = raw / (each + 1)
  report.figure({
    name: `changes per second, ${inFlight} in flight`,
    value: rate.perSecond,
    unit: '/s',
    against: `${ceiling.toFixed(0)}/s = ${raw.toFixed(0)} raw patches/s (${before.toFixed(0)} before, ${after.toFixed(0)} after) / ${(each + 1).toFixed(2)} writes`,
    ratio: rate.perSecond / ceiling,
    budget: { of: 'ratio', atLeast: 0.7 },
  })
  report.figure({
    name: 'one change on an idle cluster, create to Applied, median',
    value: single,
    unit: 'ms',
    against: `${peer.toFixed(1)} ms: the same writes back to back`,
    ratio: peer / single,
    budget: { of: 'ratio', atLeast: 1 / 3 },
  })
}

const componentOf = (nickname: string) => ({
  apiVersion: 'usekarma.dev/v1alpha1',
  kind: 'Component',
  metadata: { name: `service.${nickname}`, namespace: 'bench' },
  spec: { type: 'service', nickname, environment: 'bench', config: { size: 1, note: 'x'.repeat(500) } },
})

const changeOf = (name: string, nickname: string, size: number) => ({
  apiVersion: 'usekarma.dev/v1alpha1',
  kind: 'ChangeRequest',
  metadata: { name, namespace: 'bench' },
  spec: { component: `service/${nickname}`, proposedChange: { size } },
})

const prepare = async (user: KubernetesClient): Promise<void> => {
  await ok(user.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bench' } }))
}

const committed = async (user: KubernetesClient): Promise<void> => {
  await pool(
    components,
    inFlight,
    async (index) => void (await ok(user.create(at('components'), componentOf(`s${index}`)))),
  )
  for (;;) {
    const { items } = await ok(user.list(at('components')))
    const open = (items as { status?: { committed?: object } }[]).filter(({ status }) => !status?.committed)
    if (items.length >= components && open.length === 0) return
    await sleep(100)
  }
}

/** Patches of one status field on objects as large as a finished ChangeRequest. */
const rawRate = async (user: KubernetesClient, karma: KubernetesClient): Promise<number> => {
  const namespace = `raw${Math.floor(performance.now())}`
  await ok(user.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }))
  const path = (name = '', sub = ''): string =>
    `${group}/namespaces/${namespace}/changerequests${name && `/${name}`}${sub && `/${sub}`}`
  const entry = {
    type: 'change.applied',
    at: new Date(0).toISOString(),
    message: 'm'.repeat(80),
    attrs: 'a'.repeat(200),
  }
  const history = Array.from({ length: 4 }, (_, seq) => ({ ...entry, seq: seq + 1 }))
  await pool(inFlight, inFlight, async (index) => {
    await ok(
      user.create(path(), { ...changeOf(`raw-${index}`, 's0', 1), metadata: { name: `raw-${index}`, namespace } }),
    )
    // Ended, so that an operator that sees them leaves them alone.
    await ok(
      karma.patch(path(`raw-${index}`, 'status'), {
        status: { phase: 'Cancelled', seq: 4, history, warnings: ['w'.repeat(400)] },
      }),
    )
  })
  let count = 0
  const end = performance.now() + rawSeconds * 1000
  await pool(inFlight, inFlight, async (index) => {
    while (performance.now() < end) {
      await ok(karma.patch(path(`raw-${index}`, 'status'), { status: { affectedCount: count++ } }))
    }
  })
  return count / rawSeconds
}

const change = async (
  user: KubernetesClient,
  watch: Watch,
  name: string,
  nickname: string,
  size: number,
): Promise<number> => {
  const finished = watch.applied(name)
  const started = performance.now()
  await ok(user.create(at('changerequests'), changeOf(name, nickname, size)))
  await finished
  return performance.now() - started
}

const singles = async (user: KubernetesClient, watch: Watch): Promise<number> => {
  const times: number[] = []
  for (let i = 0; i < 40; i++) {
    const ms = await change(user, watch, `single-${i}`, `s${i}`, i + 100)
    if (i >= 10) times.push(ms)
    // Long enough for the environment to be given free now and then, as on an idle cluster.
    await sleep(i % 4 === 0 ? 1_200 : 50)
  }
  return median(times)
}

const throughput = async (
  user: KubernetesClient,
  watch: Watch,
): Promise<{ perSecond: number; changes: number; from: number }> => {
  let started = performance.now()
  let from = Date.now()
  let count = 0
  // Values that nobody has set before: a change that changes nothing is cheap.
  let value = 1_000
  const workers = async (name: string, seconds: number): Promise<void> => {
    const end = performance.now() + seconds * 1_000
    count = 0
    await pool(inFlight, inFlight, async () => {
      while (performance.now() < end) {
        const i = count++
        await change(user, watch, `${name}-${i}`, `s${i % components}`, value++)
      }
    })
  }
  await workers('warm', loadSeconds / 4)
  await sleep(500)
  from = Date.now()
  started = performance.now()
  await workers('load', loadSeconds)
  return { perSecond: count / ((performance.now() - started) / 1_000), changes: count, from }
}

/** The writes of one change, by the same client one after the other: create, two on the request, Environment, Component twice. */
const samePeer = async (user: KubernetesClient, karma: KubernetesClient): Promise<number> => {
  const times: number[] = []
  await ok(user.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'peer' } }))
  const here = (plural: string, name = '', sub = ''): string => at(plural, name, sub).replace('/bench/', '/peer/')
  const component = { ...componentOf('peer'), metadata: { name: 'service.peer', namespace: 'peer' } }
  await ok(user.create(here('components'), component))
  await sleep(1_500)
  for (let i = 0; i < 40; i++) {
    const started = performance.now()
    const name = `peer-${i}`
    const { spec } = changeOf(name, 'none', i)
    const request = {
      ...changeOf(name, 'none', i),
      metadata: { name, namespace: 'peer' },
      spec: { ...spec, mode: 'Plan' },
    }
    await ok(user.create(here('changerequests'), request))
    await ok(karma.patch(here('changerequests', name, 'status'), { status: { phase: 'Cancelled' } }))
    await ok(karma.patch(here('components', 'service.peer', 'status'), { status: { outputs: { i } } }))
    await ok(karma.patch(here('components', 'service.peer'), { metadata: { annotations: { i: `${i}` } } }))
    await ok(karma.patch(here('components', 'service.peer', 'status'), { status: { outputs: { i: i + 0 } } }))
    await ok(karma.patch(here('changerequests', name, 'status'), { status: { affectedCount: i } }))
    if (i >= 10) times.push(performance.now() - started)
  }
  return median(times)
}

interface Writes {
  /** on the request, its Component and its Environment's version */
  readonly change: number
  readonly beside: number
  readonly kinds: Readonly<Record<string, number>>
}

const writesOfOne = async (user: KubernetesClient, watch: Watch, audit: string): Promise<Writes> => {
  await sleep(2_500)
  const from = Date.now()
  await change(user, watch, 'counted', 's7', 777)
  await sleep(2_500)
  return writesSince(audit, from)
}

interface AuditLine {
  readonly verb: string
  readonly user: { readonly username: string }
  readonly objectRef?: { readonly resource: string; readonly subresource?: string; readonly namespace?: string }
  readonly requestReceivedTimestamp: string
}

/**
 * Karma's writes by resource. Of the two to three on an Environment one for each batch is the publish; claim and
 * release stand beside it.
 */
const writesSince = (audit: string, from: number): Writes => {
  const kinds: Record<string, number> = {}
  for (const text of readFileSync(audit, 'utf8').split('\n')) {
    if (!text.includes('serviceaccount:karma-system:karma')) continue
    const line = JSON.parse(text) as AuditLine
    const isWrite = ['create', 'update', 'patch', 'delete'].includes(line.verb)
    if (!isWrite || Date.parse(line.requestReceivedTimestamp) < from || line.user.username !== karmaAccount) continue
    const { resource = '', subresource = '' } = line.objectRef ?? {}
    const kind = subresource === '' ? resource : `${resource}/${subresource}`
    kinds[kind] = (kinds[kind] ?? 0) + 1
  }
  const count = (kind: string): number => kinds[kind] ?? 0
  const all = Object.values(kinds).reduce((sum, n) => sum + n, 0)
  const onChange = count('changerequests/status') + count('components') + count('components/status')
  const environment = count('environments/status')
  process.stderr.write(`changes: writes by resource ${JSON.stringify(kinds)}\n`)
  // A publish for each batch; with one change at a time claim and release come on top.
  const publishes = Math.max(1, environment - 2)
  return { change: onChange + publishes, beside: all - onChange - publishes, kinds }
}

const karmaAccount = 'system:serviceaccount:karma-system:karma'
