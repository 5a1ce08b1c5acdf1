import { renameSync, writeFileSync } from 'node:fs'
import Mocha from 'mocha'

/** What test/run.ts reads of a finished suite. */
export interface Counts {
  readonly passed: number
  /** failed tests and hooks, and tests that were left pending */
  readonly failed: number
  /** one line for each that failed: its whole title, and why */
  readonly failures: readonly string[]
}

/** Prints as mocha's `spec` does, and writes Counts as JSON to the file that KARMA_TEST_COUNTS names. */
export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    const path = process.env.KARMA_TEST_COUNTS
    if (path === undefined) return
    const lines: string[] = []
    runner.on('fail', (test, cause) => {
      lines.push(
        `${test.fullTitle()}: ${String((cause as Error)?.message ?? cause)
          .slice(0, 500)
          .replaceAll(/\s+/g, ' ')}`,
      )
    })
    runner.on('pending', (test) => lines.push(`${test.fullTitle()}: expected to run, found it skipped`))
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats
      const counts: Counts = { passed: passes, failed: failures + pending, failures: lines }
      writeFileSync(`${path}.unfinished`, JSON.stringify(counts))
      renameSync(`${path}.unfinished`, path)
    })
  }
}
