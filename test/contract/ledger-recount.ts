import type { Event } from '../../operator/api/envelope.ts'
import type { Json } from '../../operator/api/kinds.generated.ts'
import type { View } from '../../operator/core/event/views.ts'

/*
 * What the views of the ledger should answer, counted by going through the events one by one. Nothing of it is the way
 * that the views take.
 */

export type Row = Readonly<Record<string, Json>>

export interface Asked {
  readonly events: readonly Event[]
  readonly namespace: string
  readonly environment?: string
  /** epoch milliseconds */
  readonly since: number
}

/** By view: its rows in any order. */
export const recount: Readonly<Record<View, (asked: Asked) => Row[]>> = {
  outcomes: (asked) =>
    grouped(changesOf(asked), ['namespace', 'environment'], (changes) => {
      const count = (outcome: string) => changes.filter((change) => change.outcome === outcome).length
      return {
        changes: changes.length,
        applied: count('applied'),
        undone: changes.filter((change) => change.outcome === 'applied' && change.undone).length,
        rejected: count('rejected'),
        failed: count('failed'),
        rolled_back: count('rolled-back'),
        cancelled: count('cancelled'),
        expired: count('expired'),
        superseded: count('superseded'),
        planned: count('planned'),
        open: count('open'),
      }
    }),
  'lead-time': (asked) => {
    const told = changesOf(asked).filter(({ requested, applied }) => requested !== undefined && applied !== undefined)
    return grouped(told, ['namespace', 'environment'], (changes) => {
      const times = changes.map(({ requested, applied }) => applied! - requested!)
      return {
        applied: changes.length,
        p50_ms: quantile(times, 0.5),
        p90_ms: quantile(times, 0.9),
        p99_ms: quantile(times, 0.99),
        longest_ms: Math.max(...times),
      }
    })
  },
  'queue-wait': (asked) => {
    const queued = changesOf(asked).filter(({ story }) => story.some((event) => event.event_type === 'change.queued'))
    return grouped(queued, ['namespace', 'environment'], (changes) => {
      const over = changes.filter(({ story }) => story.at(-1)!.event_type !== 'change.queued')
      const waits = over.map(({ story }) => {
        let wait = 0
        for (const [i, event] of story.entries()) {
          const next = story[i + 1]
          if (event.event_type === 'change.queued' && next) wait += timeOf(next) - timeOf(event)
        }
        return wait
      })
      return {
        changes: changes.length,
        waiting: changes.length - over.length,
        p50_ms: quantile(waits, 0.5),
        p90_ms: quantile(waits, 0.9),
        longest_ms: waits.length > 0 ? Math.max(...waits) : null,
      }
    })
  },
  blocked: (asked) => {
    const holds = changesOf(asked).flatMap(({ story, ...change }) =>
      story.flatMap((event, i) => {
        if (!['change.queued', 'change.awaiting-approval'].includes(event.event_type)) return []
        const next = story[i + 1]
        const held = next ? timeOf(next) - timeOf(event) : undefined
        const blockedBy = (event.attrs.blockedBy ?? []) as { reason: string; object: string }[]
        const distinct = new Map(blockedBy.map((one) => [JSON.stringify([one.reason, one.object]), one]))
        return [...distinct.values()].map(({ reason, object }) => ({ ...change, reason, blocker: object, held }))
      }),
    )
    return grouped(holds, ['namespace', 'environment', 'reason', 'blocker', 'component'], (all) => {
      const over = all.flatMap(({ held }) => (held === undefined ? [] : [held]))
      return {
        changes: new Set(all.map(({ id }) => id)).size,
        waiting: new Set(all.filter(({ held }) => held === undefined).map(({ id }) => id)).size,
        waited_ms: over.length > 0 ? over.reduce((sum, ms) => sum + ms, 0) : null,
      }
    })
  },
  affected: (asked) =>
    changesOf(asked)
      .filter(({ affected }) => affected !== undefined)
      .map(({ namespace, environment, name, component, outcome, by, affected, nearest, story }) => ({
        requested_at: story[0]!.ts,
        namespace,
        environment,
        change: name,
        component,
        outcome,
        requested_by: by,
        affected: affected!,
        nearest,
      })),
  actions: (asked) => {
    const requests = [...storiesOf(asked.events, ({ event_type }) => event_type.startsWith('action.'))]
      .filter((story) => timeOf(story[0]!) >= asked.since)
      .map(actionOf)
      .filter((one) => isAsked(one, asked))
    return grouped(requests, ['namespace', 'environment', 'action'], (all) => {
      const count = (last: string) => all.filter((one) => one.last === `action.${last}`).length
      const [succeeded, failed, timed_out, cancelled] = ['succeeded', 'failed', 'timed-out', 'cancelled'].map(count)
      const times = all.flatMap(({ durations }) => durations)
      return {
        requests: all.length,
        succeeded: succeeded!,
        failed: failed!,
        timed_out: timed_out!,
        cancelled: cancelled!,
        running: all.length - succeeded! - failed! - timed_out! - cancelled!,
        attempts: all.reduce((sum, { attempts }) => sum + attempts, 0),
        p50_ms: quantile(times, 0.5),
        p90_ms: quantile(times, 0.9),
        longest_ms: times.length > 0 ? Math.max(...times) : null,
      }
    })
  },
  timeline: (asked) => {
    const changes = new Map(changesOf({ ...asked, since: 0 }, true).map((change) => [change.id, change]))
    return asked.events
      .filter((event) => isOfComponent(event) && timeOf(event) >= asked.since && isAsked(placeOf([event]), asked))
      .map((event) => {
        const { version, revision, request, message } = event.attrs
        const change = changes.get(event.correlation_id)
        return {
          at: event.ts,
          ...placeOf([event]),
          component: event.entity_id.split('/').slice(1).join('/'),
          event: event.event_type.slice('component.'.length),
          version: version ?? null,
          revision: revision ?? '',
          by: change?.by ?? '',
          change: request ?? '',
          why: change?.why ?? '',
          message: message ?? '',
        }
      })
  },
  invalidations: (asked) => {
    const reached = changesOf(asked)
      .filter(({ applied }) => applied !== undefined)
      .flatMap(({ nearest, ...change }) =>
        [...new Set(nearest)].map((one) => ({
          ...change,
          dependent: one.split('/').length === 2 ? `${change.namespace}/${one}` : one,
        })),
      )
    return grouped(reached, ['namespace', 'environment', 'component', 'dependent'], (all) => ({
      changes: all.length,
      last_at: new Date(Math.max(...all.map(({ applied }) => applied!))).toISOString(),
    }))
  },
  'first-commits': (asked) => {
    const kinds = ['component.committed', 'component.blocked']
    const components = [
      ...storiesOf(asked.events, (event) => isOfComponent(event) && kinds.includes(event.event_type), byEntity),
    ]
      .filter((story) => timeOf(story[0]!) >= asked.since)
      .map((story) => {
        const first = story.findIndex(({ event_type }) => event_type === 'component.committed')
        const before = first < 0 ? story : story.slice(0, first)
        const reasons = before.map(({ attrs }) => String(attrs.reason))
        return { ...placeOf(story), type: story[0]!.tags.type!, committed: first >= 0, reasons }
      })
      .filter((one) => isAsked(one, asked))
    return grouped(components, ['namespace', 'environment', 'type'], (all) => ({
      components: all.length,
      never_refused: all.filter(({ committed, reasons }) => committed && reasons.length === 0).length,
      refused_before: all.filter(({ committed, reasons }) => committed && reasons.length > 0).length,
      not_committed: all.filter(({ committed }) => !committed).length,
      reasons: [...new Set(all.flatMap(({ reasons }) => reasons))].sort(),
    }))
  },
  drift: (asked) => {
    const kinds = ['component.drifted', 'component.converged', 'component.removed']
    const isOne = (event: Event) =>
      isOfComponent(event) && kinds.includes(event.event_type) && timeOf(event) >= asked.since
    const isDrifted = ({ event_type }: Event): boolean => event_type === 'component.drifted'
    const components = [...storiesOf(asked.events, isOne, byEntity)]
      .filter((story) => story.some(isDrifted))
      .map((story) => {
        const durations: number[] = []
        for (const [i, event] of story.slice(0, -1).entries()) {
          if (isDrifted(event)) durations.push(timeOf(story[i + 1]!) - timeOf(event))
        }
        return { ...placeOf(story), drifts: story.filter(isDrifted).length, now: isDrifted(story.at(-1)!), durations }
      })
      .filter((one) => isAsked(one, asked))
    return grouped(components, ['namespace', 'environment'], (all) => {
      const times = all.flatMap(({ durations }) => durations)
      return {
        components: all.length,
        drifts: all.reduce((sum, { drifts }) => sum + drifts, 0),
        drifted_now: all.filter(({ now }) => now).length,
        p50_ms: quantile(times, 0.5),
        longest_ms: times.length > 0 ? Math.max(...times) : null,
      }
    })
  },
}

const timeOf = ({ ts }: Event): number => Date.parse(ts)
const isOfComponent = ({ tags, event_type }: Event): boolean =>
  tags.kind === 'Component' && event_type.startsWith('component.')
const placeOf = (story: readonly Event[]) => ({
  namespace: story[0]!.tags.namespace ?? '',
  environment: story.findLast(({ tags }) => tags.environment)?.tags.environment ?? '',
})
const isAsked = (one: { namespace: string; environment: string }, { namespace, environment }: Asked): boolean =>
  one.namespace === namespace && (environment === undefined || one.environment === environment)

const inOrder = (a: Event, b: Event): number =>
  timeOf(a) - timeOf(b) || Number(a.attrs.seq ?? 0) - Number(b.attrs.seq ?? 0) || (a.id < b.id ? -1 : 1)
const byEntity = ({ entity_id }: Event): string => entity_id
const byEntityAndCorrelation = ({ entity_id, correlation_id }: Event): string => `${entity_id} ${correlation_id}`

const storiesOf = (
  events: readonly Event[],
  isOne: (event: Event) => boolean,
  keyOf: (event: Event) => string = byEntityAndCorrelation,
): Event[][] => [...Map.groupBy(events.filter(isOne), keyOf).values()].map((story) => story.toSorted(inOrder))

const ends = ['applied', 'rejected', 'failed', 'cancelled', 'expired', 'superseded'].map((end) => `change.${end}`)

const changesOf = (asked: Asked, everywhere = false) =>
  storiesOf(asked.events, ({ tags, event_type }) => tags.kind === 'ChangeRequest' && event_type.startsWith('change.'))
    .filter((story) => timeOf(story[0]!) >= asked.since)
    .map((story) => {
      const { tags, correlation_id: id } = story[0]!
      const request = story.find(({ event_type }) => event_type === 'change.requested')
      const end = story.findLast(
        ({ event_type, attrs }) =>
          ends.includes(event_type) || (event_type === 'change.rolled-back' && attrs.rollback === undefined),
      )
      const planned = story.some(({ event_type }) => event_type === 'change.planned')
      const open = request?.attrs.mode === 'Plan' && planned ? 'planned' : 'open'
      const applied = story.find(({ event_type }) => event_type === 'change.applied')
      const by = request?.attrs.requestedBy as { username: string } | undefined
      return {
        id,
        story,
        ...placeOf(story),
        name: tags.name!,
        component: tags.component!,
        requested: request && timeOf(request),
        applied: applied && timeOf(applied),
        outcome: end ? end.event_type.slice('change.'.length) : open,
        undone: story.some(({ attrs }) => attrs.rollback !== undefined),
        by: by?.username ?? '',
        why: (request?.attrs.requestReason as string | undefined) ?? '',
        affected: story.findLast(({ attrs }) => attrs.affected !== undefined)?.attrs.affected as number | undefined,
        nearest: (story.findLast(({ attrs }) => attrs.nearest !== undefined)?.attrs.nearest ?? []) as string[],
      }
    })
    .filter((change) => everywhere || isAsked(change, asked))

const actionOf = (story: readonly Event[]) => {
  const attempts = [...Map.groupBy(story, ({ attrs }) => attrs.attempt).values()]
  const durations = attempts.flatMap((told) => {
    const began = told.find(({ event_type }) => event_type === 'action.started')
    const ended = told.find(({ event_type }) => /succeeded|failed|timed-out|cancelled/.test(event_type))
    return began && ended ? [timeOf(ended) - timeOf(began)] : []
  })
  return {
    ...placeOf(story),
    action: String(story[0]!.attrs.action),
    last: story.at(-1)!.event_type,
    attempts: attempts.filter((told) => told.some(({ event_type }) => event_type !== 'action.requested')).length,
    durations,
  }
}

const grouped = <T extends object>(
  all: readonly T[],
  keys: readonly (keyof T & string)[],
  sum: (group: readonly T[]) => Row,
): Row[] =>
  [...Map.groupBy(all, (one) => JSON.stringify(keys.map((key) => one[key]))).values()].map((group) => ({
    ...Object.fromEntries(keys.map((key) => [key, group[0]![key] as Json])),
    ...sum(group),
  }))

/** The element below which this part of them lies. */
const quantile = (values: readonly number[], level: number): number | null => {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(level * sorted.length))]!
}
