import type { Event } from '../api/envelope.ts'
import { type Result, success } from '../api/result.ts'
import { historyTypes, versionOf } from '../core/component/history.ts'
import type { Access } from '../ports/access.ts'
import type { Ledger } from '../ports/ledger.ts'
import { makeGraphRoute, mostVersion, tooLarge } from './graph-query.ts'
import { bad, numberIn } from './query.ts'

export interface HistoryAnswer {
  readonly environment: string
  readonly after: number
  /** newest first; of each Component the last one up to `after` too, as far as the answer reaches back */
  readonly events: readonly Event[]
}

/** What one answer holds at most: about 10 MB of JSON, as an event has 2 KiB of attributes at most. */
const mostEvents = 5_000
/** Components of which the last event before is looked for one by one. */
const mostLooked = 200

/** `GET /api/v1/graph/history`: what the ledger has of versions above `after`, and of what they did to Components. */
export const makeHistoryRoute = ({ access, ledger }: { access: Access; ledger: Pick<Ledger, 'query'> }) =>
  makeGraphRoute(
    access,
    // Events say what was changed, and what stood there before: who reads these may read the log.
    { fields: ['after'], parse, also: ['changerequests'] },
    async ({ key, namespace, name }, after): Promise<Result<HistoryAnswer>> => {
      const what = `history of environment ${key} after version ${after}`
      const scope = { namespace, environment: name, eventTypes: historyTypes }
      const latest = await ledger.query({ ...scope, limit: mostEvents + 1 })
      const { events, without } = partOf(latest, after)
      if (latest.length > mostEvents && latest.every((event) => isLater(event, after))) {
        const oldest = versionOf(latest.at(-1)!)
        return tooLarge(
          `${what}: expected at most ${mostEvents} events, found more; they lead back to version ${oldest}`,
        )
      }
      const complete = latest.length <= mostEvents
      if (complete || without.size === 0) return success({ environment: key, after, events })
      if (without.size > mostLooked) {
        return tooLarge(
          `${what}: expected at most ${mostLooked} Components that changed since, found ${without.size}; ask for a later version`,
        )
      }
      const before: Event[] = []
      for (const [entityId, moves] of without) {
        const told = await ledger.query({ ...scope, entityId, limit: moves + 1 })
        before.push(...told.filter((event) => !isLater(event, after)).slice(0, 1))
      }
      return success({ environment: key, after, events: [...events, ...before] })
    },
  )

const isLater = (event: Event, after: number): boolean => (versionOf(event) ?? 0) > after

/** Newest first. `without`: what has events after and none before, and how many. */
const partOf = (latest: readonly Event[], after: number): { events: Event[]; without: Map<string, number> } => {
  const without = new Map<string, number>()
  const before = new Set<string>()
  const events = latest.filter((event) => {
    const { entity_id: id } = event
    if (isLater(event, after)) {
      without.set(id, (without.get(id) ?? 0) + 1)
      return true
    }
    without.delete(id)
    return !before.has(id) && before.add(id) !== undefined
  })
  return { events, without }
}

const parse = (texts: { readonly after?: string }): Result<number> => {
  const after = numberIn('after', texts.after, { least: 0, most: mostVersion, preset: undefined })
  if (!after.ok) return after
  return after.value === undefined ? bad('after', 'a version', undefined) : success(after.value)
}
