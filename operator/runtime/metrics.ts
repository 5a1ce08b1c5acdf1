import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { ControllerMetrics } from './controller.ts'
import type { Informer } from './informer.ts'
import type { WorkQueue } from './workqueue.ts'

export interface Metrics {
  /** for what else is to be measured */
  readonly registry: Registry
  /** in the Prometheus text format */
  text(): Promise<string>
  readonly contentType: string
  readonly controllers: ControllerMetrics
  /** For a client's `onExchange`; `status` 0: no answer. */
  readonly exchanged: (method: string, status: number, ms: number) => void
  watchQueue(name: string, queue: WorkQueue): void
  watchInformer(name: string, informer: Pick<Informer<unknown>, 'size' | 'counts' | 'lastContact'>): void
}

interface Dependencies {
  /** of all names, with its underscore */
  readonly prefix: string
  readonly clock: { monotonic(): number }
  /** also memory, garbage collection, event loop of this process */
  readonly processMetrics?: boolean
}

const seconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

/** Labels are names that the program gives, never what a user wrote: their number is bounded. */
export const makeMetrics = ({ prefix, clock, processMetrics = false }: Dependencies): Metrics => {
  const registry = new Registry()
  const registers = [registry]
  if (processMetrics) collectDefaultMetrics({ register: registry, prefix })

  const reconciled = new Histogram({
    name: `${prefix}reconcile_seconds`,
    help: 'Time of one reconcile, by controller and result (done, after, retry, error).',
    labelNames: ['controller', 'result'],
    buckets: seconds,
    registers,
  })
  const requests = new Histogram({
    name: `${prefix}api_request_seconds`,
    help: 'Time of one request to the API server, by method and status (0: no answer).',
    labelNames: ['method', 'status'],
    buckets: seconds,
    registers,
  })
  const queues = new Map<string, WorkQueue>()
  const informers = new Map<string, Pick<Informer<unknown>, 'size' | 'counts' | 'lastContact'>>()

  const queueGauge = (name: string, help: string, read: (queue: WorkQueue) => number) =>
    new Gauge({
      name: `${prefix}workqueue_${name}`,
      help,
      labelNames: ['queue'],
      registers,
      collect() {
        for (const [queue, one] of queues) this.set({ queue }, read(one))
      },
    })
  queueGauge('length', 'Keys that wait to be taken.', (queue) => queue.length())
  queueGauge('delayed', 'Keys that wait for their time.', (queue) => queue.delayed())
  queueGauge('processing', 'Keys that are being worked on.', (queue) => queue.processing())

  const queueCounter = (name: 'adds' | 'retries', help: string) =>
    new Counter({
      name: `${prefix}workqueue_${name}_total`,
      help,
      labelNames: ['queue'],
      registers,
      collect() {
        this.reset()
        for (const [queue, { counts }] of queues) this.inc({ queue }, counts[name])
      },
    })
  queueCounter('adds', 'Keys added.')
  queueCounter('retries', 'Keys added after a failure.')

  new Gauge({
    name: `${prefix}informer_objects`,
    help: 'Objects held.',
    labelNames: ['informer'],
    registers,
    collect() {
      for (const [informer, one] of informers) this.set({ informer }, one.size())
    },
  })
  new Gauge({
    name: `${prefix}informer_contact_age_seconds`,
    help: 'Time since the last sign of the API server, absent before the first.',
    labelNames: ['informer'],
    registers,
    collect() {
      for (const [informer, one] of informers) {
        const last = one.lastContact()
        if (last !== undefined) this.set({ informer }, (clock.monotonic() - last) / 1000)
      }
    },
  })
  new Counter({
    name: `${prefix}informer_total`,
    help: 'What happened to an informer: lists, watches, events, badLines, staleLists, unparsed.',
    labelNames: ['informer', 'what'],
    registers,
    collect() {
      this.reset()
      for (const [informer, { counts }] of informers) {
        for (const [what, value] of Object.entries(counts)) this.inc({ informer, what }, value)
      }
    },
  })

  return {
    registry,
    contentType: registry.contentType,
    text: () => registry.metrics(),
    controllers: {
      reconciled: (controller, result, ms) => reconciled.observe({ controller, result }, ms / 1000),
    },
    exchanged: (method, status, ms) => requests.observe({ method, status }, ms / 1000),
    watchQueue: (name, queue) => void queues.set(name, queue),
    watchInformer: (name, informer) => void informers.set(name, informer),
  }
}
