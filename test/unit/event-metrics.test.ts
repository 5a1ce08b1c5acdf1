import assert from 'node:assert/strict'
import { Registry } from 'prom-client'
import { makeEventMetrics } from '../../operator/event-metrics.ts'
import { everyMetric } from '../check/metrics-page.ts'

const now = Date.UTC(2026, 0, 31, 12)

describe('metrics of events', () => {
  const text = async (change: (metrics: ReturnType<typeof makeEventMetrics>) => void): Promise<string[]> => {
    const registry = new Registry()
    change(makeEventMetrics(registry, () => now))
    return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  }

  it('ask the outbox and the bus at each scrape, and forget groups that are gone', async () => {
    const registry = new Registry()
    const metrics = makeEventMetrics(registry, () => now)
    let lag = [
      { topic: 'events.normalized', group: 'ledger', messages: 7 },
      { topic: 'events.normalized', group: 'ledger', messages: 5 },
      { topic: 'actions.results', group: 'actions', messages: 0 },
    ]
    metrics.watch({
      outbox: () => [
        { kind: 'Component', waiting: 0 },
        { kind: 'ChangeRequest', waiting: 3, oldest: '2026-01-31T11:59:30.500Z', failure: 'away' },
        { kind: 'Environment', waiting: 1, oldest: '2026-01-31T12:00:10Z' },
      ],
      bus: () => lag,
    })
    const first = await registry.metrics()
    for (const line of [
      'karma_outbox_objects{kind="ChangeRequest"} 3',
      'karma_outbox_lag_seconds{kind="Component"} 0',
      'karma_outbox_lag_seconds{kind="ChangeRequest"} 29.5',
      // A clock that goes after: not below nothing.
      'karma_outbox_lag_seconds{kind="Environment"} 0',
      'karma_bus_lag_messages{topic="events.normalized",group="ledger"} 12',
      'karma_bus_lag_messages{topic="actions.results",group="actions"} 0',
    ]) {
      assert.ok(first.includes(`${line}\n`), `${line} in\n${first}`)
    }
    lag = []
    assert.ok(!(await registry.metrics()).includes('karma_bus_lag_messages{'))
  })

  it('count what the sink does, and tell the newest event whatever order they come in', async () => {
    const lines = await text(({ sink, putAside, relay }) => {
      sink.appended(3, now)
      sink.appended(2, now - 60_000)
      sink.failed()
      putAside('events.normalized', 2)
      relay.published.inc(4)
      relay.deadLetters.inc()
    })
    for (const line of [
      'karma_ledger_events_total 5',
      'karma_ledger_failures_total 1',
      `karma_ledger_newest_event_timestamp_seconds ${now / 1000}`,
      'karma_bus_dead_letters_total{topic="events.normalized"} 2',
      'karma_events_published_total 4',
      'karma_events_dead_letters_total 1',
    ]) {
      assert.ok(lines.includes(line), `${line} in\n${lines.join('\n')}`)
    }
  })

  it('each says what it is, in a sentence, and is named as Prometheus wants it', () => {
    const all = everyMetric()
    assert.ok(all.length >= 15)
    for (const { name, type, help } of all) {
      assert.match(help, /^[A-Z].*\.$/, name)
      assert.match(name, /^karma_[a-z_]+$/)
      assert.equal(name.endsWith('_total'), type === 'counter', name)
    }
  })
})
