import type { Applying, ChangeRequest, DecidedBy, Environment, EnvironmentStatus } from '../api/kinds.generated.ts'
import type { Parsed } from '../api/parse.ts'
import { isNewer } from '../api/resource-version.ts'
import { type Result, success } from '../api/result.ts'
import type { Answer, Effect, Held, Member, Pass, Target } from '../core/change/commit.ts'
import type { Step } from '../core/change/life.ts'
import type { Plan } from '../core/change/plan.ts'
import type { Pledge } from '../core/change/pledge.ts'
import { type Open, openPromises, promiseOf } from '../core/change/promise.ts'
import type { Wanted } from '../core/component/wanted.ts'
import { append, type Transition } from '../core/event/outbox.ts'
import type { World } from '../core/guard/facts.ts'
import { claimed, cleared, prepared, promised, published } from '../core/lock/claim.ts'
import type { Clock } from '../ports/clock.ts'
import type { Caches, Cluster, Of } from '../ports/cluster.ts'
import type { GraphPatch, GraphStore, Head, Publisher } from '../ports/graph.ts'
import { answerOfFailure, makeComponentEffects } from './component-effects.ts'
import { rebuildAsked } from './graph-check.ts'
import { makeLook, type Seen } from './look.ts'
import type { Outages } from './outages.ts'
import type { Repairs } from './repairs.ts'
import { makeRequestEffects } from './request-effects.ts'
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
  /** the graph of the environment must be loaded before the next plan */
  readonly onTakenOver: () => void
  /** The store gets what is committed, as this version. */
  readonly rebuild: (environmentKey: string, version: number, by: Publisher) => Promise<Result<Head>>
  /** whether the store says what is committed, as this version */
  readonly confirm: (environmentKey: string, version: number) => Promise<Result<boolean>>
  /** what was set right, to be told with the next write of the Environment */
  readonly repairs: Repairs
  readonly outages: Pick<Outages, 'read' | 'written'>
}

/** The way through one environment. */
export interface Passage {
  /** Carries out one effect of the commit protocol, and says what came of it. */
  carryOut(pass: Pass<Content>, effect: Effect<Content>): Promise<Answer<Content>>
  /** A change over several environments, which passes here too, has written its request. */
  carry(request: Of<'ChangeRequest'>): void
  /** as this holder read or wrote it last */
  environment(): Of<'Environment'>
  /** a plan must have seen Components at least as new as this resourceVersion */
  seen(): string
}

/**
 * The effects of core/change/commit on the API server. What this holder has read and written on its way is kept: a write
 * is decided on exactly the version it is conditioned on.
 */
export const makePassage = (environmentKey: string, dependencies: PassageDependencies): Passage => {
  const { cluster, caches, graph, clock, holder, plan, again, queued, onTakenOver, rebuild, confirm, repairs } =
    dependencies
  const { outages } = dependencies
  const [namespace = '', name = ''] = environmentKey.split('/')
  const { look, readPart } = makeLook(environmentKey, { cluster, caches })
  const sight = sightOf(caches)
  let environment: Of<'Environment'> | undefined
  const onRequests = makeRequestEffects(namespace, { cluster, clock, again })
  const onComponents = makeComponentEffects({ environmentKey, cluster, caches, clock, requestOf: onRequests.current })
  /** What this process writes itself is in its caches at once; what others wrote is up to here. */
  let seen = '0'

  const keep = (object: Of<'Environment'>): string => {
    environment = object
    return object.metadata.resourceVersion ?? ''
  }

  /** What was set right, or found to be, has happened before whatever is written now. */
  const withRepairs = (current: Environment, untold: readonly Transition[]): Environment => {
    const asked = repairs.asked(environmentKey)
    if (untold.length === 0 && (asked ?? current.status?.graphRebuilt) === current.status?.graphRebuilt) return current
    const told = untold.length > 0 ? append(current.status, untold, clock.now()) : {}
    return { ...current, status: { ...current.status, ...told, ...(asked !== undefined && { graphRebuilt: asked }) } }
  }

  /** The Environment at the version this holder wrote or read last. */
  const writeEnvironment = async (
    resourceVersion: string,
    next: (environment: Environment) => EnvironmentStatus,
  ): Promise<Answer<Content>> => {
    if (environment?.metadata.resourceVersion !== resourceVersion) return { is: 'Conflict' }
    const untold = repairs.untold(environmentKey)
    const result = await cluster.writeStatus('Environment', environment, next(withRepairs(environment, untold)))
    if (!result.ok) return answerOfFailure(result.failure)
    repairs.told(environmentKey, untold)
    return { is: 'Written', resourceVersion: keep(result.value) }
  }

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
      prepared: waiting,
      committedResourceVersion: highest = '0',
    } = read.value.status ?? {}
    const resourceVersion = keep(read.value)
    const known = { resourceVersion, version, applying, ...(waiting && { prepared: waiting }), highest }
    return { is: 'Environment', environment: known }
  }

  /** What is promised in this environment, as far as the caches show what became of it. */
  const promises = (): { promises: Open } | undefined =>
    environment?.status?.promised && { promises: openPromises(environment, sight) }

  const promise = async ({ held, members }: Pass<Content>, pledge: Pledge): Promise<Answer<Content>> => {
    const answer = await promiseIn(caches.Environment.get(pledge.environment), held!, pledge)
    if (answer.is !== 'Written')
      for (const { applying, content } of members) if (content.request) again(`${namespace}/${applying.name}`)
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
    if (members.length === 0) return setRight(held!, '')
    const patch = patches.flatMap((one) => one ?? [])
    const by = { changeId: changeIdOf(held!.applying), claim: held!.claim }
    const { version } = held!
    const result = await outages.written(environmentKey, version, graph.publish(environmentKey, version, patch, by))
    if (result.ok) return { is: 'Written', resourceVersion: result.value.sum }
    // It is decided, and the store is elsewhere: it gets what is committed, once that is whole.
    if (result.failure.reason !== 'VersionGap' && result.failure.reason !== 'VersionTaken')
      return answerOfFailure(result.failure)
    onTakenOver()
    return { is: 'Written', resourceVersion: '' }
  }

  /** By what somebody asks for the graph to be built, who has no answer yet. */
  const unanswered = (): string | undefined => {
    const asked = rebuildAsked(environment!)
    return asked === environment!.status?.graphRebuilt ? undefined : asked
  }

  /** The store becomes what is committed, as the version that this holder holds. */
  const setRight = async ({ version, claim }: Held, changeId: string): Promise<Answer<Content>> => {
    const asked = unanswered()
    const found = await graph.head(environmentKey)
    if (!found.ok) return answerOfFailure(found.failure)
    const rebuilding = rebuild(environmentKey, version, { changeId, claim })
    const result = await outages.written(environmentKey, version, rebuilding)
    if (!result.ok) return answerOfFailure(result.failure)
    repairs.storeBuilt(environmentKey, { found: found.value, made: result.value, asked })
    return { is: 'Written', resourceVersion: result.value.sum }
  }

  /** A store that has yet to reach the version that is decided gets it; one that has one needs another, above both. */
  const repaired = async ({ held }: Pass<Content>): Promise<Answer<Content> | undefined> => {
    const head = await graph.head(environmentKey)
    if (!head.ok) return answerOfFailure(head.failure)
    const asked = unanswered()
    // Who asks does not know that it differs.
    const confirmed = asked === undefined ? success(false) : await confirm(environmentKey, held!.version)
    if (!confirmed.ok) return answerOfFailure(confirmed.failure)
    if (asked !== undefined && confirmed.value) {
      repairs.confirmed(environmentKey, asked)
      return undefined
    }
    if (head.value.version >= held!.version) return { is: 'Differs', version: head.value.version + 1 }
    const answer = await setRight(held!, changeIdOf(held!.applying))
    return answer.is === 'Written' ? undefined : answer
  }

  const reread = async (pass: Pass<Content>, member: Member<Content>, target: Target): Promise<Answer<Content>> => {
    if (!target.elsewhere) return onComponents.reread(pass.held!.version, member, target)
    const part = await readPart(member, target)
    if (!part.ok) return answerOfFailure(part.failure)
    const own = await cluster.read('Environment', environmentKey)
    if (!own.ok) return answerOfFailure(own.failure)
    const seenAt = own.value?.metadata.resourceVersion ?? ''
    return { is: 'Component', environment: seenAt, ...(part.value && { component: part.value }) }
  }

  const batch = async (pass: Pass<Content>): Promise<Answer<Content>> => {
    onComponents.forget()
    onRequests.forget()
    let planned = await plan(environment!, pass.held!, seen)
    // That of another environment is set right there; this one waits for it.
    if (!planned.ok && planned.failure.reason === 'GraphDiffers' && repairs.isNeeded(environmentKey)) {
      const answer = await repaired(pass)
      if (answer) return answer
      planned = await plan(environment!, pass.held!, seen)
    }
    outages.read(environmentKey, planned)
    return planned.ok ? { is: 'Batch', members: planned.value } : answerOfFailure(planned.failure)
  }

  const carryOut = async (pass: Pass<Content>, effect: Effect<Content>): Promise<Answer<Content>> => {
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
        return answerOfLook(await look(held!))
      case 'Plan':
        return batch(pass)
      case 'Repair': {
        const next = { holder, version: effect.version, applying: [], highest: held!.highest, ...promises(), now }
        return writeEnvironment(held!.resourceVersion, (current) => published(current, next))
      }
      case 'Promise':
        return promise(pass, effect.pledge)
      case 'Settle':
        return onRequests.settle(effect.member, name)
      case 'WriteAhead':
        return onRequests.writeAhead(effect.member, { claim: held!.claim, holder, version: held!.version + 1 })
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
        return reread(pass, effect.member, effect.target)
      case 'Finish':
        return onRequests.finish(effect.member, held!.version)
      case 'TakeBack':
        return onRequests.takeBack(effect.stale)
      case 'Prepare': {
        const next = { prepared: effect.prepared, holder, highest: held!.highest, now }
        return writeEnvironment(held!.resourceVersion, (current) => prepared(current, next))
      }
      case 'Clear': {
        const next = { highest: held!.highest, queued: queued(environmentKey), ...promises(), now }
        return writeEnvironment(held!.resourceVersion, (current) => cleared(current, next))
      }
    }
  }

  return {
    carryOut,
    carry: onRequests.carry,
    environment: () => environment!,
    seen: () => seen,
  }
}

/** The name of what a version decided: the same whoever completes it. */
export const changeIdOf = (applying: readonly Applying[]): string =>
  applying
    .map(({ uid }) => uid)
    .sort()
    .join(',')

const answerOfLook = (found: Result<Seen>): Answer<Content> =>
  found.ok ? { is: 'Seen', ...found.value } : answerOfFailure(found.failure)
