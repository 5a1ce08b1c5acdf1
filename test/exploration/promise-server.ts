import type { Environment, EnvironmentStatus } from '../../operator/api/kinds.generated.ts'
import { isNewer } from '../../operator/api/resource-version.ts'
import type { Effect, Held, Member, Stale } from '../../operator/core/change/commit.ts'
import { inFlightFor, type Open, openPromises, pledgeFor, promiseOf } from '../../operator/core/change/promise.ts'
import { claimed, cleared, promised, published } from '../../operator/core/lock/claim.ts'
import {
  applyingOf,
  type Content,
  environmentOf,
  ids,
  isDone,
  isPending,
  keyOf,
  names,
  namespace,
  type Outcome,
  replaced,
  type Sent,
  type Server,
  type Setting,
  type State,
  sightOf,
  type View,
} from './promise-world.ts'

type MemberEffect = Extract<Effect<Content>, { member: Member<Content> }>

/** Does a holder's effect in the world: every state and answer that may come of it. */
export const makeServer = (setting: Setting): ((w: Server, sent: Sent) => Outcome[]) => {
  const { kinds, without } = setting

  /** All that the caches may show of Components and of the other environment, to one who has seen `highest`. */
  const views = (w: Server, e: number, highest: string): View[] => {
    const { now, past } = w.environments[1 - e]!
    const moments = new Set([Number(highest), ...w.components.map(({ rv }) => rv)])
    return [...moments]
      .filter((reached) => !isNewer(highest, `${reached}`))
      .flatMap((reached) => [...past, now].map((other) => ({ reached, other })))
  }

  const openIn = (w: Server, environment: Environment, view: View, e: number): Open => {
    const found = openPromises(environment, sightOf(w, view, e))
    if (without === 'heeding promises') return { open: [], seen: found.seen }
    if (without !== 'having seen what came of them') return found
    const at = `${view.other.rv}`
    return { open: found.open.filter(({ resourceVersion }) => resourceVersion === at), seen: '0' }
  }

  /** Every way to plan: as something that passes, as something that is refused, or nothing yet. */
  const plan = (w: Server, e: number, held: Held): Outcome[] => {
    if (!isPending(w, e, setting)) return [[w, { is: 'Batch', members: [] }]]
    const { now, past } = w.environments[e]!
    const state = [...past, now].find(({ rv }) => `${rv}` === held.resourceVersion) ?? now
    const batches = views(w, e, held.highest).map((view) => planIn(w, e, environmentOf(state, e), view))
    const different = new Map(batches.map((members) => [JSON.stringify(members), members]))
    return [...different.values()].map((members) => [w, { is: 'Batch', members }])
  }

  const planIn = (w: Server, e: number, environment: Environment, view: View): Member<Content>[] => {
    const { rv } = w.requests[e]!
    const applying = applyingOf(e, setting)
    const isAsked = applying.kind === 'ChangeRequest'
    const target = { component: names[e]!, resourceVersion: `${w.components[e]!.rv}`, stage: 'Committed' } as const
    const member: Member<Content> = {
      applying,
      stage: isAsked ? 'WriteAhead' : 'Ahead',
      resourceVersion: `${rv}`,
      targets: [target],
      content: { change: e },
    }
    const waits = inFlightFor(openIn(w, environment, view, e).open, namespace, () => ids)
    if (waits.some(({ affected }) => affected.has(ids[e]!))) return []
    // What it needs is gone, or what it takes away is needed.
    if (isDone(w.components[1 - e]!, view)) return isAsked ? [{ ...member, stage: 'Settle', targets: [] }] : []
    if (e === 0 || without === 'the promise') return [member]
    const pledge = pledgeFor([ids[0]], keyOf(0), { environment, sight: sightOf(w, view, e) })
    return pledge ? [{ ...member, refers: [pledge] }] : []
  }

  const look = (w: Server, e: number, held: Held): Outcome[] => {
    const { rv, phase, claim } = w.requests[e]!
    const open = held.applying.map(
      (applying): Member<Content> => ({
        applying,
        stage: 'Commit',
        resourceVersion: `${rv}`,
        targets: [{ component: names[e]!, resourceVersion: '0', stage: 'Reread' }],
        content: { change: e },
        finished: phase === 'Applied',
      }),
    )
    const isStale = phase === 'Applying' && open.length === 0
    const stale: Stale[] = isStale ? [{ name: `r${e}`, uid: `${e}`, resourceVersion: `${rv}`, claim }] : []
    return [[w, { is: 'Seen', open, stale }]]
  }

  /** Every write of an Environment by its holder, with all that may have been seen of what is promised in it. */
  const onEnvironment = (
    w: Server,
    e: number,
    condition: string,
    highest: string,
    next: (environment: Environment, promises: Open) => EnvironmentStatus,
  ): Outcome[] => {
    const { now } = w.environments[e]!
    if (condition !== `${now.rv}`) return conflict(w)
    const environment = environmentOf(now, e)
    const promises = now.status.promised
      ? views(w, e, highest).map((view) => openIn(w, environment, view, e))
      : [{ open: [], seen: '0' }]
    const different = new Map(promises.map((one) => [JSON.stringify(one), one]))
    return [...different.values()].map((one) => writtenIn(w, e, next(environment, one)))
  }

  const promise = (w: Server, { in: e, held, effect }: Sent): Outcome[] => {
    if (effect.do !== 'Promise') return []
    const { pledge } = effect
    const { now } = w.environments[1 - e]!
    const condition = without === 'compare-and-set' ? `${now.rv}` : pledge.resourceVersion
    const entry = promiseOf(pledge, { ...held!, environment: keyOf(e) }, namespace)
    // The holder of one environment has seen of another what came of earlier promises, or not.
    return onEnvironment(w, 1 - e, condition, held!.highest, (environment, promises) =>
      promised(environment, { promise: entry, promises, now: 0 }),
    )
  }

  const onRequest = (w: Server, change: number, condition: string, next: Partial<Server['requests'][number]>) => {
    const request = w.requests[change]!
    if (`${request.rv}` !== condition) return conflict(w)
    const rv = request.rv + 1
    return written({ ...w, requests: replaced(w.requests, change, { ...request, ...next, rv }) }, rv)
  }

  const onMember = (w: Server, { in: e, held }: Sent, effect: MemberEffect): Outcome[] => {
    const { member } = effect
    if (!('target' in effect)) {
      const phases = { WriteAhead: 'Applying', Settle: 'Rejected', Finish: 'Applied' } as const
      const claim = effect.do === 'WriteAhead' ? { claim: held!.claim } : {}
      return onRequest(w, e, member.resourceVersion, { phase: phases[effect.do], ...claim })
    }
    const was = w.components[e]!
    if (effect.do === 'Reread') {
      const component = { resourceVersion: `${was.rv}`, carries: was.done, edited: false }
      return [[w, { is: 'Component', environment: `${w.environments[e]!.now.rv}`, component }]]
    }
    if (effect.target.resourceVersion !== `${was.rv}`) return conflict(w)
    // What is let through of it stands in spec already.
    if (effect.do === 'WriteSpec') return written(w, was.rv)
    const rv = Math.max(...w.components.map((component) => component.rv)) + 1
    return written({ ...w, components: replaced(w.components, e, { rv, done: true, since: rv }) }, rv)
  }

  return (w, sent) => {
    const { in: e, effect, held, read, members } = sent
    switch (effect.do) {
      case 'ReadEnvironment': {
        const { rv, status } = w.environments[e]!.now
        const { version = 0, applying = [], committedResourceVersion: highest = '0' } = status
        return [[w, { is: 'Environment', environment: { resourceVersion: `${rv}`, version, applying, highest } }]]
      }
      case 'Claim':
        return onEnvironment(w, e, read, '0', (environment) => claimed(environment, 'h', 0)).slice(0, 1)
      case 'Look':
        return look(w, e, held!)
      case 'Plan':
        return plan(w, e, held!)
      case 'Promise':
        return promise(w, sent)
      case 'Publish':
        return onEnvironment(w, e, held!.resourceVersion, held!.highest, (environment, promises) => {
          const applying = members.map((member) => member.applying)
          const { highest, version } = held!
          return published(environment, { holder: 'h', version: version + 1, applying, highest, promises, now: 0 })
        })
      case 'Clear':
        return onEnvironment(w, e, held!.resourceVersion, held!.highest, (environment, promises) =>
          cleared(environment, { highest: held!.highest, queued: 0, promises, now: 0 }),
        )
      case 'Prepare':
        throw new Error('expected changes of one environment, found one over several')
      case 'Store':
        return written(w, 0)
      case 'TakeBack':
        return onRequest(w, e, effect.stale.resourceVersion, { phase: 'Pending', claim: '0' })
      case 'Repair':
        throw new Error('expected a graph that is as committed')
      default:
        return kinds[e] === 'ChangeRequest' || 'target' in effect ? onMember(w, sent, effect) : []
    }
  }
}

const conflict = (w: Server): Outcome[] => [[w, { is: 'Conflict' }]]
const written = (w: Server, rv: number): Outcome[] => [[w, { is: 'Written', resourceVersion: `${rv}` }]]

const writtenIn = (w: Server, e: number, status: EnvironmentStatus): Outcome => {
  const { version, applying, committedResourceVersion, promised: promises, lockedBy } = status
  const now: State = {
    rv: w.environments[e]!.now.rv + 1,
    status: {
      ...(version !== undefined && { version }),
      ...(applying && { applying }),
      ...(committedResourceVersion && { committedResourceVersion }),
      ...(promises && { promised: promises }),
      ...(lockedBy && { lockedBy }),
    },
  }
  return [moved(w, e, now), { is: 'Written', resourceVersion: `${now.rv}` }]
}

/** Somebody writes an Environment. */
export const moved = (w: Server, e: number, now: State): Server => {
  const { now: before, past } = w.environments[e]!
  return { ...w, environments: replaced(w.environments, e, { now, past: [...past, before] }) }
}
