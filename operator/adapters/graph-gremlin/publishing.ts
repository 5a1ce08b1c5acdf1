import type { Bytecode } from 'gremlin'
import { failure, type Result, success } from '../../api/result.ts'
import { makeContentSum } from '../../core/graph/content.ts'
import type { GraphPatch, Head, Publisher } from '../../ports/graph.ts'
import { batchesOf } from './batches.ts'
import type { GremlinConnection } from './connection.ts'
import { type Difference, differenceOf } from './difference.ts'
import type { HeadRecord } from './model.ts'
import type { Reading, Slices } from './reading.ts'
import * as statements from './statements.ts'
import { makeSweeping } from './sweeping.ts'

export interface PublishingDependencies {
  readonly connection: Pick<GremlinConnection, 'submit'>
  readonly reading: Reading
  readonly newEpoch: () => string
  readonly newAttempt: () => string
  readonly now: () => number
  readonly recordsPerRequest: number
  readonly sleep: (ms: number) => Promise<void>
  /** from 0 to below 1 */
  readonly random: () => number
}

/** What is to become the head. */
export interface Next {
  readonly environment: string
  readonly version: number
  readonly by: Publisher
  /** what it makes of the Components as they were found */
  readonly patch: (found: Slices) => GraphPatch
  /** those that the patch is about; absent: all that are there */
  readonly components?: readonly string[]
  /** those that it is about beside all that are there */
  readonly also?: readonly string[]
  /**
   * The graph is set right, and this is its sum then: what is there may not be what the head says. It need not be the
   * next version, and begins a new epoch.
   */
  readonly rebuilt?: { readonly sum: string }
  readonly onProgress?: (done: number, total: number) => void
}

/** How often a version is tried again when others were at work at the same time, or no answer came. */
const attempts = 8

/**
 * The way of a version into the store. Who publishes claims the head, takes away what a crash left, writes the elements
 * of the version, which no reader sees yet, and moves the head: one write by which they are all there. What fits in one
 * request is that one request.
 *
 * Everything is conditioned on the attempt that stands in the head, which is unique for each try: a request of somebody
 * who was displaced, or that its own sender had given up, finds another attempt there and does nothing. After a write
 * without an answer the head is claimed anew before it is believed.
 */
export const makePublishing = ({
  connection,
  reading,
  newEpoch,
  newAttempt,
  now,
  recordsPerRequest,
  sleep,
  random,
}: PublishingDependencies) => {
  /** Whether the condition of a write held. */
  const write = async (bytecode: Bytecode): Promise<Result<boolean>> => {
    const answer = await connection.submit(bytecode, { write: true })
    return answer.ok ? success(Number(answer.value[0]) === 1) : answer
  }

  const sweep = makeSweeping({ connection, write })

  const headOf = async (environment: string): Promise<Result<HeadRecord>> => {
    const found = await reading.head(environment)
    if (!found.ok) return found
    if (found.value) return success(found.value)
    const made = await write(statements.makeHead(environment, { epoch: newEpoch(), sum: makeContentSum().toString() }))
    if (!made.ok) return made
    const again = await reading.head(environment)
    if (!again.ok) return again
    return again.value ? success(again.value) : vanished(environment)
  }

  const markOf = ({ environment, version, by, rebuilt }: Next, head: HeadRecord, found: Difference) => {
    const sum = makeContentSum(head.sum)
    for (const state of found.before) sum.subtract(state)
    for (const state of found.after) sum.add(state)
    const epoch = rebuilt ? newEpoch() : head.epoch
    const next: Head = { epoch, version, sum: rebuilt?.sum ?? sum.toString() }
    return { environment, head: next, changeId: by.changeId, at: new Date(now()).toISOString() }
  }

  const differenceFor = async (next: Next, ready: number): Promise<Result<Difference>> => {
    const { environment, components, also, version, rebuilt } = next
    const found = await reading.slices(environment, { from: ready, to: ready }, { components, also })
    return found.ok
      ? success(
          differenceOf(found.value, next.patch(found.value), { ready, version, isRebuilt: rebuilt !== undefined }),
        )
      : found
  }

  /** Elements and mark in one request. */
  const atOnce = async (next: Next, head: HeadRecord, found: Difference): Promise<Result<Head | false>> => {
    const mark = markOf(next, head, found)
    const step = stepOf(next, head, newAttempt())
    const written = await write(statements.publishAtOnce(step, found.writes, mark))
    if (!written.ok) return written
    next.onProgress?.(found.writes.length, found.writes.length)
    return success(written.value && mark.head)
  }

  const isSmall = ({ writes }: Difference): boolean =>
    batchesOf(writes, recordsPerRequest - statements.markRecords).length < 2

  /** `known`: the difference, where it was worked out on this very head while nobody was building. */
  const inSteps = async (next: Next, head: HeadRecord, known?: Difference): Promise<Result<Head | false>> => {
    const { environment, version } = next
    const attempt = newAttempt()
    // 1. The head is claimed: from here on others do nothing.
    const mine = await claimed(stepOf(next, head, attempt))
    if (!mine.ok || !mine.value) return mine as Result<false>
    // 2. What somebody left half done is taken away.
    const begun = await cleaned(environment, attempt, mine.value.building, version)
    if (!begun.ok || !begun.value) return none(begun)
    // 3. The elements, above what readers see.
    const found = known ? success(known) : await differenceFor(next, head.ready)
    if (!found.ok) return found
    const staged = await stageAll(next, attempt, found.value)
    if (!staged.ok || !staged.value) return none(staged)
    // 4. They are all there at once.
    const mark = markOf(next, mine.value, found.value)
    const marked = await write(statements.markReady(environment, attempt, head.ready, mark))
    return marked.ok ? success(marked.value && mark.head) : marked
  }

  const claimed = async (step: statements.Step): Promise<Result<HeadRecord | false>> => {
    const written = await write(statements.claimHead(step))
    if (!written.ok || !written.value) return none(written)
    const mine = await reading.head(step.environment)
    if (!mine.ok) return mine
    return success(mine.value?.attempt === step.attempt && mine.value)
  }

  const cleaned = async (
    environment: string,
    attempt: string,
    building: number,
    version: number,
  ): Promise<Result<boolean>> => {
    const swept = await sweep(environment, attempt, building)
    return swept.ok && swept.value ? write(statements.beginBuilding(environment, attempt, version)) : swept
  }

  const stageAll = async (
    { environment, onProgress }: Next,
    attempt: string,
    { writes }: Difference,
  ): Promise<Result<boolean>> => {
    let done = 0
    for (const batch of batchesOf(writes, recordsPerRequest - statements.guardRecords)) {
      const staged = await write(statements.stage(environment, attempt, batch))
      if (!staged.ok || !staged.value) return staged
      done += batch.length
      onProgress?.(done, writes.length)
    }
    return success(true)
  }

  /** A version that is there already: repeated, or taken by another change. */
  const there = async ({ environment, version, by }: Next, head: HeadRecord): Promise<Result<Head>> => {
    const found = version > 0 ? await reading.version(environment, version) : success(undefined)
    if (!found.ok) return found
    if (found.value?.changeId === by.changeId) return success(headAs(head))
    const who = found.value
      ? `that of change ${found.value.changeId}`
      : 'that version, by a change that is not known any more'
    return refusal(
      environment,
      'VersionTaken',
      false,
      `version ${version}: expected that of change ${by.changeId}, found ${who}; plan again`,
    )
  }

  /** Why it may not be published on this head at all; undefined: it may. */
  const refused = (next: Next, head: HeadRecord): Promise<Result<Head>> | Result<Head> | undefined => {
    const { environment, version, by, rebuilt } = next
    if (version <= head.ready) return there(next, head)
    if (rebuilt) return undefined
    if (version !== head.ready + 1) return gap(environment, head.ready, version)
    return head.claim > Number(by.claim) ? displaced(environment, head.claim, by.claim) : undefined
  }

  /** false: others were at work at the same time */
  const once = async (next: Next, mustClaim: boolean): Promise<Result<Head | false>> => {
    const head = await headOf(next.environment)
    if (!head.ok) return head
    const refusal = await refused(next, head.value)
    if (refusal) return refusal
    if (mustClaim || head.value.building !== 0) return inSteps(next, head.value)
    const found = await differenceFor(next, head.value.ready)
    if (!found.ok) return found
    return isSmall(found.value) ? atOnce(next, head.value, found.value) : inSteps(next, head.value, found.value)
  }

  return async (next: Next): Promise<Result<Head>> => {
    let last: Result<never> = busy(next.environment, next.version)
    // Once something may be on its way its attempt must be made void before the head is believed.
    let mustClaim = false
    for (let attempt = 0; attempt < attempts; attempt++) {
      const published = await once(next, mustClaim)
      if (published.ok && published.value !== false) return success(published.value)
      if (!published.ok && published.failure.outcome !== 'Unknown') return mustClaim ? unsure(published) : published
      if (!published.ok) {
        mustClaim = true
        last = published
      }
      // Two that claim from each other would go on doing so.
      await sleep(random() * Math.min(10 * 2 ** attempt, 500))
    }
    return last
  }
}

/** It cannot be found out whether what was sent before has taken place. */
const unsure = (published: Result<never>): Result<never> =>
  published.ok || published.failure.reason !== 'GraphUnavailable'
    ? published
    : failure({ ...published.failure, outcome: 'Unknown' })

/** Nothing was published. */
const none = (written: Result<boolean>): Result<false> => (written.ok ? success(false) : written)

export const headAs = ({ epoch, ready, sum }: HeadRecord): Head => ({ epoch, version: ready, sum })

/** The number of a claim may have gone back with a restored etcd; who sets the store right has it read live. */
const stepOf = ({ environment, by, rebuilt }: Next, head: HeadRecord, attempt: string): statements.Step => ({
  environment,
  head,
  attempt,
  claim: Number(by.claim),
  isForced: rebuilt !== undefined,
})

export const refusal = (environment: string, reason: string, retry: boolean, message: string): Result<never> =>
  failure({ reason, retry, message: `graph of environment ${environment}: ${message}` })

const gap = (environment: string, ready: number, version: number): Result<never> =>
  refusal(
    environment,
    'VersionGap',
    false,
    `expected version ${ready + 1} next, found ${version}; load the environment again`,
  )

const displaced = (environment: string, found: number, claim: string): Result<never> =>
  refusal(
    environment,
    'Displaced',
    true,
    `expected no newer claim than ${claim}, found ${found}; read the Environment again`,
  )

const busy = (environment: string, version: number): Result<never> =>
  refusal(
    environment,
    'GraphUnavailable',
    true,
    `version ${version}: others were at work ${attempts} times in a row; try again`,
  )

const vanished = (environment: string): Result<never> =>
  refusal(environment, 'GraphUnavailable', true, 'expected the head that was just made, found none; try again')
