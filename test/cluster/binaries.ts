import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startAttached } from './attached.ts'
import { acquireFolderLock } from './folder-lock.ts'

const kubernetesVersion = 'v1.36.3'
const module = import.meta.dirname
const flags = [
  '-mod=readonly',
  '-trimpath',
  '-buildvcs=false',
  '-ldflags',
  // Without a version the API server calls itself v0.0.0-master and emulates no release.
  `-s -w -X k8s.io/component-base/version.gitVersion=${kubernetesVersion}`,
] as const

/** in the order of building: what fails early is cheap */
const packages = {
  etcd: 'go.etcd.io/etcd/server/v3',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
} as const
type Name = keyof typeof packages
const names = Object.keys(packages) as Name[]

/** Paths of the programs of a control plane. */
export interface Binaries {
  readonly folder: string
  readonly etcd: string
  readonly kubectl: string
  readonly apiServer: string
  /** absent when KUBEBUILDER_ASSETS has none: then no garbage collection, and namespaces never end */
  readonly controllerManager?: string
}

/**
 * Finds the control plane's programs: in `KUBEBUILDER_ASSETS`, else in the user's cache folder, where they are built
 * once with Go from the modules that go.sum pins. Throws an Error of one line that says what to install or to do.
 *
 * @param say gets a line of progress now and then while something is built or waited for
 */
export async function findBinaries({
  env = process.env,
  say = (line) => process.stderr.write(`${line}\n`),
}: {
  env?: NodeJS.ProcessEnv
  say?: (line: string) => void
} = {}): Promise<Binaries> {
  const assets = env.KUBEBUILDER_ASSETS
  if (assets !== undefined && assets !== '') return fromAssets(assets)
  const folder = cacheFolder(env)
  if (missingIn(folder).length > 0) await buildOnce({ folder, env, say })
  return inFolder(folder)
}

function fromAssets(folder: string): Binaries {
  const missing = missingIn(folder).filter((name) => name !== 'kube-controller-manager')
  if (missing.length === 0) return inFolder(folder)
  throw new Error(
    `KUBEBUILDER_ASSETS: expected etcd, kube-apiserver and kubectl in ${folder}, found no ${missing.join(', no ')}: ` +
      'add what is missing, or unset the variable to have the control plane built with Go',
  )
}

const missingIn = (folder: string): Name[] => names.filter((name) => !existsSync(join(folder, name)))

function inFolder(folder: string): Binaries {
  const controllerManager = join(folder, 'kube-controller-manager')
  return {
    folder,
    etcd: join(folder, 'etcd'),
    kubectl: join(folder, 'kubectl'),
    apiServer: join(folder, 'kube-apiserver'),
    ...(existsSync(controllerManager) ? { controllerManager } : {}),
  }
}

function cacheFolder(env: NodeJS.ProcessEnv): string {
  const hash = createHash('sha256')
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(module, file))).update('\0')
  hash.update(JSON.stringify([flags, process.platform, process.arch]))
  const caches = env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return join(caches, 'karma', 'control-plane', hash.digest('hex').slice(0, 16))
}

async function buildOnce({
  folder,
  env,
  say,
}: {
  folder: string
  env: NodeJS.ProcessEnv
  say: (line: string) => void
}) {
  mkdirSync(folder, { recursive: true })
  const release = await acquireFolderLock({
    folder,
    doing: 'building the control plane',
    say,
    needless: () => missingIn(folder).length === 0,
  })
  try {
    // What another run, or an interrupted one, has finished stays.
    const missing = missingIn(folder)
    if (missing.length === 0) return
    await requireGo(env)
    removeUnfinished(folder)
    say(`the control plane's programs are built once, with Go, into ${folder}`)
    const begun = Date.now()
    for (const name of missing) await build({ name, folder, env, say, begun })
  } finally {
    release()
  }
}

const needed = 'Go 1.26 or newer is needed to build the control plane (https://go.dev/doc/install)'
const alternative = 'or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kubectl'

async function requireGo(env: NodeJS.ProcessEnv): Promise<void> {
  try {
    // In the module's folder, `go version` is the toolchain that go.mod asks for, or the refusal to use an older one.
    await promisify(execFile)('go', ['version'], { cwd: module, env: goEnvironment(env) })
  } catch (cause) {
    const { code, stderr } = cause as { code?: string | number; stderr?: string }
    const found = code === 'ENOENT' ? 'no `go` on the PATH' : (stderr?.trim().split('\n')[0] ?? String(cause))
    throw new Error(`${needed}, found: ${found}; install it, ${alternative}`)
  }
}

const goEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({ ...env, CGO_ENABLED: '0', GOWORK: 'off' })

function removeUnfinished(folder: string): void {
  for (const name of readdirSync(folder)) if (name.startsWith('.')) rmSync(join(folder, name), { force: true })
}

async function build({
  name,
  folder,
  env,
  say,
  begun,
}: {
  name: Name
  folder: string
  env: NodeJS.ProcessEnv
  say: (line: string) => void
  begun: number
}): Promise<void> {
  const what = `${name} (${names.indexOf(name) + 1} of ${names.length})`
  const unfinished = join(folder, `.${name}.${process.pid}`)
  const logPath = join(folder, `${name}.build.log`)
  const log = openSync(logPath, 'w')
  const seconds = (): string => `${Math.round((Date.now() - begun) / 1000)} s`
  say(`building ${what}`)
  const progress = setInterval(() => say(`building ${what}, ${seconds()} so far`), 15_000)
  try {
    const go = startAttached({
      command: 'go',
      args: ['build', ...flags, '-o', unfinished, packages[name]],
      cwd: module,
      env: goEnvironment(env),
      output: log,
    })
    const code = await go.ended
    if (code !== 0) throw new Error(`building ${what} failed: ${lastLine(logPath)}; all of it is in ${logPath}`)
    // A name is there whole or not at all.
    renameSync(unfinished, join(folder, name))
    rmSync(logPath, { force: true })
  } finally {
    clearInterval(progress)
    closeSync(log)
    rmSync(unfinished, { force: true })
  }
}

const lastLine = (path: string): string => readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? ''
