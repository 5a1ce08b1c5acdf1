import { eventBounds } from '../api/parse-event.ts'
import { type Result, success } from '../api/result.ts'
import type { Access, Caller, Right } from '../ports/access.ts'
import type { EventFilter } from '../ports/ledger.ts'
import { identified, permitted } from './caller.ts'
import { bad, label, listIn, numberIn, type Query, textIn, textsOf, timeIn } from './query.ts'

/** What a route about events asks for: which, from where on, and how many. */
export interface EventsQuery {
  readonly filter: EventFilter
  /** a cursor of an earlier answer */
  readonly after?: string
  readonly limit: number
}

interface Asking {
  readonly access: Access
  readonly verb: Right['verb']
  readonly fields: readonly ('from' | 'to' | 'after')[]
  readonly limit: { readonly most: number; readonly preset: number }
}

/** Conditions of one kind: each makes the question to the ledger longer. */
const mostConditions = 20

/**
 * Who asks for which events. The caller must have the right in the namespace, or in all of them when none is named. Fails
 * with `Unauthorized`, `BadRequest`, `Forbidden`.
 */
export const askedEvents = async (
  { access, verb, fields, limit }: Asking,
  token: string | undefined,
  query: Query,
): Promise<Result<EventsQuery & { readonly caller: Caller }>> => {
  const caller = await identified(access, token)
  if (!caller.ok) return caller
  const asked = parseEventsQuery(query, { fields, limit })
  if (!asked.ok) return asked
  const { namespace } = asked.value.filter
  const allowed = await permitted(access, caller.value, { verb, ...(namespace !== undefined && { namespace }) })
  return allowed.ok ? success({ ...asked.value, caller: caller.value }) : allowed
}

const known = ['namespace', 'entity', 'correlation', 'limit'] as const

/** Fails with `BadRequest`. */
export const parseEventsQuery = (
  query: Query,
  { fields, limit }: Pick<Asking, 'fields' | 'limit'>,
): Result<EventsQuery> => {
  const { type: _types, tag: _tags, ...single } = query
  const texts = textsOf(single, [...known, ...fields], ['type', 'tag'])
  if (!texts.ok) return texts
  const { namespace, entity, correlation, after } = texts.value
  if (namespace !== undefined && !label.test(namespace)) return bad('namespace', 'the name of a namespace', namespace)
  const names = namesIn({ entity, correlation })
  if (!names.ok) return names
  const types = listIn(query, 'type', mostConditions)
  if (!types.ok) return types
  const tags = tagsIn(query)
  if (!tags.ok) return tags
  const span = spanIn(texts.value)
  if (!span.ok) return span
  const count = numberIn('limit', texts.value.limit, { least: 1, ...limit })
  if (!count.ok) return count
  return success({
    filter: {
      ...(namespace !== undefined && { namespace }),
      ...names.value,
      ...(types.value.length > 0 && { eventTypes: types.value }),
      ...(tags.value.length > 0 && { tags: Object.fromEntries(tags.value) }),
      ...span.value,
    },
    ...(after !== undefined && { after }),
    limit: count.value,
  })
}

type Texts = { readonly [K in 'entity' | 'correlation' | 'from' | 'to']?: string | undefined }

const namesIn = (texts: Texts): Result<Pick<EventFilter, 'entityId' | 'correlationId'>> => {
  const entity = textIn('entity', texts.entity, eventBounds.name)
  if (!entity.ok) return entity
  const correlation = textIn('correlation', texts.correlation, eventBounds.name)
  if (!correlation.ok) return correlation
  return success({
    ...(entity.value !== undefined && { entityId: entity.value }),
    ...(correlation.value !== undefined && { correlationId: correlation.value }),
  })
}

const spanIn = (texts: Texts): Result<Pick<EventFilter, 'from' | 'to'>> => {
  const from = timeIn('from', texts.from)
  if (!from.ok) return from
  const to = timeIn('to', texts.to)
  if (!to.ok) return to
  if (from.value !== undefined && to.value !== undefined && from.value > to.value) {
    return bad('to', `a time that is not before from = ${texts.from}`, texts.to)
  }
  return success({
    ...(from.value !== undefined && { from: from.value }),
    ...(to.value !== undefined && { to: to.value }),
  })
}

/** `KEY=VALUE`, each key once; the value may be empty, and may have `=` in it. */
const tagsIn = (query: Query): Result<readonly (readonly [key: string, value: string])[]> => {
  const list = listIn(query, 'tag', mostConditions)
  if (!list.ok) return list
  const tags = new Map<string, string>()
  for (const text of list.value) {
    const [key = '', ...value] = text.split('=')
    if (key === '' || value.length === 0) return bad('tag', 'KEY=VALUE', text)
    if (tags.has(key)) return bad('tag', 'each key once', text)
    tags.set(key, value.join('='))
  }
  return success([...tags])
}
