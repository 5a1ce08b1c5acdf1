import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openEmbeddedClient } from '../../operator/adapters/ledger/client.ts'
import { openLedger } from '../../operator/adapters/ledger/ledger.ts'
import { migrate } from '../../operator/adapters/ledger/migrate.ts'
import { migrations } from '../../operator/adapters/ledger/migrations.ts'
import { messageOf } from '../../operator/api/envelope.ts'
import { ledgerContract, ledgerEvent } from './ledger.ts'
import { lettersContract } from './ledger-letters.ts'
import { readingContract } from './ledger-reading.ts'
import { retentionContract } from './ledger-retention.ts'
import { viewsContract } from './ledger-views.ts'

const program = fileURLToPath(new URL('ledger-process.ts', import.meta.url))

const startProcess = (folder: string, what: string) => {
  const child = spawn(process.execPath, [program, folder, what], { stdio: ['ignore', 'pipe', 'ignore'] })
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  return { child, next: async (): Promise<string> => (await lines.next()).value ?? '' }
}

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

const clientOf = async (folder: string) => {
  const client = await openEmbeddedClient(folder)
  assert.ok(client.ok, client.ok ? '' : client.failure.message)
  return client.value
}

const open = async (folder: string) => {
  const ledger = await openLedger({ client: await clientOf(folder), where: folder })
  assert.ok(ledger.ok, ledger.ok ? '' : ledger.failure.message)
  return ledger.value
}

describe('ledger in chDB', function () {
  this.timeout(60_000)
  // One process can have one folder only, ever: every test of this file works in this one.
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'karma-ledger-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  retentionContract('chDB', () => clientOf(folder))
  ledgerContract('chDB', () => open(folder))
  viewsContract('chDB', () => open(folder), 3)
  lettersContract('chDB', () => open(folder))
  readingContract('chDB', () => open(folder))

  it('is still there after closing and opening, and the schema is brought up to date again', async () => {
    const first = await open(folder)
    await first.append([ledgerEvent({ id: 'stays', correlation_id: 'stays' })].map(messageOf))
    await first.close()
    const second = await open(folder)
    assert.equal((await second.query({ correlationId: 'stays', limit: 10 })).length, 1)
    await second.close()
    await assert.rejects(second.append([ledgerEvent({ id: 'late' })].map(messageOf)), /closed, 1 events not written/)
  })

  it('repeats every statement of every migration without harm, as after a crash in between', async () => {
    const ledger = await open(folder)
    await ledger.append([ledgerEvent({ id: 'repeated', correlation_id: 'repeated' })].map(messageOf))
    const client = await clientOf(folder)
    for (const { statements } of migrations) for (const query of statements) await client.command({ query })
    await client.close()
    assert.equal((await ledger.query({ correlationId: 'repeated', limit: 10 })).length, 1)
    assert.equal((await ledger.stats({ view: 'outcomes', namespace: 'dev', limit: 10 })).rows.length, 1)
    await ledger.close()
  })

  it('answers the questions of docs/ledger.md', async () => {
    const ledger = await open(folder)
    const client = await clientOf(folder)
    const text = readFileSync(new URL('../../docs/ledger.md', import.meta.url), 'utf8')
    const questions = [...text.matchAll(/^```sql\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.split(/;\n/))
    const asked = questions.filter((question) => question.trim() !== '')
    assert.ok(asked.length >= 4)
    for (const query of asked) await (await client.query({ query, format: 'JSON' })).json()
    await client.close()
    await ledger.close()
  })

  it('keeps to its limits for every question, also after one that failed', async () => {
    const client = await clientOf(folder)
    const limits = async (): Promise<unknown> => {
      const query = `SELECT getSetting('max_memory_usage') AS memory, getSetting('max_execution_time') AS seconds, toUInt64(pow(2, 53)) + 1 AS exact`
      return await (await client.query({ query, format: 'JSONEachRow' })).json()
    }
    const expected = [{ memory: 1073741824, seconds: 30, exact: '9007199254740993' }]
    assert.deepEqual(await limits(), expected)
    await assert.rejects(client.query({ query: 'SELECT throwIf(1)', format: 'JSONEachRow' }))
    assert.deepEqual(await limits(), expected)
    const other = await clientOf(folder)
    await other.close()
    assert.deepEqual(await limits(), expected)
    await client.close()
  })

  it('refuses data of a newer version, and an edited migration', async () => {
    const client = await clientOf(folder)
    const [first] = migrations
    assert.ok(first)
    const edited = await migrate(client, [{ ...first, statements: ['SELECT 1'] }], folder)
    assert.ok(!edited.ok)
    assert.equal(edited.failure.reason, 'LedgerDiffers')
    const newer = await migrate(client, [], folder)
    assert.ok(!newer.ok)
    assert.equal(newer.failure.reason, 'LedgerNewer')
    assert.match(newer.failure.message, /has migration 1 \(events\), this version knows 0; run the newer version/)
    assert.ok((await migrate(client, migrations, folder)).ok)
    await client.close()
  })

  it('a second process is told who has the folder', async () => {
    const ledger = await open(folder)
    const other = startProcess(folder, 'open')
    try {
      const answer = await other.next()
      assert.match(answer, /^failed /)
      const { reason, message } = JSON.parse(answer.slice('failed '.length))
      assert.equal(reason, 'LedgerUnavailable')
      assert.ok(message.includes(folder), message)
      assert.match(message, /Only one process at a time can use it/)
    } finally {
      await end(other.child)
      await ledger.close()
    }
  })

  it('what was acknowledged is there after SIGKILL', async () => {
    const killed = await mkdtemp(join(tmpdir(), 'karma-ledger-'))
    const writer = startProcess(killed, 'append')
    let safe = 0
    try {
      assert.equal(await writer.next(), 'opened')
      while (safe < 50) safe = Number((await writer.next()).split(' ')[1])
    } finally {
      await end(writer.child)
    }
    const reader = startProcess(killed, 'count')
    try {
      assert.equal(await reader.next(), 'opened')
      const found = Number((await reader.next()).split(' ')[1])
      assert.ok(found >= safe, `${safe} were acknowledged, ${found} are there`)
    } finally {
      await end(reader.child)
      await rm(killed, { recursive: true, force: true })
    }
  })

  it('importing the adapter does not load the engine', async () => {
    const modules = ['ledger.ts', 'client.ts'].map(
      (file) => new URL(`../../operator/adapters/ledger/${file}`, import.meta.url),
    )
    const program = `
      for (const module of ${JSON.stringify(modules)}) await import(module)
      console.log(process.report.getReport().sharedObjects.filter((file) => file.includes('chdb')).length)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [said] = await once(createInterface({ input: child.stdout }), 'line')
    await end(child)
    assert.equal(said, '0')
  })
})
