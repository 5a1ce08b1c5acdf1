import assert from 'node:assert/strict'
import { failure, type Result, success } from '../../../operator/api/result.ts'
import { ledgerEvent } from '../../contract/ledger.ts'
import { type Circumstances, typed } from '../../support/command-line.ts'

const asked = ledgerEvent({
  id: 'e1',
  ts: '2026-01-31T12:00:00.000Z',
  event_type: 'change.requested',
  attrs: { seq: 1, component: 'site/main', requestedBy: { username: 'jo' } },
})
const foreign = ledgerEvent({
  id: 'e2',
  ts: '2026-01-31T12:00:01.500Z',
  event_type: 'deploy.done\u001b[2J',
  entity_id: 'dev/build/é\n1',
  tags: {},
  attrs: { message: 'green' },
})
const events = [asked, foreign]

/** `answers`: one for each request, the last one for all that come then. */
const run = async (
  args: string[],
  answers: Result<unknown>[] = [success({ events, truncated: false })],
  circumstances: Circumstances = {},
) => {
  const paths: string[] = []
  const answer = (method: string) => async (path: string) => {
    paths.push(`${method} ${decodeURIComponent(path.replace('/api/v1/', ''))}`)
    return (answers.length > 1 ? answers.shift() : answers[0])!
  }
  const session = { operator: answer('GET'), post: answer('POST') }
  return { ...(await typed(['events', ...args], { session, ...circumstances })), paths }
}

const forbidden = failure({ reason: 'Forbidden', message: 'jo may not', retry: false })

describe('kubectl karma events query', () => {
  it('prints them as a table, and nothing that a terminal would obey', async () => {
    const { code, out, err, paths } = await run(['query'])
    assert.deepEqual([code, err, paths], [0, '', ['GET events?namespace=dev']])
    assert.equal(
      out,
      [
        'TIME                       EVENT                  OBJECT                  MESSAGE',
        '2026-01-31T12:00:00.000Z   change.requested       changerequest/aliases   by jo of site/main',
        '2026-01-31T12:00:01.500Z   deploy.done\\u001b[2J   build/é\\n1              green',
        '',
      ].join('\n'),
    )
  })

  it('as JSON, YAML and a line of JSON each', async () => {
    assert.deepEqual(JSON.parse((await run(['query', '-o', 'json'])).out), { events })
    assert.match((await run(['query', '-o', 'yaml'])).out, /^events:\n {2}- ts: "2026-01-31T12:00:00.000Z"\n/)
    const lines = (await run(['query', '-o', 'ndjson'])).out.split('\n')
    assert.deepEqual(lines, [JSON.stringify(asked), JSON.stringify(foreign), ''])
    assert.equal((await run(['query', '-o', 'ndjson'], [success({ events: [], truncated: false })])).out, '')
  })

  it('says when there are more, or none', async () => {
    assert.match(
      (await run(['query'], [success({ events, truncated: true })])).err,
      /^only 2 events are shown; --limit/,
    )
    assert.equal((await run(['query'], [success({ events: [], truncated: false })])).err, 'no events\n')
  })

  const paths: [args: string[], expected: string][] = [
    [['-A'], 'GET events?'],
    [['-n', 'web'], 'GET events?namespace=web'],
    [['--entity', 'site/main'], 'GET events?namespace=dev&entity=dev/site/main'],
    [['--entity', 'prod/site/main'], 'GET events?namespace=prod&entity=prod/site/main'],
    [['-A', '--entity', 'server-17'], 'GET events?entity=server-17'],
    [['-A', '--type', 'a', 'b', '--type', 'c'], 'GET events?type=a&type=b&type=c'],
    [['-A', '--tag', 'k=v', "x=';&=\\"], "GET events?tag=k=v&tag=x=';&=\\"],
    [['-A', '--from', '24h', '--to', '90m'], 'GET events?from=2026-01-30T12:00:00.000Z&to=2026-01-31T10:30:00.000Z'],
    [['-A', '--from', '2026-01-31T12:00:00+01:00'], 'GET events?from=2026-01-31T11:00:00.000Z'],
    [['-A', '--from', '999999h'], 'GET events?from=1970-01-01T00:00:00.000Z'],
    [['-A', '--correlation', 'u-1', '--limit', '7'], 'GET events?correlation=u-1&limit=7'],
  ]
  for (const [args, expected] of paths) {
    it(`${args.join(' ')} asks ${expected}`, async () => {
      assert.deepEqual((await run(['query', ...args])).paths, [expected])
    })
  }

  it('refuses what it does not know, and says what others refuse', async () => {
    for (const args of [
      ['--from', 'yesterday'],
      ['--from', '2026-02-30T00:00:00Z'],
      ['--to', '1w'],
      ['-o', 'csv'],
      ['-A', '-n', 'a'],
    ]) {
      const { code, paths: sent } = await run(['query', ...args])
      assert.deepEqual([code, sent], [1, []], args.join(' '))
    }
    assert.equal((await run(['query'], [forbidden])).err, 'error: jo may not (Forbidden)\n')
    assert.match((await run(['query'], [success({ rows: [] })])).err, /the answer is not from Karma: expected {events}/)
  })
})

describe('kubectl karma events replay', () => {
  const pages = () => [
    success({ replayed: 2, next: 'n1', total: 5 }),
    success({ replayed: 2, next: 'n2' }),
    success({ replayed: 1, next: 'n3' }),
    success({ replayed: 0 }),
  ]
  const to = 'to=2026-01-31T12:00:00.000Z'

  it('page by page, up to now, with a line for each tenth', async () => {
    const { code, out, err, paths } = await run(['replay', '--from', '1h', '--tag', 'k=v'], pages())
    const filter = 'namespace=dev&tag=k=v&'
    const first = `POST events/replay?${filter}to=2026-01-31T12:00:00.000Z`
    assert.deepEqual([code, out], [0, '5 events replayed\n'])
    assert.equal(err, '2/5 events 40%\n4/5 events 80%\n5/5 events 100%\n')
    assert.deepEqual(
      paths.map((path) => path.replace('&from=2026-01-31T11:00:00.000Z', '')),
      [first, `${first}&after=n1`, `${first}&after=n2`, `${first}&after=n3`],
    )
  })

  it('draws a bar on a terminal', async () => {
    const { out, err } = await run(['replay', '-A'], pages(), { width: 80 })
    assert.equal(out, '5 events replayed\n')
    const drawn = err.split('\r').slice(1)
    assert.equal(drawn[0], `[${'#'.repeat(16)}${' '.repeat(24)}] 2/5 events  40%`)
    assert.equal(drawn.at(-1), `[${'#'.repeat(40)}] 5/5 events 100%\n`)
  })

  it('says how far it was when it is broken off', async () => {
    const busy = failure({ reason: 'Busy', message: 'too many requests are under way; try again', retry: true })
    const answers = [success({ replayed: 2, next: 'n1', total: 5 }), busy]
    const { code, out, err } = await run(['replay', '--to', '1h'], answers)
    assert.deepEqual([code, out], [1, ''])
    assert.equal(
      err,
      '2/5 events 40%\nerror: too many requests are under way; try again; 2 of 5 events were replayed; begin it again, what comes twice is dropped (Busy)\n',
    )
  })

  it('nothing, what came late, what is refused, what is not Karma', async () => {
    const none = await run(['replay', '-A'], [success({ replayed: 0, total: 0 })])
    assert.deepEqual([none.code, none.out, none.err], [0, '0 events replayed\n', ''])
    assert.deepEqual(none.paths, [`POST events/replay?${to}`])
    const late = await run(['replay'], [success({ replayed: 3, next: 'n', total: 2 }), success({ replayed: 0 })])
    assert.equal(late.err, '3/3 events 100%\n')
    assert.equal((await run(['replay'], [forbidden])).err, 'error: jo may not (Forbidden)\n')
    assert.match((await run(['replay'], [success({})])).err, /not from Karma: expected {replayed}/)
  })
})

describe('kubectl karma events tail', () => {
  /** Given after so many pauses. */
  const until = (pauses: number): Circumstances => {
    const controller = new AbortController()
    return {
      interruption: () => controller.signal,
      sleep: async () => {
        if (pauses-- === 0) controller.abort()
      },
    }
  }
  const page = (some: readonly object[], next: string) => success({ events: some, next, again: `again-${next}` })

  it('prints what is there, then what comes, in columns that stay, and ends with 0', async () => {
    const answers = [page([asked], 'a'), page([asked], 'a'), page([], 'a'), page([foreign], 'b'), page([], 'b')]
    const { code, out, err, paths } = await run(['tail', '--type', 'x'], answers, until(1))
    assert.deepEqual([code, err], [0, ''])
    assert.equal(
      out,
      [
        '2026-01-31T12:00:00.000Z   change.requested       changerequest/aliases      by jo of site/main',
        '2026-01-31T12:00:01.500Z   deploy.done\\u001b[2J   build/é\\n1                 green',
        '',
      ].join('\n'),
    )
    const tail = 'GET events/tail?namespace=dev&type=x'
    assert.deepEqual(paths, [
      `${tail}&limit=20`,
      `${tail}&limit=500&after=again-a`,
      `${tail}&limit=500&after=a`,
      `${tail}&limit=500&after=a`,
      `${tail}&limit=500&after=b`,
    ])
  })

  it('begins where it is told to, and ends with its time', async () => {
    const span = ['--from', '2026-01-31T12:00:00Z', '--to', '2026-01-31T12:00:02Z']
    const answers = [page(events, 'a'), page([], 'a')]
    const { code, out, paths } = await run(['tail', '-A', '-o', 'ndjson', ...span], answers, {
      ...until(99),
      now: () => Date.UTC(2026, 0, 31, 13),
    })
    assert.deepEqual([code, out.split('\n').length - 1], [0, events.length])
    const asked = 'GET events/tail?from=2026-01-31T12:00:00.000Z&to=2026-01-31T12:00:02.000Z'
    assert.deepEqual(paths, [`${asked}&limit=500`, `${asked}&limit=500&after=a`])
  })

  it('prints a line of JSON each', async () => {
    const answers = [page(events, 'a'), page(events, 'a'), page([], 'a')]
    const { out } = await run(['tail', '-A', '-o', 'ndjson'], answers, until(0))
    assert.equal(out, events.map((event) => `${JSON.stringify(event)}\n`).join(''))
  })

  it('goes on where an answer failed, says so once, and ends where there is no use', async () => {
    const away = failure({ reason: 'Unreachable', message: 'operator: connect ECONNREFUSED', retry: true })
    const begin = [page([], 'a'), page([], 'a')]
    const { code, out, err } = await run(['tail'], [...begin, away, away, page([asked], 'b'), page([], 'b')], until(3))
    assert.equal(code, 0)
    assert.match(out, /change.requested/)
    assert.equal(err, 'operator: connect ECONNREFUSED (Unreachable); trying again\n')
    const ended = await run(['tail'], [...begin, forbidden], until(99))
    assert.deepEqual([ended.code, ended.err], [1, 'error: jo may not (Forbidden)\n'])
    assert.match((await run(['tail'], [success({ events: [] })])).err, /not from Karma: expected {events, next, again}/)
  })

  it('does not wait for an answer that does not come', async () => {
    const controller = new AbortController()
    const session = {
      operator: () => {
        controller.abort()
        return new Promise<never>(() => {})
      },
    }
    const { code } = await typed(['events', 'tail'], { session, interruption: () => controller.signal })
    assert.equal(code, 0)
  })

  it('cannot print an endless table', async () => {
    const { code, paths } = await run(['tail', '-o', 'yaml'])
    assert.deepEqual([code, paths], [1, []])
  })
})
