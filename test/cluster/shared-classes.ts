import { createHash } from 'node:crypto'
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { acquireFolderLock } from './folder-lock.ts'
import { findJars, type JavaService, requireJava, type Say, toStandardError } from './jars.ts'
import type { JavaProcess } from './java-process.ts'

/** Which one is looked for. */
export interface Sought {
  readonly version?: string
  readonly env?: NodeJS.ProcessEnv
  readonly say?: Say
}

/** A service that can be started. */
export interface Installed {
  /** folder of its jars */
  readonly jars: string
  /** of the JVM, beside those of every service */
  readonly flags: readonly string[]
}

/**
 * Finds the jars of a service, which are fetched once (see jars.ts), and flags with which it maps its classes instead of loading
 * them, which is half of what its start computes (class-data sharing, JEP 350). Their archive is made once for each JVM, beside
 * the jars, of what a server needed until it answered. Throws an Error of one line where no Java can run them.
 *
 * @param least version of Java
 * @param start starts it as it was found
 */
export async function findService({
  service,
  least,
  version,
  env = process.env,
  say = toStandardError,
  start,
}: Sought & {
  service: JavaService
  least: number
  version: string
  start: (found: Installed) => Promise<JavaProcess>
}): Promise<Installed> {
  const java = await requireJava(service.name, env, least)
  const jars = await findJars({ service, version, env, say })
  const folder = dirname(jars)
  // Another JVM needs an archive of its own.
  const key = createHash('sha256').update(java).digest('hex').slice(0, 16)
  const archive = join(folder, `classes-${key}.jsa`)
  const isThere = (): boolean => existsSync(archive)
  if (!isThere()) {
    const name = `${service.name} ${version}`
    const doing = `archiving the classes of ${name}`
    const release = await acquireFolderLock({ folder, doing, say, needless: isThere })
    try {
      if (!isThere()) {
        say(`the classes of ${name} are archived once, so that it starts in half the time`)
        await archiveOf(archive, (flags) => start({ jars, flags }))
      }
    } finally {
      release()
    }
  }
  return { jars, flags: [`-XX:SharedArchiveFile=${archive}`] }
}

async function archiveOf(archive: string, start: (flags: readonly string[]) => Promise<JavaProcess>): Promise<void> {
  const unfinished = `${archive}.${process.pid}`
  try {
    const server = await start([`-XX:ArchiveClassesAtExit=${unfinished}`])
    await server.end().finally(server.close)
    // A JVM that cannot share classes leaves none. What is empty is passed over at each start, and nobody tries again.
    if (existsSync(unfinished)) renameSync(unfinished, archive)
    else writeFileSync(archive, '')
  } finally {
    rmSync(unfinished, { force: true })
  }
}
