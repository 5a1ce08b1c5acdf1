import { randomUUID } from 'node:crypto'
import { destination, pino } from 'pino'
import { makeEmbeddedBus } from './adapters/bus-embedded/bus.ts'
import { makeEmbeddedGraph } from './adapters/graph-embedded/store.ts'
import { makeAccess } from './adapters/kubernetes/access.ts'
import { makeAlike } from './adapters/kubernetes/alike.ts'
import { makeKubernetesClient } from './adapters/kubernetes/client.ts'
import { makeCluster } from './adapters/kubernetes/cluster.ts'
import { loadCredentials } from './adapters/kubernetes/credentials.ts'
import { collectionPath, eventsPath, parseAs } from './adapters/kubernetes/kinds.ts'
import { makeLease } from './adapters/kubernetes/lease.ts'
import { makePlace } from './adapters/kubernetes/place.ts'
import { makeSource } from './adapters/kubernetes/source.ts'
import { awaitLedger } from './adapters/ledger/awaited.ts'
import { makeServerClient, openEmbeddedClient } from './adapters/ledger/client.ts'
import { openLedger } from './adapters/ledger/ledger.ts'
import { parseJson } from './api/json.ts'
import type { Result } from './api/result.ts'
import { type Config, readConfig } from './config.ts'
import { makeControllers } from './controllers/controllers.ts'
import { makeNoRoom, noticeReadiness, noticeTransitions } from './controllers/notices.ts'
import { makeRelay } from './controllers/relay.ts'
import { indexes } from './controllers/wake.ts'
import { decide, heldSince, observe } from './core/lock/election.ts'
import { type EventMetrics, makeEventMetrics } from './event-metrics.ts'
import type { Bus } from './ports/bus.ts'
import type { Caches, Kind, Of } from './ports/cluster.ts'
import type { GraphStore } from './ports/graph.ts'
import type { Ledger } from './ports/ledger.ts'
import { backoffMs } from './runtime/backoff.ts'
import { type Clock, sleep, systemClock } from './runtime/clock.ts'
import { type Informer, makeInformer } from './runtime/informer.ts'
import { silent, unsynced } from './runtime/informer-checks.ts'
import { makeLeader } from './runtime/leader.ts'
import { makeLifecycle, type Part } from './runtime/lifecycle.ts'
import type { Logger } from './runtime/log.ts'
import { makeMetrics } from './runtime/metrics.ts'
import { makeProbes, serveProbes } from './runtime/probes.ts'
import { makeRecorder } from './runtime/recorder.ts'
import { makeServer } from './server/server.ts'
import { startDeadLetterSink } from './sinks/dead-letters.ts'
import { startLedgerSink } from './sinks/ledger.ts'

/** What cannot be set right by waiting ends the process with one line that says why. */
const giveUp = (why: string): never => {
  process.stderr.write(`karma: ${why}\n`)
  process.exit(1)
}

const required = <T>(result: Result<T>): T =>
  result.ok ? result.value : giveUp(`${result.failure.reason}: ${result.failure.message}`)

const run = async (config: Config): Promise<void> => {
  // 1. What everything stands on: clock, log, metrics, the connection to the API server.
  const clock = systemClock()
  const random = Math.random
  const output = destination()
  const log = pino({ name: 'karma', level: config.logLevel }, output)
  const metrics = makeMetrics({ prefix: 'karma_', clock, processMetrics: true })
  const credentials = required(
    loadCredentials(config.kubeconfigPath === undefined ? {} : { kubeconfigPath: config.kubeconfigPath }),
  )
  const client = makeKubernetesClient({
    credentials,
    parse: parseJson,
    userAgent: 'karma',
    onExchange: metrics.exchanged,
  })
  const identity = `${config.podName}_${randomUUID()}`
  const backoff = (failures: number): number => backoffMs(failures, { minMs: 50, maxMs: 10_000 }, random)

  // 2. Ledger and bus: where events go.
  const ledger = await openConfigured(config, clock, backoff, log)
  const eventMetrics = makeEventMetrics(metrics.registry, clock.now)
  const bus = await makeBus({ config, clock, backoff, log, putAside: eventMetrics.putAside })

  // 3. What is known of the cluster, and how it is written.
  const alike = makeAlike()
  const informerOf = <K extends Kind>(kind: K): Informer<Of<K>> =>
    makeInformer<Of<K>>({
      source: makeSource({ client, path: collectionPath(kind) }),
      parse: (raw) => {
        // What this process wrote comes back parsed.
        if ((raw as { faults?: unknown }).faults !== undefined) return alike(raw as Of<K>)
        const parsed = parseAs(kind, raw)
        if (!parsed.ok) log.warn({ kind, message: parsed.failure.message }, 'object is left out')
        return parsed.ok ? alike(parsed.value) : undefined
      },
      indexes: indexes[kind] as unknown as Readonly<Record<string, (object: Of<K>) => readonly string[]>>,
      clock,
      random,
      log,
    })
  const informers = {
    ChangeRequest: informerOf('ChangeRequest'),
    Component: informerOf('Component'),
    Environment: informerOf('Environment'),
    ComponentType: informerOf('ComponentType'),
    ChangeApproval: informerOf('ChangeApproval'),
  }
  const caches: Caches = informers
  const everyInformer = Object.entries(informers) as [Kind, Informer<unknown>][]
  for (const [kind, informer] of everyInformer) metrics.watchInformer(kind, informer)
  const cluster = makeCluster({ client, observe: (kind, object) => informers[kind].observe(object) })

  // 4. The graph: in this process, or in a store elsewhere with a copy of it here.
  const graphInProcess = makeEmbeddedGraph({ newEpoch: randomUUID, now: clock.now })
  const graphElsewhere =
    config.graph && (await connectGraph(config.graph, { mirror: graphInProcess, clock, random, log }))
  const graph = graphElsewhere?.graph ?? graphInProcess

  // 5. Telling: watch -> bus -> ledger, and Kubernetes Events.
  const relay = makeRelay({
    kinds: (['ChangeRequest', 'Component', 'Environment'] as const).map((kind) => ({
      kind,
      list: () => informers[kind].list(),
      onChange: (handler) => void informers[kind].onChange(handler),
      resourceVersion: () => informers[kind].resourceVersion(),
    })),
    bus,
    place: makePlace({ client, namespace: config.namespace }),
    clock,
    log,
    metrics: eventMetrics.relay,
    backoff,
  })
  eventMetrics.watch({ outbox: relay.state, bus: bus.lag })
  const recorder = makeRecorder({
    create: (namespace, event) => client.create(eventsPath(namespace), event),
    controller: 'usekarma.dev/karma',
    instance: identity,
    clock,
    log,
  })

  // 6. Deciding: watch event -> key -> gather, decide, apply.
  const leaseOf = (namespace: string, name: string) =>
    makeLease({
      client,
      namespace,
      name,
      identity,
      timings: config.lease,
      clock,
      election: { decide, observe, heldSince },
    })
  const controllers = makeControllers({
    cluster,
    caches,
    graph,
    ...(config.graph && { graphCheck: config.graphCheck }),
    locks: (key) => {
      const [namespace = '', name = ''] = key.split('/')
      return leaseOf(namespace, `karma-${name}`)
    },
    relay,
    holder: identity,
    clock,
    sleep: (ms) => sleep(clock, ms),
    random,
    times: { turnMs: 30_000, lingerMs: config.lingerMs },
    log,
    noRoom: makeNoRoom(recorder.record),
    nextId: () => randomUUID().slice(0, 8),
    metrics,
  })

  // 7. One process leads; one that has lost the lead ends, for it cannot know how far others are.
  const leader = makeLeader({
    lease: leaseOf(config.namespace, 'karma-leader'),
    retryMs: config.lease.retryMs,
    clock,
    random,
    log,
    onAcquired: () => {
      log.info({ identity }, 'leading')
      noticeTransitions([informers.ChangeRequest, informers.Component], recorder.record)
      noticeReadiness([informers.ComponentType, informers.Environment], recorder.record)
      relay.start()
      controllers.start()
    },
    onLost: (message) => {
      log.error({ message }, 'lost the lead')
      // Whoever is late may do nothing more. An orderly exit would take the ledger's engine down in the middle of an insert,
      // which ends in a segmentation fault, or not at all.
      output.flushSync()
      process.kill(process.pid, 'SIGKILL')
    },
  })

  // 8. What people and machines may ask.
  const server = makeServer({
    access: makeAccess({ client }),
    ledger,
    bus,
    graph,
    rebuilding: controllers.rebuilding,
    now: clock.now,
    log,
  })
  const probes = makeProbes({
    live: { informers: () => silent(everyInformer, clock.monotonic()) },
    ready: { informers: () => unsynced(everyInformer) },
    metrics,
  })

  const parts: Part[] = [
    // First: whoever probes is to find a process that lives, and is not ready, for as long as the API server is away.
    partOf('probes', () => listening('KARMA_PROBES', () => serveProbes(probes, config.probes))),
    { name: 'api client', stop: () => client.close() },
    { name: 'graph store', stop: () => graphElsewhere?.close() },
    { name: 'ledger', stop: () => ledger.close() },
    { name: 'bus', stop: () => bus.close() },
    {
      name: 'ledger sink',
      start: async () =>
        void (await startLedgerSink({
          bus,
          ledger,
          clock,
          metrics: eventMetrics.sink,
        })),
    },
    { name: 'dead letter sink', start: async () => void (await startDeadLetterSink({ bus, ledger })) },
    ...everyInformer.map(([kind, informer]) => ({
      name: `informer ${kind}`,
      start: () => informer.start(),
      stop: () => informer.stop(),
    })),
    { name: 'first lists', start: async () => void (await Promise.all(everyInformer.map(([, { synced }]) => synced))) },
    {
      name: 'port',
      start: async () => {
        const address = await listening('KARMA_HTTP', () => server.listen(config.http))
        log.info({ address }, 'listening')
      },
      stop: () => server.close(),
    },
    { name: 'relay', stop: () => relay.stop() },
    { name: 'events', stop: () => recorder.idle() },
    { name: 'leader', start: () => leader.start(), stop: () => leader.stop() },
    { name: 'controllers', stop: () => controllers.stop() },
  ]
  const lifecycle = makeLifecycle({ parts, clock, log })
  const end = (signal: string): void => {
    log.info({ signal }, 'stopping')
    void lifecycle.stop().then(() => process.exit(0))
  }
  process.once('SIGTERM', end)
  process.once('SIGINT', end)
  // The log has the stack.
  await lifecycle.start().catch((cause: Error) => giveUp(cause.message))
}

/** Says whose address it is that cannot be listened on. */
const listening = async <T>(variable: string, listen: () => Promise<T>): Promise<T> => {
  try {
    return await listen()
  } catch (cause) {
    throw new Error(`${variable}: expected an address to listen on, found: ${(cause as Error).message}`, { cause })
  }
}

/** Of a server that is away: opened in the background, as nothing is decided from it. */
const openConfigured = async (
  { ledger: server, ledgerKeepDays: keepDays, dataFolder }: Config,
  clock: Clock,
  backoff: (failures: number) => number,
  log: Logger,
): Promise<Ledger> => {
  if (!server) {
    const client = required(await openEmbeddedClient(dataFolder))
    return required(await openLedger({ client, where: dataFolder, keepDays }))
  }
  const open = async () => openLedger({ client: await makeServerClient(server), where: server.url, keepDays })
  return required(await awaitLedger({ open, sleep: (ms, signal) => sleep(clock, ms, signal), backoff, log }))
}

/** What speaks to a graph store elsewhere is loaded when there is one. */
const connectGraph = async (
  settings: NonNullable<Config['graph']>,
  { mirror, clock, random, log }: { mirror: GraphStore; clock: Clock; random: () => number; log: Logger },
): Promise<{ graph: GraphStore; close(): Promise<void> }> => {
  const [{ withBreaker }, { makeGremlinConnection }, { makeMirroredGraph }, { makeGremlinGraph }] = await Promise.all([
    import('./adapters/graph-gremlin/breaker.ts'),
    import('./adapters/graph-gremlin/connection.ts'),
    import('./adapters/graph-gremlin/mirrored.ts'),
    import('./adapters/graph-gremlin/store.ts'),
  ])
  const connection = withBreaker(makeGremlinConnection({ ...settings, clock, random, log }), clock)
  const newIds = { newEpoch: randomUUID, newAttempt: randomUUID }
  const waits = { sleep: (ms: number) => sleep(clock, ms), random }
  const store = makeGremlinGraph({ connection, ...newIds, ...waits, now: clock.now })
  return { graph: makeMirroredGraph({ store, mirror }), close: () => connection.close() }
}

/** What Kafka needs is loaded only where it is used. */
const makeBus = async ({
  config: { kafka },
  clock,
  backoff,
  log,
  putAside,
}: {
  config: Config
  clock: Clock
  backoff: (failures: number) => number
  log: Logger
  putAside: EventMetrics['putAside']
}): Promise<Bus> => {
  if (!kafka) return makeEmbeddedBus({ after: clock.after, backoff, log })
  const [{ makeKafkaBus }, { readCertificates }] = await Promise.all([
    import('./adapters/bus-kafka/bus.ts'),
    import('./adapters/bus-kafka/certificates.ts'),
  ])
  const { tls, prefix, ...settings } = kafka
  const ca = tls?.caFile === undefined ? undefined : required(readCertificates(tls.caFile))
  return makeKafkaBus({
    settings: { ...settings, ...(tls && { tls: ca === undefined ? {} : { ca } }) },
    prefix,
    clock,
    backoff,
    log: log.child({ part: 'kafka' }),
    onPutAside: putAside,
  })
}

/** A part that gives a handle when it starts. */
const partOf = (name: string, start: () => Promise<{ close(): Promise<void> }>): Part => {
  let handle: { close(): Promise<void> } | undefined
  return {
    name,
    start: async () => {
      handle = await start()
    },
    stop: () => handle?.close(),
  }
}

await run(required(readConfig(process.env)))
