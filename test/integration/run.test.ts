import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const program = resolve(import.meta.dirname, '../run.ts')

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** On a machine that has Node and nothing else: `PATH` is an empty folder, and nothing was built or fetched before. */
describe('npm test without Go and Java', function () {
  this.timeout(60_000)
  let folder: string

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'karma-run-test-'))
    mkdirSync(join(folder, 'bin'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const run = async (...args: string[]): Promise<Ended> => {
    const { KUBEBUILDER_ASSETS: _, ...rest } = process.env
    const env = { ...rest, PATH: join(folder, 'bin'), XDG_CACHE_HOME: join(folder, 'cache') }
    try {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...args], { env })
      return { code: 0, stdout, stderr }
    } catch (cause) {
      return cause as Ended
    }
  }

  it('runs the other suites, and fails those that need them with a line that says what to install', async () => {
    // Of the unit tests those of one file, which is enough to see that they run.
    const few = ['--', '--grep', 'finalizer', '--ignore', 'test/unit/!(runtime)/**']
    const { code, stdout, stderr } = await run('crash', 'contract', 'unit', ...few)
    assert.equal(code, 1, stdout)
    assert.doesNotMatch(`${stdout}${stderr}`, /^\s+at /m)
    const go =
      'Go 1.26 or newer is needed to build the control plane (https://go.dev/doc/install), found: no `go` on the PATH; ' +
      'install it, or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kubectl'
    const java =
      'Java 11 or newer is needed to run Gremlin Server (https://adoptium.net), found: no `java` on the PATH; install a JDK'
    const [, passed] = /\n(\d+) passed, 2 failed\n$/.exec(stdout) ?? []
    assert.ok(Number(passed) > 0, stdout)
    for (const lines of [
      `=== crash ===\n${go}\n=== crash: 0 passed, 1 failed, `,
      `=== contract ===\n${java}\n=== contract: 0 passed, 1 failed, `,
      `failed: crash: ${go}\n`,
      `failed: contract: ${java}\n`,
    ])
      assert.ok(stdout.includes(`\n${lines}`), `${lines} in:\n${stdout}`)
  })

  it('is well when nothing that runs needs them', async () => {
    const { code, stdout } = await run('unit', '--', '--grep', 'finalizer', '--ignore', 'test/unit/!(runtime)/**')
    assert.equal(code, 0, stdout)
    assert.match(stdout, /\n\d+ passed, 0 failed\n$/)
  })
})

describe('a mistyped flag', function () {
  this.timeout(60_000)

  // What is not refused would start, and be ended here after a moment.
  const said = async (file: string, ...args: string[]): Promise<Ended> => {
    const path = resolve(import.meta.dirname, '..', file)
    const ended = promisify(execFile)(process.execPath, [path, ...args], { timeout: 20_000 })
    return ended.then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (cause) => cause as Ended,
    )
  }
  for (const [file, args, line] of [
    ['cluster/up.ts', ['--nooperator'], "npm run up: expected --no-operator, found: Unknown option '--nooperator'"],
    ['cluster/up.ts', ['no-operator'], "npm run up: expected --no-operator, found: Unexpected argument 'no-operator'"],
    ['cluster/down.ts', ['--all'], "npm run down: expected no flag, found: Unknown option '--all'"],
    [
      'cluster/demo.ts',
      ['--grahp', 'gremlin'],
      "npm run demo: expected --graph VALUE, --bus VALUE, found: Unknown option '--grahp'",
    ],
    ['bench/run.ts', ['--jsn'], "npm run bench: expected --json, found: Unknown option '--jsn'"],
    [
      'faults/run.ts',
      ['--sede', '1'],
      "npm run faults: expected --seed VALUE, --suite VALUE, --plan VALUE, --bugs, --lanes VALUE, --graph VALUE, --sample, found: Unknown option '--sede'",
    ],
  ] as const) {
    it(`is refused: ${file} ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await said(file, ...args)
      assert.deepEqual([code, stdout, stderr], [2, '', `${line}\n`])
    })
  }
})
