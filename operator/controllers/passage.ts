import type { Applying, ChangeRequest, DecidedBy, Environment } from '../api/kinds.generated.ts'
import type { Parsed } from '../api/parse.ts'
import { type Failure, type Result, success } from '../api/result.ts'
import { undecidedIn } from '../core/change/ahead.ts'
import {
  type Answer,
  type Effect,
  type Held,
  isNewer,
  type Member,
  type Pass,
  type Stale,
} from '../core/change/commit.ts'
import type { Step } from '../core/change/life.ts'
import type { Plan } from '../core/change/plan.ts'
import type { Pledge } from '../core/change/pledge.ts'
import { type Open, openPromises, promiseOf } from '../core/change/promise.ts'
import { finished, stopped, takenBack, writtenAhead } from '../core/change/request-status.ts'
import { isFinished, phaseOf } from '../core/change/status.ts'
import type { Wanted } from '../core/component/wanted.ts'
import type { World } from '../core/guard/facts.ts'
import { claimed, cleared, promised, published } from '../core/lock/claim.ts'
import type { Clock } from '../ports/clock.ts'
import type { Caches, Cluster, Kind, Kinds, Of } from '../ports/cluster.ts'
import type { GraphPatch, GraphStore } from '../ports/graph.ts'
import { answerOfFailure, makeComponentEffects, nameIn } from './component-effects.ts'
import { sightOf } from './sight.ts'

/** What a member of a batch carries. Of one that was taken over only the request is known. */
export interface Content {
  readonly request?: Parsed<ChangeRequest>
  readonly plan?: Plan
  /** of this plan */
  readonly approvals?: readonly DecidedBy[]
  /** absent: taken over */
  readonly patch?: GraphPatch
  readonly world?: World
  readonly step?: Exclude<Step, { to: 'Stay' | 'Pass' }>
  readonly position?: number
  /** of a creation: what is let through */
  readonly wanted?: Wanted
}

export interface PassageDependencies {
  readonly cluster: Cluster
  readonly caches: Caches
  readonly graph: GraphStore
  readonly clock: Pick<Clock, 'now'>
  readonly holder: string
  /** the next batch, planned on what is committed; `seen`: Components must be at least as new as this resourceVersion */
  readonly plan: (
    environment: Of<'Environment'>,
    held: Held,
    seen: string,
  ) => Promise<Result<readonly Member<Content>[]>>
  /** This request is to be looked at again: what was planned for it did not come to pass. */
  readonly again: (requestKey: string) => void
  readonly queued: (environmentKey: string) => number
  /** the graph of the environment must be rebuilt before the next plan */
  readonly onTakenOver: () => void
}

/** Carries out one effect of the commit protocol on one environment, and says what came of it. */
export type Passage = (pass: Pass<Content>, effect: Effect<Content>) => Promise<Answer<Content>>

/**
 * The effects of core/change/commit on the API server. `objects` holds what this holder has read and written on its
 * way: a write is decided on exactly the version it is conditioned on.
 */
export const makePassage = (
  environmentKey: string,
  { cluster, caches, graph, clock, holder, plan, again, queued, onTakenOver }: PassageDependencies,
): Passage => {
  const namespace = environmentKey.slice(0, environmentKey.indexOf('/'))
  const sight = sightOf(caches)
  let environment: Of<'Environment'> | undefined
  /** requests of this holder as it wrote them ahead, by uid */
  const requests = new Map<string, Of<'ChangeRequest'>>()
  const requestOf = ({ applying, content }: Member<Content>) => requests.get(applying.uid) ?? content.request
  const onComponents = makeComponentEffects({ environmentKey, cluster, caches, clock, requestOf })
  /** What this process writes itself is in its caches at once; what others wrote is up to here. */
  let seen = '0'
  const keyOf = (name: string): string => `${namespace}/${name}`

  const keep = <K extends Kind>(kind: K, object: Of<K>): string => {
    if (kind === 'Environment') environment = object as Of<'Environment'>
    return object.metadata.resourceVersion ?? ''
  }
  const write = async <K extends Kind>(
    kind: K,
    object: Kinds[K],
    status: Kinds[K]['status'] & object,
  ): Promise<Answer<Content>> => answerOf(kind, await cluster.writeStatus(kind, object, status))
  const answerOf = <K extends Kind>(kind: K, result: Result<Of<K>>): Answer<Content> =>
    result.ok ? { is: 'Written', resourceVersion: keep(kind, result.value) } : answerOfFailure(result.failure)

  /** The Environment at the version this holder wrote or read last. */
  const writeEnvironment = (
    resourceVersion: string,
    next: (environment: Environment) => Environment['status'] & object,
  ) =>
    environment?.metadata.resourceVersion === resourceVersion
      ? write('Environment', environment, next(environment))
      : Promise.resolve<Answer<Content>>({ is: 'Conflict' })

  /** An Environment that was deleted and made again goes on above every version that was given out. */
  const highestCommitted = (): number => {
    let version = 0
    for (const { status } of caches.Component.byIndex('environment', environmentKey)) {
      version = Math.max(version, status?.committed?.graphVersion ?? 0)
    }
    return version
  }

  const readEnvironment = async (): Promise<Answer<Content>> => {
    const read = await cluster.read('Environment', environmentKey)
    if (!read.ok) return answerOfFailure(read.failure)
    // Deleted under us: another look creates it anew.
    if (!read.value) return { is: 'Unknown' }
    const {
      version = highestCommitted(),
      applying = [],
      committedResourceVersion: highest = '0',
    } = read.value.status ?? {}
    return {
      is: 'Environment',
      environment: { resourceVersion: keep('Environment', read.value), version, applying, highest },
    }
  }

  /** Nothing: its request was deleted by force, and nobody can say what it was about. */
  const openOf = async (applying: Applying): Promise<Result<Member<Content> | undefined>> => {
    if (applying.kind !== 'ChangeRequest') return success(memberOf(applying, '', [applying.name], {}))
    const read = await cluster.read('ChangeRequest', keyOf(applying.name))
    if (!read.ok) return read
    const request = read.value
    if (request?.metadata.uid !== applying.uid) return success(undefined)
    const names = (request.status?.images ?? []).map(({ component }) => nameIn(namespace, component))
    const member = memberOf(applying, request.metadata.resourceVersion ?? '', names, { request })
    return success({ ...member, finished: isFinished(phaseOf(request.status)) })
  }

  /** What is decided and may be unfinished, read from the server; and what was written ahead by somebody. */
  const look = async ({ held }: Pass<Content>): Promise<Answer<Content>> => {
    const open: Member<Content>[] = []
    for (const applying of held!.applying) {
      const member = await openOf(applying)
      if (!member.ok) return answerOfFailure(member.failure)
      if (member.value) open.push(member.value)
    }
    const decided = new Set(held!.applying.map(({ uid }) => uid))
    const stale: Stale[] = []
    for (const request of caches.ChangeRequest.byIndex('applying', environmentKey)) {
      const { name, uid = '', resourceVersion = '' } = request.metadata
      const claim = undecidedIn(request, environmentKey)
      if (claim !== undefined && !decided.has(uid)) stale.push({ name, uid, resourceVersion, claim })
    }
    return { is: 'Seen', open, stale }
  }

  const settle = async ({
    content: { request, step, world, position = 1 },
  }: Member<Content>): Promise<Answer<Content>> => {
    const now = clock.now()
    const status = stopped(request!, step!, { world, environment: environment?.metadata.name, position, now })
    return write('ChangeRequest', request!, status)
  }

  const writeAhead = async (
    { held }: Pass<Content>,
    { content: { request, plan, approvals, world } }: Member<Content>,
  ) => {
    const version = held!.version + 1
    const ahead = writtenAhead(request!, {
      plan: plan!,
      world: world!,
      approvals,
      claim: held!.claim,
      holder,
      version,
      now: clock.now(),
    })
    const result = await cluster.writeStatus('ChangeRequest', request!, ahead)
    if (result.ok) requests.set(request!.metadata.uid ?? '', result.value)
    else if (isFinal(result.failure)) return refuse(request!, result.failure)
    return answerOf('ChangeRequest', result)
  }
  /** What the API server will never take ends the request, before anything was decided. */
  const refuse = async (request: Parsed<ChangeRequest>, { reason, message }: Failure): Promise<Answer<Content>> => {
    const step = { to: 'Rejected', reason, message: `ChangeRequest ${request.metadata.name}: ${message}` } as const
    const environmentName = environment?.metadata.name
    await write(
      'ChangeRequest',
      request,
      stopped(request, step, { environment: environmentName, position: 1, now: clock.now() }),
    )
    return { is: 'Gone' }
  }

  /** What is promised in this environment, as far as the caches show what became of it. */
  const promises = (): { promises: Open } | undefined =>
    environment?.status?.promised && { promises: openPromises(environment, sight) }

  const promise = async ({ held, members }: Pass<Content>, pledge: Pledge): Promise<Answer<Content>> => {
    const answer = await promiseIn(caches.Environment.get(pledge.environment), held!, pledge)
    if (answer.is !== 'Written')
      for (const { applying, content } of members) if (content.request) again(keyOf(applying.name))
    return answer
  }
  const promiseIn = async (
    other: Of<'Environment'> | undefined,
    { resourceVersion, version }: Held,
    pledge: Pledge,
  ): Promise<Answer<Content>> => {
    // A holder that is displaced would displace another one for nothing.
    const isDisplaced = caches.Environment.get(environmentKey)?.metadata.resourceVersion !== resourceVersion
    if (isDisplaced || other?.metadata.resourceVersion !== pledge.resourceVersion) return { is: 'Conflict' }
    const entry = promiseOf(
      pledge,
      { environment: environmentKey, resourceVersion, version },
      other.metadata.namespace ?? '',
    )
    const next = { promise: entry, promises: openPromises(other, sight), now: clock.now() }
    const result = await cluster.writeStatus('Environment', other, promised(other, next))
    if (!result.ok) return answerOfFailure(result.failure)
    return { is: 'Written', resourceVersion: result.value.metadata.resourceVersion ?? '' }
  }

  const store = async ({ held, members }: Pass<Content>): Promise<Answer<Content>> => {
    const patches = members.map(({ content }) => content.patch)
    // What was taken over is found in the Components, once they carry it.
    if (patches.includes(undefined)) {
      onTakenOver()
      return { is: 'Written', resourceVersion: '' }
    }
    const patch = patches.flatMap((one) => one ?? [])
    const changeId = changeIdOf(held!.applying)
    const result = await graph.publish(environmentKey, held!.version, patch, changeId)
    return result.ok ? { is: 'Written', resourceVersion: result.value.sum } : answerOfFailure(result.failure)
  }

  const finish = async (
    { held }: Pass<Content>,
    { applying, content, resourceVersion }: Member<Content>,
  ): Promise<Answer<Content>> => {
    const request = requests.get(applying.uid) ?? content.request!
    requests.delete(applying.uid)
    if (request.metadata.resourceVersion !== resourceVersion) return { is: 'Conflict' }
    return write('ChangeRequest', request, finished(request, { version: held!.version, now: clock.now() }))
  }

  const takeBack = async ({ name, uid, resourceVersion }: Stale): Promise<Answer<Content>> => {
    const read = await cluster.read('ChangeRequest', keyOf(name))
    if (!read.ok) return answerOfFailure(read.failure)
    if (read.value?.metadata.uid !== uid) return { is: 'Gone' }
    if (read.value.metadata.resourceVersion !== resourceVersion) return { is: 'Conflict' }
    return write('ChangeRequest', read.value, takenBack(read.value, clock.now()))
  }

  const orAgain = ({ applying }: Member<Content>, answer: Answer<Content>): Answer<Content> => {
    if (answer.is !== 'Written') again(keyOf(applying.name))
    return answer
  }

  const batch = async (pass: Pass<Content>): Promise<Answer<Content>> => {
    onComponents.forget()
    requests.clear()
    const planned = await plan(environment!, pass.held!, seen)
    return planned.ok ? { is: 'Batch', members: planned.value } : answerOfFailure(planned.failure)
  }

  return async (pass, effect) => {
    const now = clock.now()
    const { held } = pass
    switch (effect.do) {
      case 'ReadEnvironment':
        return readEnvironment()
      case 'Claim': {
        const { resourceVersion, highest } = pass.read!
        // One above the Environment's own is of another etcd (a restored backup), and would never be reached.
        seen = isNewer(highest, resourceVersion) ? '0' : highest
        return writeEnvironment(resourceVersion, (current) => claimed(current, holder, now))
      }
      case 'Look':
        return look(pass)
      case 'Plan':
        return batch(pass)
      case 'Promise':
        return promise(pass, effect.pledge)
      case 'Settle':
        return orAgain(effect.member, await settle(effect.member))
      case 'WriteAhead':
        return orAgain(effect.member, await writeAhead(pass, effect.member))
      case 'Publish': {
        const applying = pass.members.map((member) => member.applying)
        const version = held!.version + 1
        const next = { holder, version, applying, highest: held!.highest, ...promises(), now }
        return writeEnvironment(held!.resourceVersion, (current) => published(current, next))
      }
      case 'Store':
        return store(pass)
      case 'WriteSpec':
        return onComponents.writeSpec(effect.member, effect.target)
      case 'WriteCommitted':
        return onComponents.writeCommitted(held!.version, effect.member, effect.target)
      case 'Reread':
        return onComponents.reread(held!.version, effect.member, effect.target)
      case 'Finish':
        return finish(pass, effect.member)
      case 'TakeBack':
        return takeBack(effect.stale)
      case 'Clear': {
        const next = { highest: held!.highest, queued: queued(environmentKey), ...promises(), now }
        return writeEnvironment(held!.resourceVersion, (current) => cleared(current, next))
      }
    }
  }
}

/** The name of what a version decided: the same whoever completes it. */
export const changeIdOf = (applying: readonly Applying[]): string =>
  applying
    .map(({ uid }) => uid)
    .sort()
    .join(',')

const memberOf = (
  applying: Applying,
  resourceVersion: string,
  names: readonly string[],
  content: Content,
): Member<Content> => ({
  applying,
  stage: names.length > 0 ? 'Commit' : 'Finish',
  resourceVersion,
  targets: names.map((component) => ({ component, resourceVersion: '', stage: 'Reread' })),
  content,
})

const isFinal = ({ retry, outcome }: Failure): boolean => !retry && outcome !== 'Unknown'
