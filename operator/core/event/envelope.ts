import { hash } from 'node:crypto'
import type { Event } from '../../api/envelope.ts'
import { canonical } from '../../api/json.ts'
import type { ChangeRequest, Component, Environment, HistoryEntry, JsonObject } from '../../api/kinds.generated.ts'
import { failure, type Result, success } from '../../api/result.ts'
import { subjectOf } from '../change/asked.ts'
import { entityIdOf } from '../component/identity.ts'

/** The kinds that keep a history. */
export type Teller = ChangeRequest | Component | Environment

/**
 * The event that a history entry stands for: a pure function of the entry and of what never changes in the object
 * (uid, name, immutable spec), so that it is the same, byte by byte, however often and by whomever it is published.
 * `attrs` = the entry's attrs, with `seq`, `reason`, `message`, and for `change.requested` what was asked for and by
 * whom. An entry's attr `environment` becomes a tag, and `change` (a ChangeRequest's uid) the correlation.
 *
 * Fails with `EventInvalid` on an entry that is not what `append` writes; that is final.
 */
export const eventOf = (object: Teller, entry: HistoryEntry): Result<Event> => {
  const { uid } = object.metadata
  if (!uid) return invalid(object, entry, 'metadata.uid', 'a uid', uid)
  if (!Number.isSafeInteger(entry.seq)) return invalid(object, entry, 'seq', 'a whole number', entry.seq)
  if (typeof entry.type !== 'string' || !entry.type) return invalid(object, entry, 'type', 'an event type', entry.type)
  const time = Date.parse(entry.at)
  if (!(time >= 0 && time < farthest)) return invalid(object, entry, 'at', 'a time from 1970 to 2200', entry.at)
  const attrs = parseAttrs(entry.attrs)
  if (!attrs) return invalid(object, entry, 'attrs', 'JSON text of an object', entry.attrs)
  return success({
    id: idOf(uid, entry),
    ts: new Date(time).toISOString(),
    event_type: entry.type,
    entity_id: entityIdOf(object),
    correlation_id: correlationOf(object, uid, attrs),
    tags: tagsOf(object, attrs),
    attrs: { ...askedFor(object, entry), ...attrs, ...stated(entry) },
  })
}

/** What the ledger's time column can hold without clamping. */
const farthest = Date.UTC(2200, 0)

const idOf = (uid: string, { seq, at, type, reason, message, attrs }: HistoryEntry): string =>
  hash('sha256', `${uid}\n${seq}\n${canonical({ seq, at, type, reason, message, attrs })}`)

const stated = ({ seq, reason, message }: HistoryEntry): JsonObject => ({
  seq,
  ...(reason !== undefined && { reason }),
  ...(message !== undefined && { message }),
})

/** `requestReason` is what the person wrote; `reason` in every event is Karma's word for why. */
const askedFor = (object: Teller, entry: HistoryEntry): JsonObject => {
  if (object.kind !== 'ChangeRequest' || entry.type !== 'change.requested') return {}
  const { mode, reason, requestedBy } = object.spec
  return {
    component: subjectOf(object.spec),
    mode: mode ?? 'Apply',
    ...(reason !== undefined && { requestReason: reason }),
    ...(requestedBy && { requestedBy: { ...requestedBy } }),
  }
}

const correlationOf = (object: Teller, uid: string, attrs: JsonObject): string => {
  if (object.kind === 'ChangeRequest') return uid
  return typeof attrs.change === 'string' && attrs.change ? attrs.change : uid
}

/** Only what cannot change in the object's life: a resend has the same tags. */
const tagsOf = (object: Teller, attrs: JsonObject): Record<string, string> => {
  const { name, namespace = '' } = object.metadata
  const tags: Record<string, string> = { kind: object.kind, namespace, name }
  const environment = environmentOf(object, attrs)
  if (environment) tags.environment = environment
  if (object.kind === 'Component') tags.type = object.spec.type
  if (object.kind === 'ChangeRequest') tags.component = subjectOf(object.spec)
  return tags
}

/** A ChangeRequest learns its environment from its Component, so its entries say it. */
const environmentOf = (object: Teller, attrs: JsonObject): string | undefined => {
  if (object.kind === 'Component') return object.spec.environment
  if (object.kind === 'Environment') return object.metadata.name
  return typeof attrs.environment === 'string' ? attrs.environment : undefined
}

const parseAttrs = (text: string | undefined): JsonObject | undefined => {
  if (text === undefined) return {}
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
  } catch {
    return undefined
  }
}

const invalid = (
  object: Teller,
  entry: HistoryEntry,
  field: string,
  expected: string,
  found: unknown,
): Result<Event> => {
  const { namespace, name } = object.metadata
  return failure({
    reason: 'EventInvalid',
    message: `${object.kind} ${namespace}/${name}, history entry ${entry.seq}: ${field}: expected ${expected}, found ${
      JSON.stringify(found) ?? 'nothing'
    }; the entry is left out of the ledger`,
    retry: false,
  })
}
