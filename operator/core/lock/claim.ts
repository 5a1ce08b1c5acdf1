import type { Applying, Environment, EnvironmentStatus, JsonObject, Prepared } from '../../api/kinds.generated.ts'
import { withCondition } from '../change/status.ts'
import { append, type Transition } from '../event/outbox.ts'

/*
 * The status of an Environment after each step of the commit protocol. Every function gives the whole status, to be
 * written on the resourceVersion that `environment` was read with. `now` is epoch milliseconds.
 */

/** From here on a displaced holder's publish fails: this write moves the resourceVersion. */
export const claimed = (environment: Environment, holder: string, now: number): EnvironmentStatus =>
  moved(
    environment,
    { lockedBy: holder },
    [
      {
        type: 'environment.locked',
        message: `by ${holder}`,
        attrs: { holder, version: environment.status?.version ?? 0 },
      },
    ],
    now,
  )

export interface Publish {
  readonly holder: string
  readonly version: number
  readonly applying: readonly Applying[]
  readonly highest: string
  readonly now: number
}

/** A change over several environments waits for its decision; what stood in `applying` has finished. */
export const prepared = (
  environment: Environment,
  { prepared: what, holder, highest, now }: { prepared: Prepared; holder: string; highest: string; now: number },
): EnvironmentStatus => {
  const next = { lockedBy: holder, applying: [], prepared: what, committedResourceVersion: highest }
  return moved(environment, next, [], now)
}

/** The decision; of a change over several environments, what follows from it. */
export const published = (
  environment: Environment,
  { holder, version, applying, highest, now }: Publish,
): EnvironmentStatus => {
  const change = applying.length === 1 && applying[0]?.kind === 'ChangeRequest' ? { change: applying[0].uid } : {}
  const count = (kind: Applying['kind']): number => applying.filter((item) => item.kind === kind).length
  const attrs: JsonObject = {
    version,
    holder,
    ...change,
    changes: count('ChangeRequest'),
    creations: count('Creation'),
    removals: count('Removal'),
    names: applying.slice(0, 32).map(({ name }) => name),
  }
  const next = { version, lockedBy: holder, applying: [...applying], committedResourceVersion: highest }
  return moved(unprepared(environment), next, [{ type: 'graph.published', message: `version ${version}`, attrs }], now)
}

/** The environment is free for others. */
export const cleared = (
  environment: Environment,
  { highest, queued, now }: { highest: string; queued: number; now: number },
): EnvironmentStatus => {
  const { lockedBy, ...status } = environment.status ?? {}
  const released: Transition[] = lockedBy
    ? [
        {
          type: 'environment.released',
          message: `by ${lockedBy}`,
          attrs: { holder: lockedBy, version: status.version ?? 0 },
        },
      ]
    : []
  const next = { applying: [], committedResourceVersion: highest, queued }
  return moved(unprepared({ ...environment, status }), next, released, now)
}

/** Whoever writes it has seen what became of what was prepared. */
const unprepared = ({ status, ...environment }: Environment): Environment => {
  const { prepared: _, ...rest } = status ?? {}
  return { ...environment, status: rest }
}

/** What people look at, kept up to date between changes. */
export const tended = (
  environment: Environment,
  { queued, delayed, now }: { queued: number; delayed: string | undefined; now: number },
): EnvironmentStatus => {
  const at = new Date(now).toISOString()
  const generation = environment.metadata.generation ?? 1
  const previous = environment.status?.conditions
  const set = (type: string, ok: boolean, reason: string, message: string) =>
    withCondition(previous, { type, status: ok ? 'True' : 'False', reason, message }, { generation, at })
  return {
    ...environment.status,
    queued,
    observedGeneration: generation,
    conditions: [
      set('Ready', true, 'Ready', 'changes may pass'),
      delayed === undefined
        ? set('EventsPublished', true, 'EventsPublished', 'every event is on the bus')
        : set('EventsPublished', false, 'EventsDelayed', delayed),
    ],
  }
}

const moved = (
  environment: Environment,
  next: Partial<EnvironmentStatus>,
  transitions: readonly Transition[],
  now: number,
): EnvironmentStatus => {
  const { metadata, status } = environment
  return {
    ...status,
    ...(transitions.length > 0 ? append(status, transitions, now) : {}),
    ...next,
    observedGeneration: metadata.generation ?? 1,
  }
}
