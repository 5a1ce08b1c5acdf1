import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../cluster/free-port.ts'
import { operatorKubeconfig } from '../cluster/install.ts'
import { violationsIn } from './crash-invariants.ts'
import { type Lane, startLane } from './crash-lane.ts'
import { play, type Run } from './crash-run.ts'
import { environmentName } from './crash-stage.ts'
import { change } from './crash-workloads.ts'
import { superviseOperator } from './operator-process.ts'
import { type Action, startProxy } from './proxy.ts'

/** Ends of operators and of API servers with Leases of their usual length, one after another on one lane. */
export interface Restarts {
  /** looks at a Lease, by who led next, until it had it, and how long that took */
  readonly handOver: Promise<{ readonly looks: number; readonly ms: number }>
  readonly staleStandby: Promise<{ readonly config: unknown; readonly faults: readonly string[] }>
  readonly apiServer: Promise<Run>
  readonly killed: Promise<Run>
  stop(): Promise<void>
}

export const startRestarts = (): Restarts => {
  const lane = startLane({ name: 'restarts', env: {} })
  const inTurn = <T>(before: Promise<unknown>, act: (lane: Lane) => Promise<T>): Promise<T> => {
    const work = before.then(
      () => lane.then(act),
      () => lane.then(act),
    )
    // Nobody may be waiting for it yet when it fails.
    work.catch(() => {})
    return work
  }
  const handOver = inTurn(lane, playHandOver)
  const staleStandby = inTurn(handOver, playStaleStandby)
  const apiServer = inTurn(staleStandby, playApiServer)
  const killed = inTurn(apiServer, playKilled)
  return {
    handOver,
    staleStandby,
    apiServer,
    killed,
    stop: async () => {
      await Promise.allSettled([handOver, staleStandby, apiServer, killed])
      await lane.then(
        ({ stop }) => stop(),
        () => {},
      )
    },
  }
}

const environmentLease = `karma-${environmentName}`

const holderOf = ({ recorder }: Lane, namespace: string, name: string): string | undefined =>
  recorder.latest('Lease', namespace, name)?.spec.holderIdentity

const leads = (lane: Lane, not = ''): Promise<string> =>
  lane.recorder.until('somebody leads', () => {
    const holder = holderOf(lane, 'karma-system', 'karma-leader')
    return holder && holder !== not ? holder : undefined
  })

/** SIGTERM while an environment is held: both Leases are empty when the process has ended. */
const playHandOver = async (lane: Lane): Promise<{ looks: number; ms: number }> => {
  const { operator, recorder, proxy } = lane
  operator.start()
  const stage = await lane.stage()
  const first = await leads(lane)
  await stage.component('site/main', { config: { title: 'A' } })
  await stage.committed('site/main')
  assert.equal(holderOf(lane, stage.namespace, environmentLease), first)
  await operator.end('SIGTERM')
  await recorder.until('both Leases and the claim are given back', () => {
    const leases = [holderOf(lane, 'karma-system', 'karma-leader'), holderOf(lane, stage.namespace, environmentLease)]
    const { lockedBy } = recorder.latest('Environment', stage.namespace, environmentName).status
    return leases.every((holder) => holder === '') && lockedBy === undefined ? true : undefined
  })

  let looks = 0
  let begun = 0
  const disarm = proxy.onRequest(({ verb, resource, name }) => {
    if (verb === 'get' && resource === 'leases' && name === 'karma-leader') {
      looks++
      begun ||= performance.now()
    }
    return undefined
  })
  operator.start()
  await leads(lane, first)
  const ms = performance.now() - begun
  disarm()
  return { looks, ms }
}

/** A second operator whose watch of Components stands still becomes the leader, and must not plan on what it knows. */
const playStaleStandby = async (lane: Lane): Promise<{ config: unknown; faults: string[] }> => {
  const { controlPlane, folder, operator } = lane
  const proxy = await startProxy({ target: controlPlane.url, ca: controlPlane.ca })
  const dir = mkdtempSync(join(folder, 'standby-'))
  const standby = superviseOperator({
    kubeconfig: await operatorKubeconfig({ controlPlane, dir, server: proxy.url }),
    data: join(dir, 'data'),
    http: `127.0.0.1:${await freePort()}`,
    log: join(dir, 'operator.log'),
    env: { KARMA_PROBES: '127.0.0.1:0' },
  })
  try {
    const stage = await lane.stage()
    const first = await leads(lane)
    await stage.component('site/main', { config: { title: 'A' } })
    await stage.committed('site/main')
    standby.start()
    await until(() => proxy.watches.open(({ resource }) => resource === 'components') > 0)
    const thaw = proxy.watches.freeze(({ resource }) => resource === 'components')
    await stage.request('seen-by-one', { component: 'site/main', proposedChange: { title: 'B' } })
    await stage.phase('seen-by-one', 'Applied')
    await operator.end('SIGTERM')
    await leads(lane, first)
    await stage.request('from-the-other', { component: 'site/main', proposedChange: { colour: 'blue' } })
    // Long enough to do it wrong.
    await until(() =>
      proxy.requests.some(
        ({ verb, namespace, name }) => verb === 'patch' && namespace === stage.namespace && name === environmentName,
      ),
    )
    await sleep(1_000)
    thaw()
    await stage.phase('from-the-other', 'Applied')
    const { config } = lane.recorder.latest('Component', stage.namespace, 'site.main').status.committed
    return { config, faults: violationsIn(lane.recorder.states(stage.namespace)) }
  } finally {
    await standby.end()
    await proxy.stop()
    operator.start()
  }
}

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await sleep(20)
}

/** The API server takes the decision, is killed before it can say so, and comes back a moment later. */
const playApiServer = async (lane: Lane): Promise<Run> => {
  const { controlPlane, proxy } = lane
  const reference = await play(lane, { workload: change, faults: [] })
  let isDown = false
  const restart = async (): Promise<void> => {
    isDown = true
    await controlPlane.restartApiServer('SIGKILL')
    // The recorder watches again before anything more is written.
    await sleep(1_000)
    isDown = false
  }
  const whileDown = proxy.onRequest(() => (isDown ? ({ kind: 'cut-before' } satisfies Action) : undefined))
  try {
    const faults = [{ effect: 'publish change', position: 'during' } as const]
    return await play(lane, { workload: change, faults, reference: reference.trace }, restart)
  } finally {
    whileDown()
  }
}

const playKilled = async (lane: Lane): Promise<Run> => {
  const reference = await play(lane, { workload: change, faults: [] })
  const faults = [{ effect: 'publish change', position: 'during' } as const]
  return play(lane, { workload: change, faults, reference: reference.trace })
}
