import type { Prepared } from '../../api/kinds.generated.ts'
import { newestOf } from '../../api/resource-version.ts'
import {
  type Answer,
  type Effect,
  type Member,
  nextEffects,
  type Pass,
  publishing,
  reached,
  type Target,
  took,
  unclaimed,
} from './commit.ts'

/*
 * The commit protocol of a change over several environments: together or not at all. One holder leads a pass in each of
 * them (commit.ts), one after another in the order of their keys, and makes one decision in between.
 *
 *   gather      every pass has claimed, looked, and completed or taken back what others left
 *   plan        on what is committed in all of them
 *   write ahead the request: Applying, with claim and version of each
 *   prepare     each Environment, by compare-and-set on it: the request stands in `prepared`, nothing else may pass
 *   decide      the request, by compare-and-set on it. This is the decision
 *   commit      each pass publishes the next version, stores and commits its part
 *   finish      the request
 *
 * Versions move after the decision, so one that is taken back has used none. Whoever meets the change half done needs
 * nothing but the environment that it holds: its pass asks the request. Undecided it is taken back, by compare-and-set on
 * the same request, so exactly one of the two happens; decided its part is published and committed there. Nothing else is
 * planned there before it has finished everywhere. So this machine has no failures of its own: when something is
 * not as it was, every pass looks again.
 */

/** The part of a change that one environment has. */
export interface Part<Content> {
  /** its key */
  readonly environment: string
  readonly targets: readonly Target[]
  readonly content: Content
  /** this holder has seen that it stands in the Environment, for this write-ahead */
  readonly prepared?: true
}

/** A change over several environments, on its way. */
export interface Spanned<Content> extends Member<Content> {
  /** sorted by environment; environments that were gathered, and have no part in it, are not among them */
  readonly parts: readonly Part<Content>[]
}

/** One of the environments, and the pass through it. */
export interface Lane<Content> {
  readonly environment: string
  readonly pass: Pass<Content>
}

export interface Spanning<Content> {
  readonly stage: 'Gather' | 'Plan' | 'WriteAhead' | 'Prepare' | 'Decide' | 'Commit' | 'Finish' | 'Over'
  /** sorted by environment */
  readonly lanes: readonly Lane<Content>[]
  readonly change?: Spanned<Content>
}

export type SpanningEffect<Content> =
  | { readonly do: 'Plan' }
  | { readonly do: 'Settle' | 'WriteAhead' | 'Decide' | 'Finish'; readonly change: Spanned<Content> }
  /** an effect of the pass through one environment */
  | { readonly do: 'Pass'; readonly lane: Lane<Content>; readonly effect: Effect<Content> }

/** `change` undefined: it does not pass now, and nothing is to be written for it. */
export type SpanningAnswer<Content> =
  | Answer<Content>
  | { readonly is: 'Change'; readonly change: Spanned<Content> | undefined }

/** `lanes` in any order, each as `resume` leaves it. */
export const newSpanning = <C>(lanes: readonly Lane<C>[]): Spanning<C> =>
  gathered({ stage: 'Gather', lanes: [...lanes].sort((a, b) => (a.environment < b.environment ? -1 : 1)) })

/** Everything that may be done now, in any order or at once; of one environment at a time. Empty: it is over. */
export const nextSpanningEffects = <C>(spanning: Spanning<C>): SpanningEffect<C>[] => {
  const { stage, change } = spanning
  switch (stage) {
    case 'Gather':
    case 'Commit': {
      const lane = spanning.lanes.find(({ pass }) => !isThrough(pass))!
      return nextEffects(lane.pass).map((effect) => ({ do: 'Pass', lane, effect }))
    }
    case 'Plan':
      return [{ do: 'Plan' }]
    case 'WriteAhead':
      return [{ do: change!.stage === 'Settle' ? 'Settle' : 'WriteAhead', change: change! }]
    case 'Prepare': {
      const { environment } = change!.parts.find((part) => !part.prepared)!
      const lane = spanning.lanes.find((one) => one.environment === environment)!
      return [{ do: 'Pass', lane, effect: { do: 'Prepare', prepared: preparedIn(change!, lane) } }]
    }
    case 'Decide':
    case 'Finish':
      return [{ do: stage, change: change! }]
    case 'Over':
      return []
  }
}

/** What is known after `effect` was answered. */
export const tookSpanning = <C>(
  spanning: Spanning<C>,
  effect: SpanningEffect<C>,
  answer: SpanningAnswer<C>,
): Spanning<C> => {
  if (effect.do === 'Plan') return answer.is === 'Change' ? tookChange(spanning, answer.change) : spanning
  if (answer.is === 'Change') return spanning
  switch (effect.do) {
    case 'Pass': {
      const pass = took(passOf(spanning, effect.lane), effect.effect, answer)
      if (effect.effect.do !== 'Prepare') return advanced(spanning, effect.lane, pass)
      return tookPrepare(withPass(spanning, effect.lane, pass), effect.lane, answer)
    }
    case 'Settle':
      return answer.is === 'Unknown' ? lookingAgain(spanning) : over(spanning)
    case 'WriteAhead':
      if (answer.is === 'Unknown') return lookingAgain(spanning)
      return answer.is === 'Written' ? tookWriteAhead(spanning, answer.resourceVersion) : over(spanning)
    case 'Decide':
      return answer.is === 'Written' ? decided(spanning, answer.resourceVersion) : lookingAgain(spanning)
    case 'Finish':
      return answer.is === 'Written' || answer.is === 'Gone' ? over(spanning) : lookingAgain(spanning)
  }
}

/** What is known when the pass through one environment has come so far. */
export const advanced = <C>(spanning: Spanning<C>, lane: Lane<C>, pass: Pass<C>): Spanning<C> =>
  gathered(withPass(spanning, lane, pass))

const over = <C>(spanning: Spanning<C>): Spanning<C> => ({ stage: 'Over', lanes: spanning.lanes })

/**
 * It is not as it was, or may not be: what has become of the change is asked in every environment, under new claims. So
 * what may still land meets another Environment, and what was prepared for one write-ahead is never taken for the next's.
 */
const lookingAgain = <C>({ lanes }: Spanning<C>): Spanning<C> => ({
  stage: 'Gather',
  lanes: lanes.map((lane) => ({ ...lane, pass: unclaimed(lane.pass) })),
})

/** A pass that has nothing more to do here. In stage Idle it has to wait until something has finished elsewhere. */
const isThrough = <C>({ stage }: Pass<C>): boolean => stage === 'Plan' || stage === 'Idle'

const gathered = <C>(spanning: Spanning<C>): Spanning<C> => {
  const { stage, lanes } = spanning
  if (!lanes.every(({ pass }) => isThrough(pass))) return spanning
  if (stage === 'Commit') return finishing(spanning)
  // What one of them waits for may have been done in another just now: the next time it is through.
  return lanes.some(({ pass }) => pass.stage === 'Idle') ? over(spanning) : { ...spanning, stage: 'Plan' }
}

const tookChange = <C>(spanning: Spanning<C>, change: Spanned<C> | undefined): Spanning<C> =>
  change ? { ...spanning, stage: 'WriteAhead', change } : over(spanning)

const tookWriteAhead = <C>(spanning: Spanning<C>, resourceVersion: string): Spanning<C> => ({
  ...spanning,
  stage: 'Prepare',
  change: { ...spanning.change!, stage: 'Ahead', resourceVersion },
})

const preparedIn = <C>({ applying: { name, uid } }: Spanned<C>, { pass }: Lane<C>): Prepared => ({
  name,
  uid,
  claim: pass.held!.claim,
})

const tookPrepare = <C>(spanning: Spanning<C>, { environment }: Lane<C>, answer: Answer<C>): Spanning<C> => {
  if (answer.is !== 'Written') return lookingAgain(spanning)
  const change = spanning.change!
  const parts = change.parts.map(
    (part): Part<C> => (part.environment === environment ? { ...part, prepared: true } : part),
  )
  const stage = parts.every((part) => part.prepared) ? 'Decide' : 'Prepare'
  return { ...spanning, stage, change: { ...change, parts } }
}

/** It will happen: each pass publishes and commits its part. That it has finished is written once, at the end. */
const decided = <C>(spanning: Spanning<C>, resourceVersion: string): Spanning<C> => {
  const change = { ...spanning.change!, resourceVersion }
  const lanes = spanning.lanes.map((lane) => {
    const part = change.parts.find(({ environment }) => environment === lane.environment)
    return part ? { ...lane, pass: publishing(lane.pass, memberOf(change, part)) } : lane
  })
  return { ...spanning, stage: 'Commit', change, lanes }
}

const memberOf = <C>({ applying, resourceVersion }: Spanned<C>, { targets, content }: Part<C>): Member<C> => ({
  applying,
  stage: 'Ahead',
  resourceVersion,
  targets,
  finished: true,
  content,
})

/** Whoever plans next in any of them must have seen what was written in all of them. */
const finishing = <C>(spanning: Spanning<C>): Spanning<C> => {
  const highest = newestOf(spanning.lanes.map(({ pass }) => pass.held?.highest ?? '0'))
  const lanes = spanning.lanes.map((lane) => ({
    ...lane,
    pass: lane.pass.held ? reached(lane.pass, highest) : lane.pass,
  }))
  return { ...spanning, stage: 'Finish', lanes }
}

const passOf = <C>({ lanes }: Spanning<C>, { environment }: Lane<C>): Pass<C> =>
  lanes.find((lane) => lane.environment === environment)!.pass

const withPass = <C>(spanning: Spanning<C>, { environment }: Lane<C>, pass: Pass<C>): Spanning<C> => ({
  ...spanning,
  lanes: spanning.lanes.map((lane) => (lane.environment === environment ? { ...lane, pass } : lane)),
})

/**
 * Given up half way: every pass must look before anything else. Before anything was written for the change there is nothing
 * to look for, and who has to wait for one environment does not claim the others again and again.
 */
export const abandoned = <C>(spanning: Spanning<C>): readonly Lane<C>[] =>
  (spanning.change ? lookingAgain(spanning) : spanning).lanes
