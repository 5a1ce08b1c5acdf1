import { type Message, type Topic, topics } from '../api/envelope.ts'
import { eventBounds, parseMessage } from '../api/parse-event.ts'
import { failure, type Result, success } from '../api/result.ts'
import type { Access } from '../ports/access.ts'
import type { Bus } from '../ports/bus.ts'
import type { KeptLetter, Ledger } from '../ports/ledger.ts'
import { identified, permitted } from './caller.ts'
import { waitingCursor, waitingIn } from './cursor.ts'
import { letterOf } from './dead-letters.ts'
import { bad, listIn, numberIn, type Query, textIn, textsOf } from './query.ts'

/** What became of one: without a reason it is on its topic again. */
export interface Outcome {
  readonly id: string
  readonly topic: Topic
  readonly reason?: string
  readonly message?: string
}

export interface LetterReplayAnswer {
  readonly letters: readonly Outcome[]
  /** `after` of the next page; absent: that was all */
  readonly next?: string
}

export interface LetterReplayDependencies {
  readonly access: Access
  readonly ledger: Pick<Ledger, 'deadLetters' | 'bytesOf' | 'markReplayed'>
  readonly bus: Pick<Bus, 'republish'>
  /** epoch milliseconds */
  readonly now: () => number
  readonly log: { info(data: object, message: string): void }
}

const limit = { least: 1, most: 100, preset: 50 }

/**
 * `POST /api/v1/dead-letters/replay`: reads the bytes again, as messages are read today, and publishes those that are
 * events now; the others stay, and say why. Either `id`, as often as need be; or of those that were not replayed yet
 * `reason`, or `all=true`, page by page. The caller must be allowed to `replay` ChangeRequests in all namespaces.
 */
export const makeDeadLetterReplayRoute =
  (dependencies: LetterReplayDependencies) =>
  async (token: string | undefined, query: Query): Promise<Result<LetterReplayAnswer>> => {
    const { access, ledger, log } = dependencies
    const caller = await identified(access, token)
    if (!caller.ok) return caller
    const asked = parseLetterReplay(query)
    if (!asked.ok) return asked
    const allowed = await permitted(access, caller.value, { verb: 'replay' })
    if (!allowed.ok) return allowed
    const letters = await lettersFor(ledger, asked.value)
    if (!letters.ok) return letters
    const outcomes = await replay(dependencies, letters.value)
    const { username } = caller.value
    const ids = outcomes.flatMap(({ id, reason }) => (reason === undefined ? id : []))
    if (ids.length > 0) log.info({ username, ids }, 'dead letters are replayed')
    const last = letters.value.at(-1)
    return success({ letters: outcomes, ...(asked.value.of === 'waiting' && last && { next: waitingCursor(last) }) })
  }

export type LetterReplay =
  | { readonly of: 'ids'; readonly ids: readonly string[] }
  | {
      readonly of: 'waiting'
      readonly reason?: string
      readonly after?: { readonly at: string; readonly id: string }
      readonly limit: number
    }

/** Fails with `BadRequest`. */
export const parseLetterReplay = (query: Query): Result<LetterReplay> => {
  const { id: _, ...single } = query
  const texts = textsOf(single, ['reason', 'all', 'after', 'limit'], ['id'])
  if (!texts.ok) return texts
  const ids = listIn(query, 'id', limit.most)
  if (!ids.ok) return ids
  const { all } = texts.value
  if (all !== undefined && all !== 'true') return bad('all', 'true', all)
  const reason = textIn('reason', texts.value.reason, eventBounds.name)
  if (!reason.ok) return reason
  const ways = [ids.value.length > 0, reason.value !== undefined, all !== undefined].filter(Boolean).length
  if (ways !== 1) return bad('query', 'one of id, reason, all', `${ways} of them`)
  if (ids.value.length > 0) return success({ of: 'ids', ids: ids.value })
  const after = waitingIn(texts.value.after)
  if (!after.ok) return after
  const count = numberIn('limit', texts.value.limit, limit)
  if (!count.ok) return count
  return success({
    of: 'waiting',
    ...(reason.value !== undefined && { reason: reason.value }),
    ...(after.value && { after: after.value }),
    limit: count.value,
  })
}

/** Nothing is done before all of the ids are known. */
const lettersFor = async (
  ledger: Pick<Ledger, 'deadLetters'>,
  asked: LetterReplay,
): Promise<Result<readonly KeptLetter[]>> => {
  if (asked.of === 'waiting') {
    const { reason, after, limit: most } = asked
    const waiting = after ? { after } : {}
    return success(await ledger.deadLetters({ ...(reason !== undefined && { reason }), waiting, limit: most }))
  }
  const letters = new Map<string, KeptLetter>()
  for (const id of asked.ids) {
    const letter = await letterOf(ledger, id)
    if (!letter.ok) return letter
    letters.set(letter.value.id, letter.value)
  }
  return success([...letters.values()])
}

const replay = async (
  { ledger, bus, now }: LetterReplayDependencies,
  letters: readonly KeptLetter[],
): Promise<Outcome[]> => {
  const outcomes: Outcome[] = []
  const messages = new Map<Topic, Message[]>(topics.map((topic) => [topic, []]))
  const ids: string[] = []
  // One after the other: a letter may be 16 MiB.
  for (const letter of letters) {
    const { id, topic } = letter
    const parsed = await messageOf(ledger, letter)
    if (parsed.ok) {
      messages.get(topic)?.push(parsed.value)
      ids.push(id)
      outcomes.push({ id, topic })
    } else {
      const { reason, message } = parsed.failure
      outcomes.push({ id, topic, reason, message })
    }
  }
  for (const [topic, events] of messages) if (events.length > 0) await bus.republish(topic, events)
  // Only then: what was published and not marked is published once more, under the same ids.
  if (ids.length > 0) await ledger.markReplayed(ids, new Date(now()).toISOString())
  return outcomes
}

const messageOf = async (ledger: Pick<Ledger, 'bytesOf'>, letter: KeptLetter): Promise<Result<Message>> => {
  if (letter.omitted !== undefined) {
    const message = `${letter.omitted} bytes at its end were too many to be put aside; publish it again where it came from`
    return failure({ reason: 'TooLarge', message, retry: false })
  }
  return parseMessage((await ledger.bytesOf(letter.id)) ?? new Uint8Array())
}
