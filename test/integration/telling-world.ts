import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeEmbeddedBus } from '../../operator/adapters/bus-embedded/bus.ts'
import { makeEmbeddedGraph } from '../../operator/adapters/graph-embedded/store.ts'
import { makeAccess } from '../../operator/adapters/kubernetes/access.ts'
import { makeKubernetesClient } from '../../operator/adapters/kubernetes/client.ts'
import { loadCredentials } from '../../operator/adapters/kubernetes/credentials.ts'
import { pathOf } from '../../operator/adapters/kubernetes/path.ts'
import { makePlace } from '../../operator/adapters/kubernetes/place.ts'
import { makeSource } from '../../operator/adapters/kubernetes/source.ts'
import { openEmbeddedClient } from '../../operator/adapters/ledger/client.ts'
import { openLedger } from '../../operator/adapters/ledger/ledger.ts'
import type { ChangeRequest } from '../../operator/api/kinds.generated.ts'
import { parseChangeRequest } from '../../operator/api/parse.ts'
import { openSession } from '../../operator/cli/kubeconfig.ts'
import { makeRelay } from '../../operator/controllers/relay.ts'
import { append, type Transition } from '../../operator/core/event/outbox.ts'
import { backoffMs } from '../../operator/runtime/backoff.ts'
import { systemClock } from '../../operator/runtime/clock.ts'
import { makeInformer } from '../../operator/runtime/informer.ts'
import { makeServer } from '../../operator/server/server.ts'
import { startDeadLetterSink } from '../../operator/sinks/dead-letters.ts'
import { startLedgerSink } from '../../operator/sinks/ledger.ts'
import type { ControlPlane } from '../cluster/control-plane.ts'
import { operatorKubeconfig } from '../cluster/install.ts'
import { type Said, typed } from '../support/command-line.ts'
import { temporaryFolder } from '../support/control-plane.ts'
import { must } from './runtime-world.ts'

const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const group = { group: 'usekarma.dev', version: 'v1alpha1' }

const makeCounter = () => {
  let value = 0
  return {
    inc: (by = 1) => {
      value += by
    },
    value: () => value,
  }
}

/** The telling half of the operator, as its own account, over a data folder. Only one at a time in this process. */
export const startTelling = async (kubeconfigPath: string, data: string, host = '127.0.0.1') => {
  const clock = systemClock()
  const backoff = (failures: number) => backoffMs(failures, { minMs: 20, maxMs: 1000 }, Math.random)
  const client = makeKubernetesClient({ credentials: must(loadCredentials({ kubeconfigPath })) })
  const ledger = must(await openLedger({ client: must(await openEmbeddedClient(data)), where: data }))
  const bus = makeEmbeddedBus({ after: clock.after, backoff, log: quiet })
  const sink = await startLedgerSink({
    bus,
    ledger,
    clock,
    metrics: { appended() {}, failed() {} },
  })
  const letters = await startDeadLetterSink({ bus, ledger })
  const informer = makeInformer<ChangeRequest>({
    source: makeSource({ client, path: pathOf({ ...group, plural: 'changerequests' }) }),
    parse: (raw) => must(parseChangeRequest(raw)),
    clock,
    random: Math.random,
    log: quiet,
  })
  informer.start()
  await informer.synced
  const metrics = { published: makeCounter(), retries: makeCounter(), deadLetters: makeCounter(), lost: makeCounter() }
  const relay = makeRelay({
    kinds: [{ kind: 'ChangeRequest', ...informer }],
    bus,
    place: makePlace({ client, namespace: 'karma-system' }),
    clock,
    log: quiet,
    metrics,
    backoff,
  })
  relay.start()
  const graph = makeEmbeddedGraph({ newEpoch: () => 'epoch', now: Date.now })
  const server = makeServer({
    access: makeAccess({ client }),
    ledger,
    bus,
    graph,
    rebuilding: () => undefined,
    now: Date.now,
    log: quiet,
  })
  const address = await server.listen({ host, port: 0 })
  return {
    client,
    ledger,
    bus,
    relay,
    metrics,
    address,
    /** One status write, as a controller does it. */
    transit: async (namespace: string, name: string, ...transitions: Transition[]) => {
      const path = pathOf({ ...group, plural: 'changerequests' }, { namespace, name })
      const object = must(await client.get(path)) as ChangeRequest
      const status = append(object.status, transitions, Date.now())
      const { resourceVersion = '' } = object.metadata
      return must(await client.patch(`${path}/status`, { metadata: { resourceVersion }, status })) as ChangeRequest
    },
    stop: async () => {
      await server.close()
      await relay.stop()
      await informer.stop()
      await sink.close()
      await letters.close()
      await bus.close()
      await ledger.close()
      await client.close()
    },
  }
}

let data: string | undefined

/** One process can have one folder only, ever: the tests of a run share it, and go by their namespaces. */
const ledgerFolder = (): string => {
  data ??= temporaryFolder()
  return data
}

/** Kubeconfig of the operator's account, which `clear` removes, and the data folder. */
export const makeHome = async (controlPlane: ControlPlane) => {
  const dir = mkdtempSync(join(tmpdir(), 'karma-telling-'))
  return {
    data: ledgerFolder(),
    kubeconfig: await operatorKubeconfig({ controlPlane, dir }),
    accountKubeconfig: (namespace: string, account: string) =>
      operatorKubeconfig({ controlPlane, dir, namespace, account }),
    clear: () => rmSync(dir, { recursive: true, force: true }),
  }
}

/** Runs `kubectl karma`'s program within this process. Without `api`: through the API server. */
export const karma = (kubeconfig: string, api: string | undefined, ...args: string[]): Promise<Said> =>
  typed([...args, '--kubeconfig', kubeconfig], { opened: async (options) => openSession(options, api) })

export const eventually = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
  for (let i = 0; i < 400; i++) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((next) => setTimeout(next, 25))
  }
  return assert.fail(`never came: ${what}`)
}
