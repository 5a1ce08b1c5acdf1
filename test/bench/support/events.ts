import type { Kafka } from 'kafkajs'
import { type Event, messageOf } from '../../../operator/api/envelope.ts'

/** An event of about 500 bytes, such as Karma's own, one of a thousand Components in turn. */
export const eventOf = (n: number, at = start + n): Event => ({
  id: `${n.toString(16).padStart(8, '0')}-4a6b-8b1c-9f1e-0d2c3b4a5968-7d1f0a2b3c4d5e6f`,
  ts: new Date(at).toISOString(),
  event_type: n % 3 === 0 ? 'component.committed' : 'change.applied',
  entity_id: `dev/ec2-instance/build-${n % 1000}`,
  correlation_id: `c-${Math.floor(n / 3)}`,
  tags: { kind: 'Component', namespace: 'dev', name: `ec2-instance.build-${n % 1000}`, environment: 'dev' },
  attrs: {
    seq: Math.floor(n / 1000) + 1,
    reason: 'Committed',
    message: `committed as version ${n} of environment dev by change widen-subnet-${n}`,
    version: n,
    change: `0d2c3b4a-${n}`,
    patch: { instance_type: 't3.large', tags: { team: 'apps' } },
  },
})
const start = Date.UTC(2026, 0, 1)

/** As many in one send as stay below what brokers take. */
const perSend = 1_500

/** A producer of events. */
export interface Load {
  /** `count` events from number `from` on, dated now or one after the other */
  send(from: number, count: number, dated?: 'now'): Promise<void>
  end(): Promise<void>
}

export const makeLoad = async (kafka: Kafka, topic: string): Promise<Load> => {
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const send = async (from: number, count: number, dated?: 'now'): Promise<void> => {
    for (let n = from; n < from + count; n += perSend) {
      const size = Math.min(perSend, from + count - n)
      const messages = Array.from({ length: size }, (_, i) => {
        const event = dated === 'now' ? eventOf(n + i, Date.now()) : eventOf(n + i)
        return { key: event.entity_id, value: messageOf(event).raw }
      })
      await producer.send({ topic, messages })
    }
  }
  return { send, end: () => producer.disconnect() }
}
