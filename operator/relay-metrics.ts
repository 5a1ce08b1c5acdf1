import { Counter, type Registry } from 'prom-client'
import type { RelayMetrics } from './controllers/relay-lane.ts'

/** What the relay counts. */
export const makeRelayMetrics = (registry: Registry): RelayMetrics => {
  const counter = (name: string, help: string) =>
    new Counter({ name: `karma_events_${name}_total`, help, registers: [registry] })
  return {
    published: counter('published', 'Events that the bus has taken.'),
    retries: counter('retries', 'Publishes that failed and were tried again.'),
    deadLetters: counter('dead_letters', 'History entries that are no events and were left out.'),
    lost: counter('lost', 'Events of deleted objects that could not be published in time.'),
  }
}
