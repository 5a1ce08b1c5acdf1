import { readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** the name says all, so that no one reads a half-written file: lock,host,pid,random */
const prefix = 'lock,'
const heartbeatMs = 2_000
/** a holder on another host, or in another container, is taken for dead after this long without a heartbeat */
const silentMs = 30_000

/**
 * Waits until this process is the only one that holds `folder`, and returns the function that gives it up.
 * Everyone writes a file of its own and then looks for the others', so of two at least one sees the other: two cannot
 * both go ahead. The file of a process that is gone counts for nothing and is removed.
 *
 * @param doing what the lock is for, as in "which is building": said of the holder while waiting
 * @param needless asked while waiting; when true the lock is not waited for any more
 */
export async function acquireFolderLock({
  folder,
  doing,
  say = () => {},
  needless = () => false,
}: {
  folder: string
  doing: string
  say?: (line: string) => void
  needless?: () => boolean
}): Promise<() => void> {
  const own = `${prefix}${hostname()},${process.pid},${Math.random().toString(36).slice(2)}`
  const path = join(folder, own)
  const begun = Date.now()
  let said = begun - 15_000
  while (!needless()) {
    writeFileSync(path, '')
    const holder = livingHolder(folder, own)
    if (holder === undefined) return hold(path)
    rmSync(path, { force: true })
    if (Date.now() - said >= 15_000) {
      say(`waiting for process ${holder}, which is ${doing}, ${Math.round((Date.now() - begun) / 1000)} s`)
      said = Date.now()
    }
    // Uneven, so that two that saw each other do not meet for ever.
    await sleep(200 + Math.random() * 300)
  }
  return () => {}
}

function hold(path: string): () => void {
  const heartbeat = setInterval(() => {
    const now = new Date()
    // Recreated if another took this process for dead, as after the sleep of a laptop.
    writeFileSync(path, '')
    utimesSync(path, now, now)
  }, heartbeatMs)
  heartbeat.unref()
  return () => {
    clearInterval(heartbeat)
    rmSync(path, { force: true })
  }
}

function livingHolder(folder: string, own: string): number | undefined {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(prefix) || name === own) continue
    const path = join(folder, name)
    const pid = livingPid(path)
    if (pid !== undefined) return pid
    rmSync(path, { force: true })
  }
  return undefined
}

function livingPid(path: string): number | undefined {
  const [, host, pid] = basename(path).split(',')
  const heartbeat = statSync(path, { throwIfNoEntry: false })?.mtimeMs
  if (heartbeat === undefined || Date.now() - heartbeat > silentMs) return undefined
  return host === hostname() && !exists(Number(pid)) ? undefined : Number(pid)
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM'
  }
}
