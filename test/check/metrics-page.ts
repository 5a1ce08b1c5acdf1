import type { Registry } from 'prom-client'
import { makeEventMetrics } from '../../operator/event-metrics.ts'
import { makeMetrics } from '../../operator/runtime/metrics.ts'

interface Metric {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly labels: readonly string[]
}

/** Every metric of Karma's own, by name. */
export const everyMetric = (): Metric[] => {
  const { registry } = makeMetrics({ prefix: 'karma_', clock: { monotonic: () => 0 } })
  makeEventMetrics(registry, () => 0)
  return metricsOf(registry)
}

const metricsOf = (registry: Registry): Metric[] =>
  registry
    .getMetricsAsArray()
    .map((metric) => {
      const { name, help, type, labelNames } = metric as unknown as {
        name: string
        help: string
        type: string
        labelNames: readonly string[]
      }
      return { name, help, type: String(type), labels: labelNames }
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))

/** docs/metrics.md: what `/metrics` tells. */
export const renderMetricsPage =
  (): string => `<!-- Written by \`npm run generate\` from operator/event-metrics.ts and operator/runtime/metrics.ts. -->

# Metrics

\`GET /metrics\` of the address \`KARMA_PROBES\`, in Prometheus' text format. Beside these there are the usual ones of a Node
process, with the prefix \`karma_\`: memory, processor time, event loop, garbage collection.

| metric | type | labels | meaning |
|---|---|---|---|
${everyMetric()
  .map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |\n`,
  )
  .join('')}
## What to watch

| when | then |
|---|---|
| \`karma_outbox_lag_seconds > 60\` | the bus is away, or refuses: \`kubectl get environments\` says so in \`EventsPublished\`, and the operator's log says why. Changes go on until an object's 32 transitions wait, then they wait too; nothing is lost |
| \`karma_bus_lag_messages\` grows, and \`karma_ledger_failures_total\` too | the ledger is away or too slow: events stay on the bus |
| \`karma_bus_lag_messages\` grows without failures | more comes than one operator takes; events stay on the bus |
| \`time() - karma_ledger_newest_event_timestamp_seconds\` is large, and changes are made | something on the way from the status to the ledger stands still |
| \`increase(karma_bus_dead_letters_total[1h]) > 0\` | somebody publishes what is no event: it is in the topic of dead letters, with the reason |
| \`increase(karma_events_lost_total[1h]) > 0\` | events of deleted objects could not be published in time, or a history was pushed out |
`
