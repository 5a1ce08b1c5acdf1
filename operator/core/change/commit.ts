import type { Applying, Prepared } from '../../api/kinds.generated.ts'
import { isNewer } from '../../api/resource-version.ts'
import type { Answer, Effect, Held, Member, Pass, Stale, Target } from './pass.ts'
import { type Pledge, pledgesOf } from './pledge.ts'

export type { Answer, Effect, Held, Member, Pass, Stale, Target } from './pass.ts'

/*
 * The commit protocol: how one holder carries a batch of changes through an environment (steps 4-8 and 10 of a
 * change's life). It is a machine without I/O: `nextEffects` says what may be done now, `took` takes in what came of
 * one of these effects. A holder may stop anywhere and forget everything; whoever comes next reads the Environment and
 * the requests, and completes what was decided or takes back what was not.
 *
 * The Environment object is the one point through which changes pass. Safety rests on three things, each shown to be
 * needed by the exploration in test/unit/core/change/commit.test.ts: a claim moves the Environment's resourceVersion,
 * publish is a compare-and-set on it, and a write-ahead is taken back only by a holder with a newer claim.
 *
 * A change over several environments passes each of them by a pass like this one, and spanning.ts leads these. Here it
 * shows as `prepared`, as a member that is Ahead when it is found, and as targets that are elsewhere.
 *
 * What a batch newly refers to in another environment is promised there before anything of it is written (promise.ts).
 * The words of the machine are in pass.ts.
 */

export const newPass = <C>(): Pass<C> => ({ stage: 'Read', mustLook: true, members: [], stale: [] })

/**
 * The same holder begins again. Its claim stands as long as nobody else has written the Environment (publish will
 * tell), so nothing needs to be read. `look`: something was seen in phase Applying that this holder does not carry.
 */
export const resume = <C>(pass: Pass<C>, look: boolean): Pass<C> => {
  const mustLook = isMidway(pass) || look
  return { ...forgotten(pass), mustLook, stage: pass.held && !mustLook ? 'Plan' : 'Read' }
}

/** The same holder gives the environment free: what has finished is cleared away; the rest whoever comes next must see. */
export const closing = <C>(pass: Pass<C>): Pass<C> =>
  pass.held && !isMidway(pass) ? { ...pass, stage: 'Clear' } : { ...pass, mustLook: isMidway(pass), stage: 'Idle' }

/** What is decided may not be carried through: it was left in the middle, or there may be something it has not seen. */
export const isMidway = <C>({ stage, mustLook }: Pass<C>): boolean => mustLook || !isBetween(stage)

/** What was planned, and nothing was written of it: once the pass is given up nothing tells that it still wants to pass. */
export const unwritten = <C>({ members }: Pass<C>): Applying[] =>
  members.flatMap(({ applying, stage }) => (stage === 'WriteAhead' || stage === 'Settle' ? [applying] : []))

/** Its holder goes on with a write of the Environment that is conditioned on the last one, or with what that has decided. */
export const isDeciding = <C>({ held, stage }: Pass<C>): boolean => held !== undefined && !isBetween(stage)

/** Nothing of a batch is under way. */
const isBetween = (stage: Pass<unknown>['stage']): boolean => ['Plan', 'Clear', 'Idle'].includes(stage)

/** A key by which an effect that is under way is known. */
export const effectKey = <C>(effect: Effect<C>): string => {
  if ('target' in effect) return `${effect.do} ${effect.member.applying.uid} ${effect.target.component}`
  if ('member' in effect) return `${effect.do} ${effect.member.applying.uid}`
  if ('pledge' in effect) return `${effect.do} ${effect.pledge.environment}`
  return 'stale' in effect ? `${effect.do} ${effect.stale.uid}` : effect.do
}

/** Everything that may be done now, in any order or at once. Empty: the pass has ended. */
export const nextEffects = <C>(pass: Pass<C>): Effect<C>[] => {
  switch (pass.stage) {
    case 'Read':
      return [{ do: 'ReadEnvironment' }]
    case 'Claim':
    case 'Look':
    case 'Plan':
    case 'Publish':
    case 'Store':
    case 'Clear':
      return [{ do: pass.stage }]
    case 'Repair':
      return [{ do: 'Repair', version: pass.repair! }]
    case 'Promise':
      return (pass.pledges ?? []).map((pledge) => ({ do: 'Promise', pledge }))
    case 'WriteAhead':
      return pass.members.flatMap((member) =>
        member.stage === 'Settle' || member.stage === 'WriteAhead' ? [{ do: member.stage, member }] : [],
      )
    case 'Commit':
      return pass.members.flatMap(commitEffects)
    case 'TakeBack':
      return pass.stale.map((stale) => ({ do: 'TakeBack', stale }))
    case 'Idle':
      return []
  }
}

/** Of these, what has become possible for one member, after an answer for it. */
export const nextEffectsOf = <C>(pass: Pass<C>, uid: string): Effect<C>[] => {
  const member = pass.members.find(({ applying }) => applying.uid === uid)
  return member && pass.stage === 'Commit' ? commitEffects(member) : []
}

const commitEffects = <C>(member: Member<C>): Effect<C>[] => {
  if (member.stage === 'Finish') return [{ do: 'Finish', member }]
  if (member.stage !== 'Commit') return []
  // Others look here when they have come to the end. So here it is looked there at the end: one of them sees all.
  const own = member.targets.filter(({ elsewhere, stage }) => !elsewhere && stage !== 'Done')
  return (own.length > 0 ? own : member.targets).flatMap((target): Effect<C>[] => {
    if (target.stage === 'Done' || target.stage === 'Awaited') return []
    const step = { Spec: 'WriteSpec', Committed: 'WriteCommitted', Reread: 'Reread' } as const
    return [{ do: step[target.stage], member, target }]
  })
}

/** What is known after `effect` was answered. */
export const took = <C>(pass: Pass<C>, effect: Effect<C>, answer: Answer<C>): Pass<C> => {
  switch (effect.do) {
    case 'ReadEnvironment':
      return answer.is === 'Environment' ? tookEnvironment(pass, answer.environment) : pass
    case 'Claim':
      return tookClaim(pass, answer)
    case 'Look':
      return answer.is === 'Seen' ? tookSeen(pass, answer) : pass
    case 'Plan':
      return tookPlan(pass, answer)
    case 'Repair':
      return answer.is === 'Written' ? repairing(pass, answer.resourceVersion, effect.version) : unclaimed(pass)
    case 'Promise':
      return tookPromise(pass, effect.pledge, answer)
    case 'Settle':
    case 'WriteAhead':
      return tookWriteAhead(pass, effect.member, answer)
    case 'Publish':
      return answer.is === 'Written' ? published(pass, answer.resourceVersion) : unclaimed(pass)
    case 'Store':
      if (answer.is === 'Written') return settle({ ...pass, stage: 'Commit', members: pass.members.map(ended) })
      return answer.is === 'Conflict' ? displaced(pass) : pass
    case 'WriteSpec':
    case 'WriteCommitted':
    case 'Reread':
      return tookTarget(pass, effect, answer)
    case 'Finish':
      return tookFinish(pass, effect.member, answer)
    case 'TakeBack':
      return tookTakeBack(pass, effect.stale, answer)
    case 'Prepare':
      return answer.is === 'Written' ? prepared(pass, answer.resourceVersion, effect.prepared) : unclaimed(pass)
    case 'Clear':
      return tookClear(pass, answer)
  }
}

/** Somebody else has, or may have, moved on: forget what was planned and look again. */
const displaced = <C>(pass: Pass<C>): Pass<C> => ({ ...forgotten(pass), stage: 'Read' })
/** A publish that may still land must meet a newer claim before anything is taken back. */
export const unclaimed = <C>({ held: _, ...pass }: Pass<C>): Pass<C> => displaced(pass)
const forgotten = <C>({ pledges: _, repair: __, ...pass }: Pass<C>): Pass<C> => ({
  ...pass,
  mustLook: true,
  members: [],
  stale: [],
})

const tookEnvironment = <C>(pass: Pass<C>, environment: Omit<Held, 'claim'>): Pass<C> => {
  const { held, ...rest } = pass
  if (held?.resourceVersion !== environment.resourceVersion) {
    return { ...rest, read: environment, mustLook: true, stage: 'Claim' }
  }
  return { ...pass, stage: pass.mustLook ? 'Look' : 'Plan' }
}

const tookClaim = <C>(pass: Pass<C>, answer: Answer<C>): Pass<C> => {
  if (answer.is !== 'Written') return displaced(pass)
  const { resourceVersion } = answer
  const { read, ...rest } = pass
  return { ...rest, stage: 'Look', held: { ...read!, resourceVersion, claim: resourceVersion } }
}

const tookSeen = <C>(pass: Pass<C>, seen: { open: readonly Member<C>[]; stale: readonly Stale[] }): Pass<C> => {
  const mine = pass.held!.claim
  // A newer claim than mine has written ahead: I am displaced, and the Environment will tell.
  if (seen.stale.some(({ claim }) => isNewer(claim, mine))) return displaced(pass)
  const looked = { ...pass, mustLook: false, members: seen.open, stale: seen.stale }
  if (seen.open.length === 0) return settle({ ...looked, stage: 'Commit' })
  // It was prepared here, and has been decided since.
  return { ...looked, stage: seen.open.some(({ stage }) => stage === 'Ahead') ? 'Publish' : 'Store' }
}

const tookPlan = <C>(pass: Pass<C>, answer: Answer<C>): Pass<C> => {
  if (answer.is === 'Differs') return { ...pass, stage: 'Repair', repair: answer.version }
  return answer.is === 'Batch' ? tookBatch(pass, answer.members) : pass
}

const tookBatch = <C>(pass: Pass<C>, members: readonly Member<C>[]): Pass<C> => {
  if (members.length === 0) return { ...pass, stage: 'Idle', members: [] }
  const pledges = pledgesOf(members)
  if (pledges.length > 0) return { ...pass, stage: 'Promise', members, pledges }
  return gathered({ ...pass, stage: 'WriteAhead', members })
}

/** When one does not hold nothing of the batch was written: it is planned anew. What was promised is so until then. */
const tookPromise = <C>(pass: Pass<C>, { environment }: Pledge, answer: Answer<C>): Pass<C> => {
  const { pledges = [], ...rest } = pass
  if (answer.is !== 'Written') return { ...rest, stage: 'Idle', members: [] }
  const open = pledges.filter((pledge) => pledge.environment !== environment)
  return open.length > 0 ? { ...pass, pledges: open } : gathered({ ...rest, stage: 'WriteAhead' })
}

const tookWriteAhead = <C>(pass: Pass<C>, member: Member<C>, answer: Answer<C>): Pass<C> => {
  const { is } = answer
  if (is === 'Written' && member.stage === 'WriteAhead') {
    return gathered(withMember(pass, { ...member, stage: 'Ahead', resourceVersion: answer.resourceVersion }))
  }
  // Only what is known to be written ahead may be published; what may be, is found by looking.
  const mustLook = pass.mustLook || is === 'Unknown'
  return gathered({ ...withMember(pass, { ...member, stage: 'Dropped' }), mustLook })
}

/** When every request is written ahead or dropped, what is left is published. */
const gathered = <C>(pass: Pass<C>): Pass<C> => {
  if (pass.members.some(({ stage }) => stage === 'WriteAhead' || stage === 'Settle')) return pass
  const members = pass.members.filter(({ stage }) => stage === 'Ahead')
  if (members.length > 0) return { ...pass, stage: 'Publish', members }
  return { ...pass, stage: 'Idle', members: [] }
}

const published = <C>(pass: Pass<C>, resourceVersion: string): Pass<C> => {
  const members = pass.members.map((member): Member<C> => ({ ...member, stage: 'Commit' }))
  const applying = members.map((member) => member.applying)
  const held = moved(pass.held!, { resourceVersion, version: pass.held!.version + 1, applying })
  return { ...pass, stage: 'Store', held, members }
}

/** What was decided is that nothing changes: the store follows with what is committed. */
const repairing = <C>({ repair: _, ...pass }: Pass<C>, resourceVersion: string, version: number): Pass<C> => ({
  ...pass,
  stage: 'Store',
  held: moved(pass.held!, { resourceVersion, version, applying: [] }),
  members: [],
})

/** The Environment after a write of this holder: what was prepared there is over, or published. */
const moved = ({ prepared: _, ...held }: Held, next: Partial<Held>): Held => ({ ...held, ...next })

/** What is ahead in this environment belongs to a change over several, which is decided: it is published. */
export const publishing = <C>(pass: Pass<C>, member: Member<C>): Pass<C> => ({
  ...pass,
  stage: 'Publish',
  members: [member],
})

/** A change over several environments stands in the Environment, and waits for its decision. */
const prepared = <C>(pass: Pass<C>, resourceVersion: string, what: Prepared): Pass<C> => ({
  ...pass,
  held: moved(pass.held!, { resourceVersion, applying: [], prepared: what }),
})

const tookTarget = <C>(
  pass: Pass<C>,
  { do: step, member, target }: Extract<Effect<C>, { target: Target }>,
  answer: Answer<C>,
): Pass<C> => {
  if (answer.is === 'Component') {
    if (answer.environment !== pass.held!.resourceVersion) return displaced(pass)
    const { component } = answer
    const done = { ...target, stage: 'Done' } as const
    if (!component || component.edited) return withTarget(pass, member, done)
    if (component.carries) return withTarget(reached(pass, component.resourceVersion), member, done)
    if (target.elsewhere) return withTarget(pass, member, { ...target, stage: 'Awaited' })
    const stage = member.applying.kind === 'ChangeRequest' ? 'Spec' : 'Committed'
    return withTarget(pass, member, { ...target, resourceVersion: component.resourceVersion, stage })
  }
  if (answer.is === 'Gone') return withTarget(pass, member, { ...target, stage: 'Done' })
  if (answer.is !== 'Written')
    return step === 'Reread' ? pass : withTarget(pass, member, { ...target, stage: 'Reread' })
  const { resourceVersion } = answer
  const stage = step === 'WriteSpec' ? 'Committed' : 'Done'
  return withTarget(reached(pass, resourceVersion), member, { ...target, resourceVersion, stage })
}

export const reached = <C>(pass: Pass<C>, resourceVersion: string): Pass<C> =>
  isNewer(resourceVersion, pass.held!.highest) ? { ...pass, held: { ...pass.held!, highest: resourceVersion } } : pass

const withTarget = <C>(pass: Pass<C>, { applying }: Member<C>, target: Target): Pass<C> => {
  const member = pass.members.find((m) => m.applying.uid === applying.uid)
  if (!member) return pass
  const targets = member.targets.map((t) => (t.component === target.component ? target : t))
  return settle(withMember(pass, ended({ ...member, targets })))
}

/** How far a member has come, by its targets. */
const ended = <C>(member: Member<C>): Member<C> => {
  const { applying, targets, finished } = member
  if (targets.some(({ stage }) => stage !== 'Done' && stage !== 'Awaited')) return member
  if (targets.some(({ stage }) => stage === 'Awaited')) return { ...member, stage: 'Awaited' }
  return { ...member, stage: applying.kind === 'ChangeRequest' && !finished ? 'Finish' : 'Done' }
}

const withMember = <C>(pass: Pass<C>, member: Member<C>): Pass<C> => ({
  ...pass,
  members: pass.members.map((m) => (m.applying.uid === member.applying.uid ? member : m)),
})

/** When nothing is left to commit, what was written ahead by others is taken back; then the next batch is planned. */
const settle = <C>(pass: Pass<C>): Pass<C> => {
  if (pass.stage !== 'Commit') return pass
  if (pass.members.some(({ stage }) => stage !== 'Done' && stage !== 'Awaited')) return pass
  // Until it has finished everywhere nobody plans on a part of it. It is looked at again when it has.
  if (pass.members.some(({ stage }) => stage === 'Awaited')) return { ...forgotten(pass), stage: 'Idle' }
  return { ...pass, members: [], stage: pass.stale.length > 0 ? 'TakeBack' : 'Plan' }
}

const tookFinish = <C>(pass: Pass<C>, member: Member<C>, answer: Answer<C>): Pass<C> =>
  answer.is === 'Written' || answer.is === 'Gone'
    ? settle(withMember(pass, { ...member, stage: 'Done' }))
    : displaced(pass)

const tookClear = <C>(pass: Pass<C>, answer: Answer<C>): Pass<C> => {
  if (answer.is !== 'Written') return { ...unclaimed(pass), stage: 'Idle' }
  return { ...pass, stage: 'Idle', held: moved(pass.held!, { resourceVersion: answer.resourceVersion, applying: [] }) }
}

const tookTakeBack = <C>(pass: Pass<C>, { uid }: Stale, answer: Answer<C>): Pass<C> => {
  if (answer.is === 'Conflict' || answer.is === 'Unknown') return displaced(pass)
  const stale = pass.stale.filter((other) => other.uid !== uid)
  return { ...pass, stale, stage: stale.length > 0 ? 'TakeBack' : 'Plan' }
}
