import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { findBinaries } from './binaries.ts'
import { type ControlPlane, programEnv } from './control-plane.ts'
import { writeKubeconfig } from './control-plane-files.ts'

const root = resolve(import.meta.dirname, '../..')
const fieldManager = 'karma-install'

/** Runs kubectl and gives back what it printed. Throws an Error that quotes the arguments and standard error. */
export async function kubectl({
  kubeconfig,
  args,
  program,
  cacheFolder,
}: {
  kubeconfig: string
  args: readonly string[]
  /** path of kubectl; found by findBinaries by default */
  program?: string
  /** where kubectl keeps for hours what it learnt of the server's kinds; the user's by default */
  cacheFolder?: string
}): Promise<string> {
  const command = program ?? (await findBinaries()).kubectl
  const cache = cacheFolder === undefined ? {} : { KUBECACHEDIR: cacheFolder }
  const options = { env: { ...programEnv, KUBECONFIG: kubeconfig, ...cache }, maxBuffer: 64 * 1024 * 1024 }
  try {
    return (await promisify(execFile)(command, [...args], options)).stdout
  } catch (cause) {
    const { stderr } = cause as { stderr?: string }
    throw new Error(`kubectl ${args.join(' ')}: ${stderr?.trim() || String(cause)}`)
  }
}

/**
 * Installs Karma's kinds, account, rights and admission policies, and waits until the kinds are served. New admission
 * policies take effect up to a few seconds later. May be repeated.
 */
export async function install({ kubeconfig, program }: { kubeconfig: string; program?: string }): Promise<void> {
  // Of its own: what kubectl remembers from before the kinds were there would hide their category from the user.
  const cacheFolder = mkdtempSync(join(tmpdir(), 'karma-install-'))
  const run = (...args: string[]) =>
    kubectl({ kubeconfig, args, cacheFolder, ...(program === undefined ? {} : { program }) })
  const apply = (path: string) => run('apply', '--server-side', `--field-manager=${fieldManager}`, '-f', path)
  const crds = join(root, 'crds')
  const chart = join(root, 'charts', 'karma')
  try {
    if (hasManifests(crds)) {
      await apply(crds)
      await run('wait', '--for=condition=Established', '--timeout=60s', '-f', crds)
    }
    if (hasManifests(chart)) await withRetry(() => apply(chart))
  } finally {
    rmSync(cacheFolder, { recursive: true, force: true })
  }
}

const hasManifests = (folder: string): boolean =>
  existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.yaml'))

/** Objects of one folder may need each other (a namespace, a kind that is not served yet): apply again, a few times. */
async function withRetry(apply: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await apply()
      return
    } catch (cause) {
      if (attempt === 5) throw cause
      await sleep(300)
    }
  }
}

/**
 * Writes a kubeconfig with a token of a ServiceAccount (for a year), by the TokenRequest API, and returns its path.
 *
 * @param dir an existing folder
 * @param server another URL than the control plane's, such as a proxy's in front of it
 * @param certificateAuthority path of the PEM file that vouches for `server`; the control plane's by default
 */
export async function operatorKubeconfig({
  controlPlane,
  dir,
  namespace = 'karma-system',
  account = 'karma',
  server = controlPlane.url,
  certificateAuthority = controlPlane.caFile,
}: {
  controlPlane: Pick<ControlPlane, 'url' | 'caFile' | 'kubeconfig' | 'binaries'>
  dir: string
  namespace?: string
  account?: string
  server?: string
  certificateAuthority?: string
}): Promise<string> {
  const token = await kubectl({
    kubeconfig: controlPlane.kubeconfig,
    program: controlPlane.binaries.kubectl,
    args: ['create', 'token', account, `--namespace=${namespace}`, '--duration=8760h'],
  })
  const path = join(dir, `${namespace}.${account}.kubeconfig`)
  const ca = server.startsWith('https:') ? { certificateAuthority } : {}
  writeKubeconfig({ path, server, ...ca, user: account, token: token.trim(), namespace })
  return path
}
