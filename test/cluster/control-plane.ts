import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { apiServerArguments, whenReady } from './api-server.ts'
import { type Attached, startAttached } from './attached.ts'
import { type Binaries, findBinaries } from './binaries.ts'
import { type ControlPlaneFiles, writeControlPlaneFiles, writeKubeconfig } from './control-plane-files.ts'
import { freePort } from './free-port.ts'

/** A running etcd, kube-apiserver and, a moment later, kube-controller-manager, all on the loopback. */
export interface ControlPlane {
  /** https://127.0.0.1:port, the same after a restart */
  readonly url: string
  /** path of a kubeconfig of a user in system:masters */
  readonly kubeconfig: string
  /** PEM, and the path of it */
  readonly ca: string
  readonly caFile: string
  /** bearer token of the kubeconfig's user, and the path of it */
  readonly token: string
  readonly tokenFile: string
  /** path of the audit log: a JSON object a line, level Metadata, one line per answered request */
  readonly auditLogPath: string
  readonly folder: string
  readonly binaries: Binaries
  /** process ids of what runs now, by program */
  readonly pids: () => Readonly<Record<string, number>>
  /** process.env with KUBECONFIG, a cache of kubectl's own, and this control plane's kubectl first on the PATH */
  readonly env: () => NodeJS.ProcessEnv
  readonly stopApiServer: (signal?: NodeJS.Signals) => Promise<void>
  /** on the same port, with the same data and certificates; resolves when it is ready */
  readonly startApiServer: () => Promise<void>
  readonly restartApiServer: (signal?: NodeJS.Signals) => Promise<void>
  /** ends every program and removes the folder; may be called twice */
  readonly stop: () => Promise<void>
}

/**
 * Starts a control plane and resolves when the API server is ready. Throws an Error that quotes the failing program.
 * If this process dies without `stop`, its programs end and its folder goes all the same (see attached.ts).
 *
 * @param dir folder for its data, which must not exist; a new one in the system's temporary folder by default
 * @param log folder for the programs' logs and the audit log, kept at the end; `dir` by default
 * @param auditLog write the audit log (default false)
 * @param features feature gates of the API server
 */
export async function startControlPlane({
  dir,
  log,
  auditLog = false,
  features = {},
  binaries,
}: {
  dir?: string
  log?: string
  auditLog?: boolean
  features?: Readonly<Record<string, boolean>>
  binaries?: Binaries
} = {}): Promise<ControlPlane> {
  const programs = binaries ?? (await findBinaries())
  const folder = dir ?? mkdtempSync(join(tmpdir(), 'karma-'))
  if (dir !== undefined) mkdirSync(dir)
  const files = writeControlPlaneFiles({ folder, logs: log ?? folder })
  const running = new Map<string, Attached>()
  const start = (program: string, command: string, args: readonly string[], remove = ''): Attached => {
    const output = openSync(files.log(program), 'a')
    const attached = startAttached({ command, args, output, env: programEnv, cwd: folder, removeWithParent: remove })
    closeSync(output)
    running.set(program, attached)
    return attached
  }
  const stop = async (): Promise<void> => {
    // etcd last: without it the API server waits for its own time-outs.
    for (const program of ['kube-controller-manager', 'kube-apiserver', 'etcd']) {
      await running.get(program)?.stop('SIGKILL')
      running.delete(program)
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }

  try {
    await startEtcd({ files, start: () => start('etcd', programs.etcd, etcdArguments(files), folder) })
    const startServer = async (onPort: number): Promise<boolean> => {
      const args = apiServerArguments({ files, port: onPort, auditLog, features })
      const server = start('kube-apiserver', programs.apiServer, args)
      return (await whenReady({ url: urlOf(onPort), files, server })) === true
    }
    const port = await onFreePort({ startServer, files })
    const url = urlOf(port)
    const access = { server: url, certificateAuthority: files.certificate }
    writeKubeconfig({ path: files.kubeconfig, ...access, user: 'admin', token: files.token })
    if (programs.controllerManager !== undefined) {
      const path = files.controllerManagerKubeconfig
      writeKubeconfig({ path, ...access, user: 'controllers', token: files.controllerManagerToken })
      // Not waited for: it is up a second later, and nothing needs it sooner.
      start('kube-controller-manager', programs.controllerManager, controllerManagerArguments(files))
    }
    const stopApiServer = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
      await running.get('kube-apiserver')?.stop(signal)
    }
    const startApiServer = async (): Promise<void> => {
      if (running.get('kube-apiserver')?.alive()) return
      if (!(await startServer(port))) throw new Error(quoted('kube-apiserver', files))
    }
    return {
      url,
      kubeconfig: files.kubeconfig,
      ca: readFileSync(files.certificate, 'utf8'),
      caFile: files.certificate,
      token: files.token,
      tokenFile: files.tokenFile,
      auditLogPath: files.auditLog,
      folder,
      binaries: programs,
      pids: () => Object.fromEntries([...running].filter(([, p]) => p.alive()).map(([name, p]) => [name, p.pid])),
      env: () => ({
        ...process.env,
        KUBECONFIG: files.kubeconfig,
        KUBECACHEDIR: files.kubectlCache,
        PATH: `${programs.folder}${delimiter}${process.env.PATH ?? ''}`,
      }),
      stopApiServer,
      startApiServer,
      restartApiServer: async (signal) => {
        await stopApiServer(signal)
        await startApiServer()
      },
      stop,
    }
  } catch (cause) {
    await stop()
    throw cause
  }
}

/**
 * A collection of garbage when the heap has grown to nine times what lives, not twice, as long as there is memory: it was a
 * quarter of what the API server computes, and these programs share a machine with whoever waits for them.
 */
export const programEnv: NodeJS.ProcessEnv = { GOGC: '800', GOMEMLIMIT: '2GiB', ...process.env }

const urlOf = (port: number): string => `https://127.0.0.1:${port}`

function etcdArguments(files: ControlPlaneFiles): string[] {
  const socket = `unix://${files.etcdSocket}`
  // A member must announce addresses of this form. Nobody uses them: there is no other member, and the only client
  // is the API server, which is told the socket. A socket collides with nothing, as a port may.
  const peers = 'http://127.0.0.1:2380'
  const clients = 'http://127.0.0.1:2379'
  return [
    '--name=local',
    `--data-dir=${files.etcdData}`,
    '--unsafe-no-fsync',
    `--listen-client-urls=${socket}`,
    `--advertise-client-urls=${clients}`,
    `--listen-peer-urls=${socket}.peers`,
    `--initial-advertise-peer-urls=${peers}`,
    `--initial-cluster=local=${peers}`,
    '--quota-backend-bytes=4294967296',
    // A beat is work for nothing where there is one member: half of what it does while it rests.
    '--heartbeat-interval=500',
    '--election-timeout=5000',
    '--log-level=warn',
  ]
}

/** Only what tests and users of Karma see the effects of. */
const controllers = [
  'garbage-collector-controller',
  'namespace-controller',
  'serviceaccount-controller',
  'clusterrole-aggregation-controller',
  'validatingadmissionpolicy-status-controller',
]

function controllerManagerArguments(files: ControlPlaneFiles): string[] {
  return [
    `--kubeconfig=${files.controllerManagerKubeconfig}`,
    '--leader-elect=false',
    '--secure-port=0',
    `--controllers=${controllers.join(',')}`,
  ]
}

/** The API server dials etcd once and then waits a second, so etcd comes first. */
async function startEtcd({ files, start }: { files: ControlPlaneFiles; start: () => Attached }): Promise<void> {
  const etcd = start()
  for (let waited = 0; waited < 30_000; waited += 20) {
    if (existsSync(files.etcdSocket)) return
    if (!etcd.alive()) break
    await sleep(20)
  }
  throw new Error(quoted('etcd', files))
}

async function onFreePort({
  startServer,
  files,
}: {
  startServer: (port: number) => Promise<boolean>
  files: ControlPlaneFiles
}): Promise<number> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const port = await freePort()
    if (await startServer(port)) return port
    if (!readFileSync(files.log('kube-apiserver'), 'utf8').includes('address already in use')) break
  }
  throw new Error(quoted('kube-apiserver', files))
}

function quoted(program: string, files: ControlPlaneFiles): string {
  const lines = readFileSync(files.log(program), 'utf8').trim().split('\n').slice(-8)
  return `${program} did not start; the end of its log:\n${lines.join('\n')}`
}
