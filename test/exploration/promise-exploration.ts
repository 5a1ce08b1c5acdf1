import {
  type Answer,
  closing,
  type Effect,
  effectKey,
  newPass,
  nextEffects,
  type Pass,
  resume,
  took,
} from '../../operator/core/change/commit.ts'
import { type Explored, explored, type Hit, type Step, sameOf, type Turn } from '../support/exploration/explored.ts'
import { once, onceForTwo, type Parts } from '../support/exploration/search.ts'
import { makeServer, moved } from './promise-server.ts'
import {
  type Content,
  type Holder,
  isAtRest,
  isDirty,
  isPending,
  type Outcome,
  replaced,
  type Sent,
  type Server,
  type Setting,
  startOf,
  violationAtRest,
  violationIn,
  type World,
} from './promise-world.ts'

/*
 * Explores every schedule of two holders, each of which may work in either environment, over the real functions of
 * core/change/commit, core/change/promise and core/lock/claim. At every step a holder may crash and forget, be paused
 * while the other takes over, lose an answer, or have a write land long after it was given up; every plan is made on
 * everything that the caches may show.
 */

export const explore = (setting: Setting): Explored => {
  const wrongIn = once(violationIn)
  return explored<World>({
    start: startOf(setting),
    sameWorld,
    successors: (parts, hit) => makeSuccessors(setting, parts, hit),
    violation: (w) => wrongIn(w.server) ?? violationAtRest(w, setting),
    ...(setting.without ? {} : { rests: (w) => isAtRest(w, setting) }),
    keyOf,
    untilViolation: setting.untilViolation,
  })
}

const sameServer = ({ same, whole }: Parts, { environments, components, requests }: Server): Server =>
  whole({ environments: whole(environments.map(same)), components: same(components), requests: same(requests) })

const sameHolder = ({ same }: Parts, { at, passes, late }: Holder): Holder => ({
  at,
  passes: passes.map((pass) => pass && same(pass)),
  late: late && same(late),
})

const sameWorld = sameOf<World>(sameServer, sameHolder)

/** Which of the two holders is which makes no difference. */
const keyOf = ({ numberOf, pairOf }: Parts, w: World): number => {
  const number = (part: object | null): number => (part ? 1 + numberOf(part) : 0)
  const [a, b] = w.holders.map(({ at, passes: [first, second], late }) =>
    pairOf(pairOf(number(first!), number(second!)), pairOf(number(late), at + 1)),
  ) as [number, number]
  const owners = w.leases.map((lease) => (a > b && lease !== -1 ? 1 - lease : lease))
  const rest = owners.reduce((sum, owner) => sum * 3 + owner + 1, w.faults)
  return pairOf(pairOf(numberOf(w.server), rest), a > b ? pairOf(b, a) : pairOf(a, b))
}

/** The protocol, asked once for each thing that a holder can know and meet. All that it is given are parts that are known. */
const makeProtocol = ({ same }: Parts) => {
  const sentIn = [0, 1].map((e) =>
    once((pass: Pass<Content>) => nextEffects(pass).map((effect) => same(sentBy(e, pass, effect)))),
  )
  const tookBy = onceForTwo((pass: Pass<Content>, { effect }: Sent) =>
    once((answer: Answer<Content>) => same(took(pass, effect, answer))),
  )
  return {
    sentIn: (e: number, pass: Pass<Content>): readonly Sent[] => sentIn[e]!(pass),
    resumed: once((pass: Pass<Content>) => same(resume(pass, false))),
    resumedLooking: once((pass: Pass<Content>) => same(resume(pass, true))),
    closing: once((pass: Pass<Content>) => same(closing(pass))),
    took: (pass: Pass<Content>, sent: Sent, answer: Answer<Content>) => tookBy(pass, sent)(answer),
  }
}

const unknown: Answer<Content> = { is: 'Unknown' }

const makeSuccessors = (setting: Setting, parts: Parts, hit: Hit): ((w: World) => Step<World>[]) => {
  const serve = makeServer(setting)
  /** What comes of a request is the same for all holders, and whatever they know. */
  const performed = onceForTwo((sent: Sent, server: Server) =>
    serve(server, sent).map(([after, answer]): Outcome => [sameServer(parts, after), parts.same(answer)]),
  )
  const perform = ({ server }: World, sent: Sent): readonly Outcome[] => performed(sent, server)
  const protocol = makeProtocol(parts)
  const beginning = parts.same(newPass<Content>())
  const editedIn = [0, 1].map((e) =>
    once((server: Server) => {
      const { now } = server.environments[e]!
      return sameServer(parts, moved(server, e, { ...now, rv: now.rv + 1 }))
    }),
  )

  const knowing = (holder: Holder, sent: Sent, answer: Outcome[1]): Holder => {
    const { at: e, passes } = holder
    return { ...holder, passes: replaced(passes, e, protocol.took(passes[e]!, sent, answer)) }
  }

  const begun = ({ environments, requests }: Server, e: number, before: Pass<Content>): Pass<Content> => {
    const isAnother = before.held?.resourceVersion !== `${environments[e]!.now.rv}`
    const mustLook = isAnother || requests[e]!.phase === 'Applying'
    return mustLook ? protocol.resumedLooking(before) : protocol.resumed(before)
  }

  const begin = ({ w, i, holder, go }: Turn<World, Holder>): void => {
    for (const e of [0, 1]) {
      if (!isDirty(w.server, e) && !isPending(w.server, e, setting)) continue
      const isTaken = w.leases[e] === 1 - i
      if (isTaken && w.faults === 0) continue
      const pass = begun(w.server, e, holder.passes[e] ?? beginning)
      const next = { ...holder, at: e, passes: replaced(holder.passes, e, pass) }
      go(isTaken ? `take over ${e}` : `lock ${e}`, next, { ...w, leases: replaced(w.leases, e, i) }, isTaken ? 1 : 0)
    }
  }

  /** What a holder does without anybody else noticing, it does at once: reading, standing back, giving free. */
  const atOnce = (w: World, i: number, holder: Holder): World => {
    const { at: e, passes } = holder
    const pass = passes[e]
    const being = (next: Holder): World => ({ ...w, holders: replaced(w.holders, i, next) })
    const free = { ...holder, at: -1 }
    if (pass?.stage === 'Idle') {
      const next = protocol.closing(pass)
      if (isLeft(w.server, e)) return being(free)
      if (next.stage === 'Clear' && isDirty(w.server, e)) return being({ ...holder, passes: replaced(passes, e, next) })
      return { ...being(free), leases: w.leases[e] === i ? replaced(w.leases, e, -1) : w.leases }
    }
    if (pass?.stage !== 'Read') return being(holder)
    if (w.leases[e] !== i) return being(free)
    const [sent] = protocol.sentIn(e, pass)
    return being(knowing(holder, sent!, perform(w, sent!)[0]![1]))
  }

  /** What waits, or was left written ahead, is looked at again, and the lock is kept. */
  const isLeft = (w: Server, e: number): boolean => isPending(w, e, setting) || w.requests[e]!.phase === 'Applying'

  const answered = (turn: Turn<World, Holder>, sent: Sent, [server, answer]: Outcome): void => {
    const { w, holder, go } = turn
    const after = { ...w, server }
    const { effect } = sent
    const name = effect.do
    hit(answer.is === 'Conflict' ? 'conflict' : '', name)
    go(`${effectKey(effect)} in ${holder.at} ${answer.is}`, knowing(holder, sent, answer), after)
    if (w.faults === 0 || answer.is !== 'Written') return
    hit('lost answer', name)
    go(`${name} answer lost`, knowing(holder, sent, unknown), after, 1)
    hit('crash after', name)
    go(`crash after ${name}`, crashed(holder), after, 1)
  }

  const work = (turn: Turn<World, Holder>): void => {
    const { w, holder, go } = turn
    const pass = holder.passes[holder.at]!
    for (const sent of protocol.sentIn(holder.at, pass)) {
      const { effect } = sent
      for (const outcome of perform(w, sent)) answered(turn, sent, outcome)
      if (w.faults === 0 || holder.late || reads.has(effect.do)) continue
      go(`${effect.do} given up`, { ...knowing(holder, sent, unknown), late: sent }, w, 1)
      go(`crash, ${effect.do} under way`, { ...crashed(holder), late: sent }, w, 1)
    }
    if (w.faults === 0) return
    hit('', 'crash')
    go('crash', crashed(holder), w, 1)
  }

  const lateWrite = ({ w, holder, go }: Turn<World, Holder>): void => {
    if (!holder.late) return
    const { effect } = holder.late
    for (const [server] of perform(w, holder.late)) {
      hit('late', effect.do)
      go(`late ${effect.do}`, { ...holder, late: null }, { ...w, server })
    }
  }

  return (w) => {
    const next: Step<World>[] = []
    w.holders.forEach((holder, i) => {
      const go: Turn<World, Holder>['go'] = (label, after, from, cost = 0) => {
        const then = withoutVain({ ...atOnce(from, i, sameHolder(parts, after)), faults: from.faults - cost })
        const holders = replaced(then.holders, i, sameHolder(parts, then.holders[i]!))
        next.push([`${i}: ${label}`, { ...then, holders }])
      }
      const turn = { w, i, holder, go }
      lateWrite(turn)
      if (holder.at === -1) begin(turn)
      else work(turn)
    })
    if (w.faults === 0) return next
    // Somebody edits an Environment, or its counts are written: its resourceVersion moves, and nothing else.
    for (const e of [0, 1]) next.push([`edit ${e}`, { ...w, server: editedIn[e]!(w.server), faults: w.faults - 1 }])
    return next
  }
}

/** A write that meets another resourceVersion now meets one ever after: whether it lands makes no difference. */
const withoutVain = (w: World): World => {
  if (w.holders.every(({ late }) => !late)) return w
  return {
    ...w,
    holders: w.holders.map((one) => (one.late && isVain(w.server, one.late) ? { ...one, late: null } : one)),
  }
}

const isVain = ({ environments, components, requests }: Server, { in: e, effect, held, read }: Sent): boolean => {
  if ('pledge' in effect) return `${environments[1 - e]!.now.rv}` !== effect.pledge.resourceVersion
  if ('target' in effect) return `${components[e]!.rv}` !== effect.target.resourceVersion
  if ('member' in effect) return `${requests[e]!.rv}` !== effect.member.resourceVersion
  if ('stale' in effect) return `${requests[e]!.rv}` !== effect.stale.resourceVersion
  return `${environments[e]!.now.rv}` !== (effect.do === 'Claim' ? read : held!.resourceVersion)
}

const crashed = ({ late }: Holder): Holder => ({ at: -1, passes: [null, null], late })

const reads = new Set(['ReadEnvironment', 'Look', 'Plan', 'Reread', 'Store'])

const sentBy = (e: number, pass: Pass<Content>, effect: Effect<Content>): Sent => ({
  in: e,
  effect,
  held: pass.held ?? null,
  read: pass.read?.resourceVersion ?? '',
  members: effect.do === 'Publish' ? pass.members : [],
})
