import { type Failure, failure, type Result, success } from '../api/result.ts'
import { makeBar, type Progress } from './bar.ts'
import { addSpan, type FilterFlags, filterQuery, type SpanFlags, withFilter, withSpan } from './events-filter.ts'
import { notKarma } from './log.ts'
import type { Terminal } from './terminal.ts'
import type { Desk, Verb } from './verb.ts'

interface ReplayFlags extends FilterFlags, SpanFlags {}

const help = `
For a consumer that is new, or has lost what it had. Events keep their ids, and whoever has taken one drops it; the ledger
does. It may be broken off at any time and begun again. You need the verb replay on changerequests in the namespace, with
-A in all of them; the role admin has it.

Examples:
  kubectl karma events replay --from 24h -n dev
  kubectl karma events replay -A --from 2026-01-31T00:00:00Z --to 2026-02-01T00:00:00Z --tag environment=prod
  kubectl karma events replay --entity changerequest/new-alias -n dev
`

export const addReplay: Verb = (program, run) => {
  const command = program
    .command('replay')
    .description('publish events of the ledger to the bus again, in order of happening')
    .addHelpText('after', help)
  withFilter(withSpan(command)).action((flags: ReplayFlags) => run(flags, (desk) => replay(flags, desk)))
}

interface Page {
  readonly replayed: number
  readonly next?: string
  readonly total?: number
}

const replay = async (flags: ReplayFlags, { session, namespace, terminal }: Desk): Promise<Result<number>> => {
  const { query } = filterQuery(flags, namespace)
  // What comes meanwhile is no part of it, so it ends.
  addSpan(query, { to: (now) => new Date(now).toISOString(), ...flags }, terminal.now())
  const show = progressOn(terminal)
  let done = 0
  let total = 0
  for (let after: string | undefined; ; ) {
    if (after !== undefined) query.set('after', after)
    const answer = await session.post(`/api/v1/events/replay?${query}`)
    if (!isPage(answer)) return notKarma('replayed')
    if (!answer.ok) {
      show.end({ isWhole: false })
      return brokenOff(answer.failure, { done, total })
    }
    const { replayed, next } = answer.value
    done += replayed
    // What came late, with a time that lies in between, was not counted.
    total = Math.max(answer.value.total ?? total, done)
    if (replayed > 0) show.draw({ done, total })
    after = next
    if (after === undefined) break
  }
  show.end({ isWhole: true })
  terminal.out(`${done} event${done === 1 ? '' : 's'} replayed\n`)
  return success(0)
}

const isPage = (answer: Result<unknown>): answer is Result<Page> =>
  !answer.ok || typeof (answer.value as Partial<Page>).replayed === 'number'

const brokenOff = ({ reason, message, retry }: Failure, { done, total }: Progress): Result<never> => {
  if (done === 0) return failure({ reason, message, retry })
  const next = `${done} of ${total} events were replayed; begin it again, what comes twice is dropped`
  return failure({ reason, message: `${message}; ${next}`, retry })
}

const percentOf = ({ done, total }: Progress): number => Math.floor((100 * done) / Math.max(total, 1))

const counted = (progress: Progress): string => {
  const { done, total } = progress
  return ` ${String(done).padStart(String(total).length)}/${total} events ${String(percentOf(progress)).padStart(3)}%`
}

/** A bar on a terminal; else a line for each tenth. */
const progressOn = ({ width, err }: Terminal): ReturnType<typeof makeBar> => {
  if (width !== undefined) return makeBar(width, err, counted)
  let tenth = 0
  return {
    draw: (progress) => {
      const reached = Math.floor(percentOf(progress) / 10)
      if (reached > tenth) err(`${progress.done}/${progress.total} events ${percentOf(progress)}%\n`)
      tenth = Math.max(tenth, reached)
    },
    end: () => {},
  }
}
