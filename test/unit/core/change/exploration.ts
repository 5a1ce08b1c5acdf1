import {
  type Answer,
  closing,
  type Effect,
  newPass,
  nextEffects,
  type Pass,
  resume,
  took,
} from '../../../../operator/core/change/commit.ts'
import {
  type Explored,
  explored,
  type Hit,
  makeWithoutVain,
  type Step,
  sameOf,
  type Turn,
} from '../../../support/exploration/explored.ts'
import { once, onceForTwo, type Parts } from '../../../support/exploration/search.ts'
import { makeServer } from './schedule-server.ts'
import {
  type Content,
  type Holder,
  isAtRest,
  isUnfinished,
  nextOf,
  type Outcome,
  replaced,
  type Sent,
  type Server,
  type Setting,
  startOf,
  violationAtRest,
  violationIn,
  type World,
} from './schedule-world.ts'

/*
 * Explores every schedule of two holders that carry changes through one environment, over the real functions of
 * core/change/commit: each effect and each answer is one step, and at every step a holder may crash and forget, be
 * paused while the other takes over, lose an answer, or have a write land long after it was given up.
 */

export const explore = (setting: Setting): Explored => {
  const wrongIn = once((server: Server) => violationIn(server, setting))
  return explored<World>({
    start: startOf(setting),
    sameWorld,
    successors: (parts, hit) => makeSuccessors(setting, parts, hit),
    violation: (w) => wrongIn(w.server) ?? violationAtRest(w),
    ...(setting.without ? {} : { rests: isAtRest }),
    keyOf,
    untilViolation: setting.untilViolation,
  })
}

const sameServer = ({ same, whole }: Parts, { env, store, components, requests }: Server): Server =>
  whole({ env: same(env), store: same(store), components: same(components), requests: same(requests) })

const sameHolder = ({ same }: Parts, { at, pass, late }: Holder): Holder => ({
  at,
  pass: pass && same(pass),
  late: late && same(late),
})

const sameWorld = sameOf<World>(sameServer, sameHolder)

/** Which of the two holders is which makes no difference. */
const keyOf = ({ numberOf, pairOf }: Parts, w: World): number => {
  const [a, b] = w.holders.map(({ at, pass, late }) =>
    pairOf(pairOf(pass ? 1 + numberOf(pass) : 0, late ? 1 + numberOf(late) : 0), moments.indexOf(at)),
  ) as [number, number]
  const lease = w.lease !== -1 && a > b ? 1 - w.lease : w.lease
  const rest = ((lease + 1) * 8 + w.faults) * 8 + w.reports
  return pairOf(pairOf(numberOf(w.server), rest), a > b ? pairOf(b, a) : pairOf(a, b))
}
const moments: readonly Holder['at'][] = ['start', 'on', 'done']

/** The protocol, asked once for each thing that a holder can know and meet. All that it is given are parts that are known. */
const makeProtocol = ({ same }: Parts) => {
  const tookBy = onceForTwo((pass: Pass<Content>, { effect }: Sent) =>
    once((answer: Answer<Content>) => same(took(pass, effect, answer))),
  )
  return {
    sentIn: once((pass: Pass<Content>) => nextEffects(pass).map((effect) => same(sentBy(pass, effect)))),
    took: (pass: Pass<Content>, sent: Sent, answer: Answer<Content>) => tookBy(pass, sent)(answer),
    resumed: once((pass: Pass<Content>) => same(resume(pass, false))),
    resumedLooking: once((pass: Pass<Content>) => same(resume(pass, true))),
    closing: once((pass: Pass<Content>) => same(closing(pass))),
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
  const reportedIn = once((server: Server) =>
    reportsIn(server).map(([label, after]): Step<Server> => [label, sameServer(parts, after)]),
  )
  const beginning = parts.same(newPass<Content>())

  const withoutVain = makeWithoutVain(objectOf, performed)

  const lateWrite = ({ w, holder, go }: Turn<World, Holder>): void => {
    if (!holder.late) return
    const { effect } = holder.late
    for (const [after] of perform(w, holder.late)) {
      hit('late', effect.do)
      go(`late ${effect.do}`, { ...holder, late: null }, { ...w, server: after })
    }
  }

  const start = ({ w, i, holder, go }: Turn<World, Holder>): void => {
    const mine = w.lease === i || w.lease === -1 || w.holders[1 - i]!.at === 'done'
    if (mine) go('lock', { ...holder, at: 'on' }, { ...w, lease: i })
    else if (w.faults > 0) go('take over', { ...holder, at: 'on' }, { ...w, lease: i }, 1)
  }

  const idle = ({ w, holder, go }: Turn<World, Holder>, pass: Pass<Content>): void => {
    const isApplying = w.server.requests.some(({ phase }) => phase === 'Applying')
    const resumed = isApplying ? protocol.resumedLooking : protocol.resumed
    if (isUnfinished(w.server) || pass.mustLook) go('resume', { ...holder, pass: resumed(pass) }, w)
    else if (pass.held && pass.held.applying.length > 0) go('close', { ...holder, pass: protocol.closing(pass) }, w)
    else go('done', { ...holder, at: 'done', pass: null }, w)
  }

  const answered = (
    { w, holder, go }: Turn<World, Holder>,
    pass: Pass<Content>,
    sent: Sent,
    [server, answer]: Outcome,
  ): void => {
    const after = { ...w, server }
    const { effect } = sent
    hit(answer.is === 'Conflict' ? 'conflict' : '', effect.do)
    go(`${effect.do} ${answer.is}`, { ...holder, pass: protocol.took(pass, sent, answer) }, after)
    if (w.faults === 0 || answer.is !== 'Written') return
    hit('lost answer', effect.do)
    go(`${effect.do} answer lost`, { ...holder, pass: protocol.took(pass, sent, unknown) }, after, 1)
    hit('crash after', effect.do)
    go(`crash after ${effect.do}`, { at: 'start', pass: null, late: holder.late }, after, 1)
  }

  const effects = (turn: Turn<World, Holder>, pass: Pass<Content>): void => {
    const { w, holder, go } = turn
    for (const sent of protocol.sentIn(pass)) {
      const { effect } = sent
      for (const outcome of perform(w, sent)) answered(turn, pass, sent, outcome)
      if (w.faults === 0 || !canBeLate(effect) || holder.late) continue
      go(`${effect.do} given up`, { at: 'on', pass: protocol.took(pass, sent, unknown), late: sent }, w, 1)
      go(`crash, ${effect.do} under way`, { at: 'start', pass: null, late: sent }, w, 1)
    }
    if (w.faults === 0) return
    hit('', 'crash')
    go('crash', { at: 'start', pass: null, late: holder.late }, w, 1)
    if (pass.stage === 'Clear') return
    hit('', 'close')
    go('close half way', { ...holder, pass: protocol.closing(pass) }, w, 1)
  }

  const turnOf = (turn: Turn<World, Holder>): void => {
    const { w, i, holder, go } = turn
    lateWrite(turn)
    if (holder.at === 'start') start(turn)
    if (holder.at !== 'on') return
    const pass = holder.pass ?? beginning
    if (pass.stage === 'Read' && w.lease !== i) go('stand back', { ...holder, at: 'start' }, w)
    else if (pass.stage === 'Idle') idle(turn, pass)
    else effects(turn, pass)
  }

  return (w) => {
    const next: Step<World>[] = []
    w.holders.forEach((holder, i) => {
      const go: Turn<World, Holder>['go'] = (label, after, from, cost = 0) => {
        const holders = replaced(from.holders, i, sameHolder(parts, after))
        const known = holders.map((one) => withoutVain(from.server, one))
        next.push([`${i}: ${label}`, { ...from, holders: known, faults: from.faults - cost }])
      }
      turnOf({ w, i, holder, go })
    })
    if (w.reports > 0)
      for (const [label, server] of reportedIn(w.server)) next.push([label, { ...w, server, reports: w.reports - 1 }])
    return next
  }
}

/** What a write is about. Those of an Environment are conditioned on nothing else of it than its resourceVersion. */
const objectOf = ({ env, components, requests }: Server, { effect }: Sent): object => {
  if ('target' in effect) return components[Number(effect.target.component)]!
  if ('stale' in effect) return requests[Number(effect.stale.uid)]!
  if ('member' in effect) return requests[effect.member.content.change]!
  return env
}

/** Somebody reports on a Component: its resourceVersion moves, and nothing else. */
const reportsIn = (server: Server): Step<Server>[] =>
  server.components.map((component, index) => {
    const past = [...component.past, [component.rv, component.committed] as const]
    const components = replaced(server.components, index, { ...component, rv: nextOf(server), past })
    return [`report ${index}`, { ...server, components }]
  })

const sentBy = (pass: Pass<Content>, effect: Effect<Content>): Sent => ({
  effect,
  held: pass.held ?? null,
  read: pass.read?.resourceVersion ?? '',
  members: effect.do === 'Publish' || effect.do === 'Store' ? pass.members : [],
})

const canBeLate = ({ do: step }: Effect<Content>): boolean =>
  step !== 'ReadEnvironment' && step !== 'Look' && step !== 'Plan' && step !== 'Reread' && step !== 'Store'
