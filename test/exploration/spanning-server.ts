import { isNewer, newestOf } from '../../operator/api/resource-version.ts'
import { targetsIn, undecidedIn } from '../../operator/core/change/ahead.ts'
import type { Effect, Held, Member, Stale, Target } from '../../operator/core/change/commit.ts'
import { Violation } from '../support/exploration/search.ts'
import {
  type Ahead,
  applyingOf,
  type Change,
  type Content,
  componentAt,
  componentsIn,
  type Environment,
  environmentAt,
  environmentsOf,
  fateIn,
  keyOf,
  nameOf,
  type Outcome,
  replaced,
  requestOf,
  type Sent,
  type Server,
  type Setting,
  writtenBy,
} from './spanning-world.ts'

type InPass = Extract<Sent, { in: number }>
type OverAll = Extract<Sent, { in: 'all' }>
type ComponentEffect = Extract<Effect<Content>, { do: 'WriteSpec' | 'WriteCommitted' | 'Reread' }>

/** Does a holder's effect in the world: every state and answer that may come of it. */
export const makeServer = (setting: Setting): ((w: Server, sent: Sent) => Outcome[]) => {
  const { components, changes, refusable, narrowing, without } = setting
  const spansAll = (change: number): boolean => environmentsOf(setting, change).length > 1

  /** Of one that has finished, what it asked for says where its Components are, and nothing is awaited. */
  const targetsOfFinished = (change: number, environment: number): Target[] =>
    changes[change]!.map((c): Target => {
      const target = { component: nameOf(c), resourceVersion: '', stage: 'Reread' } as const
      return components[c] === environment ? target : { ...target, elsewhere: keyOf(components[c]!) }
    })

  const found = (w: Server, change: number, environment: number): Target[] => {
    const isFinished = w.requests[change]!.ahead === undefined
    const targets = isFinished
      ? targetsOfFinished(change, environment)
      : targetsIn(requestOf(w, change), keyOf(environment), ({ component }) =>
          keyOf(components[componentAt(component)]!),
        )
    if (without === 'waiting for the other') return targets.filter(({ elsewhere }) => !elsewhere)
    if (without !== 'waiting where it writes nothing') return targets
    return targets.filter(({ component, elsewhere }) => component !== elsewhere)
  }

  const openOf = (
    w: Server,
    environment: number,
    { version }: Held,
    change: number,
    stage: 'Commit' | 'Ahead',
  ): Member<Content> => {
    const { rv, phase, ahead } = w.requests[change]!
    const content = ahead?.content ?? { change, after: {}, versions: { [environment]: version } }
    const targets = found(w, change, environment)
    const applying = applyingOf(change)
    return { applying, stage, resourceVersion: `${rv}`, targets, content, finished: phase === 'Applied' }
  }

  const look = (w: Server, environment: number, held: Held): Outcome[] => {
    const applying = held.applying.map(({ uid }) => Number(uid))
    const open = applying.map((change) => {
      const { phase } = w.requests[change]!
      if (phase === 'Pending' || phase === 'Rejected') throw new Violation(`applying but ${phase}`)
      return openOf(w, environment, held, change, 'Commit')
    })
    const asked = held.prepared && without !== 'asking what was prepared' ? held.prepared : undefined
    if (asked && fateOf(w, asked, environment) === 'Decided')
      open.push(openOf(w, environment, held, Number(asked.uid), 'Ahead'))
    const stale = w.requests.flatMap(({ rv }, change): Stale[] => {
      const claim = undecidedIn(requestOf(w, change), keyOf(environment))
      const isHidden = held.prepared?.uid === `${change}` && without === 'asking what was prepared'
      if (claim === undefined || applying.includes(change) || isHidden) return []
      return [{ name: `r${change}`, uid: `${change}`, resourceVersion: `${rv}`, claim }]
    })
    return [[w, { is: 'Seen', open, stale }]]
  }

  const fateOf = (w: Server, prepared: NonNullable<Held['prepared']>, environment: number) => {
    const ahead = w.requests[Number(prepared.uid)]!.ahead
    if (without === 'binding to the write-ahead' && ahead) return ahead.decided ? 'Decided' : 'Undecided'
    return fateIn(w, prepared, environment)
  }

  /** All that a cache may show that has seen `highest`: for each Component its resourceVersion and what is committed. */
  const views = (w: Server, highest: string): (readonly (readonly [number, string])[])[] => {
    const histories = w.components.map(({ past, rv, committed }) => [...past, [rv, committed] as const])
    const moments = new Set([Number(highest), ...histories.flat().map(([at]) => at)])
    const seen = [...moments]
      .filter((moment) => !isNewer(highest, `${moment}`))
      .map((moment) => histories.map((states) => states.findLast(([at]) => at <= moment) ?? states[0]!))
    return [...new Map(seen.map((view) => [`${view}`, view])).values()]
  }

  /** The views that may be planned on in environments that are held. */
  const planned = (w: Server, environments: readonly number[], helds: readonly Held[]) => {
    // The control shall show what comes of it.
    const isBlind = without === 'asking what was prepared'
    // What others make of it is nobody's loss: it cannot be published.
    const current = environments.filter((e, i) => helds[i]!.resourceVersion === `${w.environments[e]!.rv}`)
    for (const e of current) {
      const { prepared } = w.environments[e]!
      if (prepared && !isBlind && fateIn(w, prepared, e) !== 'Withdrawn')
        throw new Violation('planned beside a change that is prepared')
    }
    const highest = newestOf(helds.map((held) => held.highest))
    const all = views(w, highest)
    for (const view of all) for (const e of current) mustShow(view, w.environments[e]!, w)
    return all
  }

  /** What came into an environment together with something elsewhere is seen together. */
  const mustShow = (view: readonly (readonly [number, string])[], { store }: Environment, { requests }: Server) => {
    for (const change of store.flatMap(({ changes: carried }) => carried)) {
      if (!spansAll(change)) continue
      const hidden = changes[change]!.some((c) => !view[c]![1].includes(`${change}`))
      const isNarrow = narrowing && requests[change]!.phase === 'Applied'
      if (hidden && !isNarrow) throw new Violation('planned without having seen all of a change')
    }
  }

  const targetsOf = (own: readonly number[], view: readonly (readonly [number, string])[]): Target[] =>
    own.map((c) => ({ component: nameOf(c), resourceVersion: `${view[c]![0]}`, stage: 'Spec' }))

  const contentOf = (
    change: number,
    view: readonly (readonly [number, string])[],
    parts: readonly (readonly [environment: number, version: number])[],
  ): Content => {
    const own = changes[change]!.filter((c) => parts.some(([e]) => e === components[c]))
    const after = Object.fromEntries(own.map((c) => [c, `${view[c]![1]}${change}`]))
    return { change, after, versions: Object.fromEntries(parts) }
  }

  const plan = (w: Server, environment: number, held: Held): Outcome[] => {
    const all = planned(w, [environment], [held])
    const batches = w.requests.flatMap(({ phase, rv }, change) => {
      if (phase !== 'Pending' || `${environmentsOf(setting, change)}` !== `${environment}`) return []
      return all.flatMap((view) => {
        const content = contentOf(change, view, [[environment, held.version + 1]])
        const targets = targetsOf(changes[change]!, view)
        const one = { applying: applyingOf(change), resourceVersion: `${rv}`, targets, content }
        const stages = change === refusable ? (['WriteAhead', 'Settle'] as const) : (['WriteAhead'] as const)
        return stages.map((stage): Member<Content>[] => [{ ...one, stage }])
      })
    })
    return (batches.length > 0 ? batches : [[]]).map((members) => [w, { is: 'Batch', members }])
  }

  const planOverAll = (w: Server, helds: readonly Held[]): Outcome[] => {
    const all = planned(w, [0, 1], helds)
    const found = w.requests.flatMap(({ phase, rv }, change): Change[] => {
      if (phase !== 'Pending' || !spansAll(change)) return []
      const shape = narrowing && rv > 1 ? [0] : [0, 1]
      return all.flatMap((view): Change[] => {
        const content = contentOf(
          change,
          view,
          shape.map((e) => [e, helds[e]!.version + 1] as const),
        )
        const parts = shape.map((e) => {
          const own = changes[change]!.filter((c) => components[c] === e)
          return { environment: keyOf(e), targets: targetsOf(own, view), content }
        })
        const common = { applying: applyingOf(change), resourceVersion: `${rv}`, targets: [], content }
        const pass: Change = { ...common, stage: 'WriteAhead', parts }
        return change === refusable ? [pass, { ...common, stage: 'Settle', parts: [] }] : [pass]
      })
    })
    if (found.length === 0) return [[w, { is: 'Change', change: undefined }]]
    return found.map((change) => [w, { is: 'Change', change }])
  }

  const claim = (w: Server, e: number, read: string): Outcome[] => {
    const { rv } = w.environments[e]!
    if (without === 'the claim in the second' && e === 1) return written(w, {}, rv)
    return read === `${rv}` ? writtenEnvironment(w, e, {}) : conflict(w)
  }

  const publish = (w: Server, { in: e, held, members }: InPass): Outcome[] => {
    const applying = members.map(({ content }) => content.change)
    return onEnvironment(w, e, held!, { version: held!.version + 1, applying, prepared: null, highest: held!.highest })
  }

  const store = (w: Server, { in: e, held, members }: InPass): Outcome[] => {
    const environment = w.environments[e]!
    const { version } = held!
    const carried = held!.applying.map(({ uid }) => Number(uid))
    const known = environment.store.find((one) => one.version === version)
    if (known) return `${known.changes}` === `${carried}` ? written(w, {}, 0) : conflict(w)
    const content = componentsIn(setting, e).map((c, i) => {
      const after = members.flatMap((m) => m.content.after[c] ?? []).at(-1)
      return after ?? environment.store.at(-1)?.content[i] ?? ''
    })
    const next = { ...environment, store: [...environment.store, { version, changes: carried, content }] }
    return written(w, { environments: replaced(w.environments, e, next) }, 0)
  }

  const writeAhead = (
    w: Server,
    { content, resourceVersion }: Member<Content>,
    ahead: Pick<Ahead, 'parts' | 'spanning'>,
  ): Outcome[] => {
    const written = writtenBy(setting, content)
    return onRequest(w, content.change, resourceVersion, 'Applying', { ...ahead, components: written, content })
  }

  const inPass = (w: Server, sent: InPass): Outcome[] => {
    const { in: e, effect, held, read } = sent
    switch (effect.do) {
      case 'ReadEnvironment':
        return [[w, { is: 'Environment', environment: environmentOf(w.environments[e]!) }]]
      case 'Claim':
        return claim(w, e, read)
      case 'Look':
        return look(w, e, held!)
      case 'Plan':
        return plan(w, e, held!)
      case 'Publish':
        return publish(w, sent)
      case 'Store':
        return store(w, sent)
      case 'Clear':
        return onEnvironment(w, e, held!, { applying: [], prepared: null, highest: held!.highest })
      case 'TakeBack':
        return takeBack(w, effect.stale)
      case 'Prepare': {
        if (without === 'preparing in the second' && e === 1) return written(w, {}, w.environments[e]!.rv)
        return onEnvironment(w, e, held!, { applying: [], prepared: effect.prepared, highest: held!.highest })
      }
      case 'WriteAhead': {
        const part = { environment: keyOf(e), claim: held!.claim, version: held!.version + 1 }
        return writeAhead(w, effect.member, { parts: [part], spanning: false })
      }
      case 'Settle':
      case 'Finish': {
        const { content, resourceVersion } = effect.member
        return onRequest(w, content.change, resourceVersion, effect.do === 'Finish' ? 'Applied' : 'Rejected')
      }
      case 'Promise':
        throw new Violation('what it refers to is in environments that it passes')
      case 'Repair':
        throw new Violation('no graph differs here')
      default:
        return onComponent(w, e, effect)
    }
  }

  const takeBack = (w: Server, { uid, resourceVersion }: Stale): Outcome[] => {
    const change = Number(uid)
    const { rv } = w.requests[change]!
    const condition = without === 'comparing when taking back' ? `${rv}` : resourceVersion
    return onRequest(w, change, condition, 'Pending')
  }

  const decide = (w: Server, { content: { change }, resourceVersion }: Change): Outcome[] => {
    const { rv, phase, ahead } = w.requests[change]!
    const condition = without === 'comparing when deciding' ? `${rv}` : resourceVersion
    const known = ahead && { ...ahead, decided: true }
    return onRequest(w, change, condition, phase, known)
  }

  const overAll = (w: Server, { effect, helds }: OverAll): Outcome[] => {
    switch (effect.do) {
      case 'Plan':
        return planOverAll(w, helds)
      case 'WriteAhead': {
        const { parts } = effect.change
        const won = parts.map(({ environment }) => {
          const { claim: mine, version } = helds[environmentAt(environment)]!
          return { environment, claim: mine, version: version + 1 }
        })
        return writeAhead(w, effect.change, { parts: won, spanning: true })
      }
      case 'Settle':
        return onRequest(w, effect.change.content.change, effect.change.resourceVersion, 'Rejected')
      case 'Decide':
        return decide(w, effect.change)
      case 'Finish':
        return onRequest(w, effect.change.content.change, effect.change.resourceVersion, 'Applied')
    }
  }

  const onComponent = (w: Server, e: number, { do: step, member: { content }, target }: ComponentEffect): Outcome[] => {
    const reread = (resourceVersion: string, carries: boolean): Outcome[] => {
      const component = { resourceVersion, carries, edited: false }
      return [[w, { is: 'Component', environment: `${w.environments[e]!.rv}`, component }]]
    }
    if (target.elsewhere === target.component) {
      const other = environmentAt(target.component)
      return reread('0', w.environments[other]!.version >= (content.versions[other] ?? 0))
    }
    const index = componentAt(target.component)
    const was = w.components[index]!
    const version = content.versions[components[index]!] ?? 0
    if (step === 'Reread') return reread(`${was.rv}`, was.version >= version)
    if (`${was.rv}` !== target.resourceVersion) return conflict(w)
    const rv = Math.max(...w.components.map((component) => component.rv)) + 1
    const past = [...was.past, [was.rv, was.committed] as const]
    const after = content.after[index]!
    const next =
      step === 'WriteSpec' ? { ...was, rv, spec: after, past } : { rv, spec: was.spec, committed: after, version, past }
    return written(w, { components: replaced(w.components, index, next) }, rv)
  }

  return (w, sent) => (sent.in === 'all' ? overAll(w, sent) : inPass(w, sent))
}

const conflict = (w: Server): Outcome[] => [[w, { is: 'Conflict' }]]

const written = (w: Server, next: Partial<Server>, rv: number): Outcome[] => [
  [
    { ...w, ...next },
    { is: 'Written', resourceVersion: `${rv}` },
  ],
]

const writtenEnvironment = (w: Server, e: number, next: Partial<Environment>): Outcome[] => {
  const environment = w.environments[e]!
  const rv = environment.rv + 1
  return written(w, { environments: replaced(w.environments, e, { ...environment, ...next, rv }) }, rv)
}

const onEnvironment = (w: Server, e: number, held: Held, next: Partial<Environment>): Outcome[] =>
  held.resourceVersion === `${w.environments[e]!.rv}` ? writtenEnvironment(w, e, next) : conflict(w)

const onRequest = (
  w: Server,
  change: number,
  condition: string,
  phase: Server['requests'][number]['phase'],
  ahead?: Ahead,
): Outcome[] => {
  const request = w.requests[change]!
  if (`${request.rv}` !== condition) return conflict(w)
  const rv = request.rv + 1
  return written(w, { requests: replaced(w.requests, change, { rv, phase, ...(ahead && { ahead }) }) }, rv)
}

const environmentOf = ({ rv, version, applying, prepared, highest }: Environment): Omit<Held, 'claim'> => ({
  resourceVersion: `${rv}`,
  version,
  applying: applying.map(applyingOf),
  ...(prepared && { prepared }),
  highest,
})
