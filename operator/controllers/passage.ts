import type { Applying, ChangeRequest, Component, Environment, JsonObject } from '../api/kinds.generated.ts'
import { emptyObject, patchBetween } from '../api/merge-patch.ts'
import type { Parsed } from '../api/parse.ts'
import { type Failure, type Result, success } from '../api/result.ts'
import {
  type Answer,
  type Effect,
  type Held,
  isNewer,
  type Member,
  type Pass,
  type Stale,
  type Target,
} from '../core/change/commit.ts'
import type { Step } from '../core/change/life.ts'
import { patchOfUntouched } from '../core/change/patch.ts'
import { editOf, type Plan } from '../core/change/plan.ts'
import { finished, stopped, takenBack, writtenAhead } from '../core/change/request-status.ts'
import { committedStatus, removedStatus } from '../core/component/status.ts'
import { hashOf, type Wanted, wantedOf } from '../core/component/wanted.ts'
import type { World } from '../core/guard/facts.ts'
import { claimed, cleared, prepared, published } from '../core/lock/claim.ts'
import type { Clock } from '../ports/clock.ts'
import type { Caches, Cluster, Kind, Kinds, Of } from '../ports/cluster.ts'
import type { GraphPatch, GraphStore } from '../ports/graph.ts'
import { changeAnnotation } from './component.ts'
import { makeLook, type Reread, type Seen } from './look.ts'

/** What a member of a batch carries. Of one that was taken over only the request is known. */
export interface Content {
  readonly request?: Parsed<ChangeRequest>
  readonly plan?: Plan
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
  const { look, readPart } = makeLook(environmentKey, { cluster, caches })
  let environment: Of<'Environment'> | undefined
  const components = new Map<string, Of<'Component'>>()
  /** What this process writes itself is in its caches at once; what others wrote is up to here. */
  let seen = '0'
  const keyOf = (name: string): string => `${namespace}/${name}`

  const keep = <K extends Kind>(kind: K, object: Of<K>): string => {
    if (kind === 'Component') components.set(keyOf(object.metadata.name), object as Of<'Component'>)
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
      prepared: waiting,
      committedResourceVersion: highest = '0',
    } = read.value.status ?? {}
    const resourceVersion = keep('Environment', read.value)
    const known = { resourceVersion, version, applying, ...(waiting && { prepared: waiting }), highest }
    return { is: 'Environment', environment: known }
  }

  const settle = async ({
    content: { request, step, world, position = 1 },
  }: Member<Content>): Promise<Answer<Content>> => {
    const now = clock.now()
    const status = stopped(request!, step!, { world, environment: environment?.metadata.name, position, now })
    return write('ChangeRequest', request!, status)
  }

  const writeAhead = async ({ held }: Pass<Content>, { content: { request, plan, world } }: Member<Content>) => {
    const version = held!.version + 1
    const ahead = writtenAhead(request!, {
      plan: plan!,
      world: world!,
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
  /** requests of this holder as it wrote them ahead */
  const requests = new Map<string, Of<'ChangeRequest'>>()

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

  const writeSpec = async ({ applying, content }: Member<Content>, target: Target): Promise<Answer<Content>> => {
    const component = components.get(keyOf(target.component)) ?? caches.Component.get(keyOf(target.component))
    if (component?.metadata.resourceVersion !== target.resourceVersion) return { is: 'Conflict' }
    const before = component.status?.committed?.config ?? {}
    const patch = patchBetween(before, afterOf(content, component))
    const config = patchOfUntouched(patch, before, component.spec.config ?? {})
    if (Object.keys(config).length === 0) return { is: 'Written', resourceVersion: keep('Component', component) }
    return answerOf('Component', await cluster.writeConfig(component, config, { [changeAnnotation]: applying.uid }))
  }

  const writeCommitted = async ({ held }: Pass<Content>, { applying, content }: Member<Content>, target: Target) => {
    const component = components.get(keyOf(target.component)) ?? caches.Component.get(keyOf(target.component))
    if (component?.metadata.resourceVersion !== target.resourceVersion) return { is: 'Conflict' } as const
    const now = clock.now()
    const { version } = held!
    if (applying.kind === 'Removal') return write('Component', component, removedStatus(component, { version, now }))
    const change = applying.kind === 'ChangeRequest' ? { name: applying.name, uid: applying.uid } : undefined
    const wanted = change ? changed(component, afterOf(content, component)) : wantedOf(component.spec)
    return write('Component', component, committedStatus(component, { wanted, version, change, now }))
  }

  const reread = async (pass: Pass<Content>, member: Member<Content>, target: Target): Promise<Answer<Content>> => {
    const found = target.elsewhere ? await readPart(member, target) : await readOwn(pass, member, target)
    if (!found.ok) return answerOfFailure(found.failure)
    const seen = await cluster.read('Environment', environmentKey)
    if (!seen.ok) return answerOfFailure(seen.failure)
    const environmentVersion = seen.value?.metadata.resourceVersion ?? ''
    return { is: 'Component', environment: environmentVersion, ...(found.value && { component: found.value }) }
  }

  const readOwn = async (
    { held }: Pass<Content>,
    { applying }: Member<Content>,
    target: Target,
  ): Promise<Result<Reread | undefined>> => {
    const component = await cluster.read('Component', keyOf(target.component))
    if (!component.ok || !component.value) return component.ok ? success(undefined) : component
    const { metadata, spec, status } = component.value
    const { committed } = status ?? {}
    const carries = applying.kind === 'Removal' ? !committed : (committed?.graphVersion ?? 0) >= held!.version
    const edited =
      (applying.kind === 'Creation' && applying.hash !== hashOf(wantedOf(spec))) ||
      (applying.kind !== 'ChangeRequest' && metadata.uid !== applying.uid)
    return success({ resourceVersion: keep('Component', component.value), carries, edited })
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

  const takeBack = async ({ request, uid, resourceVersion }: Stale): Promise<Answer<Content>> => {
    const read = await cluster.read('ChangeRequest', request)
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
    components.clear()
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
        return answerOfLook(await look(held!))
      case 'Plan':
        return batch(pass)
      case 'Settle':
        return orAgain(effect.member, await settle(effect.member))
      case 'WriteAhead':
        return orAgain(effect.member, await writeAhead(pass, effect.member))
      case 'Publish': {
        const applying = pass.members.map((member) => member.applying)
        const version = held!.version + 1
        const next = { holder, version, applying, highest: held!.highest, now }
        return writeEnvironment(held!.resourceVersion, (current) => published(current, next))
      }
      case 'Store':
        return store(pass)
      case 'WriteSpec':
        return writeSpec(effect.member, effect.target)
      case 'WriteCommitted':
        return writeCommitted(pass, effect.member, effect.target)
      case 'Reread':
        return reread(pass, effect.member, effect.target)
      case 'Finish':
        return finish(pass, effect.member)
      case 'TakeBack':
        return takeBack(effect.stale)
      case 'Prepare': {
        const next = { prepared: effect.prepared, holder, highest: held!.highest, now }
        return writeEnvironment(held!.resourceVersion, (current) => prepared(current, next))
      }
      case 'Clear': {
        const next = { highest: held!.highest, queued: queued(environmentKey), now }
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

/** The config that the change makes: as planned, or for one that was taken over worked out again, on what it found. */
const afterOf = ({ plan, request }: Content, { status }: Component): JsonObject =>
  plan ? plan.after : editOf(status?.committed?.config ?? emptyObject(), request!.spec).after

/** A request changes config; the rest stays as it was let through. */
const changed = ({ status }: Component, config: JsonObject): Wanted => wantedOf({ ...status?.committed, config })

const isFinal = ({ retry, outcome }: Failure): boolean => !retry && outcome !== 'Unknown'

const answerOfLook = (found: Result<Seen>): Answer<Content> =>
  found.ok ? { is: 'Seen', ...found.value } : answerOfFailure(found.failure)

const answerOfFailure = (failure: Failure): Answer<Content> => {
  const { reason } = failure
  if (reason === 'Conflict' || reason === 'VersionTaken' || reason === 'VersionGap') return { is: 'Conflict' }
  if (reason === 'NotFound') return { is: 'Gone' }
  return { is: 'Unknown', failure }
}
