import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * The shell becomes the program (`exec`: same pid, same exit code) and leaves a watcher behind, which reads the pipe
 * that only the parent holds open. The pipe ends when the parent is gone, however it went, and then the watcher kills
 * the program. A line on the pipe says that the program has ended and nothing is left to kill.
 * `$1` is a folder to remove in that case, or empty.
 */
const script = `
self=$$ folder=$1; shift
( read -r _ <&3 || { kill -9 $self; [ -z "$folder" ] || rm -rf "$folder"; } ) </dev/null >/dev/null 2>&1 &
exec "$@" 3<&-
`

export interface Attached {
  readonly pid: number
  /** resolves when the program has ended, with its exit code, or null when a signal ended it */
  readonly ended: Promise<number | null>
  /** the signal that ended it; null: none has */
  endedBy(): NodeJS.Signals | null
  /** still running */
  alive(): boolean
  /** sends the signal, SIGKILL after `graceMs`, and waits for the end */
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<void>
}

/**
 * Starts a program that cannot outlive this process, not even when this process is ended with SIGKILL.
 * The program leads its own process group, so that a Ctrl-C in the terminal leaves the order of stopping to us.
 *
 * @param output file descriptors for the program's standard output and error
 * @param removeWithParent a folder to remove if this process dies without stopping the program
 */
export function startAttached({
  command,
  args,
  output,
  env = process.env,
  cwd,
  removeWithParent = '',
}: {
  command: string
  args: readonly string[]
  output: number | readonly [number, number]
  env?: NodeJS.ProcessEnv
  cwd?: string
  removeWithParent?: string
}): Attached {
  const [out, err] = typeof output === 'number' ? [output, output] : output
  const stdio: StdioOptions = ['ignore', out, err, 'pipe']
  const child = spawn('/bin/sh', ['-c', script, 'attached', removeWithParent, command, ...args], {
    stdio,
    env,
    detached: true,
    ...(cwd === undefined ? {} : { cwd }),
  })
  const ended = whenEnded(child)
  const alive = (): boolean => child.exitCode === null && child.signalCode === null
  return {
    pid: child.pid ?? 0,
    ended,
    endedBy: () => child.signalCode,
    alive,
    async stop(signal = 'SIGTERM', graceMs = 10_000) {
      if (!alive()) return
      child.kill(signal)
      const late = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await ended
      clearTimeout(late)
    },
  }
}

async function whenEnded(child: ChildProcess): Promise<number | null> {
  const pipe = child.stdio[3] as NodeJS.WritableStream
  // The watcher may be gone first (its whole group was killed): then nobody is left to tell.
  pipe.on('error', () => {})
  const [code] = (await once(child, 'exit')) as [number | null]
  pipe.end('ended\n')
  return code
}
