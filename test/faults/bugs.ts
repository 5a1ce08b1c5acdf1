import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'

/*
 * Bugs seeded on purpose: each a patch of operator/ beside a file of plans that must find it. A campaign that finds none
 * of them would find none of ours either.
 */

export const bugsFolder = resolve(import.meta.dirname, 'bugs')
const root = resolve(import.meta.dirname, '../..')

export interface Bug {
  readonly name: string
  readonly patch: string
  /** what finds it, see plan-file.ts */
  readonly plans?: string
  /** or what of telling does; neither: the locks do */
  readonly tellings?: string
}

export const bugs = (): Bug[] => {
  const files = new Set(globSync('*.json', { cwd: bugsFolder }))
  return globSync('*.patch', { cwd: bugsFolder })
    .sort()
    .map((file) => {
      const name = basename(file, '.patch')
      const [plans, tellings] = [`${name}.json`, `${name}.tellings.json`]
      return {
        name,
        patch: join(bugsFolder, file),
        ...(files.has(plans) && { plans: join(bugsFolder, plans) }),
        ...(files.has(tellings) && { tellings: join(bugsFolder, tellings) }),
      }
    })
}

/** Why its patch does not fit operator/ as it is now; undefined: it does. */
export const misfit = (bug: Bug): string | undefined => applied(bug, root, ['--check'])

/** An operator that has the bug, in a folder of its own. Throws when the patch does not fit any more. */
export const withBug = (bug: Bug): { readonly program: string; readonly remove: () => void } => {
  const folder = mkdtempSync(join(tmpdir(), 'karma-bug-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  for (const part of ['operator', 'package.json', 'crds'])
    cpSync(join(root, part), join(folder, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const said = applied(bug, folder)
  if (said === undefined) return { program: join(folder, 'operator/main.ts'), remove }
  remove()
  throw new Error(said)
}

const applied = ({ patch }: Bug, folder: string, options: readonly string[] = []): string | undefined => {
  // In a repository that lies further up git would look for its files there.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(folder) }
  const { status, stderr } = spawnSync('git', ['apply', ...options, patch], { cwd: folder, env, encoding: 'utf8' })
  return status === 0 ? undefined : `${patch}: expected a patch that fits operator/, found: ${stderr.trim()}`
}
