#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { runProgram } from './program.ts'

const { env, stdout, stderr } = process
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

// `kubectl karma log | head` closes the pipe early, and that is fine.
stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

process.exitCode = await runProgram(process.argv.slice(2), {
  out: (text) => void stdout.write(text),
  err: (text) => void stderr.write(text),
  colours: stdout.isTTY && !env.NO_COLOR,
  version,
  // Loaded when needed: help should not wait for the Kubernetes client.
  openSession: async (options) => (await import('./kubeconfig.ts')).openSession(options),
  get: async (session, path) => {
    const { get } = await import('./api.ts')
    return get({ session, ...(env.KARMA_API && { address: env.KARMA_API }) }, path)
  },
})
