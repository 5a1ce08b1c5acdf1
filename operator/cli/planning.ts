import type { Requester } from '../api/kinds.generated.ts'
import { failure, type Result, success } from '../api/result.ts'
import { makeRules, type Rules, type Snapshot } from './local-world.ts'
import type { Manifest } from './manifests.ts'
import { type Asked, type Planned, plannedOf, requestOf } from './planned.ts'
import { readSnapshot } from './snapshot.ts'
import type { Desk } from './verb.ts'

export interface Wish {
  /** the namespace of -n, where it was given */
  readonly flag?: string | undefined
  /** who asks; default: the person */
  readonly requester?: Requester | undefined
  /** what is read of a namespace; default: what is there now */
  readonly read?: typeof readSnapshot | undefined
}

/** What each of these ChangeRequests would do. */
export const planAll = async (
  manifests: readonly Manifest[],
  { flag, requester: known, read = readSnapshot }: Wish,
  { session: { objects }, namespace, terminal }: Desk,
): Promise<Result<Planned[]>> => {
  const requester = known ? success(known) : await objects.whoAmI()
  if (!requester.ok) return requester
  const schema = terminal.requestSchema()
  const rules = makeRules(terminal.monotonic)
  const undone = manifests.flatMap(rollbackOf)
  const asked = manifests.map(({ raw }) => raw)
  const look = lookAgain(terminal.sleep, (place) => read(objects, place, { undone, asked }))
  const plans: Planned[] = []
  for (const manifest of manifests) {
    const place = namespaceOf(manifest, flag, namespace)
    if (!place.ok) return place
    const one = { manifest, namespace: place.value, schema, requester: requester.value }
    const planned = await look(place.value, (snapshot) => planOne(one, snapshot, { rules, now: terminal.now() }))
    if (!planned.ok) return planned
    plans.push(planned.value)
  }
  return success(plans)
}

/** The request that a manifest asks to be undone. */
const rollbackOf = ({ raw }: Manifest): string[] => {
  const { rollbackOf: name } = (raw as { spec?: { rollbackOf?: unknown } }).spec ?? {}
  return typeof name === 'string' ? [name] : []
}

const attempts = 10
const pause = 200

/** Reads each namespace once, and again while what was read is a version half written. */
const lookAgain = (sleep: (ms: number) => Promise<void>, read: (namespace: string) => Promise<Result<Snapshot>>) => {
  const snapshots = new Map<string, Snapshot>()
  return async <T>(namespace: string, use: (snapshot: Snapshot) => Result<T>): Promise<Result<T>> => {
    for (let attempt = 1; ; attempt++) {
      const known = snapshots.get(namespace)
      const snapshot = known ? success(known) : await read(namespace)
      if (!snapshot.ok) return snapshot
      const used = use(snapshot.value)
      if (used.ok || !used.failure.retry || attempt === attempts) {
        snapshots.set(namespace, snapshot.value)
        return used
      }
      snapshots.delete(namespace)
      await sleep(pause)
    }
  }
}

/** Refused by the API server is rejected too, before anything of it is written. */
const planOne = (asked: Asked, snapshot: Snapshot, by: { rules: Rules; now: number }): Result<Planned> => {
  const request = requestOf(asked)
  if (request.ok) return plannedOf(request.value, snapshot, by)
  const { name = '' } = (asked.manifest.raw as { metadata?: { name?: unknown } }).metadata ?? {}
  const { reason, message } = request.failure
  return success({
    namespace: asked.namespace,
    changeRequest: String(name),
    decision: 'Reject',
    reason,
    message,
    graphVersions: {},
    changes: [],
    affectedCount: 0,
    affected: [],
    verdicts: [],
    warnings: [],
  })
}

/** kubectl's rule: what the object says and what -n says must agree. */
const namespaceOf = ({ where, raw }: Manifest, flag: string | undefined, preset: string): Result<string> => {
  const { namespace } = (raw as { metadata?: { namespace?: unknown } }).metadata ?? {}
  if (typeof namespace !== 'string' || namespace === '') return success(preset)
  if (flag === undefined || flag === namespace) return success(namespace)
  return failure({
    reason: 'BadRequest',
    message: `${where}: metadata.namespace: expected ${flag}, as -n says, found ${namespace}; leave one of them out`,
    retry: false,
  })
}
