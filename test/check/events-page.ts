import { type Event, topics } from '../../operator/api/envelope.ts'
import { eventBounds, refusals } from '../../operator/api/parse-event.ts'
import { reasons } from '../../operator/api/reasons.ts'
import { type Attr, type AttrSchema, declared, declaredTags, everywhere } from '../../operator/core/event/attrs.ts'
import { type EventType, eventTypes } from '../../operator/core/event/types.ts'
import { everyEvent } from '../support/every-event.ts'
import { eventSchema } from './event-schema.ts'

/** docs/events.md: what somebody has to know who reads events, or publishes them. */
export const renderEventsPage = (): string => `${sections().join('\n\n')}\n`

const sections = (): string[] => [
  '<!-- Written by `npm run generate` from operator/core/event, operator/api/parse-event.ts and test/check/events-page.ts. -->',
  '# Events',
  `Everything that happens in Karma is an event: one message on the bus, and one row of the ledger (\`karma.events\`). Anybody
may read them, and whoever is let may publish events of their own to \`events.normalized\`: by types of their own, without the
tag \`kind\` ([kafka.md](kafka.md), "Whom to let write", has why). [queries.md](queries.md) shows how the ledger is asked;
[examples/kafka-connect](../examples/kafka-connect) brings the topics elsewhere.`,
  '## The envelope',
  'JSON in UTF-8. [schemas/event.json](schemas/event.json) is its JSON Schema.',
  table(['member', 'type', 'meaning'], Object.entries(eventSchema.properties).map(envelopeRow)),
  `Karma gives no \`causation_id\` yet. Members beyond these are no mistake: they are kept in the ledger's \`raw\`, byte by byte,
and not read. So are the digits of \`ts\` beyond milliseconds, and the zone that it was written in.`,
  "### Tags of Karma's own events",
  table(
    ['tag', 'meaning'],
    Object.entries(declaredTags).map(([name, meaning]) => [code(name), meaning]),
  ),
  '### What is refused',
  `A message that is no event never holds up those behind it: it goes to the dead letters with its reason. Of one it says what was
expected and what was found, and quotes no more than 200 characters of it.`,
  table(
    ['reason', 'meaning'],
    refusals.map((reason) => [code(reason), reasons[reason]]),
  ),
  `Bounds: a message ${number(eventBounds.bytes)} bytes; \`id\`, \`event_type\`, \`entity_id\`, \`correlation_id\`, \`causation_id\`
${eventBounds.name} characters each, and none of them empty; ${eventBounds.tags} tags, their keys ${eventBounds.tagKey} characters and values
${number(eventBounds.tagValue)}; \`attrs\` ${eventBounds.depth} levels deep; numbers within ±(2^53-1), larger ones are to be written as texts; no key\n\`__proto__\`, and no \`constructor\` with a \`prototype\` in it; times from
${eventBounds.years[0]} to ${eventBounds.years[1]}, written and in UTC. The schema says all of it but the size, the depth, whole characters, and what a zone makes
of the first and the last day.`,
  '## On Kafka',
  table(
    ['topic', 'what'],
    topics.flatMap((topic) => [
      [code(topic), topicMeaning[topic]],
      [code(`${topic}.dead-letters`), 'what was put aside of it: the bytes that came, and why in headers'],
    ]),
  ),
  `An installation may put a prefix before all of them. The key of a message is the \`entity_id\`, its value the envelope, and its
headers are those of CloudEvents 1.0 in binary mode:`,
  table(
    ['header', 'value', 'example'],
    Object.entries(headers).map(([name, { is, of }]) => [code(name), is, code(of(shown))]),
  ),
  'Headers of a dead letter, beside the key and the bytes that came:',
  table(
    ['header', 'value'],
    Object.entries(deadHeaders).map(([name, is]) => [code(name), is]),
  ),
  `The ledger keeps dead letters (\`karma.dead_letters\`), and \`kubectl karma dead-letters\` lists, shows and replays them.`,
  '## Order, and what comes twice',
  `Messages of one \`entity_id\` are in one partition, in the order in which they happened: of Karma's own objects by
\`attrs.seq\`, which counts from 1. Between entities nothing is promised; \`ts\` is good for showing, not for deciding.

Delivery is at least once. Karma publishes again what it does not know to be taken: after a restart, after an answer that was
lost, from a restored backup, and when somebody replays (\`kubectl karma events replay\`), which brings what is old behind what is
newer. The same event has the same \`id\` however often and by whomever it is published, because the \`id\`
is a function of what happened (SHA-256 of the object's uid, the number of the transition and what it says). A consumer keeps
the ids that it has taken, or a key made of the id, and drops what it knows: \`INSERT ... ON CONFLICT (id) DO NOTHING\`, a
ReplacingMergeTree by id, an upsert with the id as the document's; Karma's ledger is the second of these, and keeps one of those
that share an id. To remember only the last \`seq\` of each entity is not
enough: after a restored backup of the cluster an object takes numbers again, for other things.`,
  '## Event types',
  `Every event of Karma has these in \`attrs\`, and those of its type. "Always" stands for events that were not shortened: an entry
that would not fit into a status loses what is largest in it, and names it in \`omitted\`.`,
  attrsTable(everywhere),
  ...groups.flatMap(({ title, entity, prefixes }) => [
    `## ${title}`,
    `\`entity_id\` is \`${entity}\`.`,
    ...eventTypes.filter((type) => prefixes.some((prefix) => type.startsWith(prefix))).map(typeSection),
  ]),
]

const topicMeaning: Readonly<Record<(typeof topics)[number], string>> = {
  'events.normalized': "every event, Karma's own and those of others: what the ledger takes",
  'actions.requested': 'actions for executors to carry out',
  'actions.progress': 'how far executors are',
  'actions.results': 'what came of it',
}

const namespaceOf = ({ tags, entity_id }: Event): string => tags.namespace ?? entity_id.split('/')[0]!

export const headers: Readonly<Record<string, { readonly is: string; readonly of: (event: Event) => string }>> = {
  ce_specversion: { is: '`1.0`', of: () => '1.0' },
  ce_id: { is: '`id`', of: ({ id }) => id },
  ce_type: { is: '`event_type`', of: ({ event_type }) => event_type },
  ce_source: { is: '`/usekarma.dev/` and the namespace', of: (event) => `/usekarma.dev/${namespaceOf(event)}` },
  ce_subject: { is: '`entity_id`', of: ({ entity_id }) => entity_id },
  ce_time: { is: '`ts`', of: ({ ts }) => ts },
  ce_correlationid: { is: '`correlation_id`', of: ({ correlation_id }) => correlation_id },
  ce_causationid: { is: '`causation_id`, where there is one', of: ({ causation_id = '' }) => causation_id },
  'content-type': { is: '`application/json`', of: () => 'application/json' },
}

export const deadHeaders: Readonly<Record<string, string>> = {
  karma_reason: 'why, in one word of the table above',
  karma_message: 'why, in a sentence that names the member, what was expected and what was found',
  karma_topic: 'the topic that it came by',
  karma_partition: 'its partition there',
  karma_offset: 'its offset there',
  karma_at: 'when it was put aside',
  karma_omitted: 'how many of its bytes were left out, where it was too large even for this',
}

const groups = [
  { title: 'Of a ChangeRequest', entity: 'namespace/changerequest/name', prefixes: ['change.'] },
  { title: 'Of a Component', entity: 'namespace/type/nickname', prefixes: ['component.'] },
  { title: 'Of an Environment', entity: 'namespace/environment/name', prefixes: ['environment.', 'graph.'] },
] as const

const events = everyEvent()

/** Of those of a type the one that says most. */
const exampleOf = (type: EventType): Event => {
  const saysMore = (a: Event, b: Event): number => Object.keys(b.attrs).length - Object.keys(a.attrs).length
  return events.filter(({ event_type }) => event_type === type).toSorted(saysMore)[0]!
}
const shown = events.find(({ event_type, attrs }) => event_type === 'change.applied' && attrs.reason === 'Applied')!

const typeSection = (type: EventType): string => {
  const { when, attrs } = declared[type]
  const own = Object.keys(attrs).length > 0 ? `\n\n${attrsTable(attrs)}` : ''
  const example = JSON.stringify(exampleOf(type), null, 2)
  return `### ${type}\n\nTold when ${when}.${own}\n\n\`\`\`json\n${example}\n\`\`\``
}

function attrsTable(attrs: Readonly<Record<string, Attr>>): string {
  const rows = Object.entries(attrs).map(([name, { schema, meaning, optional }]) => [
    code(name),
    typeName(schema),
    optional ? '' : 'always',
    meaning,
  ])
  return table(['attr', 'type', '', 'meaning'], rows)
}

function envelopeRow([name, schema]: [string, { readonly type: string; readonly description: string }]): string[] {
  const isRequired = (eventSchema.required as readonly string[]).includes(name)
  const type = name === 'tags' ? 'object of texts' : typeName({ type: schema.type as AttrSchema['type'] })
  return [code(name), isRequired ? type : `${type}, optional`, schema.description]
}

function typeName({ type, enum: of, items, properties, required = [], additionalProperties }: AttrSchema): string {
  if (of) return of.map(code).join(', ')
  if (type === 'array') return `list of ${plural(typeName(items!))}`
  if (properties) {
    const names = Object.keys(properties).map((name) => (required.includes(name) ? name : `${name}?`))
    return code(`{${names.join(', ')}}`)
  }
  if (additionalProperties) return `object of ${plural(typeName(additionalProperties))}`
  return { string: 'text', integer: 'whole number', object: 'object' }[type]
}

const plural = (type: string): string => (type.startsWith('`') ? type : `${type}s`)

function code(text: string): string {
  return text && `\`${text}\``
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(titles), `|${'---|'.repeat(titles.length)}`, ...rows.map(line)].join('\n')
}
