import { isNewer } from '../../../../operator/api/resource-version.ts'
import type { Answer, Effect, Held, Member, Stale } from '../../../../operator/core/change/commit.ts'
import { Violation } from '../../../support/exploration/search.ts'
import {
  applyingOf,
  type Content,
  nextOf,
  type Outcome,
  replaced,
  type Sent,
  type Server,
  type Setting,
} from './schedule-world.ts'

type RequestEffect = Extract<Effect<Content>, { do: 'Finish' | 'Settle' | 'WriteAhead' }>
type ComponentEffect = Extract<Effect<Content>, { do: 'WriteSpec' | 'WriteCommitted' | 'Reread' }>

/** Does a holder's effect in the world: every state and answer that may come of it. */
export const makeServer = ({ changes, without }: Pick<Setting, 'changes' | 'without'>) => {
  const componentOf = (change: number): number => changes[change]!

  const member = (
    change: number,
    rv: number,
    content: Content,
    stage: Member<Content>['stage'],
    resourceVersion: string,
    target: 'Spec' | 'Reread',
  ): Member<Content> => ({
    applying: applyingOf(change),
    stage,
    resourceVersion: `${rv}`,
    targets: [{ component: `${componentOf(change)}`, resourceVersion, stage: target }],
    content,
  })

  const look = (w: Server, held: Held): Outcome[] => {
    const applying = held.applying.map(({ uid }) => Number(uid))
    const open: Member<Content>[] = []
    const stale: Stale[] = []
    w.requests.forEach((request, change) => {
      if (applying.includes(change)) {
        if (request.phase === 'Pending' || request.phase === 'Rejected')
          throw new Violation(`applying but ${request.phase}`)
        const content = { change, after: '', rejected: false, version: held.version, ...request.ahead?.content }
        open.push({
          ...member(change, request.rv, content, 'Commit', '0', 'Reread'),
          finished: request.phase === 'Applied',
        })
      } else if (request.phase === 'Applying') {
        const claim = without === 'comparing claims' ? '0' : request.ahead!.claim
        stale.push({ name: `r${change}`, uid: `${change}`, resourceVersion: `${request.rv}`, claim })
      }
    })
    return [[w, { is: 'Seen', open, stale }]]
  }

  /** Every way to plan one change: from any cached Component that is new enough, and, for the second, rejected. */
  const planOne = (w: Server, held: Held, change: number): Member<Content>[] => {
    const component = w.components[componentOf(change)]!
    const rv = w.requests[change]!.rv
    const seen = [...component.past, [component.rv, component.committed] as const]
    return seen.flatMap(([at, committed], i) => {
      // Up to the moment when the next one came.
      const until = seen[i + 1]?.[0]
      if (until !== undefined && !isNewer(`${until}`, held.highest)) return []
      const content = { change, after: `${committed}${change}`, rejected: false, version: held.version + 1 }
      const planned = [member(change, rv, content, 'WriteAhead', `${at}`, 'Spec')]
      if (change === 1) planned.push(member(change, rv, { ...content, rejected: true }, 'Settle', `${at}`, 'Spec'))
      return planned
    })
  }

  /** Every batch that may be planned, with one change of each Component. */
  const plan = (found: Server, held: Held): Outcome[] => {
    const { env, store: versions } = found
    const isBehind = (versions.at(-1)?.version ?? 0) < held.version
    // A version whose patch is lost is stored as what was committed by it.
    const w = isBehind ? { ...found, store: [...versions, asCommitted(found, held)] } : found
    const differs: Outcome[] =
      env.differing > 0
        ? [
            [
              { ...w, env: { ...env, differing: env.differing - 1 } },
              { is: 'Differs', version: held.version + 1 },
            ],
          ]
        : []
    return [...differs, ...batches(w, held)]
  }

  const asCommitted = ({ components }: Server, { version }: Held) => ({
    version,
    changes: [],
    content: components.map(({ committed }) => committed),
  })

  const batches = (w: Server, held: Held): Outcome[] => {
    const pending = w.requests.flatMap((request, change) => (request.phase === 'Pending' ? [change] : []))
    if (pending.length === 0) return [[w, { is: 'Batch', members: [] }]]
    const planned = pending.flatMap((change) => planOne(w, held, change).map((m) => [m]))
    const [a, b] = pending
    if (a !== undefined && b !== undefined && componentOf(a) !== componentOf(b)) {
      const second = planOne(w, held, b)
      planned.push(...planOne(w, held, a).flatMap((x) => second.map((y) => [x, y])))
    }
    return planned.map((members) => [w, { is: 'Batch', members }])
  }

  const claim = (w: Server, read: string): Outcome[] => {
    if (without === 'claim') return written(w, {}, w.env.rv)
    const rv = w.env.rv + 1
    return read === `${w.env.rv}` ? written(w, { env: { ...w.env, rv } }, rv) : conflict(w)
  }

  const publish = (w: Server, held: Held, members: readonly Member<Content>[]): Outcome[] => {
    if (held.resourceVersion !== `${w.env.rv}` && without !== 'compare-and-set') return conflict(w)
    const rv = w.env.rv + 1
    const applying = members.map(({ content }) => content.change)
    const { differing } = w.env
    return written(w, { env: { rv, version: held.version + 1, applying, highest: held.highest, differing } }, rv)
  }

  const store = (w: Server, held: Held, members: readonly Member<Content>[]): Outcome[] => {
    const carried = held.applying.map(({ uid }) => Number(uid))
    const known = w.store.find(({ version }) => version === held.version)
    if (known) return `${known.changes}` === `${carried}` ? written(w, {}, 0) : conflict(w)
    // Nothing changed but the store, which is set right.
    if (carried.length === 0) return written(w, { store: [...w.store, asCommitted(w, held)] }, 0)
    const last = w.components.map((_, index) => w.store.at(-1)?.content[index] ?? '')
    const content = members.reduce((all, m) => replaced(all, componentOf(m.content.change), m.content.after), last)
    return written(w, { store: [...w.store, { version: held.version, changes: carried, content }] }, 0)
  }

  const clear = (w: Server, held: Held): Outcome[] => {
    if (held.resourceVersion !== `${w.env.rv}`) return conflict(w)
    const rv = w.env.rv + 1
    return written(w, { env: { ...w.env, rv, applying: [], highest: held.highest } }, rv)
  }

  return (w: Server, { effect, held, read, members }: Sent): Outcome[] => {
    switch (effect.do) {
      case 'ReadEnvironment':
        return [[w, { is: 'Environment', environment: environmentOf(w) }]]
      case 'Claim':
        return claim(w, read)
      case 'Look':
        return look(w, held!)
      case 'Plan':
        return plan(w, held!)
      case 'Publish':
        return publish(w, held!, members)
      case 'Store':
        return store(w, held!, members)
      case 'Clear':
        return clear(w, held!)
      case 'TakeBack':
        return takeBack(w, effect.stale)
      case 'Settle':
      case 'WriteAhead':
      case 'Finish':
        return onRequest(w, effect, held!)
      case 'Prepare':
        throw new Error('expected changes of one environment, found one over several')
      case 'Promise':
        throw new Violation('nothing here leads elsewhere')
      case 'Repair':
        if (effect.version !== held!.version + 1) throw new Violation(`repaired as version ${effect.version}`)
        return publish(w, held!, [])
      default:
        return onComponent(w, effect)
    }
  }
}

const conflict = (w: Server): Outcome[] => [[w, { is: 'Conflict' }]]

const written = (w: Server, next: Partial<Server>, rv: number): Outcome[] => {
  const answer: Answer<Content> = { is: 'Written', resourceVersion: `${rv}` }
  return [[{ ...w, ...next }, answer]]
}

const environmentOf = ({ env }: Server): Omit<Held, 'claim'> => ({
  resourceVersion: `${env.rv}`,
  version: env.version,
  applying: env.applying.map(applyingOf),
  highest: env.highest,
})

const takeBack = (w: Server, { uid, resourceVersion }: Stale): Outcome[] => {
  const change = Number(uid)
  const request = w.requests[change]!
  if (`${request.rv}` !== resourceVersion) return conflict(w)
  const rv = request.rv + 1
  return written(w, { requests: replaced(w.requests, change, { rv, phase: 'Pending' }) }, rv)
}

const onRequest = (
  w: Server,
  { do: step, member: { content, resourceVersion, targets } }: RequestEffect,
  held: Held,
): Outcome[] => {
  const request = w.requests[content.change]!
  if (`${request.rv}` !== resourceVersion) return conflict(w)
  const rv = request.rv + 1
  const ahead = { claim: held.claim, version: held.version + 1, content, componentVersion: targets[0]!.resourceVersion }
  const next: Server['requests'][number] =
    step === 'WriteAhead' ? { rv, phase: 'Applying', ahead } : { rv, phase: step === 'Finish' ? 'Applied' : 'Rejected' }
  return written(w, { requests: replaced(w.requests, content.change, next) }, rv)
}

const onComponent = (w: Server, { do: step, member: { content }, target }: ComponentEffect): Outcome[] => {
  const index = Number(target.component)
  const was = w.components[index]!
  if (step === 'Reread') {
    const component = { resourceVersion: `${was.rv}`, carries: was.version >= content.version, edited: false }
    return [[w, { is: 'Component', environment: `${w.env.rv}`, component }]]
  }
  if (`${was.rv}` !== target.resourceVersion) return conflict(w)
  const rv = nextOf(w)
  const past = [...was.past, [was.rv, was.committed] as const]
  const next: Server['components'][number] =
    step === 'WriteSpec'
      ? { ...was, rv, spec: content.after, past }
      : { rv, spec: was.spec, committed: content.after, version: content.version, past }
  return written(w, { components: replaced(w.components, index, next) }, rv)
}
