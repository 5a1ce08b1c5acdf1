import assert from 'node:assert/strict'
import { failure, type Result, success } from '../../../operator/api/result.ts'
import { shownBytes } from '../../../operator/cli/bytes.ts'
import { type Circumstances, typed } from '../../support/command-line.ts'

const foreign = {
  id: '3f0c9a1b77aa01c2'.padEnd(64, '0'),
  at: '2026-01-31T11:00:00.000Z',
  topic: 'events.normalized',
  partition: 2,
  offset: '17',
  key: 'web/é',
  reason: 'NotJson',
  message: 'Event: the message: expected JSON, found "\u001b[2J"',
  size: 4,
}
const own = {
  id: '77aa01c2'.padEnd(64, '1'),
  at: '2026-01-30T11:00:00.000Z',
  topic: 'actions.results',
  reason: 'TooLarge',
  message: 'too large',
  size: 1_048_577,
  omitted: 12,
  replayedAt: '2026-01-31T11:30:00.000Z',
}

const run = async (args: string[], answers: Result<unknown>[], circumstances: Circumstances = {}) => {
  const paths: string[] = []
  const answer = (method: string) => async (path: string) => {
    paths.push(`${method} ${decodeURIComponent(path.replace('/api/v1/', ''))}`)
    return (answers.length > 1 ? answers.shift() : answers[0])!
  }
  const session = { operator: answer('GET'), post: answer('POST') }
  return { ...(await typed(['dead-letters', ...args], { session, ...circumstances })), paths }
}

const listed = (truncated = false) => success({ letters: [foreign, own], truncated })
const forbidden = failure({ reason: 'Forbidden', message: 'jo may not', retry: false })

describe('kubectl karma dead-letters list', () => {
  it('prints a table', async () => {
    const { code, out, err, paths } = await run(['list'], [listed(true)])
    assert.deepEqual([code, paths], [0, ['GET dead-letters?']])
    assert.equal(
      out,
      [
        'ID             AT                         TOPIC               OFFSET   BYTES     REPLAYED                   REASON     MESSAGE',
        '3f0c9a1b77aa   2026-01-31T11:00:00.000Z   events.normalized   2/17     4         -                          NotJson    Event: the message: expected JSON, found "\\u001b[2J"',
        '77aa01c21111   2026-01-30T11:00:00.000Z   actions.results     -        1048577   2026-01-31T11:30:00.000Z   TooLarge   too large',
        '',
      ].join('\n'),
    )
    assert.equal(err, 'only 2 dead letters are shown; --limit N shows more\n')
  })

  it('as JSON, and nothing at all', async () => {
    assert.deepEqual(JSON.parse((await run(['list', '-o', 'json'], [listed()])).out), { letters: [foreign, own] })
    const none = await run(['list'], [success({ letters: [], truncated: false })])
    assert.deepEqual([none.code, none.out, none.err], [0, '', 'no dead letters\n'])
  })

  const paths: [args: string[], expected: string][] = [
    [['--topic', 'actions.results', '--limit', '5'], 'GET dead-letters?topic=actions.results&limit=5'],
    [['--reason', "x'&"], "GET dead-letters?reason=x'&"],
    [['--since', '24h'], 'GET dead-letters?since=2026-01-30T12:00:00.000Z'],
    [['--since', '2026-01-31T00:00:00Z'], 'GET dead-letters?since=2026-01-31T00:00:00.000Z'],
  ]
  for (const [args, expected] of paths) {
    it(`${args.join(' ')} asks ${expected}`, async () => {
      assert.deepEqual((await run(['list', ...args], [listed()])).paths, [expected])
    })
  }

  it('refuses what it does not know, and says what others refuse', async () => {
    for (const args of [
      ['--topic', 'else'],
      ['--since', 'soon'],
      ['-n', 'dev'],
      ['-o', 'csv'],
    ]) {
      const { code, paths: sent } = await run(['list', ...args], [listed()])
      assert.deepEqual([code, sent], [1, []], args.join(' '))
    }
    assert.equal((await run(['list'], [forbidden])).err, 'error: jo may not (Forbidden)\n')
    assert.match((await run(['list'], [success({})])).err, /not from Karma: expected {letters}/)
  })
})

describe('kubectl karma dead-letters show', () => {
  const shown = (letter: object, bytes: Uint8Array) => success({ letter, raw: Buffer.from(bytes).toString('base64') })

  it('says what is known, then the bytes as text', async () => {
    const { code, out, paths } = await run(['show', '3f0c9a1b'], [shown(foreign, Buffer.from('{"é"'))])
    assert.deepEqual([code, paths], [0, ['GET dead-letter?id=3f0c9a1b']])
    assert.equal(
      out,
      [
        `ID:         ${foreign.id}`,
        'Put aside:  2026-01-31T11:00:00.000Z',
        'Topic:      events.normalized',
        'Partition:  2',
        'Offset:     17',
        'Key:        web/é',
        'Reason:     NotJson',
        'Message:    Event: the message: expected JSON, found "\\u001b[2J"',
        'Bytes:      4',
        'Replayed:   no',
        '',
        '{"é"',
        '',
      ].join('\n'),
    )
  })

  it('says what was left out, and when it was replayed', async () => {
    const { out } = await run(['show', own.id], [shown(own, Buffer.alloc(0))])
    assert.match(out, /^Bytes: {6}1048577, and 12 more that were too many to be kept\nReplayed: {3}2026-01-31T11:30/m)
    assert.doesNotMatch(out, /Partition|Offset|Key/)
  })

  it('as JSON with base64', async () => {
    const raw = Buffer.from([0, 255])
    assert.deepEqual(JSON.parse((await run(['show', 'x', '-o', 'json'], [shown(foreign, raw)])).out), {
      ...foreign,
      raw: 'AP8=',
    })
  })

  it('says what is refused', async () => {
    const unknown = failure({ reason: 'NotFound', message: 'dead letter 00000000: the ledger has none', retry: false })
    assert.equal(
      (await run(['show', '00000000'], [unknown])).err,
      'error: dead letter 00000000: the ledger has none (NotFound)\n',
    )
    assert.match(
      (await run(['show', 'x'], [success({ letter: foreign })])).err,
      /not from Karma: expected {letter, raw}/,
    )
  })
})

describe('kubectl karma dead-letters replay', () => {
  const done = { id: foreign.id, topic: 'events.normalized' }
  const stays = { id: own.id, topic: 'actions.results', reason: 'NotJson', message: 'still none' }

  it('says what became of each, and ends with 1 when something stays', async () => {
    const { code, out, err, paths } = await run(
      ['replay', '3f0c9a1b', '77aa01c2'],
      [success({ letters: [done, stays] })],
    )
    assert.deepEqual(
      [code, err, paths],
      [1, '1 replayed, 1 stay\n', ['POST dead-letters/replay?id=3f0c9a1b&id=77aa01c2']],
    )
    assert.equal(
      out,
      [
        'ID             TOPIC               OUTCOME    MESSAGE',
        '3f0c9a1b77aa   events.normalized   Replayed',
        '77aa01c21111   actions.results     NotJson    still none',
        '',
      ].join('\n'),
    )
    const whole = await run(['replay', '3f0c9a1b', '-o', 'json'], [success({ letters: [done] })])
    assert.deepEqual([whole.code, JSON.parse(whole.out)], [0, { letters: [done] }])
  })

  it('of many page by page, and shows on a terminal how far it is', async () => {
    const pages = () => [
      success({ letters: [done], next: 'n1' }),
      success({ letters: [stays], next: 'n2' }),
      success({ letters: [] }),
    ]
    const { code, out, err, paths } = await run(['replay', '--reason', 'NotJson'], pages(), { width: 200 })
    assert.equal(code, 1)
    assert.equal(err, '\r1 tried\r2 tried\r2 tried\n1 replayed, 1 stay\n')
    assert.equal(out.split('\n').length, 4)
    const first = 'POST dead-letters/replay?reason=NotJson'
    assert.deepEqual(paths, [first, `${first}&after=n1`, `${first}&after=n2`])
    assert.equal((await run(['replay', '--all'], pages())).paths[0], 'POST dead-letters/replay?all=true')
    const none = await run(['replay', '--all'], [success({ letters: [] })])
    assert.deepEqual([none.code, none.out, none.err], [0, '', '0 replayed, 0 stay\n'])
  })

  it('wants one of IDs, reason and all', async () => {
    for (const args of [[], ['3f0c9a1b', '--all'], ['3f0c9a1b', '--reason', 'x'], ['--all', '--reason', 'x']]) {
      const { code, paths } = await run(['replay', ...args], [listed()])
      assert.deepEqual([code, paths], [1, []], args.join(' '))
    }
    assert.match(
      (await run(['replay'], [listed()])).err,
      /expected IDs, or --reason REASON, or --all, found none of them/,
    )
    assert.equal((await run(['replay', '--all'], [forbidden])).err, 'error: jo may not (Forbidden)\n')
    assert.match((await run(['replay', '--all'], [success({})])).err, /not from Karma: expected {letters}/)
  })
})

describe('bytes as a person reads them', () => {
  const all = Buffer.from(Array.from({ length: 34 }, (_, i) => i))
  const cases: [name: string, raw: Uint8Array, expected: string][] = [
    ['nothing', Buffer.alloc(0), ''],
    ['a line', Buffer.from('{"a": 1}'), '{"a": 1}\n'],
    ['lines', Buffer.from('a\tb\r\nü😀\n'), 'a\tb\r\nü😀\n'],
    [
      'what a terminal obeys',
      Buffer.from('a\u001b[2J'),
      '00000000  61 1b 5b 32 4a                                    |a.[2J|\n',
    ],
    ['a lone return', Buffer.from('a\rb'), '00000000  61 0d 62                                          |a.b|\n'],
    ['half a character', Buffer.from([0xc3]), '00000000  c3                                                |.|\n'],
    [
      'all sorts',
      all,
      [
        '00000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  |................|\n',
        '00000010  10 11 12 13 14 15 16 17  18 19 1a 1b 1c 1d 1e 1f  |................|\n',
        '00000020  20 21                                             | !|\n',
      ].join(''),
    ],
  ]
  for (const [name, raw, expected] of cases) it(name, () => assert.equal(shownBytes(raw), expected))
})
