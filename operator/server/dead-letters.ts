import { type Topic, topics } from '../api/envelope.ts'
import { eventBounds } from '../api/parse-event.ts'
import { failure, type Result, success } from '../api/result.ts'
import type { Access } from '../ports/access.ts'
import type { DeadLetterQuery, KeptLetter, Ledger } from '../ports/ledger.ts'
import { identified, permitted } from './caller.ts'
import { bad, numberIn, type Query, textIn, textsOf, timeIn } from './query.ts'

/** `truncated`: there are more, older than these. */
export interface DeadLettersAnswer {
  readonly letters: readonly KeptLetter[]
  readonly truncated: boolean
}

export interface DeadLetterAnswer {
  readonly letter: KeptLetter
  /** its bytes, in base64 */
  readonly raw: string
}

interface Dependencies {
  readonly access: Access
  readonly ledger: Pick<Ledger, 'deadLetters' | 'bytesOf'>
}

const limit = { least: 1, most: 1_000, preset: 100 }

/**
 * `GET /api/v1/dead-letters`: what was put aside, newest first. `topic`, `reason`; `since`, a time. Letters are in no
 * namespace, so the caller must be allowed to `list` ChangeRequests in all of them.
 */
export const makeDeadLettersRoute =
  ({ access, ledger }: Dependencies) =>
  async (token: string | undefined, query: Query): Promise<Result<DeadLettersAnswer>> => {
    const caller = await identified(access, token)
    if (!caller.ok) return caller
    const asked = parseDeadLettersQuery(query)
    if (!asked.ok) return asked
    const allowed = await permitted(access, caller.value, { verb: 'list' })
    if (!allowed.ok) return allowed
    const found = await ledger.deadLetters({ ...asked.value, limit: asked.value.limit + 1 })
    return success({ letters: found.slice(0, asked.value.limit), truncated: found.length > asked.value.limit })
  }

/** Fails with `BadRequest`. */
export const parseDeadLettersQuery = (query: Query): Result<DeadLetterQuery> => {
  const texts = textsOf(query, ['topic', 'reason', 'since', 'limit'])
  if (!texts.ok) return texts
  const { topic } = texts.value
  if (topic !== undefined && !isTopic(topic)) return bad('topic', `one of ${topics.join(', ')}`, topic)
  const reason = textIn('reason', texts.value.reason, eventBounds.name)
  if (!reason.ok) return reason
  const since = timeIn('since', texts.value.since)
  if (!since.ok) return since
  const count = numberIn('limit', texts.value.limit, limit)
  if (!count.ok) return count
  return success({
    ...(topic !== undefined && { topic }),
    ...(reason.value !== undefined && { reason: reason.value }),
    ...(since.value !== undefined && { since: since.value }),
    limit: count.value,
  })
}

const isTopic = (text: string): text is Topic => (topics as readonly string[]).includes(text)

/** `GET /api/v1/dead-letter`: one of them, by the beginning of its `id`, with its bytes. Rights: as for the list. */
export const makeDeadLetterRoute =
  ({ access, ledger }: Dependencies) =>
  async (token: string | undefined, query: Query): Promise<Result<DeadLetterAnswer>> => {
    const caller = await identified(access, token)
    if (!caller.ok) return caller
    const texts = textsOf(query, ['id'])
    if (!texts.ok) return texts
    const allowed = await permitted(access, caller.value, { verb: 'list' })
    if (!allowed.ok) return allowed
    const letter = await letterOf(ledger, texts.value.id ?? '')
    if (!letter.ok) return letter
    const raw = (await ledger.bytesOf(letter.value.id)) ?? new Uint8Array()
    return success({ letter: letter.value, raw: Buffer.from(raw).toString('base64') })
  }

/** The letter whose id begins so. Fails with `BadRequest`, `NotFound`. */
export const letterOf = async (ledger: Pick<Ledger, 'deadLetters'>, id: string): Promise<Result<KeptLetter>> => {
  if (!/^[0-9a-f]{8,64}$/.test(id)) return bad('id', 'the first 8 to 64 digits of the id of a dead letter', id)
  const [found, another] = await ledger.deadLetters({ id, limit: 2 })
  if (another) return bad('id', 'one dead letter whose id begins so (write more of it)', id)
  if (found) return success(found)
  return failure({
    reason: 'NotFound',
    message: `dead letter ${id}: the ledger has none whose id begins so; see kubectl karma dead-letters list`,
    retry: false,
  })
}
