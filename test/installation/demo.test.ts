import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { playCases } from '../cluster/demo-cases.ts'
import { createTable } from '../cluster/table.ts'
import { installKarma, type Karma } from '../support/installed-karma.ts'
import { eventually } from '../support/karma-namespace.ts'

const program = resolve(import.meta.dirname, '../cluster/demo.ts')

describe('the demo', function () {
  this.timeout(120_000)
  let folder: string
  let temporary: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'karma-demo-test-'))
    temporary = join(folder, 'tmp')
    mkdirSync(temporary)
    mkdirSync(join(folder, 'bin'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))

  it('has a row for each case with what came instead, when nothing comes', async () => {
    // Nobody decides anything: there is no operator.
    const karma: Karma = await installKarma()
    try {
      const rows = await playCases({
        kubectl: karma.kubectl,
        karma: async () => assert.fail('nobody to ask'),
        story: async () => [],
        step: () => {},
        patience: { first: 1, afterwards: 0.2 },
      })
      assert.deepEqual(
        rows.map(({ what, actual }) => `${what}: ${actual}`),
        [
          'seven new Components: 0 committed',
          'change the subnet under an instance: no phase',
          'new DNS alias, no domain name yet: no phase for undefined',
          'another one, taken back: no phase',
          'new DNS alias, domain name reported: no phase, affects ',
          'stop sharing the bucket: no phase',
          'plan a new title: no phase, title still Karma',
          'stop sharing, with the Lambda, approved by a reviewer: an error',
          'edit the subnet with kubectl: no reason, committed still undefined',
          'roll the alias back: an error',
          'the story of new-alias in the ledger: ',
        ],
      )
      assert.ok(rows.every(({ expected, actual }) => expected !== actual))
      const why = rows.map((row) => row.why)
      assert.match(
        why[0] ?? '',
        /^waited 1 s in vain for condition=Committed of component\/s3-bucket.shared; waited 0.2 s/,
      )
      assert.equal(why[1], 'waited 0.2 s in vain for condition=Finished of changerequest/widen-subnet')
      assert.equal(
        why[7],
        `nobody to ask; waited 0.2 s in vain for jsonpath={.status.phase}=AwaitingApproval of changerequest/unshare`,
      )
      assert.match(createTable(rows), /✘.* plan a new title/)
    } finally {
      await karma.stop()
    }
  })

  it('leaves nothing behind where there is no Go, and says so in a line', async () => {
    const { KUBEBUILDER_ASSETS: _, ...rest } = process.env
    const cache = { XDG_CACHE_HOME: join(folder, 'cache') }
    const env = { ...rest, ...cache, PATH: join(folder, 'bin'), TMPDIR: temporary }
    const ended = await promisify(execFile)(process.execPath, [program], { env }).catch((cause) => cause)
    assert.equal(ended.code, 1)
    assert.match(ended.stderr, /^Go 1.26 or newer is needed [^\n]* found: no `go` on the PATH; install it, [^\n]*\n$/)
    assert.deepEqual(readdirSync(temporary), [])
  })

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGKILL', null],
  ] as const) {
    it(`leaves nothing behind when ${signal} ends it in the middle`, async () => {
      const demo = spawn(process.execPath, [program], { env: { ...process.env, TMPDIR: temporary } })
      const ended = once(demo, 'exit')
      let said = ''
      demo.stdout.on('data', (data) => {
        said += data
      })
      await eventually(
        'expected it to play',
        async () => ({ found: said.includes('seven Components pass the gate') || undefined, last: said }),
        60_000,
      )
      assert.ok(readdirSync(temporary).some((name) => name.startsWith('karma-demo-')))
      demo.kill(signal)
      assert.deepEqual(await ended, [code, code === null ? signal : null])
      // After SIGKILL its programs end by themselves, and take the folders with them.
      await eventually('expected no folder and no program that is left', async () => {
        const folders = readdirSync(temporary)
        const { stdout } = await promisify(execFile)('ps', ['-eo', 'args'])
        const programs = stdout.split('\n').filter((line) => line.includes(temporary))
        const isClear = folders.length === 0 && programs.length === 0
        return { found: isClear || undefined, last: { folders, programs } }
      })
    })
  }
})
