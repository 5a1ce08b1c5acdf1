import type { Event } from '../../api/envelope.ts'
import type { EventType } from './types.ts'

/** What happened to an object in the course of one change, and to what that led. */
export interface TraceNode {
  readonly entity: string
  /** of its first event, ISO 8601 */
  readonly began: string
  /** milliseconds from its first event to its last */
  readonly lastedMs: number
  readonly steps: readonly TraceStep[]
  /** in the order in which they began */
  readonly children: readonly TraceNode[]
}

export interface TraceStep {
  readonly event: Event
  /** milliseconds after the first event of the whole trace */
  readonly afterMs: number
  /** milliseconds until the next event of the same object; absent: there is none */
  readonly lastedMs?: number
}

/**
 * The tree of one correlation. An object hangs below the one whose event caused its first that names a cause; without a
 * cause that is known, below the request itself. Undefined: there are no events. In whatever order they come, and however
 * often.
 */
export const traceOf = (events: readonly Event[]): TraceNode | undefined => {
  const story = [...new Map(events.map((event) => [event.id, event])).values()].toSorted(inOrder)
  const [first] = story
  if (!first) return undefined
  const byEntity = Map.groupBy(story, ({ entity_id }) => entity_id)
  const root = rootOf(story) ?? first.entity_id
  const parents = parentsOf(byEntity, root, new Map(story.map(({ id, entity_id }) => [id, entity_id])))
  const children = Map.groupBy(
    [...byEntity.keys()].filter((entity) => entity !== root),
    (entity) => parents.get(entity),
  )
  const start = timeOf(first)
  const nodeOf = (entity: string): TraceNode => {
    const told = byEntity.get(entity) ?? []
    return {
      entity,
      began: told[0]!.ts,
      lastedMs: timeOf(told.at(-1)!) - timeOf(told[0]!),
      steps: told.map((event, i) => ({
        event,
        afterMs: timeOf(event) - start,
        ...(i + 1 < told.length && { lastedMs: timeOf(told[i + 1]!) - timeOf(event) }),
      })),
      children: (children.get(entity) ?? []).map(nodeOf),
    }
  }
  return nodeOf(root)
}

/** Something more must happen to the request, so its last step lasts on. */
export const isGoingOn = ({ steps }: TraceNode): boolean => {
  const last = steps.at(-1)?.event
  if (last?.event_type !== 'change.planned') return onTheWay.has(last?.event_type ?? '')
  return !steps.some(({ event }) => event.event_type === 'change.requested' && event.attrs.mode === 'Plan')
}

/** What is told of a request in the middle of its life. */
const onTheWay: ReadonlySet<string> = new Set<EventType>([
  'change.requested',
  'change.queued',
  'change.awaiting-approval',
  'change.approved',
  'change.denied',
  'change.applying',
  'change.withdrawn',
])

const timeOf = ({ ts }: Event): number => Date.parse(ts)
const seqOf = ({ attrs }: Event): number => (typeof attrs.seq === 'number' ? attrs.seq : 0)

const inOrder = (a: Event, b: Event): number =>
  timeOf(a) - timeOf(b) || compare(a.entity_id, b.entity_id) || seqOf(a) - seqOf(b) || compare(a.id, b.id)

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The request whose change it is. What is created without one is a story of its own. */
const rootOf = (story: readonly Event[]): string | undefined => {
  const requests = story.filter(({ tags }) => tags.kind === 'ChangeRequest')
  return (requests.find(({ event_type }) => event_type === 'change.requested') ?? requests[0])?.entity_id
}

const parentsOf = (
  byEntity: ReadonlyMap<string, readonly Event[]>,
  root: string,
  entityOf: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> => {
  const parents = new Map<string, string>()
  for (const [entity, told] of byEntity) {
    const causes = told.map(({ causation_id }) => entityOf.get(causation_id ?? ''))
    const cause = causes.find((one) => one !== undefined && one !== entity)
    // Two that name each other would hang below nothing.
    parents.set(entity, cause !== undefined && !isBelow(cause, entity, parents) ? cause : root)
  }
  return parents
}

const isBelow = (entity: string, above: string, parents: ReadonlyMap<string, string>): boolean => {
  for (let at: string | undefined = entity, left = parents.size + 1; at !== undefined && left > 0; left--) {
    if (at === above) return true
    at = parents.get(at)
  }
  return false
}
