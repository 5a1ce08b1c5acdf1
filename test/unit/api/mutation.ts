import type { Event } from '../../../operator/api/envelope.ts'
import { type Random, randomOf } from '../../faults/random.ts'

/*
 * Messages that are nearly events: what others may put on a topic by mistake or on purpose.
 */

type Mutation = (event: Event, random: Random) => Uint8Array

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The same for the same `salt`. */
export const mutate = (event: Event, salt: number): Uint8Array => {
  const random = randomOf(salt)
  return random.pick(mutations)(event, random)
}

/** JSON text that may stand where something else should. */
const odd = [
  'null',
  'true',
  '0',
  '-0',
  '1e400',
  '9007199254740993',
  '-12345678901234567890',
  '1.5e300',
  '""',
  '" "',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00x"',
  '"\\ud83d\\ude00"',
  '[]',
  '{}',
  '[[[]]]',
  '{"__proto__":{"a":1}}',
  '{"constructor":{"prototype":{}}}',
  '{"\\ud800":1}',
  '{"":""}',
  '{"a":"b","a":"c"}',
  '"2026-02-30T00:00:00Z"',
  '"2026-01-31T12:00:00+02:00"',
  '"9999-01-01T00:00:00Z"',
  `"${'x'.repeat(600)}"`,
  `{"${'k'.repeat(600)}":"${'v'.repeat(3000)}"}`,
  `${'['.repeat(200)}${']'.repeat(200)}`,
  `{${Array.from({ length: 300 }, (_, i) => `"t${i}":""`).join(',')}}`,
]

const years = ['1969', '1970', '2024', '2025', '2199', '2200', '02025', '25']
const days = ['01-01', '02-28', '02-29', '02-30', '04-31', '12-31', '13-01', '00-10', '1-1']
const clocks = [
  '00:00:00Z',
  '23:59:59.999Z',
  '12:00:00.1234567891Z',
  '12:00:00',
  '12:00Z',
  '24:00:00Z',
  '23:59:60Z',
].concat(['00:30:00+01:00', '23:30:00-01:00', '12:00:00+24:00', '12:00:00.5+0100', '12:00:00z', '12:00:00.Z'])

const members = ['id', 'ts', 'event_type', 'entity_id', 'correlation_id', 'causation_id', 'tags', 'attrs'] as const

const json = (event: Event, replaced: string, by: string): string => {
  const texts = members.map((name) => [name, name === replaced ? by : JSON.stringify(event[name])] as const)
  return `{${texts
    .map(([name, text]) => text !== undefined && `"${name}":${text}`)
    .filter(Boolean)
    .join(',')}}`
}

const damaged = (raw: Uint8Array, random: Random): Uint8Array => {
  const bytes = raw.slice()
  for (let i = 0; i <= random.below(4); i++) bytes[random.below(bytes.length)] = random.below(256)
  return bytes
}

const whole = (event: Event): Uint8Array => utf8(JSON.stringify(event))

const padded = (raw: Uint8Array, length: number): Uint8Array => {
  const bytes = new Uint8Array(Math.max(length, raw.length)).fill(0x20)
  bytes.set(raw)
  return bytes
}

const mutations: readonly Mutation[] = [
  (event, random) => utf8(json(event, random.pick(members), random.pick(odd))),
  (event, random) => utf8(json(event, 'ts', `"${random.pick(years)}-${random.pick(days)}T${random.pick(clocks)}"`)),
  (event, random) => utf8(json(event, 'attrs', `{"a":[1,{"b":${random.pick(odd)}}]}`)),
  (event, random) => utf8(json(event, 'tags', `{"a":${random.pick(odd)}}`)),
  (event, random) => utf8(JSON.stringify({ ...event, [random.pick(members)]: undefined })),
  (event, random) => damaged(whole(event), random),
  (event, random) => whole(event).subarray(0, random.below(200)),
  (event, random) => utf8(JSON.stringify(event).replaceAll(random.pick(['"', '{', 'a', ':', '0']), random.pick(odd))),
  (event, random) => utf8(random.pick(odd) + random.pick(['', ' ', JSON.stringify(event)])),
  (event, random) => padded(whole(event), random.pick([0, 0, 0, 0, 0, 0, 1_048_576, 1_048_577])),
  (_, random) => Uint8Array.from({ length: random.below(64) }, () => random.below(256)),
]
