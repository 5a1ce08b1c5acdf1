import { createHash } from 'node:crypto'
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { acquireFolderLock } from './folder-lock.ts'
import type { Say } from './jars.ts'
import type { JavaProcess } from './java-process.ts'

/**
 * Flags with which a service maps its classes instead of loading them, which is half of what its start computes (class-data
 * sharing, JEP 350). The archive is made once for each JVM, beside the jars, of what a server needed until it answered.
 *
 * @param jars folder of the service's jars
 * @param java what `java -version` says: another JVM needs an archive of its own
 * @param name of the service, with its version
 * @param start starts the service with these flags beside its own
 */
export async function sharedClasses({
  jars,
  java,
  name,
  say,
  start,
}: {
  jars: string
  java: string
  name: string
  say: Say
  start: (flags: readonly string[]) => Promise<JavaProcess>
}): Promise<readonly string[]> {
  const folder = dirname(jars)
  const key = createHash('sha256').update(java).digest('hex').slice(0, 16)
  const archive = join(folder, `classes-${key}.jsa`)
  const isThere = (): boolean => existsSync(archive)
  if (!isThere()) {
    const release = await acquireFolderLock({
      folder,
      doing: `archiving the classes of ${name}`,
      say,
      needless: isThere,
    })
    try {
      if (!isThere()) {
        say(`the classes of ${name} are archived once, so that it starts in half the time`)
        await archiveOf(archive, start)
      }
    } finally {
      release()
    }
  }
  return [`-XX:SharedArchiveFile=${archive}`]
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
