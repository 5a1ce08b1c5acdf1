import { eventBounds, timePattern } from '../../operator/api/parse-event.ts'

const name = (description: string) =>
  ({ type: 'string', minLength: 1, maxLength: eventBounds.name, description }) as const

/**
 * The envelope for those who publish: what `parseMessage` takes, as far as JSON Schema (draft 2020-12) can say it. A test
 * compares the two.
 */
export const eventSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://usekarma.dev/schemas/event.json',
  title: 'Event',
  description:
    'One line of the ledger, and one message on the bus. Members beyond these are kept in the raw message and not read.',
  type: 'object',
  required: ['id', 'ts', 'event_type', 'entity_id', 'correlation_id', 'tags', 'attrs'],
  properties: {
    id: name('A function of what happened: a resend has the same id, and whoever knows the id drops it.'),
    ts: {
      type: 'string',
      format: 'date-time',
      pattern: timePattern.source,
      description:
        'When it happened: RFC 3339 with a zone. Karma writes and keeps UTC with milliseconds; what is finer is cut off.',
    },
    event_type: name('What happened, such as change.applied. Foreign streams bring their own.'),
    entity_id: name(
      'To what: namespace/type/nickname for a Component, namespace/kind/name (kind in lower case) for other objects. The key of the Kafka message.',
    ),
    correlation_id: name('Shared by all that one change causes: the uid of its ChangeRequest.'),
    causation_id: name('The id of the event that caused this one. Left out when none did.'),
    tags: {
      type: 'object',
      maxProperties: eventBounds.tags,
      propertyNames: { minLength: 1, maxLength: eventBounds.tagKey, not: { const: '__proto__' } },
      additionalProperties: { type: 'string', maxLength: eventBounds.tagValue },
      description: 'What it is searched by: any keys, values are texts.',
    },
    attrs: {
      type: 'object',
      $ref: '#/$defs/value',
      description: `What is to be said of it, at most ${eventBounds.depth} levels deep. Each event type of Karma has its own.`,
    },
  },
  $defs: {
    value: {
      description:
        'JSON without keys that change objects they are merged into, and without numbers that a double rounds.',
      minimum: Number.MIN_SAFE_INTEGER,
      maximum: Number.MAX_SAFE_INTEGER,
      items: { $ref: '#/$defs/value' },
      propertyNames: { not: { const: '__proto__' } },
      // Not `properties`: many validators find a member of that name in every object.
      patternProperties: {
        '^constructor$': { $ref: '#/$defs/value', not: { type: 'object', required: ['prototype'] } },
      },
      additionalProperties: { $ref: '#/$defs/value' },
    },
  },
} as const
