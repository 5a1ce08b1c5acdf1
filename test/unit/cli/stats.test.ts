import assert from 'node:assert/strict'
import { failure, type Result, success } from '../../../operator/api/result.ts'
import { shortSpanOf } from '../../../operator/cli/age.ts'
import { viewNames } from '../../../operator/core/event/views.ts'
import { typed } from '../../support/command-line.ts'

const lead = {
  view: 'lead-time',
  columns: ['namespace', 'environment', 'applied', 'p50_ms', 'longest_ms'],
  rows: [
    { namespace: 'dev', environment: 'dev', applied: 2, p50_ms: 400, longest_ms: 5_250 },
    { namespace: 'dev', environment: '', applied: 1, p50_ms: 90_000, longest_ms: null },
  ],
  truncated: false,
}
const affected = {
  view: 'affected',
  columns: ['requested_at', 'namespace', 'change', 'nearest'],
  rows: [
    { requested_at: '2026-01-31T12:00:00.000Z', namespace: 'dev', change: 'a,"b"\n\u001b[2J', nearest: ['x/y', 'z'] },
    { requested_at: '2026-01-30T12:00:00.000Z', namespace: 'dev', change: 'b', nearest: [] },
  ],
  truncated: true,
}

const run = async (args: string[], answer: Result<unknown> = success(lead)) => {
  const paths: string[] = []
  const operator = async (path: string) => {
    paths.push(path)
    return answer
  }
  return { ...(await typed(['stats', ...args], { session: { operator } })), paths }
}

describe('kubectl karma stats', () => {
  it('without a view lists them, and asks nobody', async () => {
    const { code, out, err, paths } = await run([])
    assert.deepEqual([code, err, paths], [0, '', []])
    const lines = out.trimEnd().split('\n')
    assert.match(lines[0] ?? '', /^VIEW +TELLS$/)
    assert.deepEqual(
      lines.slice(1).map((line) => line.split(' ')[0]),
      viewNames,
    )
    const { views } = JSON.parse((await run(['-o', 'json'])).out)
    assert.deepEqual(views[0], { view: 'outcomes', tells: 'how the changes of each environment ended' })
    assert.match(
      (await run(['-o', 'csv'])).out,
      /^view,tells\r\noutcomes,how the changes of each environment ended\r\n/,
    )
  })

  it('prints a view as a table, with times that people read', async () => {
    const { code, out, err, paths } = await run(['lead-time'])
    assert.deepEqual([code, err, paths], [0, '', ['/api/v1/stats?view=lead-time&namespace=dev']])
    assert.equal(
      out,
      [
        'ENVIRONMENT   APPLIED   P50     LONGEST',
        'dev           2         400ms   5.25s',
        '-             1         90s     -',
        '',
      ].join('\n'),
    )
    assert.match((await run(['lead-time', '-A'])).out, /^NAMESPACE +ENVIRONMENT +APPLIED/)
  })

  it('escapes what a terminal would obey, and says when there is more', async () => {
    const { out, err } = await run(['affected'], success(affected))
    assert.equal(
      out,
      [
        'REQUESTED-AT               CHANGE             NEAREST',
        '2026-01-31T12:00:00.000Z   a,"b"\\n\\u001b[2J   x/y, z',
        '2026-01-30T12:00:00.000Z   b                  -',
        '',
      ].join('\n'),
    )
    assert.equal(err, 'only 2 rows are shown; --environment and --since leave fewer\n')
  })

  it('as JSON, YAML and CSV, whole and as numbers', async () => {
    assert.deepEqual(JSON.parse((await run(['lead-time', '-o', 'json'])).out), { rows: lead.rows })
    assert.match((await run(['lead-time', '-o', 'yaml'])).out, /^rows:\n {2}- namespace: dev\n/)
    assert.equal(
      (await run(['lead-time', '-o', 'csv'])).out,
      'namespace,environment,applied,p50_ms,longest_ms\r\ndev,dev,2,400,5250\r\ndev,,1,90000,\r\n',
    )
    assert.equal(
      (await run(['affected', '-o', 'csv'], success(affected))).out,
      'requested_at,namespace,change,nearest\r\n' +
        '2026-01-31T12:00:00.000Z,dev,"a,""b""\n\u001b[2J","[""x/y"",""z""]"\r\n' +
        '2026-01-30T12:00:00.000Z,dev,b,[]\r\n',
    )
  })

  const paths: [args: string[], expected: string][] = [
    [['drift', '-n', 'web'], '/api/v1/stats?view=drift&namespace=web'],
    [['drift', '-A'], '/api/v1/stats?view=drift'],
    [['drift', '-A', '--environment', 'prod'], '/api/v1/stats?view=drift&environment=prod'],
    [['drift', '-A', '--since', '24h'], '/api/v1/stats?view=drift&since=2026-01-30T12%3A00%3A00.000Z'],
    [['drift', '-A', '--since', '999999h'], '/api/v1/stats?view=drift&since=1970-01-01T00%3A00%3A00.000Z'],
  ]
  for (const [args, expected] of paths) {
    it(`${args.join(' ')} asks ${expected}`, async () => assert.deepEqual((await run(args)).paths, [expected]))
  }

  it('nothing to tell is said beside it, and is a header or an empty list for machines', async () => {
    const none = success({ ...lead, rows: [] })
    assert.deepEqual(await run(['lead-time'], none), {
      code: 0,
      out: '',
      err: 'nothing to tell\n',
      paths: ['/api/v1/stats?view=lead-time&namespace=dev'],
    })
    assert.equal(
      (await run(['lead-time', '-o', 'csv'], none)).out,
      'namespace,environment,applied,p50_ms,longest_ms\r\n',
    )
    assert.equal((await run(['lead-time', '-o', 'json'], none)).out, '{\n  "rows": []\n}\n')
  })

  it('refuses what it does not know, and says what others refuse', async () => {
    const unknown = await run(['leadtime'])
    assert.equal(unknown.code, 1)
    assert.match(unknown.err, /Allowed choices are outcomes, lead-time, queue-wait/)
    for (const args of [
      ['drift', '--since', '1w'],
      ['drift', '--since', '0h'],
      ['drift', '-o', 'xml'],
      ['drift', '-A', '-n', 'a'],
    ]) {
      const { code, paths: asked } = await run(args)
      assert.deepEqual([code, asked], [1, []], args.join(' '))
    }
    const forbidden = failure({ reason: 'Forbidden', message: 'jo may not list', retry: false })
    assert.equal((await run(['drift'], forbidden)).err, 'error: jo may not list (Forbidden)\n')
    assert.match((await run(['drift'], success({ rows: [] }))).err, /the answer is not from Karma/)
  })
})

describe('a short span', () => {
  const cases: [ms: number, expected: string][] = [
    [-1, '0ms'],
    [0.4, '0ms'],
    [999, '999ms'],
    [1_000, '1s'],
    [9_999, '9.99s'],
    [65_020, '65.02s'],
    [119_999, '119.99s'],
    [120_000, '2m'],
    [320_000, '5m20s'],
  ]
  for (const [ms, expected] of cases) it(`${ms} ms is ${expected}`, () => assert.equal(shortSpanOf(ms), expected))
})
