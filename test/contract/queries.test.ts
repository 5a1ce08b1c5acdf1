import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { messageOf } from '../../operator/api/envelope.ts'
import { anEvent } from '../support/events.ts'
import { everyEvent } from '../support/every-event.ts'
import type { Answer, Statement, Work } from './queries-process.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** The blocks of SQL of a page, by the heading that they stand under. */
const sqlIn = (page: string): Map<string, string> => {
  const blocks = new Map<string, string>()
  for (const section of read(page).split(/^#+ /m)) {
    const sql = /```sql\n([\s\S]*?)```/.exec(section)?.[1]
    if (sql !== undefined) blocks.set(section.slice(0, section.indexOf('\n')), sql)
  }
  return blocks
}

const run = async (work: Work): Promise<readonly Answer[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'karma-queries-'))
  try {
    const program = join(import.meta.dirname, 'queries-process.ts')
    const child = spawn(process.execPath, [program, folder], { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.end(JSON.stringify(work))
    const said = await text(child.stdout)
    assert.notEqual(said, '', 'the process of the engine said nothing')
    return JSON.parse(said)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const rowsOf = (answer: Answer): readonly unknown[] => {
  assert.ok('rows' in answer, 'error' in answer ? answer.error : '')
  return answer.rows
}

const disks = ['disk-1', 'disk-2'].map((id) => messageOf(anEvent({ id, entity_id: `dev/disk/${id}` })))

const letters = ['7', '9'].map((offset) => ({
  at: `2026-01-31T12:00:0${offset}.000Z`,
  topic: 'events.normalized' as const,
  partition: 1,
  offset,
  reason: 'NotJson',
  message: `found 'disk ${offset} full'`,
  raw: `disk ${offset} full`,
}))

describe('queries of the documentation', function () {
  this.timeout(60_000)
  const blocks = sqlIn('docs/queries.md')
  let answers: ReadonlyMap<string, Answer>

  before(async () => {
    const told = [...everyEvent().map(messageOf), ...disks]
    const statements = [...blocks.values()].map((sql): Statement => ({ sql, gives: 'rows' }))
    // Twice, as after a restart: no figure may be another by it.
    const given = await run({ appends: [told, told], letters, statements })
    answers = new Map([...blocks.keys()].map((title, i) => [title, given[i]!]))
  })

  const day = '2026-01-31'
  const noon = `${day} 12:00:0`
  const ended = (environment: string, event_type: string, changes: string) => ({
    day,
    environment,
    event_type,
    changes,
  })
  const expected: Readonly<Record<string, (rows: readonly unknown[]) => void>> = {
    'How changes ended': (rows) =>
      assert.deepEqual(rows, [
        ended('', 'change.applied', '1'),
        ended('', 'change.rejected', '1'),
        ended('dev', 'change.applied', '3'),
        ended('dev', 'change.cancelled', '1'),
        ended('dev', 'change.expired', '1'),
        ended('dev', 'change.rejected', '1'),
        ended('dev', 'change.superseded', '1'),
      ]),
    'From asked to applied': (rows) =>
      assert.deepEqual(rows, [
        { environment: 'dev', entity_id: 'dev/changerequest/keep', seconds: 3 },
        { environment: 'dev', entity_id: 'dev/changerequest/keep-again', seconds: 3 },
      ]),
    'Time in the queue': (rows) =>
      assert.deepEqual(rows, [
        { entity_id: 'dev/changerequest/keep', seconds: 2, became: 'change.applying' },
        { entity_id: 'dev/changerequest/keep-late', seconds: 1, became: 'change.expired' },
        { entity_id: 'dev/changerequest/keep-less', seconds: 1, became: 'change.cancelled' },
      ]),
    'What blocked whom': (rows) =>
      assert.deepEqual(rows, [
        { reason: 'OutputsUnavailable', object: 'bucket/logs', changes: '3' },
        { reason: 'ApprovalRequired', object: 'bucket/logs', changes: '1' },
      ]),
    'Why changes were rejected': (rows) =>
      assert.deepEqual(rows, [
        { reason: 'Denied', changes: '1', example: 'al denied it' },
        { reason: 'EmptyChange', changes: '1', example: 'it names no change' },
      ]),
    'The story of one change': (rows) => {
      const types = (rows as { event_type: string }[]).map(({ event_type }) => event_type)
      const told = everyEvent().filter(({ correlation_id }) => correlation_id === 'uid-keep')
      assert.deepEqual(types.toSorted(), told.map(({ event_type }) => event_type).toSorted())
      assert.deepEqual(types.slice(0, 2), ['change.requested', 'change.queued'])
      assert.ok(types.includes('component.committed') && types.includes('graph.published'))
    },
    'The life of one Component': (rows) => {
      const own = { name: 'logs' }
      const parsed = (rows as { forward: string }[]).map((row) => ({ ...row, forward: JSON.parse(row.forward) }))
      const created = { version: '4', request: '', requested_by: '', why: '' }
      const changed = { version: '5', request: 'keep', requested_by: 'jo', why: 'keep what is deleted' }
      const source = { repository: 'https://git.example/infra', path: 'logs.yaml', revision: '4f2a9c1' }
      assert.deepEqual(parsed, [
        { at: `${noon}1.000`, ...created, forward: { config: { ...own, versioned: false } } },
        { at: `${noon}2.000`, ...changed, forward: { config: { versioned: true }, source } },
      ])
    },
    'What has drifted': (rows) =>
      assert.deepEqual(rows, [
        { environment: 'dev', entity_id: 'dev/site/main', since: `${noon}0.000`, differs: ['/size'] },
      ]),
    'By any tag': (rows) => assert.deepEqual(rows, [{ event_type: 'disk.filled', events: '2' }]),
    'Who publishes': (rows) =>
      assert.deepEqual(rows, [{ event_type: 'disk.filled', events: '2', entities: '2', last: `${noon}0.005` }]),
    'What was put aside': (rows) =>
      assert.deepEqual(rows, [
        {
          topic: 'events.normalized',
          reason: 'NotJson',
          messages: '2',
          last: `${noon}9.000`,
          example: "found 'disk 9 full'",
          bytes: 'disk 9 full',
        },
      ]),
    'A message as it came': (rows) => assert.deepEqual(rows, [{ raw: disks[0]!.raw }]),
  }

  it('are all known here', () => assert.deepEqual([...blocks.keys()], Object.keys(expected)))

  for (const [title, check] of Object.entries(expected)) {
    it(`${title}: gives what is to be expected of these events`, () => check(rowsOf(answers.get(title)!)))
  }
})

describe('sample of a Kafka Connect sink', function () {
  this.timeout(60_000)

  it('its table and its insert settings take messages as they came, whoever published them', async () => {
    const { config } = JSON.parse(read('examples/kafka-connect/clickhouse-sink.json')) as {
      config: Readonly<Record<string, string>>
    }
    const [create] = sqlIn('examples/kafka-connect/README.md').values()
    const table = config.topic2TableMap?.split('=')[1]
    const own = everyEvent().map(messageOf)
    const foreign = `{"__op":"u","attrs":{"n":9007199254740991,"a.b":null},"tags":{"region":"eu"},"correlation_id":"c",
      "entity_id":"dev/disk/d","event_type":"disk.filled","id":"foreign","ts":"2026-01-31T14:00:00.5+02:00"}`
    const rows = [...own.map(({ raw }) => raw), foreign].join('\n')
    const settings = config.clickhouseSettings?.replace(/=([^,]*)/g, "='$1'")
    const insert = `INSERT INTO ${table} SETTINGS ${settings} FORMAT JSONEachRow ${rows}`
    const select = `SELECT id, ts, event_type, tags, attrs, causation_id FROM ${table} FINAL ORDER BY id`
    const answers = await run({
      appends: [],
      statements: [
        { sql: create!, gives: 'nothing' },
        ...[insert, insert].map((sql) => ({ sql, gives: 'nothing' }) as const),
        { sql: select, gives: 'rows' },
      ],
    })
    const found = answers.flatMap(rowsOf) as { id: string; ts: string; attrs: string }[]
    assert.deepEqual(
      found.map(({ id, attrs }) => [id, JSON.parse(attrs)]),
      [
        ...own.map(({ event }) => [event.id, event.attrs] as const),
        ['foreign', { n: 9007199254740991, 'a.b': null }] as const,
      ].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    )
    assert.equal(found.find(({ id }) => id === 'foreign')?.ts, '2026-01-31 12:00:00.500')
  })
})
