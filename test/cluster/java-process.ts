import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Attached, startAttached } from './attached.ts'
import { lastLines } from './jars.ts'

const readyMs = 60_000

/** A server in Java, in a folder of its own. */
export interface JavaProcess {
  /** of what runs now */
  readonly pid: () => number
  /** path of its log */
  readonly log: string
  /** ends it with SIGKILL; `restart` brings it back */
  readonly kill: () => Promise<void>
  /** ends it in order, as long as that takes */
  readonly end: () => Promise<void>
  /** Such as SIGSTOP and SIGCONT. */
  readonly signal: (signal: NodeJS.Signals) => void
  /** on the same ports. Resolves when it answers. */
  readonly restart: () => Promise<void>
  /** ends it and removes its folder; may be called twice */
  readonly close: () => Promise<void>
}

/**
 * Starts one and resolves when it answers, with what `prepare` gave. Throws an Error of one line that quotes its log. If
 * this process dies without `close`, it ends and its folder goes all the same (see attached.ts).
 *
 * @param name for messages, with the version
 * @param jars folder of its jars
 * @param flags of the JVM, see `jvmFlags`
 * @param program main class and its arguments
 * @param prepare chooses ports and writes what the program reads; again where somebody has taken a port meanwhile
 * @param answers asks once
 */
export async function startJavaProcess<T>({
  name,
  folder,
  jars,
  flags,
  program,
  env,
  prepare,
  answers,
}: {
  name: string
  folder: string
  jars: string
  flags: readonly string[]
  program: readonly string[]
  env: NodeJS.ProcessEnv
  prepare: () => Promise<T>
  answers: (prepared: T) => Promise<boolean>
}): Promise<JavaProcess & { readonly prepared: T }> {
  const log = join(folder, 'server.log')
  let running: Attached | undefined
  const start = async (prepared: T): Promise<boolean> => {
    const output = openSync(log, 'a')
    const args = [...flags, '-cp', join(jars, '*'), ...program]
    const server = startAttached({ command: 'java', args, output, env, cwd: folder, removeWithParent: folder })
    running = server
    closeSync(output)
    // false: it has ended, or does not answer in time
    for (const begun = Date.now(); Date.now() - begun < readyMs; await sleep(50)) {
      if (!server.alive()) return false
      if (await answers(prepared)) return server.alive()
    }
    await server.stop('SIGKILL')
    return false
  }
  const quoted = (): string => `${name} did not start; the end of its log:\n${lastLines(log, 8)}`
  const kill = async (): Promise<void> => running?.stop('SIGKILL')
  const close = async (): Promise<void> => {
    await kill()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      const prepared = await prepare()
      if (await start(prepared)) {
        return {
          prepared,
          pid: () => running?.pid ?? 0,
          log,
          kill,
          end: async () => running?.stop('SIGTERM', readyMs),
          signal: (signal) => {
            if (running?.alive()) process.kill(running.pid, signal)
          },
          restart: async () => {
            await kill()
            if (!(await start(prepared))) throw new Error(quoted())
          },
          close,
        }
      }
      if (!readFileSync(log, 'utf8').includes('Address already in use')) break
    }
    throw new Error(quoted())
  } catch (cause) {
    await close()
    throw cause
  }
}

/**
 * For one of many processes on a small machine, and one that is started often.
 *
 * @param heap as the JVM's -Xmx takes it
 * @param measured its speed is measured: it takes its time to compile itself
 */
export const jvmFlags = (heap: string, measured: boolean): string[] => [
  `-Xmx${heap}`,
  // What lives for a minute spends more time on being compiled well than it gains.
  ...(measured ? [] : ['-XX:TieredStopAtLevel=1']),
  // Classes that are archived are mapped (see shared-classes.ts); where that fails they are loaded, in silence.
  '-Xshare:auto',
  '-Xlog:cds=off',
  '-Xlog:cds+dynamic=off',
  '-XX:+IgnoreUnrecognizedVMOptions',
  '-XX:+UseSerialGC',
  '-XX:-UsePerfData',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
]
