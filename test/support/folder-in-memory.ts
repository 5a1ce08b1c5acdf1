import { readFileSync, statfsSync } from 'node:fs'

/** Where Linux keeps files in memory, as its programs expect it. */
const folder = '/dev/shm'

/**
 * A folder whose files are in memory, undefined where there is none that has room and runs programs, which tests write there.
 * What a test writes is gone when it ends, so a disk only makes it wait.
 *
 * @param room bytes that must be free
 */
export function folderInMemory(room: number): string | undefined {
  try {
    const mount = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .find(([, path]) => path === folder)
    const [, , type, options = ''] = mount ?? []
    if (type !== 'tmpfs' || options.split(',').includes('noexec')) return undefined
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize >= room ? folder : undefined
  } catch {
    // No such file: not Linux.
    return undefined
  }
}
