import type { Event } from '../api/envelope.ts'
import { type Result, success } from '../api/result.ts'
import type { Access } from '../ports/access.ts'
import type { Ledger } from '../ports/ledger.ts'
import { arrivalsFrom, arrivedCursor, arrivedIn } from './cursor.ts'
import { askedEvents } from './events-query.ts'
import type { Query } from './query.ts'

export interface TailAnswer {
  /** as the ledger got them */
  readonly events: readonly Event[]
  /** `after` of what comes then */
  readonly next: string
  /** `after` of what may still have been on its way: whoever must not miss any reads from here again, now and then */
  readonly again: string
}

const limit = { most: 1_000, preset: 20 }

/**
 * An event has the time at which its insert began, and is seen when that has ended. One that begins later may end sooner:
 * two processes write side by side, and one insert is several parts. None takes longer than 30 s; whoever reads again
 * every 10 s has as much time once more to be late.
 */
const lookBackMs = 60_000

/**
 * `GET /api/v1/events/tail`: what the ledger got behind `after`, whenever it happened; without it, the latest, or with
 * `from` the first. Which events, and who may read them: as `/api/v1/events`.
 */
export const makeTailRoute =
  ({ access, ledger }: { access: Access; ledger: Pick<Ledger, 'arrived'> }) =>
  async (token: string | undefined, query: Query): Promise<Result<TailAnswer>> => {
    const asked = await askedEvents({ access, verb: 'list', fields: ['after', 'from', 'to'], limit }, token, query)
    if (!asked.ok) return asked
    const after = arrivedIn(asked.value.after)
    if (!after.ok) return after
    const { filter, limit: most } = asked.value
    // What happened then may have come at any time: a stream that is told late, or from a clock that is fast.
    const behind = after.value ?? (filter.from === undefined ? undefined : arrivalsFrom(0))
    const { items, last } = await ledger.arrived(filter, { limit: most, ...(behind && { after: behind }) })
    const end = last ?? behind ?? arrivalsFrom(0)
    return success({
      events: items,
      next: arrivedCursor(end),
      again: arrivedCursor(arrivalsFrom(Math.max(end.at - lookBackMs, 0))),
    })
  }
