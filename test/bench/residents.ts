import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KubernetesClient } from '../../operator/adapters/kubernetes/client.ts'
import { freePort } from '../cluster/free-port.ts'
import { installKarma } from '../support/installed-karma.ts'
import { openNamespace } from '../support/karma-namespace.ts'
import { component, type Manifest } from '../support/karma-objects.ts'
import { clientOf, ok, pool, type Watch, watchFinished } from './support/cluster.ts'
import type { Bench, Report } from './support/figure.ts'

const residents = 50_000
const references = 10
const noteBytes = 2_000
const sideBySide = 64
const loadSeconds = 12
const namespace = 'residents'
const at = (plural: string, name = ''): string =>
  `/apis/usekarma.dev/v1alpha1/namespaces/${namespace}/${plural}${name && `/${name}`}`

/**
 * Many Components that stay, each with references to ten that came before it: how long after a restart the first change has
 * gone through, what the operator holds in memory, and how many changes pass in a second.
 */
const bench: Bench = async ({ figure, progress }) => {
  progress('starting the control plane')
  const karma = await installKarma()
  const user = clientOf(karma.controlPlane.kubeconfig)
  const probes = `127.0.0.1:${await freePort()}`
  const env = { KARMA_LOG_LEVEL: 'warn', KARMA_PROBES: probes }
  try {
    await openNamespace(karma.api, namespace)
    progress(`${residents} Components are created`)
    await pool(residents, sideBySide, async (i) => void (await ok(user.create(at('components'), resident(i)))))
    const committing = performance.now()
    const first = await karma.startOperator({ env })
    await untilCommitted(user, progress)
    const rate = residents / ((performance.now() - committing) / 1_000)
    figure({ name: `${residents} new Components pass the gate, from the start`, value: rate, unit: '/s' })
    await first.process.stop('SIGTERM', 60_000)

    progress('the operator is started again')
    const watch = await watchFinished(user, at('changerequests'))
    const started = performance.now()
    const second = await karma.startOperator({ env })
    await change(user, watch, 'first', residents - 1)
    const budget = { of: 'value', atMost: 60 } as const
    figure({ name: 'restart to a change applied', value: (performance.now() - started) / 1_000, unit: 's', budget })
    await sleep(5_000)
    const memory = await memoryOf(second.process.pid, probes)
    figure({ name: 'memory at rest, with the engine of the ledger', value: memory.resident, unit: 'MB' })
    const heapBudget = { of: 'value', atMost: 400 } as const
    figure({ name: '… of JavaScript', value: memory.javascript, unit: 'MB', budget: heapBudget })
    const free = leaves()
    for (const [name, among] of [
      [`changes, 32 in flight, of the ${free.length} to which nobody refers`, free],
      // Many of these reach thousands of others, and changes that reach the same wait for each other.
      [`changes, 32 in flight, of any of the ${residents}`, Array.from({ length: residents }, (_, i) => i)],
    ] as const) {
      progress(`${name}, for ${loadSeconds} s`)
      figure({ name, value: await throughput(user, watch, among), unit: '/s' })
    }
    watch.stop()
  } finally {
    await user.close()
    await karma.stop()
  }
}
export default bench

/** Spread over all that came before, so that nobody has all the dependents. */
const targetsOf = (i: number): Set<number> => {
  const known = Math.min(i, references)
  return new Set(Array.from({ length: known }, (_, k) => Math.floor((i * (k + 1)) / (known + 1))))
}

/** Components without dependents: their changes touch nothing that another change touches, and need not wait for each other. */
const leaves = (): number[] => {
  const referred = new Set<number>()
  for (let i = 0; i < residents; i++) for (const target of targetsOf(i)) referred.add(target)
  return Array.from({ length: residents }, (_, i) => i).filter((i) => !referred.has(i))
}

const resident = (i: number): Manifest & { metadata: { namespace: string } } => {
  const made = component(`service/n${i}`, {
    config: { note: 'x'.repeat(noteBytes), i },
    references: [...targetsOf(i)].map((target, k) => ({ name: `r${k}`, component: `service/n${target}` })),
  })
  return { ...made, metadata: { ...made.metadata, namespace } }
}

/** The environment rests again, and the last one is committed: so are all before it. */
const untilCommitted = async (user: KubernetesClient, progress: Report['progress']): Promise<void> => {
  const limit = performance.now() + 20 * 60_000
  for (;;) {
    const environment = await user.get(at('environments', 'dev'))
    const { lockedBy, version = 0 } = environment.ok ? ((environment.value as Status).status ?? {}) : {}
    const last = (await ok(user.get(at('components', `service.n${residents - 1}`)))) as Status
    if (last.status?.committed !== undefined && environment.ok && lockedBy === undefined) return
    if (performance.now() > limit) throw new Error(`expected ${residents} Components committed within 20 minutes`)
    progress(`${residents} Components pass the gate: version ${version}`)
    await sleep(2_000)
  }
}

interface Status {
  readonly status?: { readonly committed?: object; readonly lockedBy?: string; readonly version?: number }
}

const change = async (user: KubernetesClient, watch: Watch, name: string, i: number): Promise<void> => {
  const applied = watch.applied(name)
  const spec = { component: `service/n${i}`, proposedChange: { changed: name } }
  const metadata = { name, namespace }
  await ok(
    user.create(at('changerequests'), { apiVersion: 'usekarma.dev/v1alpha1', kind: 'ChangeRequest', metadata, spec }),
  )
  await applied
}

let loads = 0
const throughput = async (user: KubernetesClient, watch: Watch, among: readonly number[]): Promise<number> => {
  const load = loads++
  const started = performance.now()
  let count = 0
  await pool(Number.MAX_SAFE_INTEGER, 32, async (n) => {
    if (performance.now() - started > loadSeconds * 1_000) throw over
    // Each of another Component, far apart.
    await change(user, watch, `load-${load}-${n}`, among[(n * 7_919) % among.length]!)
    count++
  }).catch((cause) => {
    if (cause !== over) throw cause
  })
  return count / ((performance.now() - started) / 1_000)
}

const over = new Error('the time is over')

/** In MiB. */
const memoryOf = async (pid: number, probes: string): Promise<{ resident: number; javascript: number }> => {
  const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  const metrics = await (await fetch(`http://${probes}/metrics`)).text()
  const value = (name: string): number => {
    const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1]
    if (found === undefined) throw new Error(`expected a metric ${name}, found none`)
    return Number(found)
  }
  const bytes = value('karma_nodejs_heap_size_used_bytes') + value('karma_nodejs_external_memory_bytes')
  return { resident: kilobytes / 1_024, javascript: bytes / 2 ** 20 }
}
