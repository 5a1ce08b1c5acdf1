import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KubernetesClient } from '../../operator/adapters/kubernetes/client.ts'
import { installKarma } from '../support/installed-karma.ts'
import { openNamespace } from '../support/karma-namespace.ts'
import { component } from '../support/karma-objects.ts'
import { clientOf, median, ok, pool, type Watch, watchFinished } from './support/cluster.ts'
import type { Bench } from './support/figure.ts'

const sizes = [1, 10, 100] as const
const most = Math.max(...sizes)
const rounds = 15
const namespace = 'sets'
const sideBySide = 32
const at = (plural: string, name = ''): string =>
  `/apis/usekarma.dev/v1alpha1/namespaces/${namespace}/${plural}${name && `/${name}`}`

/** Sets of changes, one after the other, beside as many bare patches as they take writes. */
const bench: Bench = async ({ figure, progress }) => {
  progress('starting the control plane')
  const karma = await installKarma({ auditLog: true })
  const user = clientOf(karma.controlPlane.kubeconfig)
  try {
    await karma.startOperator({ env: { KARMA_LOG_LEVEL: 'warn' } })
    const here = await openNamespace(karma.api, namespace)
    progress(`${most} Components pass the gate`)
    const names = Array.from({ length: most }, (_, i) => `s${i}`)
    const config = { size: 1, note: 'x'.repeat(500) }
    await pool(most, sideBySide, async (i) => here.create(component(`service/${names[i]}`, { config })))
    await here.committed(...names.map((name) => `service.${name}`))
    const watch = await watchFinished(user, at('changerequests'))
    for (const size of sizes) {
      progress(`sets of ${size}`)
      const from = Date.now()
      const times: number[] = []
      for (let round = 0; round < rounds; round++) times.push(await setOf(user, watch, names.slice(0, size), round))
      await sleep(500)
      const writes = writesSince(karma.controlPlane.auditLogPath, from) / rounds
      const bare = await bareWrites(user, names, Math.round(writes) + 1)
      const ms = median(times)
      figure({
        name: `a set of ${size}: API writes`,
        value: writes,
        unit: 'writes',
        budget: { of: 'value', atMost: 3.5 + 2 * size },
      })
      figure({
        name: `a set of ${size}, create to Applied, median`,
        value: ms,
        unit: 'ms',
        against: `${bare.toFixed(0)} ms: as many bare patches, ${sideBySide} at a time`,
        ratio: bare / ms,
      })
    }
    watch.stop()
  } finally {
    await user.close()
    await karma.stop()
  }
}
export default bench

const setOf = async (
  user: KubernetesClient,
  watch: Watch,
  names: readonly string[],
  round: number,
): Promise<number> => {
  const name = `set-${names.length}-${round}`
  const changes = names.map((one) => ({
    component: `service/${one}`,
    proposedChange: { size: round + 2 + names.length * 1_000 },
  }))
  const finished = watch.applied(name)
  const started = performance.now()
  const body = {
    apiVersion: 'usekarma.dev/v1alpha1',
    kind: 'ChangeRequest',
    metadata: { name, namespace },
    spec: { changes },
  }
  await ok(user.create(at('changerequests'), body))
  await finished
  return performance.now() - started
}

/** Karma's writes on requests, Components and the Environment's version (claim and release not counted). */
const writesSince = (audit: string, from: number): number => {
  let count = 0
  for (const line of readFileSync(audit, 'utf8').split('\n')) {
    if (!line.includes('"userAgent":"karma"') || !line.includes('"verb":"patch"')) continue
    const { requestReceivedTimestamp, objectRef } = JSON.parse(line) as {
      requestReceivedTimestamp: string
      objectRef?: { resource: string }
    }
    const counts = ['changerequests', 'components', 'environments'].includes(objectRef?.resource ?? '')
    if (counts && Date.parse(requestReceivedTimestamp) >= from) count++
  }
  return count
}

const bareWrites = async (user: KubernetesClient, names: readonly string[], count: number): Promise<number> => {
  const times: number[] = []
  for (let round = 0; round < 5; round++) {
    const started = performance.now()
    await pool(count, Math.min(sideBySide, count), async (i) => {
      const metadata = { annotations: { 'example.com/bare': `${round} ${i}` } }
      await ok(user.patch(at('components', `service.${names[i % names.length]}`), { metadata }))
    })
    times.push(performance.now() - started)
  }
  return median(times)
}
