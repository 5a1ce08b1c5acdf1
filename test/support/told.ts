import assert from 'node:assert/strict'
import { type Event, messageOf } from '../../operator/api/envelope.ts'
import { parseMessage } from '../../operator/api/parse-event.ts'
import { assertDeclared } from './declared.ts'
import type { Karma, Operator } from './installed-karma.ts'

/** As many as the operator gives at once. */
const most = 5000

/** Whatever the operator told in its life is an event for the bus, and says what is declared for its type. */
export const assertToldAsDeclared = async ({ controlPlane }: Karma, { http }: Operator): Promise<void> => {
  const headers = { authorization: `Bearer ${controlPlane.token}` }
  const answer = await fetch(`http://${http}/api/v1/log?limit=${most}`, { headers })
  const { events } = (await answer.json()) as { events?: Event[] }
  assert.ok(events, `expected the events of the ledger, found none (status ${answer.status})`)
  for (const event of events) {
    assertDeclared(event.event_type, event.attrs)
    const message = messageOf(event)
    assert.deepEqual(parseMessage(new TextEncoder().encode(message.raw)), { ok: true, value: message })
  }
  const types = new Set(events.map(({ event_type }) => event_type))
  console.log(`  ${events.length} events of ${types.size} types in the ledger, all as declared`)
}
