import { type Result, success } from '../api/result.ts'
import type { Access } from '../ports/access.ts'
import type { Bus } from '../ports/bus.ts'
import type { Ledger } from '../ports/ledger.ts'
import { happenedCursor, happenedIn } from './cursor.ts'
import { askedEvents } from './events-query.ts'
import type { Query } from './query.ts'

export interface ReplayAnswer {
  /** events of this page that are on the bus again */
  readonly replayed: number
  /** `after` of the next page; absent: that was all */
  readonly next?: string
  /** with the first page: how many there are */
  readonly total?: number
}

export interface ReplayDependencies {
  readonly access: Access
  readonly ledger: Pick<Ledger, 'happened' | 'count'>
  readonly bus: Pick<Bus, 'republish'>
  readonly log: { info(data: object, message: string): void }
}

const limit = { most: 1_000, preset: 500 }

/**
 * `POST /api/v1/events/replay`: publishes a page of the ledger's events to the bus again, in order of happening, as they
 * came. Their ids are what they were, so whoever has taken them drops them, and any page may be asked for twice. Which
 * events: as `GET /api/v1/events`. The caller must be allowed to `replay` ChangeRequests in the namespace, or everywhere.
 */
export const makeReplayRoute =
  ({ access, ledger, bus, log }: ReplayDependencies) =>
  async (token: string | undefined, query: Query): Promise<Result<ReplayAnswer>> => {
    const asked = await askedEvents({ access, verb: 'replay', fields: ['from', 'to', 'after'], limit }, token, query)
    if (!asked.ok) return asked
    const after = happenedIn(asked.value.after)
    if (!after.ok) return after
    const { filter, limit: most, caller } = asked.value
    const total = after.value === undefined ? await ledger.count(filter) : undefined
    if (total !== undefined) log.info({ username: caller.username, filter, total }, 'events are replayed')
    const page = await ledger.happened(filter, { limit: most, ...(after.value && { after: after.value }) })
    await bus.republish('events.normalized', page.items)
    return success({
      replayed: page.items.length,
      ...(page.last && { next: happenedCursor(page.last) }),
      ...(total !== undefined && { total }),
    })
  }
