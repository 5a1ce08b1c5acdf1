import {
  closeSync,
  existsSync,
  globSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startAttached } from './cluster/attached.ts'
import { findBinaries } from './cluster/binaries.ts'
import { findGremlinServer, olderTinkerPop } from './cluster/gremlin-server.ts'
import { findKafka } from './cluster/kafka.ts'
import { compileCache } from './support/compile-cache.ts'
import type { Counts } from './support/counting-reporter.ts'
import { folderInMemory } from './support/folder-in-memory.ts'

/**
 * Runs suites of tests, each as a mocha of its own, and ends with the line `N passed, N failed`.
 *
 *   node test/run.ts [SUITE…] [-- MOCHA ARGUMENT…]      such as: node test/run.ts unit -- --grep impact
 *
 * A suite that runs no test, skips one, crashes, lacks what it needs or does not end after its last test has failed. Those with a control plane
 * wait more than they compute: six of them run side by side, and are shown one after the other.
 */
const root = resolve(import.meta.dirname, '..')
const defaultSuites = ['unit', 'exploration', 'crash', 'faults', 'contract', 'installation', 'e2e', 'integration']
const withControlPlane = new Set(['crash', 'e2e', 'faults', 'installation', 'integration', 'samples'])
/** Files of the longest suites, by how their names begin, that run as a mocha of their own: they share nothing with the others. */
const apart: Readonly<Record<string, { readonly title: string; readonly prefixes: readonly string[] }>> = {
  contract: { title: 'contract, Kafka', prefixes: ['bus-'] },
  installation: { title: 'installation, graph elsewhere', prefixes: ['graph-'] },
  integration: {
    title: 'integration, own servers',
    prefixes: ['control-plane', 'gremlin-server', 'runtime', 'transport'],
  },
}
/** Titles of what runs side by side, in the order in which it begins: what takes longest first, so that nothing is left for the end. */
const begins = [
  'contract, Kafka',
  'crash',
  'faults',
  'contract',
  'installation',
  'e2e',
  'installation, graph elsewhere',
  'integration',
  'integration, own servers',
]
/** They have services of their own. */
const besideOthers = new Set([...withControlPlane, 'contract'])
const withGraphStore = new Set(['contract', 'installation', 'integration'])
const withKafka = new Set(['contract', 'faults'])
const sideBySide = 6
/** where the suites put what they write: 1.4 GB at most, all together */
const temporaryFolder = process.env.TMPDIR ?? folderInMemory(8 * 2 ** 30) ?? tmpdir()
/** how long a suite may take to end after its last test: what is left then is a leak */
const lingerMs = 20_000

interface Outcome extends Counts {
  /** a signal ended it: the run ends here */
  readonly interrupted?: boolean
}

/** A suite, or a part of one. */
interface Part {
  readonly suite: string
  /** for people: `contract`, `contract, Kafka` */
  readonly title: string
  /** paths from `root` */
  readonly files: readonly string[]
}

/** One on its way. What it prints goes into a file. */
interface Run {
  readonly part: Part
  readonly folder: string
  /** file descriptor of that file */
  readonly output: number
  readonly mochaArguments: readonly string[]
  /** why it cannot run */
  readonly lack: string | undefined
}

/** What is built or fetched at the first run on a machine, and which suites need it. */
const needs: readonly { readonly suites: ReadonlySet<string>; readonly find: () => Promise<unknown> }[] = [
  { suites: withControlPlane, find: () => findBinaries() },
  { suites: withGraphStore, find: () => findGremlinServer() },
  { suites: new Set(['contract']), find: () => findGremlinServer({ version: olderTinkerPop }) },
  { suites: withKafka, find: () => findKafka() },
]

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
  const suites = named.length > 0 ? named : defaultSuites
  const lacks = await prepare(suites)
  const total = { passed: 0, failed: 0 }
  const all: string[] = []
  // What computes only has the machine for itself.
  for (const [group, lanes] of [
    [suites.filter((suite) => !besideOthers.has(suite)), 1],
    [suites.filter((suite) => besideOthers.has(suite)), sideBySide],
  ] as const) {
    const parts = partsOf(group, mochaArguments.length === 0)
    const { passed, failed, failures, interrupted } = await runGroup(parts, { lanes, mochaArguments, lacks })
    if (interrupted) return 130
    total.passed += passed
    total.failed += failed
    all.push(...failures)
  }
  // Again, where nobody has to look for them.
  for (const line of all) process.stdout.write(`\nfailed: ${line}\n`)
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`)
  return total.failed === 0 ? 0 : 1
}

/** In the order of `begins`. Of the tests that mocha is to choose a part might have none. */
function partsOf(suites: readonly string[], isAll: boolean): Part[] {
  const parts: Part[] = []
  for (const suite of suites) {
    const files = globSync(`test/${suite}/**/*.test.ts`, { cwd: root }).sort()
    const other = isAll ? apart[suite] : undefined
    const isApart = (file: string): boolean =>
      other?.prefixes.some((prefix) => basename(file).startsWith(prefix)) ?? false
    parts.push({ suite, title: suite, files: files.filter((file) => !isApart(file)) })
    if (other) parts.push({ suite, title: other.title, files: files.filter(isApart) })
  }
  return parts.sort((a, b) => begins.indexOf(a.title) - begins.indexOf(b.title))
}

/** Before the first test, so that no hook waits for it in silence. Gives a line for each suite that cannot run. */
async function prepare(suites: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const lacks = new Map<string, string>()
  for (const need of needs) {
    const needy = suites.filter((suite) => need.suites.has(suite) && !lacks.has(suite))
    if (needy.length === 0) continue
    try {
      await need.find()
    } catch (cause) {
      for (const suite of needy) lacks.set(suite, (cause as Error).message)
    }
  }
  return lacks
}

interface Group {
  /** how many run side by side */
  readonly lanes: number
  readonly mochaArguments: readonly string[]
  readonly lacks: ReadonlyMap<string, string>
}

async function runGroup(parts: readonly Part[], { lanes, mochaArguments, lacks }: Group): Promise<Outcome> {
  const jobs = parts.map((part) => {
    const folder = mkdtempSync(join(tmpdir(), 'karma-run-'))
    const path = join(folder, 'output')
    const outcome = Promise.withResolvers<Outcome>()
    const run = { part, folder, output: openSync(path, 'w'), mochaArguments, lack: lacks.get(part.suite) }
    return { run, path, outcome }
  })
  const left = [...jobs]
  const work = async (): Promise<void> => {
    for (let job = left.shift(); job; job = left.shift()) {
      const outcome = await runPart(job.run)
      closeSync(job.run.output)
      job.outcome.resolve(outcome)
      if (outcome.interrupted) for (const other of left.splice(0)) other.outcome.resolve(outcome)
    }
  }
  const working = Promise.all(Array.from({ length: lanes }, work))
  let [passed, failed, interrupted] = [0, 0, false]
  const failures: string[] = []
  for (const { run, path, outcome } of jobs) {
    const ended = Promise.race([outcome.promise, working.then(() => outcome.promise)])
    await show(path, ended)
    const counts = await ended
    passed += counts.passed
    failed += counts.failed
    failures.push(...counts.failures.map((line) => `${run.part.suite}: ${line}`))
    interrupted ||= counts.interrupted === true
    rmSync(run.folder, { recursive: true, force: true })
  }
  await working
  return { passed, failed, failures, interrupted }
}

/** Prints what a file gets, until nothing more comes. */
async function show(path: string, ended: Promise<unknown>): Promise<void> {
  const file = openSync(path, 'r')
  const copy = (): void => {
    for (;;) {
      const buffer = Buffer.alloc(65_536)
      const length = readSync(file, buffer)
      if (length === 0) return
      process.stdout.write(buffer.subarray(0, length))
    }
  }
  const over = ended.then(() => true)
  while (!(await Promise.race([over, sleep(100, false)]))) copy()
  copy()
  closeSync(file)
}

async function runPart(run: Run): Promise<Outcome> {
  const { output, lack } = run
  const { suite, title, files } = run.part
  const begun = Date.now()
  writeSync(output, `\n=== ${title} ===\n`)
  const why = files.length > 0 ? lack : `test/${suite}: expected files *.test.ts, found none`
  const outcome = why === undefined ? await runMocha(run) : failedAs(output, why)
  const { passed, failed } = outcome
  const seconds = ((Date.now() - begun) / 1000).toFixed(1)
  writeSync(output, `=== ${title}: ${passed} passed, ${failed} failed, in ${seconds} s ===\n`)
  return outcome
}

async function runMocha({ part, folder, output, mochaArguments }: Run): Promise<Outcome> {
  const countsPath = join(folder, 'counts.json')
  const mocha = startAttached({
    command: process.execPath,
    args: [
      'node_modules/mocha/bin/mocha.js',
      '--reporter=./test/support/counting-reporter.ts',
      ...(process.stdout.isTTY ? ['--color'] : []),
      ...part.files,
      // Its files share nothing.
      ...(besideOthers.has(part.suite) ? [] : ['--parallel', `--jobs=${availableParallelism()}`]),
      ...mochaArguments,
    ],
    cwd: root,
    env: {
      ...process.env,
      TMPDIR: temporaryFolder,
      NODE_COMPILE_CACHE: compileCache,
      KARMA_TEST_COUNTS: countsPath,
    },
    output,
    removeWithParent: folder,
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
  if (interrupted) return { passed: 0, failed: 0, failures: [], interrupted }
  const failed = (why: string, counts?: Counts): Counts => failedAs(output, `test/${part.suite}: ${why}`, counts)
  if (!existsSync(countsPath)) return failed(`mocha crashed (exit code ${code}) and counted nothing`)
  const counts = JSON.parse(readFileSync(countsPath, 'utf8')) as Counts
  if (lingers) return failed(`still running ${lingerMs / 1000} s after its last test`, counts)
  if (counts.passed + counts.failed === 0) return failed('expected at least one test, ran none')
  if (code !== 0 && counts.failed === 0) return failed(`mocha ended with exit code ${code}`, counts)
  return counts
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

function failedAs(output: number, message: string, counts: Counts = { passed: 0, failed: 0, failures: [] }): Counts {
  writeSync(output, `${message}\n`)
  return { passed: counts.passed, failed: counts.failed + 1, failures: [...counts.failures, message] }
}

process.exitCode = await main(process.argv.slice(2))
