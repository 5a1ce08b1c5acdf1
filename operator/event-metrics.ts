import { Counter, Gauge, type Registry } from 'prom-client'
import type { LaneState, RelayMetrics } from './controllers/relay-lane.ts'
import type { Lag } from './ports/bus.ts'
import type { LedgerSinkMetrics } from './sinks/ledger.ts'

export interface EventMetrics {
  readonly relay: RelayMetrics
  readonly sink: LedgerSinkMetrics
  /** Messages of a topic were no events, and are put aside. */
  putAside(topic: string, letters: number): void
  /** Who is asked at each scrape. */
  watch(sources: { readonly outbox: () => readonly LaneState[]; readonly bus: () => readonly Lag[] }): void
}

/**
 * What is measured of events on their way: status -> outbox -> bus -> ledger. Labels are names that the program gives.
 * `now`: wall time in epoch milliseconds.
 */
export const makeEventMetrics = (registry: Registry, now: () => number): EventMetrics => {
  const registers = [registry]
  let outbox: () => readonly LaneState[] = () => []
  let bus: () => readonly Lag[] = () => []
  const counter = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Counter({ name: `karma_${name}_total`, help, labelNames: [...labelNames], registers })

  new Gauge({
    name: 'karma_outbox_objects',
    help: 'Objects with transitions that are not on the bus yet, by kind.',
    labelNames: ['kind'],
    registers,
    collect() {
      for (const { kind, waiting } of outbox()) this.set({ kind }, waiting)
    },
  })
  new Gauge({
    name: 'karma_outbox_lag_seconds',
    help: 'Age of the transition that waits longest for the bus, by kind; 0: none waits.',
    labelNames: ['kind'],
    registers,
    collect() {
      for (const { kind, oldest } of outbox()) this.set({ kind }, oldest === undefined ? 0 : since(oldest))
    },
  })
  const since = (time: string): number => Math.max(0, now() - Date.parse(time)) / 1000
  new Gauge({
    name: 'karma_bus_lag_messages',
    help: 'Messages on a topic that a group has not taken yet, of the partitions that this process has.',
    labelNames: ['topic', 'group'],
    registers,
    collect() {
      this.reset()
      for (const { topic, group, messages } of bus()) this.inc({ topic, group }, messages)
    },
  })
  const deadLetters = counter('bus_dead_letters', 'Messages that were no events and were put aside, by topic.', [
    'topic',
  ])
  const appended = counter('ledger_events', 'Events that are safe in the ledger, those that came again included.')
  const failures = counter('ledger_failures', 'Inserts into the ledger that failed; their events are given again.')
  const newest = new Gauge({
    name: 'karma_ledger_newest_event_timestamp_seconds',
    help: 'When the newest event that this process has put into the ledger happened, in seconds of Unix time; 0: none yet.',
    registers,
  })
  let latest = 0

  return {
    relay: {
      published: counter('events_published', 'Events that the bus has taken.'),
      retries: counter('events_retries', 'Publishes that failed and were tried again.'),
      deadLetters: counter('events_dead_letters', 'History entries that are no events and were put aside.'),
      lost: counter('events_lost', 'Events of deleted objects that could not be published in time.'),
    },
    sink: {
      appended: (events, at) => {
        appended.inc(events)
        latest = Math.max(latest, at)
        newest.set(latest / 1000)
      },
      failed: () => failures.inc(),
    },
    putAside: (topic, letters) => deadLetters.inc({ topic }, letters),
    watch: (sources) => {
      outbox = sources.outbox
      bus = sources.bus
    },
  }
}
