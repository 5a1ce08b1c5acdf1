import type {
  Applying,
  Environment,
  EnvironmentStatus,
  JsonObject,
  Prepared,
  Promised,
} from '../../api/kinds.generated.ts'
import { newestOf } from '../../api/resource-version.ts'
import type { Failure } from '../../api/result.ts'
import { sentences } from '../change/bounds.ts'
import type { Open } from '../change/promise.ts'
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
  /** of what is promised here */
  readonly promises?: Open
  readonly now: number
}

/** Another environment is about to refer to Components here. Whoever decides here has to see it first. */
export const promised = (
  environment: Environment,
  { promise, promises, now }: { promise: Promised; promises: Open; now: number },
): EnvironmentStatus => {
  const { status, ...rest } = withPromises(environment, promises)
  const isSame = (one: Promised): boolean =>
    one.environment === promise.environment && one.resourceVersion === promise.resourceVersion
  const others = (status?.promised ?? []).filter((one) => !isSame(one))
  return moved({ ...rest, status: { ...status, promised: [...others, promise] } }, {}, [], now)
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
  { holder, version, applying, highest, promises, now }: Publish,
): EnvironmentStatus => {
  const current = withPromises(unprepared(environment), promises)
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
  const committedResourceVersion = highestOf(current, highest)
  const next = { version, lockedBy: holder, applying: [...applying], committedResourceVersion }
  return moved(current, next, [{ type: 'graph.published', message: `version ${version}`, attrs }], now)
}

/** The environment is free for others. */
export const cleared = (
  environment: Environment,
  { highest, queued, promises, now }: { highest: string; queued: number; promises?: Open; now: number },
): EnvironmentStatus => {
  const current = withPromises(unprepared(environment), promises)
  const { lockedBy, ...status } = current.status ?? {}
  const released: Transition[] = lockedBy
    ? [
        {
          type: 'environment.released',
          message: `by ${lockedBy}`,
          attrs: { holder: lockedBy, version: status.version ?? 0 },
        },
      ]
    : []
  const next = { applying: [], committedResourceVersion: highestOf(current, highest), queued }
  return moved({ ...current, status }, next, released, now)
}

/** Whoever writes it has seen what became of what was prepared. */
const unprepared = ({ status, ...environment }: Environment): Environment => {
  const { prepared: _, ...rest } = status ?? {}
  return { ...environment, status: rest }
}

/** A promise goes when it is seen what became of it, and then whoever plans here later must have seen it too. */
const withPromises = ({ status, ...environment }: Environment, promises: Open | undefined): Environment => {
  const { promised: before, ...rest } = status ?? {}
  if (!before || !promises) return { ...environment, ...(status && { status }) }
  const committedResourceVersion = highestOf({ status: rest }, promises.seen)
  const open = promises.open.length > 0 && { promised: [...promises.open] }
  return { ...environment, status: { ...rest, committedResourceVersion, ...open } }
}

const highestOf = ({ status }: Pick<Environment, 'status'>, highest: string): string => {
  const { committedResourceVersion = '0' } = status ?? {}
  return newestOf([committedResourceVersion, highest])
}

export interface Tending {
  readonly queued: number
  /** why the gate is closed: its guards cannot be asked, or its graph */
  readonly faults: readonly Pick<Failure, 'reason' | 'message'>[]
  /** why its events are not out */
  readonly delayed: string | undefined
  readonly now: number
}

/** What people look at, kept up to date between changes. */
export const tended = (environment: Environment, { queued, faults, delayed, now }: Tending): EnvironmentStatus => {
  const at = new Date(now).toISOString()
  const generation = environment.metadata.generation ?? 1
  const previous = environment.status?.conditions
  const set = (type: string, ok: boolean, reason: string, message: string) =>
    withCondition(previous, { type, status: ok ? 'True' : 'False', reason, message }, { generation, at })
  const [first] = faults
  return {
    ...environment.status,
    queued,
    observedGeneration: generation,
    conditions: [
      first
        ? set('Ready', false, first.reason, sentences(faults.map(({ message }) => message)))
        : set('Ready', true, 'Ready', 'changes may pass'),
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
