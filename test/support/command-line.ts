import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse } from 'yaml'
import { failure, type Result, success } from '../../operator/api/result.ts'
import { readFiles } from '../../operator/cli/files.ts'
import { runProgram } from '../../operator/cli/program.ts'
import type { Session } from '../../operator/cli/session.ts'
import type { Terminal } from '../../operator/cli/terminal.ts'
import { makeMemoryObjects } from './memory-objects.ts'

export interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

const crd = parse(readFileSync(resolve(import.meta.dirname, '../../crds/changerequests.yaml'), 'utf8'))

/** What is not said is as on a quiet machine: no cluster content, no terminal, time standing still. */
export interface Circumstances extends Partial<Omit<Terminal, 'out' | 'err' | 'openSession' | 'readFiles'>> {
  readonly session?: Partial<Session>
  readonly opened?: Terminal['openSession']
  /** by path; else they are read */
  readonly files?: Readonly<Record<string, string>>
}

/** Runs `kubectl karma` within this process. */
export const typed = async (args: readonly string[], circumstances: Circumstances = {}): Promise<Said> => {
  let out = ''
  let err = ''
  const { session, files, opened, ...rest } = circumstances
  const whole: Session = {
    namespace: 'dev',
    objects: makeMemoryObjects().objects,
    // What it touches is tried on a real cluster only.
    apiServer: undefined as never,
    operator: async (): Promise<Result<unknown>> =>
      failure({ reason: 'Unreachable', message: 'there is no operator', retry: true }),
    post: async (): Promise<Result<unknown>> =>
      failure({ reason: 'Unreachable', message: 'there is no operator', retry: true }),
    close: async () => {},
    ...session,
  }
  const code = await runProgram(args, {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    colours: false,
    version: '1.2.3',
    requestSchema: () => crd.spec.versions[0].schema.openAPIV3Schema,
    now: () => Date.UTC(2026, 0, 31, 12),
    monotonic: () => 0,
    sleep: async () => {},
    interruption: () => new AbortController().signal,
    ...rest,
    readFiles: async (path) => {
      const text = files?.[path]
      return text === undefined ? readFiles(path) : success([{ name: path, text }])
    },
    openSession: opened ?? (async () => success(whole)),
  })
  return { code, out, err }
}

const program = resolve(import.meta.dirname, '../../operator/cli/main.ts')

/** The same as a user has it: a process, told by its environment. `input`: what comes on standard input. */
export const commandLine = (
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  input = '',
): Promise<Said> =>
  new Promise((done) => {
    const options = { env: { ...process.env, ...env } }
    const child = execFile(process.execPath, [program, ...args], options, (error, out, err) => {
      done({ code: error ? Number(error.code) : 0, out, err })
    })
    child.stdin?.end(input)
  })
