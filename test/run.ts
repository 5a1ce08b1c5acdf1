import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startAttached } from './cluster/attached.ts'
import { findBinaries } from './cluster/binaries.ts'
import type { Counts } from './support/counting-reporter.ts'

/**
 * Runs suites of tests one after another, each as a mocha of its own, and ends with the line `N passed, N failed`.
 *
 *   node test/run.ts [SUITE…] [-- MOCHA ARGUMENT…]      such as: node test/run.ts unit -- --grep impact
 *
 * A suite that runs no test, skips one, crashes or does not end after its last test has failed.
 */
const root = resolve(import.meta.dirname, '..')
const defaultSuites = ['unit', 'contract', 'integration', 'e2e', 'faults']
const withControlPlane = new Set(['integration', 'e2e', 'faults', 'samples'])
/** how long a suite may take to end after its last test: what is left then is a leak */
const lingerMs = 20_000

const print = (line: string): boolean => process.stdout.write(`${line}\n`)

interface Outcome extends Counts {
  /** a signal ended it: the run ends here */
  readonly interrupted?: boolean
}

async function main(args: readonly string[]): Promise<number> {
  const end = args.indexOf('--')
  const named = end < 0 ? args : args.slice(0, end)
  const mochaArguments = end < 0 ? [] : args.slice(end + 1)
  const unknown = named.find((suite) => !existsSync(join(root, 'test', suite)))
  if (unknown !== undefined) {
    process.stderr.write(
      `test/${unknown}: expected a folder of tests, found none; suites are ${defaultSuites.join(', ')}\n`,
    )
    return 2
  }
  const total = { passed: 0, failed: 0 }
  for (const suite of named.length > 0 ? named : defaultSuites) {
    const begun = Date.now()
    print(`\n=== ${suite} ===`)
    const { passed, failed, interrupted } = await runSuite({ suite, mochaArguments })
    if (interrupted) return 130
    total.passed += passed
    total.failed += failed
    print(`=== ${suite}: ${passed} passed, ${failed} failed, in ${((Date.now() - begun) / 1000).toFixed(1)} s ===`)
  }
  print(`\n${total.passed} passed, ${total.failed} failed`)
  return total.failed === 0 ? 0 : 1
}

async function runSuite({
  suite,
  mochaArguments,
}: {
  suite: string
  mochaArguments: readonly string[]
}): Promise<Outcome> {
  if (globSync(`test/${suite}/**/*.test.ts`, { cwd: root }).length === 0) {
    return failedAs(`test/${suite}: expected files *.test.ts, found none`)
  }
  try {
    // Built before the first test, so that no hook waits for it in silence.
    if (withControlPlane.has(suite)) await findBinaries()
  } catch (cause) {
    return failedAs((cause as Error).message)
  }
  const folder = mkdtempSync(join(tmpdir(), 'karma-run-'))
  try {
    return await runMocha({ suite, mochaArguments, countsPath: join(folder, 'counts.json') })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function runMocha({
  suite,
  mochaArguments,
  countsPath,
}: {
  suite: string
  mochaArguments: readonly string[]
  countsPath: string
}): Promise<Outcome> {
  const mocha = startAttached({
    command: process.execPath,
    args: [
      'node_modules/mocha/bin/mocha.js',
      '--reporter=./test/support/counting-reporter.ts',
      `test/${suite}/**/*.test.ts`,
      // Its files share nothing.
      ...(suite === 'unit' ? ['--parallel', `--jobs=${availableParallelism()}`] : []),
      ...mochaArguments,
    ],
    cwd: root,
    // Types are taken out of each file once, not once in every process of every run.
    env: { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node'), ...process.env, KARMA_TEST_COUNTS: countsPath },
    output: [1, 2],
    removeWithParent: dirname(countsPath),
  })
  // The tests stop what they started; on a second signal that happens when this process ends.
  let interrupted = false
  const interrupt = (signal: NodeJS.Signals): void => {
    interrupted = true
    void mocha.stop(signal, lingerMs)
  }
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  const lingers = await whetherLingers({ ended: mocha.ended, countsPath })
  if (lingers) await mocha.stop('SIGKILL')
  const code = await mocha.ended
  process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  if (interrupted) return { passed: 0, failed: 0, interrupted }
  if (!existsSync(countsPath)) return failedAs(`test/${suite}: mocha crashed (exit code ${code}) and counted nothing`)
  const { passed, failed } = JSON.parse(readFileSync(countsPath, 'utf8')) as Counts
  if (lingers)
    return failedAs(`test/${suite}: still running ${lingerMs / 1000} s after its last test`, { passed, failed })
  if (passed + failed === 0) return failedAs(`test/${suite}: expected at least one test, ran none`)
  if (code !== 0 && failed === 0)
    return failedAs(`test/${suite}: mocha ended with exit code ${code}`, { passed, failed })
  return { passed, failed }
}

async function whetherLingers({
  ended,
  countsPath,
}: {
  ended: Promise<unknown>
  countsPath: string
}): Promise<boolean> {
  const over = ended.then(() => 'over')
  let lingered = 0
  while ((await Promise.race([over, sleep(500, 'running', { ref: false })])) !== 'over') {
    if (existsSync(countsPath)) lingered += 500
    if (lingered > lingerMs) return true
  }
  return false
}

function failedAs(message: string, counts: Counts = { passed: 0, failed: 0 }): Counts {
  print(message)
  return { passed: counts.passed, failed: counts.failed + 1 }
}

process.exitCode = await main(process.argv.slice(2))
