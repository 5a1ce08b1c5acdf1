import assert from 'node:assert/strict'
import { type Message, messageOf } from '../../../operator/api/envelope.ts'
import { failure, type Result, success } from '../../../operator/api/result.ts'
import type { Access } from '../../../operator/ports/access.ts'
import type { DeadLetterQuery, KeptLetter } from '../../../operator/ports/ledger.ts'
import { waitingCursor } from '../../../operator/server/cursor.ts'
import {
  makeDeadLetterRoute,
  makeDeadLettersRoute,
  parseDeadLettersQuery,
} from '../../../operator/server/dead-letters.ts'
import { makeDeadLetterReplayRoute, parseLetterReplay } from '../../../operator/server/dead-letters-replay.ts'
import { ledgerEvent } from '../../contract/ledger.ts'

const noon = Date.UTC(2026, 0, 31, 12)
const event = ledgerEvent({ id: 'mended' })
const id = (digit: string): string => digit.repeat(64)

/** Four that wait, of which one is an event by now, and one that is cut. */
const kept: readonly (KeptLetter & { readonly raw: string })[] = [
  { id: id('a'), topic: 'events.normalized', reason: 'NotJson', raw: '{' },
  { id: id('b'), topic: 'actions.results', reason: 'NotJson', raw: `${JSON.stringify(event)} ` },
  { id: id('c'), topic: 'events.normalized', reason: 'TooLarge', raw: 'x', omitted: 7 },
  { id: `${'a'.repeat(9)}${'d'.repeat(55)}`, topic: 'events.normalized', reason: 'NotUtf8', raw: 'ü' },
].map((letter, n) => ({
  at: new Date(noon + n).toISOString(),
  message: 'refused',
  size: letter.raw.length,
  ...(letter as { id: string; topic: 'events.normalized'; reason: string; raw: string }),
}))

const access: Access = {
  identify: async (token) =>
    token === 'none'
      ? failure({ reason: 'Unauthorized', message: 'bearer token: unknown', retry: false })
      : success({ username: token, groups: [] }),
  may: async ({ username }, { verb, namespace }) =>
    success(namespace === undefined && (username === 'root' || (username === 'reader' && verb === 'list'))),
}

const makeWorld = (publishing: () => Promise<void> = async () => {}) => {
  const asked: DeadLetterQuery[] = []
  const did: unknown[] = []
  const ledger = {
    deadLetters: async (query: DeadLetterQuery) => {
      asked.push(query)
      const { id: beginning = '', reason, waiting, limit } = query
      return kept
        .filter((letter) => letter.id.startsWith(beginning) && (reason === undefined || letter.reason === reason))
        .filter(({ at }) => waiting?.after === undefined || at > waiting.after.at)
        .slice(0, limit)
        .map(({ raw: _, ...letter }) => letter)
    },
    bytesOf: async (one: string) => {
      const letter = kept.find((some) => some.id === one)
      return letter && Buffer.from(letter.raw)
    },
    markReplayed: async (ids: readonly string[], at: string) => void did.push(['marked', ids, at]),
  }
  const bus = {
    republish: async (topic: string, messages: readonly Message[]) => {
      await publishing()
      did.push(['published', topic, messages])
    },
  }
  const log = { info: (data: object) => void did.push(data) }
  return {
    asked,
    did,
    list: makeDeadLettersRoute({ access, ledger }),
    show: makeDeadLetterRoute({ access, ledger }),
    replay: makeDeadLetterReplayRoute({ access, ledger, bus, now: () => noon, log }),
  }
}

const refusal = (result: Result<unknown>): string =>
  result.ok ? 'ok' : `${result.failure.reason}: ${result.failure.message}`

describe('GET /api/v1/dead-letters', () => {
  it('tells of so many, and that there are more', async () => {
    const { list, asked } = makeWorld()
    const answer = await list('reader', { limit: '2', topic: 'events.normalized', since: '2026-01-31T12:00:00Z' })
    assert.ok(answer.ok)
    assert.deepEqual([answer.value.letters.length, answer.value.truncated], [2, true])
    assert.deepEqual(asked, [{ topic: 'events.normalized', since: noon, limit: 3 }])
  })

  it('shows one by the beginning of its id', async () => {
    const { show } = makeWorld()
    const { raw, ...letter } = kept[1]!
    assert.deepEqual(
      await show('reader', { id: 'bbbbbbbb' }),
      success({ letter, raw: Buffer.from(raw).toString('base64') }),
    )
    assert.match(
      refusal(await show('reader', { id: 'aaaaaaaa' })),
      /^BadRequest: id: expected one dead letter whose id/,
    )
    assert.match(
      refusal(await show('reader', { id: '00000000' })),
      /^NotFound: dead letter 00000000: the ledger has none/,
    )
    for (const wrong of ['', 'aaaaaaa', 'AAAAAAAA', "aaaaaaaa'", 'a'.repeat(65)]) {
      assert.match(refusal(await show('reader', { id: wrong })), /^BadRequest: id: expected the first 8 to 64 digits/)
    }
  })

  it('is for those who may list everywhere', async () => {
    const { list, show, asked } = makeWorld()
    for (const route of [list, show]) {
      assert.match(refusal(await route(undefined, {})), /^Unauthorized: /)
      assert.match(refusal(await route('none', {})), /^Unauthorized: /)
      assert.match(refusal(await route('jo', {})), /^Forbidden: jo may not list changerequests\S+ in all namespaces$/)
    }
    assert.deepEqual(asked, [])
  })

  const bad: [query: Record<string, unknown>, message: RegExp][] = [
    [{ topic: 'else' }, /^topic: expected one of events.normalized, actions.requested, /],
    [{ reason: '' }, /^reason: expected a text/],
    [{ since: '24h' }, /^since: expected a time/],
    [{ limit: '1001' }, /^limit: expected a whole number from 1 to 1000/],
    [{ id: 'aaaaaaaa' }, /^id: expected one of topic, reason, since, limit/],
  ]
  for (const [query, message] of bad) {
    it(`${JSON.stringify(query)} is refused`, () => {
      const result = parseDeadLettersQuery(query)
      assert.ok(!result.ok)
      assert.match(result.failure.message, message)
    })
  }
})

describe('POST /api/v1/dead-letters/replay', () => {
  it('publishes what is an event by now, marks it, and says why the others stay', async () => {
    const { replay, did } = makeWorld()
    const answer = await replay('root', { all: 'true' })
    assert.ok(answer.ok)
    const { raw } = kept[1]!
    assert.deepEqual(did, [
      ['published', 'actions.results', [{ ...messageOf(event), raw }]],
      ['marked', [id('b')], new Date(noon).toISOString()],
      { username: 'root', ids: [id('b')] },
    ])
    assert.deepEqual(
      answer.value.letters.map(({ id: one, topic, reason = '' }) => `${one.slice(0, 2)} ${topic} ${reason}`),
      [
        'aa events.normalized NotJson',
        'bb actions.results ',
        'cc events.normalized TooLarge',
        'aa events.normalized NotJson',
      ],
    )
    assert.equal(
      answer.value.letters[2]?.message,
      '7 bytes at its end were too many to be put aside; publish it again where it came from',
    )
    assert.match(answer.value.letters[0]?.message ?? '', /expected JSON, found "" at position 1/)
    assert.equal(answer.value.next, waitingCursor(kept[3]!))
  })

  it('goes on behind a page, until there is nothing', async () => {
    const { replay, asked } = makeWorld()
    const after = waitingCursor(kept[3]!)
    assert.deepEqual(await replay('root', { reason: 'NotJson', after, limit: '7' }), success({ letters: [] }))
    const { at, id: last } = kept[3]!
    assert.deepEqual(asked, [{ reason: 'NotJson', waiting: { after: { at, id: last } }, limit: 7 }])
  })

  it('by ids; each letter once, and nothing at all where one of them is not known', async () => {
    const { replay, did } = makeWorld()
    const answer = await replay('root', { id: ['bbbbbbbb', id('b')] })
    assert.deepEqual(answer, success({ letters: [{ id: id('b'), topic: 'actions.results' }] }))
    did.length = 0
    assert.match(refusal(await replay('root', { id: ['bbbbbbbb', '00000000'] })), /^NotFound: dead letter 00000000/)
    assert.deepEqual(did, [])
  })

  it('marks nothing that is not on the bus', async () => {
    const { replay, did } = makeWorld(() => Promise.reject(new Error('kafka: away')))
    await assert.rejects(replay('root', { id: 'bbbbbbbb' }), /kafka: away/)
    assert.deepEqual(did, [])
  })

  it('is for those who may replay everywhere', async () => {
    const { replay, asked } = makeWorld()
    assert.match(refusal(await replay(undefined, { all: 'true' })), /^Unauthorized: /)
    assert.match(
      refusal(await replay('reader', { all: 'true' })),
      /^Forbidden: reader may not replay changerequests.usekarma.dev in all namespaces; it takes the verb replay on changerequests, which the role admin has$/,
    )
    assert.deepEqual(asked, [])
  })

  const bad: [query: Record<string, unknown>, message: RegExp][] = [
    [{}, /^query: expected one of id, reason, all, found "0 of them"/],
    [{ id: 'aaaaaaaa', all: 'true' }, /found "2 of them"/],
    [{ reason: 'x', all: 'true' }, /found "2 of them"/],
    [{ all: 'yes' }, /^all: expected true, found "yes"/],
    [{ reason: '' }, /^reason: expected a text/],
    [{ all: 'true', after: 'x' }, /^after: expected the next of an earlier answer/],
    [{ all: 'true', after: waitingCursor({ at: "'", id: '' }) }, /^after: /],
    [{ all: 'true', limit: '0' }, /^limit: expected/],
    [{ since: 'x' }, /^since: expected one of reason, all, after, limit, id, found "since"/],
    [{ id: Array.from({ length: 101 }, () => 'aaaaaaaa') }, /^id: expected at most 100 of them/],
  ]
  for (const [query, message] of bad) {
    it(`${JSON.stringify(query).slice(0, 80)} is refused`, () => {
      const result = parseLetterReplay(query)
      assert.ok(!result.ok)
      assert.equal(result.failure.reason, 'BadRequest')
      assert.match(result.failure.message, message)
    })
  }
})
