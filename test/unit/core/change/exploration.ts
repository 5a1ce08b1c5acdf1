import type { Applying } from '../../../../operator/api/kinds.generated.ts'
import {
  type Answer,
  type Effect,
  type Held,
  isNewer,
  type Member,
  newPass,
  nextEffects,
  type Pass,
  resume,
  type Stale,
  took,
} from '../../../../operator/core/change/commit.ts'

/*
 * Explores every schedule of two holders that carry changes through one environment, over the real functions of
 * core/change/commit: each effect and each answer is one step, and at every step a holder may crash and forget, be
 * paused while the other takes over, lose an answer, or have a write land long after it was given up.
 */

/** What is in the API server and the graph store, and what the two holders remember. */
interface World {
  readonly lease: number
  readonly env: { rv: number; version: number; applying: readonly number[]; highest: string }
  readonly store: readonly { version: number; changes: readonly number[]; content: readonly string[] }[]
  readonly components: readonly Stored[]
  readonly requests: readonly Asked[]
  readonly holders: readonly Holder[]
  /** crashes, takeovers and lost answers still to come */
  readonly faults: number
  /** reports of others on a Component still to come: they move its resourceVersion */
  readonly reports: number
}
interface Stored {
  readonly rv: number
  readonly spec: string
  readonly committed: string
  readonly version: number
  /** committed values by the resourceVersion they had: what a cache may still show */
  readonly past: readonly (readonly [rv: number, committed: string])[]
}
interface Asked {
  readonly rv: number
  readonly phase: 'Pending' | 'Applying' | 'Applied' | 'Rejected'
  readonly ahead?: { claim: string; version: number; content: Content; componentVersion: string }
}
interface Content {
  readonly change: number
  readonly after: string
  readonly rejected: boolean
  readonly version: number
}
interface Holder {
  readonly pass: Pass<Content> | null
  readonly at: 'start' | 'on' | 'done'
  /** a write that was given up and may still land */
  readonly late: { effect: Effect<Content>; held: Held | null; read: string } | null
}

export interface Setting {
  /** the Component (0 or 1) that each change is about */
  readonly changes: readonly number[]
  readonly faults: number
  readonly reports: number
  /** take one part of the protocol away */
  readonly without?: 'claim' | 'compare-and-set' | 'comparing claims'
  /** end the search at the first violation */
  readonly untilViolation?: boolean
}

export interface Explored {
  readonly states: number
  readonly violations: number
  readonly first?: string
  readonly trace: readonly string[]
  /** how often each effect was done, met a conflict, lost its answer, landed late; how often a holder crashed */
  readonly hits: Readonly<Record<string, number>>
}

const replaced = <T>(list: readonly T[], index: number, value: T): T[] =>
  list.map((item, i) => (i === index ? value : item))

const applyingOf = (change: number): Applying => ({ kind: 'ChangeRequest', name: `r${change}`, uid: `${change}` })

export const explore = (setting: Setting): Explored => {
  const hits: Record<string, number> = {}
  const hit = (what: string): void => {
    hits[what] = (hits[what] ?? 0) + 1
  }
  const componentOf = (change: number): number => setting.changes[change]!
  const heldEnvironment = (w: World): Omit<Held, 'claim'> => ({
    resourceVersion: `${w.env.rv}`,
    version: w.env.version,
    applying: w.env.applying.map(applyingOf),
    highest: w.env.highest,
  })

  const look = (w: World, held: Held): [World, Answer<Content>][] => {
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
        const claim = setting.without === 'comparing claims' ? '0' : request.ahead!.claim
        stale.push({ name: `r${change}`, uid: `${change}`, resourceVersion: `${request.rv}`, claim })
      }
    })
    return [[w, { is: 'Seen', open, stale }]]
  }

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

  /** Every batch that may be planned: from any cached Component that is new enough, one change of each Component. */
  const plan = (w: World, held: Held): [World, Answer<Content>][] => {
    const pending = w.requests.flatMap((request, change) => (request.phase === 'Pending' ? [change] : []))
    if (pending.length === 0) return [[w, { is: 'Batch', members: [] }]]
    const one = (change: number): Member<Content>[] => {
      const component = w.components[componentOf(change)]!
      const rv = w.requests[change]!.rv
      const seen = [...component.past, [component.rv, component.committed] as const]
      return seen.flatMap(([at, committed]) => {
        if (isNewer(held.highest, `${at}`)) return []
        const content = { change, after: `${committed}${change}`, rejected: false, version: held.version + 1 }
        const planned = [member(change, rv, content, 'WriteAhead', `${at}`, 'Spec')]
        if (change === 1) planned.push(member(change, rv, { ...content, rejected: true }, 'Settle', `${at}`, 'Spec'))
        return planned
      })
    }
    const batches = pending.flatMap((change) => one(change).map((m) => [m]))
    const [a, b] = pending
    if (a !== undefined && b !== undefined && componentOf(a) !== componentOf(b)) {
      batches.push(...one(a).flatMap((x) => one(b).map((y) => [x, y])))
    }
    return batches.map((members) => [w, { is: 'Batch', members }])
  }

  /** Does the effect in the world: every state and answer that may come of it. */
  const perform = (w: World, effect: Effect<Content>, held: Held | null, read: string): [World, Answer<Content>][] => {
    const conflict: [World, Answer<Content>][] = [[w, { is: 'Conflict' }]]
    const written = (next: Partial<World>, rv: number): [World, Answer<Content>][] => [
      [
        { ...w, ...next },
        { is: 'Written', resourceVersion: `${rv}` },
      ],
    ]
    const rv = w.env.rv + 1
    switch (effect.do) {
      case 'ReadEnvironment':
        return [[w, { is: 'Environment', environment: heldEnvironment(w) }]]
      case 'Claim':
        if (setting.without === 'claim') return written({}, w.env.rv)
        return read === `${w.env.rv}` ? written({ env: { ...w.env, rv } }, rv) : conflict
      case 'Look':
        return look(w, held!)
      case 'Plan':
        return plan(w, held!)
      case 'Publish': {
        if (held!.resourceVersion !== `${w.env.rv}` && setting.without !== 'compare-and-set') return conflict
        throw new Error('publish needs its members')
      }
      case 'Clear':
        return held!.resourceVersion === `${w.env.rv}`
          ? written({ env: { ...w.env, rv, applying: [], highest: held!.highest } }, rv)
          : conflict
      case 'Store':
        throw new Error('store needs its members')
      case 'TakeBack': {
        const change = Number(effect.stale.uid)
        const request = w.requests[change]!
        if (`${request.rv}` !== effect.stale.resourceVersion) return conflict
        return written(
          { requests: replaced(w.requests, change, { rv: request.rv + 1, phase: 'Pending' }) },
          request.rv + 1,
        )
      }
      case 'Settle':
      case 'WriteAhead':
      case 'Finish':
        return performOnRequest(w, effect, held!)
      default:
        return performOnComponent(w, effect)
    }
  }

  const performOnRequest = (
    w: World,
    {
      do: step,
      member: { content, resourceVersion, targets },
    }: Extract<Effect<Content>, { do: 'Finish' | 'Settle' | 'WriteAhead' }>,
    held: Held,
  ): [World, Answer<Content>][] => {
    const request = w.requests[content.change]!
    if (`${request.rv}` !== resourceVersion) return [[w, { is: 'Conflict' }]]
    const rv = request.rv + 1
    const ahead = {
      claim: held.claim,
      version: held.version + 1,
      content,
      componentVersion: targets[0]!.resourceVersion,
    }
    const next: Asked =
      step === 'WriteAhead'
        ? { rv, phase: 'Applying', ahead }
        : { rv, phase: step === 'Finish' ? 'Applied' : 'Rejected' }
    return [
      [
        { ...w, requests: replaced(w.requests, content.change, next) },
        { is: 'Written', resourceVersion: `${rv}` },
      ],
    ]
  }

  const performOnComponent = (
    w: World,
    {
      do: step,
      member: { content },
      target,
    }: Extract<Effect<Content>, { do: 'WriteSpec' | 'WriteCommitted' | 'Reread' }>,
  ): [World, Answer<Content>][] => {
    const index = Number(target.component)
    const was = w.components[index]!
    if (step === 'Reread') {
      const component = { resourceVersion: `${was.rv}`, carries: was.version >= content.version, edited: false }
      return [[w, { is: 'Component', environment: `${w.env.rv}`, component }]]
    }
    if (`${was.rv}` !== target.resourceVersion) return [[w, { is: 'Conflict' }]]
    const rv = was.rv + 1
    const next: Stored =
      step === 'WriteSpec'
        ? { ...was, rv, spec: content.after }
        : {
            rv,
            spec: was.spec,
            committed: content.after,
            version: content.version,
            past: [...was.past, [was.rv, was.committed]],
          }
    return [
      [
        { ...w, components: replaced(w.components, index, next) },
        { is: 'Written', resourceVersion: `${rv}` },
      ],
    ]
  }

  const publish = (w: World, pass: Pass<Content>): [World, Answer<Content>][] => {
    const held = pass.held!
    if (held.resourceVersion !== `${w.env.rv}` && setting.without !== 'compare-and-set')
      return [[w, { is: 'Conflict' }]]
    const rv = w.env.rv + 1
    const applying = pass.members.map(({ content }) => content.change)
    return [
      [
        { ...w, env: { rv, version: held.version + 1, applying, highest: held.highest } },
        { is: 'Written', resourceVersion: `${rv}` },
      ],
    ]
  }

  const store = (w: World, pass: Pass<Content>): [World, Answer<Content>][] => {
    const held = pass.held!
    const changes = held.applying.map(({ uid }) => Number(uid))
    const known = w.store.find(({ version }) => version === held.version)
    if (known) {
      const same = `${known.changes}` === `${changes}`
      return [[w, same ? { is: 'Written', resourceVersion: '0' } : { is: 'Conflict' }]]
    }
    const last = w.components.map((_, index) => w.store.at(-1)?.content[index] ?? '')
    const content = pass.members.reduce((all, m) => replaced(all, componentOf(m.content.change), m.content.after), last)
    const next = [...w.store, { version: held.version, changes, content }]
    return [
      [
        { ...w, store: next },
        { is: 'Written', resourceVersion: '0' },
      ],
    ]
  }

  const performFor = (w: World, pass: Pass<Content>, effect: Effect<Content>): [World, Answer<Content>][] => {
    if (effect.do === 'Publish') return publish(w, pass)
    if (effect.do === 'Store') return store(w, pass)
    return perform(w, effect, pass.held ?? null, pass.read?.resourceVersion ?? '')
  }

  const unfinished = (w: World): boolean => w.requests.some(({ phase }) => phase === 'Pending' || phase === 'Applying')

  const successors = (w: World): [string, World][] => {
    const next: [string, World][] = []
    const add = (label: string, i: number, holder: Holder, from: World, cost = 0): void => {
      next.push([`${i}: ${label}`, { ...from, holders: replaced(from.holders, i, holder), faults: from.faults - cost }])
    }
    for (const i of [0, 1]) {
      const holder = w.holders[i]!
      const other = w.holders[1 - i]!
      if (holder.late) {
        const { effect, held, read } = holder.late
        for (const [after] of lateWrite(w, effect, held, read)) {
          hit(`late ${effect.do}`)
          add(`late ${effect.do}`, i, { ...holder, late: null }, after)
        }
      }
      if (holder.at === 'start') {
        const mine = w.lease === i || w.lease === -1 || other.at === 'done'
        if (mine) add('lock', i, { ...holder, at: 'on' }, { ...w, lease: i })
        else if (w.faults > 0) add('take over', i, { ...holder, at: 'on' }, { ...w, lease: i }, 1)
        continue
      }
      if (holder.at === 'done') continue
      const pass = holder.pass ?? newPass<Content>()
      if (pass.stage === 'Read' && w.lease !== i) {
        add('stand back', i, { ...holder, at: 'start' }, w)
        continue
      }
      if (pass.stage === 'Idle') {
        if (unfinished(w))
          add(
            'resume',
            i,
            {
              ...holder,
              pass: resume(
                pass,
                w.requests.some((r) => r.phase === 'Applying'),
              ),
            },
            w,
          )
        else add('done', i, { ...holder, at: 'done', pass: null }, w)
        continue
      }
      for (const effect of nextEffects(pass)) {
        for (const [after, answer] of performFor(w, pass, effect)) {
          hit(answer.is === 'Conflict' ? `conflict ${effect.do}` : effect.do)
          add(`${effect.do} ${answer.is}`, i, { ...holder, pass: took(pass, effect, answer) }, after)
          if (w.faults > 0 && answer.is === 'Written') {
            hit(`lost answer ${effect.do}`)
            add(`${effect.do} answer lost`, i, { ...holder, pass: took(pass, effect, { is: 'Unknown' }) }, after, 1)
            hit(`crash after ${effect.do}`)
            add(`crash after ${effect.do}`, i, { at: 'start', pass: null, late: holder.late }, after, 1)
          }
        }
        if (w.faults > 0 && canBeLate(effect) && !holder.late) {
          const late = {
            effect: withMembers(effect, pass),
            held: pass.held ?? null,
            read: pass.read?.resourceVersion ?? '',
          }
          add(`${effect.do} given up`, i, { at: 'on', pass: took(pass, effect, { is: 'Unknown' }), late }, w, 1)
          add(`crash, ${effect.do} under way`, i, { at: 'start', pass: null, late }, w, 1)
        }
      }
      if (w.faults > 0) {
        hit('crash')
        add('crash', i, { at: 'start', pass: null, late: holder.late }, w, 1)
      }
    }
    if (w.reports > 0) {
      w.components.forEach((component, index) => {
        const components = replaced(w.components, index, { ...component, rv: component.rv + 1 })
        next.push([`report ${index}`, { ...w, components, reports: w.reports - 1 }])
      })
    }
    return next
  }

  const canBeLate = ({ do: step }: Effect<Content>): boolean =>
    step !== 'ReadEnvironment' && step !== 'Look' && step !== 'Plan' && step !== 'Reread' && step !== 'Store'

  // A late publish carries the members it was sent with.
  const withMembers = (effect: Effect<Content>, pass: Pass<Content>): Effect<Content> =>
    effect.do === 'Publish' ? ({ ...effect, pass } as Effect<Content>) : effect

  const lateWrite = (w: World, effect: Effect<Content>, held: Held | null, read: string): [World, Answer<Content>][] =>
    effect.do === 'Publish'
      ? publish(w, (effect as unknown as { pass: Pass<Content> }).pass)
      : perform(w, effect, held, read)

  const violation = (w: World): string | undefined => {
    const stored = w.store.flatMap(({ changes }) => changes)
    if (new Set(stored).size !== stored.length) return 'a change was stored twice'
    if (w.store.some(({ version }, i) => version !== i + 1)) return 'versions of the store are out of order'
    for (let i = 1; i < w.store.length; i++) {
      const [before, after] = [w.store[i - 1]!.content, w.store[i]!.content]
      if (before.some((value, c) => !after[c]!.startsWith(value))) return `lost update: ${before} then ${after}`
    }
    if (w.components.some(({ version }) => version > w.env.version)) return 'committed beyond the version'
    for (const [change, { phase }] of w.requests.entries()) {
      const committed = w.components[componentOf(change)]!.committed.includes(`${change}`)
      if (phase === 'Rejected' && (committed || stored.includes(change))) return 'rejected but applied'
      if (phase === 'Applied' && !stored.includes(change)) return 'applied but not in the store'
    }
    if (!w.holders.every(({ at, late }) => at === 'done' && !late)) return undefined
    if (unfinished(w)) return 'at rest, unfinished'
    const last = w.components.map((_, c) => w.store.at(-1)?.content[c] ?? '')
    const wrong = w.components.findIndex(({ committed, spec }, c) => committed !== last[c] || spec !== last[c])
    return wrong === -1 ? undefined : `at rest, Component ${wrong} is not what the store says`
  }

  const start: World = {
    lease: -1,
    env: { rv: 1, version: 0, applying: [], highest: '0' },
    store: [],
    components: [0, 1].map(() => ({ rv: 1, spec: '', committed: '', version: 0, past: [] })),
    requests: setting.changes.map(() => ({ rv: 1, phase: 'Pending' })),
    holders: [0, 1].map(() => ({ pass: null, at: 'start', late: null })),
    faults: setting.faults,
    reports: setting.reports,
  }
  return search({ start, successors, violation, hits, untilViolation: setting.untilViolation ?? false })
}

class Violation extends Error {}

const search = ({
  start,
  successors,
  violation,
  hits,
  untilViolation,
}: {
  start: World
  successors: (w: World) => [string, World][]
  violation: (w: World) => string | undefined
  hits: Record<string, number>
  untilViolation: boolean
}): Explored => {
  const seen = new Set([JSON.stringify(start)])
  const found: { world: World | null; from: number; label: string }[] = [{ world: start, from: -1, label: 'start' }]
  let violations = 0
  let first: string | undefined
  let trace: string[] = []
  const report = (what: string, at: number): void => {
    violations++
    if (first !== undefined) return
    first = what
    for (let i = at; i >= 0; i = found[i]!.from) trace.push(found[i]!.label)
    trace = trace.reverse()
  }
  for (let i = 0; i < found.length && !(untilViolation && violations > 0); i++) {
    const { world } = found[i]!
    found[i]!.world = null
    const wrong = violation(world!)
    if (wrong) {
      report(wrong, i)
      continue
    }
    try {
      for (const [label, next] of successors(world!)) {
        const key = JSON.stringify(next)
        if (seen.has(key)) continue
        seen.add(key)
        found.push({ world: next, from: i, label })
      }
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      report(error.message, i)
    }
  }
  return { states: seen.size, violations, ...(first === undefined ? {} : { first }), trace, hits }
}
