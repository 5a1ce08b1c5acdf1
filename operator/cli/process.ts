import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'yaml'
import { readFiles } from './files.ts'
import { runProgram } from './program.ts'
import type { Schema } from './structure.ts'

const { env, stdin, stdout, stderr } = process
const packaged = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const { version } = JSON.parse(packaged('package.json')) as { version: string }

// `kubectl karma log | head` closes the pipe early, and that is fine.
stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

/** Asked on standard error: what is printed may go on into a pipe. An end of input is an empty answer. */
const ask = (question: string): Promise<string> =>
  new Promise((answered) => {
    const lines = createInterface({ input: stdin, output: stderr })
    lines.once('close', () => answered(''))
    lines.question(question, (answer) => {
      answered(answer)
      lines.close()
    })
  })

const requestSchema = (): Schema => {
  const { spec } = parse(packaged('crds/changerequests.yaml')) as {
    spec: { versions: { name: string; schema: { openAPIV3Schema: Schema } }[] }
  }
  return spec.versions[0]!.schema.openAPIV3Schema
}

process.exitCode = await runProgram(process.argv.slice(2), {
  out: (text) => void stdout.write(text),
  err: (text) => void stderr.write(text),
  colours: stdout.isTTY && !env.NO_COLOR,
  ...(stdout.isTTY && { width: stdout.columns }),
  version,
  ...(stdin.isTTY && { ask }),
  readFiles,
  requestSchema,
  now: Date.now,
  monotonic: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { ...(signal && { signal }) }).catch(() => {}),
  interruption: () => {
    const controller = new AbortController()
    // Once: a second one ends whatever does not listen to the first.
    process.once('SIGINT', () => controller.abort())
    return controller.signal
  },
  // Loaded when needed: help should not wait for the Kubernetes client.
  openSession: async (options) => (await import('./kubeconfig.ts')).openSession(options, env.KARMA_API || undefined),
})
