import type { Json } from '../api/kinds.generated.ts'
import { type Result, success } from '../api/result.ts'
import { isView, type View, viewNames } from '../core/event/views.ts'
import type { Access } from '../ports/access.ts'
import type { Ledger, StatsQuery } from '../ports/ledger.ts'
import { identified, permitted } from './caller.ts'
import { bad, label, type Query, subdomain, textsOf, timeIn } from './query.ts'

/** `truncated`: there are more rows; they become fewer by environment and since. */
export interface StatsAnswer {
  readonly view: View
  readonly columns: readonly string[]
  readonly rows: readonly Readonly<Record<string, Json>>[]
  readonly truncated: boolean
}

export const mostRows = 1_000

/**
 * `GET /api/v1/stats`: one view of the ledger. `view`; `namespace`, else of all; `environment`, its name; `since`, a time.
 * The caller must be allowed to `list` ChangeRequests in the namespace, or everywhere, as for their events.
 */
export const makeStatsRoute =
  ({ access, ledger }: { access: Access; ledger: Pick<Ledger, 'stats'> }) =>
  async (token: string | undefined, query: Query): Promise<Result<StatsAnswer>> => {
    const caller = await identified(access, token)
    if (!caller.ok) return caller
    const asked = parseStatsQuery(query)
    if (!asked.ok) return asked
    const { view, namespace } = asked.value
    const allowed = await permitted(access, caller.value, {
      verb: 'list',
      ...(namespace !== undefined && { namespace }),
    })
    if (!allowed.ok) return allowed
    const { columns, rows } = await ledger.stats({ ...asked.value, limit: mostRows + 1 })
    return success({ view, columns, rows: rows.slice(0, mostRows), truncated: rows.length > mostRows })
  }

/** Fails with `BadRequest`. */
export const parseStatsQuery = (query: Query): Result<Omit<StatsQuery, 'limit'>> => {
  const texts = textsOf(query, ['view', 'namespace', 'environment', 'since'])
  if (!texts.ok) return texts
  const { view = '', namespace, environment, since } = texts.value
  if (!isView(view)) return bad('view', `one of ${viewNames.join(', ')}`, view)
  if (namespace !== undefined && !label.test(namespace)) return bad('namespace', 'the name of a namespace', namespace)
  if (environment !== undefined && !subdomain.test(environment)) {
    return bad('environment', 'the name of an Environment', environment)
  }
  const then = timeIn('since', since)
  if (!then.ok) return then
  return success({
    view,
    ...(namespace !== undefined && { namespace }),
    ...(environment !== undefined && { environment }),
    ...(then.value !== undefined && { since: then.value }),
  })
}
