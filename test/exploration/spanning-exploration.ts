import {
  closing,
  type Effect,
  effectKey,
  newPass,
  nextEffects,
  type Pass,
  resume,
  took,
} from '../../operator/core/change/commit.ts'
import {
  abandoned,
  type Lane,
  newSpanning,
  nextSpanningEffects,
  type Spanning,
  type SpanningAnswer,
  type SpanningEffect,
  tookSpanning,
} from '../../operator/core/change/spanning.ts'
import {
  type Explored,
  explored,
  type Hit,
  makeWithoutVain,
  type Step,
  sameOf,
  type Turn,
} from '../support/exploration/explored.ts'
import { once, onceForTwo, type Parts } from '../support/exploration/search.ts'
import { makeServer } from './spanning-server.ts'
import {
  type Content,
  componentAt,
  environmentAt,
  environmentsOf,
  type Holder,
  isAtRest,
  isDirty,
  keyOf,
  type Outcome,
  type PassAnswer,
  replaced,
  type Sent,
  type Server,
  type Setting,
  startOf,
  violationAtRest,
  violationIn,
  type World,
  waitsForOthers,
} from './spanning-world.ts'

/*
 * Explores every schedule of two holders that carry changes through two environments, one of them over both, over the
 * real functions of core/change/commit and core/change/spanning. Each holder does one thing at a time; both may be at
 * work in different environments, or, one of them displaced, in the same. At every step a holder may crash and forget,
 * be paused while the other takes over, lose an answer, or have a write land long after it was given up.
 */

export const explore = (setting: Setting): Explored => {
  const wrongIn = once((server: Server) => violationIn(server, setting))
  return explored<World>({
    start: startOf(setting),
    sameWorld,
    successors: (parts, hit) => makeSuccessors(setting, parts, hit),
    violation: (w) => wrongIn(w.server) ?? violationAtRest(w, setting),
    ...(setting.without ? {} : { rests: isAtRest }),
    keyOf: numberOfWorld,
    untilViolation: setting.untilViolation,
  })
}

const sameServer = ({ same, whole }: Parts, { environments, components, requests }: Server): Server =>
  whole({
    environments: whole(environments.map(same)),
    components: whole(components.map(same)),
    requests: whole(requests.map(same)),
  })

const sameHolder = ({ same }: Pick<Parts, 'same'>, { at, passes, spanning, late }: Holder): Holder => ({
  at,
  passes: passes.map((pass) => pass && same(pass)),
  spanning: spanning && same(spanning),
  late: late && same(late),
})

const sameWorld = sameOf<World>(sameServer, sameHolder)

/** Which of the two holders is which makes no difference. */
const numberOfWorld = ({ numberOf, pairOf }: Parts, w: World): number => {
  const number = (part: object | null): number => (part ? 1 + numberOf(part) : 0)
  const [a, b] = w.holders.map(({ at, passes: [first, second], spanning, late }) => {
    const place = at.reduce((sum, e) => sum * 3 + e + 1, 0)
    return pairOf(pairOf(number(first!), number(second!)), pairOf(number(late), pairOf(number(spanning), place)))
  }) as [number, number]
  const isSwapped = a > b
  const owners = w.leases.map((lease) => (isSwapped && lease !== -1 ? 1 - lease : lease))
  const rest = owners.reduce((sum, owner) => sum * 3 + owner + 1, w.faults)
  return pairOf(pairOf(numberOf(w.server), rest), isSwapped ? pairOf(b, a) : pairOf(a, b))
}

/** One thing that may be done now, and what is known after its answer. */
interface Work<Known> {
  readonly sent: Sent
  readonly label: string
  readonly took: (answer: SpanningAnswer<Content>) => Known
}

const unknown: PassAnswer = { is: 'Unknown' }

/** The protocol, asked once for each thing that a holder can know and meet. */
const makeProtocol = ({ same }: Parts) => {
  /** asks `took` once for each answer, which is a part that is known */
  const askedOnce = <Known extends object>({ sent, label, took: ask }: Work<Known>): Work<Known> => ({
    sent: same(sent),
    label,
    took: once((answer) => same(ask(answer))),
  })
  const inPass = [0, 1].map((e) =>
    once((pass: Pass<Content>): readonly Work<Pass<Content>>[] =>
      nextEffects(pass).map((effect) =>
        askedOnce({
          sent: sentBy(e, pass, effect),
          label: `${effectKey(effect)} in ${e}`,
          took: (answer) => (answer.is === 'Change' ? pass : took(pass, effect, answer)),
        }),
      ),
    ),
  )
  return {
    inPass: (e: number, pass: Pass<Content>) => inPass[e]!(pass),
    overAll: once((spanning: Spanning<Content>): readonly Work<Spanning<Content>>[] =>
      nextSpanningEffects(spanning).map((effect) => {
        const label =
          effect.do === 'Pass' ? `${effectKey(effect.effect)} in ${effect.lane.environment}` : `${effect.do} over all`
        const ask = (answer: SpanningAnswer<Content>): Spanning<Content> => tookSpanning(spanning, effect, answer)
        return askedOnce({ sent: sentOverAll(spanning, effect), label, took: ask })
      }),
    ),
  }
}

const makeSuccessors = (setting: Setting, parts: Parts, hit: Hit): ((w: World) => Step<World>[]) => {
  const serve = makeServer(setting)
  /** What comes of a request is the same for all holders, and whatever they know. */
  const perform = onceForTwo((sent: Sent, server: Server) =>
    serve(server, sent).map(([after, answer]): Outcome => [sameServer(parts, after), parts.same(answer)]),
  )
  const protocol = makeProtocol(parts)
  const touchedIn = once((server: Server) =>
    touched(server).map(([label, after]): Step<Server> => [label, sameServer(parts, after)]),
  )

  const withoutVain = makeWithoutVain(objectOf, perform)

  const lateWrite = ({ w, holder, go }: Turn<World, Holder>): void => {
    if (!holder.late) return
    const name = nameOf(holder.late)
    for (const [server] of perform(holder.late, w.server)) {
      hit('late', name)
      go(`late ${name}`, { ...holder, late: null }, { ...w, server })
    }
  }

  /** The locks of these environments, all or none; from one that is at work there it costs a fault. */
  const lock = ({ w, i, holder, go }: Turn<World, Holder>, at: readonly number[], next: Partial<Holder>): void => {
    const taken = at.some((e) => w.leases[e] === 1 - i && w.holders[1 - i]!.at.includes(e))
    if (taken && w.faults === 0) return
    const leases = w.leases.map((lease, e) => (at.includes(e) ? i : lease))
    go(taken ? `take over ${at}` : `lock ${at}`, { ...holder, ...next, at }, { ...w, leases }, taken ? 1 : 0)
  }

  const beginning = parts.same(newPass<Content>())
  const resumed = once((pass: Pass<Content>) => parts.same(resume(pass, false)))
  const resumedLooking = once((pass: Pass<Content>) => parts.same(resume(pass, true)))
  const closed = once((pass: Pass<Content>) => parts.same(closing(pass)))
  const begun = ({ w, holder }: Turn<World, Holder>, e: number): Pass<Content> =>
    (isHalfDone(w.server, e) ? resumedLooking : resumed)(holder.passes[e] ?? beginning)
  const led = onceForTwo((first: Pass<Content>, second: Pass<Content>) =>
    parts.same(newSpanning([first, second].map((pass, e) => ({ environment: keyOf(e), pass })))),
  )

  const begin = (turn: Turn<World, Holder>): void => {
    const { w, holder } = turn
    for (const e of [0, 1]) {
      if (waitsForOthers(w.server, setting, e)) continue
      if (isDirty(w.server, e) || isAwaited(w.server, setting, [e]))
        lock(turn, [e], { passes: replaced(holder.passes, e, begun(turn, e)) })
    }
    if (!isAwaited(w.server, setting, [0, 1])) return
    lock(turn, [0, 1], { passes: [null, null], spanning: led(begun(turn, 0), begun(turn, 1)) })
  }

  const free = (holder: Holder, passes: Holder['passes']): Holder => ({
    ...holder,
    at: [],
    passes: setting.forgetful ? [null, null] : passes,
    spanning: null,
  })

  /**
   * What a holder does without anybody else noticing, it does at once: reading the Environment, for what is read too early
   * is found out by the claim; standing back; giving free.
   */
  const atOnce = (w: World, i: number, holder: Holder): Holder => {
    const [e] = holder.at
    if (e === undefined) return holder
    const { spanning } = holder
    if (spanning) {
      const [work] = protocol.overAll(spanning)
      const inOne = readsIn(work?.sent)
      if (inOne === undefined) return holder
      if (w.leases[inOne] !== i) return free(holder, passesOf(abandoned(spanning)))
      return atOnce(w, i, { ...holder, spanning: work!.took(read(w, work!.sent)) })
    }
    const pass = holder.passes[e]!
    const knowing = (known: Pass<Content>): Holder => ({ ...holder, passes: replaced(holder.passes, e, known) })
    if (pass.stage === 'Idle') return idle(w, e, holder, knowing)
    if (pass.stage !== 'Read') return holder
    if (w.leases[e] !== i) return free(holder, holder.passes)
    const [work] = protocol.inPass(e, pass)
    return atOnce(w, i, knowing(work!.took(read(w, work!.sent))))
  }

  const read = (w: World, sent: Sent): SpanningAnswer<Content> => {
    hit('', nameOf(sent))
    return perform(sent, w.server)[0]![1]
  }

  const idle = (w: World, e: number, holder: Holder, knowing: (pass: Pass<Content>) => Holder): Holder => {
    const { applying, prepared } = w.server.environments[e]!
    const isOpen = isAwaited(w.server, setting, [e]) || (applying.length === 0 && !prepared)
    const next = closed(holder.passes[e]!)
    return isOpen || next.stage !== 'Clear' ? free(holder, holder.passes) : knowing(next)
  }

  const answered = <Known>(
    { w, go }: Turn<World, Holder>,
    work: Work<Known>,
    [server, answer]: Outcome,
    knowing: (known: Known) => Holder,
    crashed: Holder,
  ): void => {
    const name = nameOf(work.sent)
    const after = { ...w, server }
    hit(answer.is === 'Conflict' ? 'conflict' : '', name)
    go(`${work.label} ${answer.is}`, knowing(work.took(answer)), after)
    if (w.faults === 0 || answer.is !== 'Written') return
    hit('lost answer', name)
    go(`${work.label} answer lost`, knowing(work.took(unknown)), after, 1)
    hit('crash after', name)
    go(`crash after ${work.label}`, crashed, after, 1)
  }

  const carryOut = <Known>(
    turn: Turn<World, Holder>,
    works: readonly Work<Known>[],
    knowing: (known: Known) => Holder,
  ): void => {
    const { w, holder, go } = turn
    const crashed = free(holder, [null, null])
    for (const work of works) {
      for (const outcome of perform(work.sent, w.server)) answered(turn, work, outcome, knowing, crashed)
      if (w.faults === 0 || !canBeLate(work.sent) || holder.late) continue
      go(`${work.label} given up`, { ...knowing(work.took(unknown)), late: work.sent }, w, 1)
      go(`crash, ${work.label} under way`, { ...crashed, late: work.sent }, w, 1)
    }
    if (w.faults === 0) return
    hit('', 'crash')
    go('crash', crashed, w, 1)
  }

  const leading = (turn: Turn<World, Holder>, spanning: Spanning<Content>): void => {
    const { holder } = turn
    carryOut(turn, protocol.overAll(spanning), (known) =>
      known.stage === 'Over' ? free(holder, passesOf(known.lanes)) : { ...holder, spanning: known },
    )
  }

  const turnOf = (turn: Turn<World, Holder>): void => {
    const { holder } = turn
    const [e] = holder.at
    lateWrite(turn)
    if (e === undefined) begin(turn)
    else if (holder.spanning) leading(turn, holder.spanning)
    else {
      const knowing = (known: Pass<Content>): Holder => ({ ...holder, passes: replaced(holder.passes, e, known) })
      carryOut(turn, protocol.inPass(e, holder.passes[e]!), knowing)
    }
  }

  return (w) => {
    const next: Step<World>[] = []
    w.holders.forEach((holder, i) => {
      const go: Turn<World, Holder>['go'] = (label, after, from, cost = 0) => {
        const known = sameHolder(parts, after)
        const settled = atOnce(from, i, known)
        const then = { ...from, faults: from.faults - cost }
        const holders = replaced(from.holders, i, settled === known ? known : sameHolder(parts, settled))
        next.push([`${i}: ${label}`, { ...then, holders: holders.map((one) => withoutVain(then.server, one)) }])
      }
      turnOf({ w, i, holder, go })
    })
    if (w.faults > 0)
      for (const [label, server] of touchedIn(w.server)) next.push([label, { ...w, server, faults: w.faults - 1 }])
    return next
  }
}

/** Somebody edits an Environment or a request: its resourceVersion moves, and nothing else. */
const touched = (server: Server): Step<Server>[] => {
  const then = (next: Partial<Server>): Server => ({ ...server, ...next })
  const moved = <T extends { rv: number }>(list: readonly T[], index: number): T[] =>
    replaced(list, index, { ...list[index]!, rv: list[index]!.rv + 1 })
  return [
    ...server.environments.map(
      (_, e): Step<Server> => [`edit environment ${e}`, then({ environments: moved(server.environments, e) })],
    ),
    ...server.requests.map(
      (_, r): Step<Server> => [`edit request ${r}`, then({ requests: moved(server.requests, r) })],
    ),
  ]
}

/** Something in phase Applying has a part here, as an informer shows it. */
const isHalfDone = ({ requests }: Server, e: number): boolean =>
  requests.some(
    ({ phase, ahead }) => phase === 'Applying' && ahead?.parts.some(({ environment }) => environment === keyOf(e)),
  )

/** A change that passes just these environments waits. */
const isAwaited = ({ requests }: Server, setting: Setting, environments: readonly number[]): boolean =>
  requests.some(
    ({ phase }, change) => phase === 'Pending' && `${environmentsOf(setting, change)}` === `${environments}`,
  )

const sentBy = (e: number, pass: Pass<Content>, effect: Effect<Content>): Sent => ({
  in: e,
  effect,
  held: pass.held ?? null,
  read: pass.read?.resourceVersion ?? '',
  members: effect.do === 'Publish' || effect.do === 'Store' ? pass.members : [],
})

export const sentOverAll = ({ lanes }: Spanning<Content>, effect: SpanningEffect<Content>): Sent => {
  if (effect.do === 'Pass') return sentBy(environmentAt(effect.lane.environment), effect.lane.pass, effect.effect)
  return { in: 'all', effect, helds: lanes.map(({ pass }) => pass.held!) }
}

const nameOf = ({ in: where, effect }: Sent): string => (where === 'all' ? `${effect.do} over all` : effect.do)

const reads = new Set(['ReadEnvironment', 'Look', 'Plan', 'Reread', 'Store'])
const canBeLate = ({ effect }: Sent): boolean => !reads.has(effect.do)

/** The environment that a request reads, to begin with. */
const readsIn = (sent: Sent | undefined): number | undefined =>
  sent && sent.in !== 'all' && sent.effect.do === 'ReadEnvironment' ? sent.in : undefined

const passesOf = (lanes: readonly Lane<Content>[]): Pass<Content>[] => lanes.map(({ pass }) => pass)

/** What a write is about. */
const objectOf = (w: Server, { in: where, effect }: Sent): object => {
  if ('target' in effect) return w.components[componentAt(effect.target.component)]!
  if ('stale' in effect) return w.requests[Number(effect.stale.uid)]!
  if ('member' in effect) return w.requests[effect.member.content.change]!
  if ('change' in effect) return w.requests[effect.change.content.change]!
  return w.environments[Number(where)]!
}
