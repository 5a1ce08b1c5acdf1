import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'

/*
 * Bugs seeded on purpose: each a patch of operator/ beside a file of plans that must find it. A campaign that finds none
 * of them would find none of ours either.
 */

export const bugsFolder = resolve(import.meta.dirname, 'bugs')
const root = resolve(import.meta.dirname, '../..')

export interface Bug {
  readonly name: string
  readonly patch: string
  /** what finds it, see plan-file.ts; undefined: the locks do */
  readonly plans?: string
}

export const bugs = (): Bug[] => {
  const plans = new Set(globSync('*.json', { cwd: bugsFolder }))
  return globSync('*.patch', { cwd: bugsFolder })
    .sort()
    .map((file) => {
      const name = basename(file, '.patch')
      const own = `${name}.json`
      return { name, patch: join(bugsFolder, file), ...(plans.has(own) && { plans: join(bugsFolder, own) }) }
    })
}

/** An operator that has the bug, in a folder of its own. Throws when the patch does not fit any more. */
export const withBug = ({ patch }: Bug): { readonly program: string; readonly remove: () => void } => {
  const folder = mkdtempSync(join(tmpdir(), 'karma-bug-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    for (const part of ['operator', 'package.json', 'crds'])
      cpSync(join(root, part), join(folder, part), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    // Elsewhere than in a repository, or it would look for its files there.
    const env = { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() }
    execFileSync('git', ['apply', '-'], {
      cwd: folder,
      env,
      input: readFileSync(patch),
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    return { program: join(folder, 'operator/main.ts'), remove }
  } catch (cause) {
    remove()
    const said = (cause as { stderr?: Buffer }).stderr?.toString().trim() ?? (cause as Error).message
    throw new Error(`${patch}: expected a patch that fits operator/, found: ${said}`)
  }
}
