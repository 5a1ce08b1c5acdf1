import type { Event } from '../api/envelope.ts'
import { type Result, success } from '../api/result.ts'
import type { Access } from '../ports/access.ts'
import type { Ledger } from '../ports/ledger.ts'
import { askedEvents } from './events-query.ts'
import type { Query } from './query.ts'

/** `truncated`: there are more, before these (of a correlation: after them). */
export interface EventsAnswer {
  /** in order of happening */
  readonly events: readonly Event[]
  readonly truncated: boolean
}

const limit = { most: 5_000, preset: 100 }

/**
 * `GET /api/v1/events`: the latest events that are meant. `namespace`, else of all; `entity`, `correlation`; `type` and
 * `tag` (`KEY=VALUE`), each as often as need be; `from`, and `to` before which they happened. The caller must be allowed to
 * `list` ChangeRequests in the namespace, or everywhere.
 */
export const makeEventsRoute =
  ({ access, ledger }: { access: Access; ledger: Pick<Ledger, 'query'> }) =>
  async (token: string | undefined, query: Query): Promise<Result<EventsAnswer>> => {
    const asked = await askedEvents({ access, verb: 'list', fields: ['from', 'to'], limit }, token, query)
    if (!asked.ok) return asked
    const { filter, limit: most } = asked.value
    const found = await ledger.query({ ...filter, limit: most + 1 })
    const events = found.slice(0, most)
    // Only a story is told from its beginning.
    if (filter.correlationId === undefined) events.reverse()
    return success({ events, truncated: found.length > most })
  }
