import { isLoopback } from '../../api/loopback.ts'
import { failure, type Result, success } from '../../api/result.ts'
import { KubeConfig } from './kube-config.ts'

/** What TLS needs to know of both sides. The same object as long as nothing in it has changed. */
export interface TlsOptions {
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

export interface Credential {
  readonly headers: Readonly<Record<string, string>>
  readonly tls: TlsOptions
}

/** Where the API server is and who we are. */
export interface Credentials {
  /** URL; a path in it is put before every request's path */
  readonly server: string
  /** HTTP proxy to go through */
  readonly proxyUrl?: string
  /** the context's namespace, or that of the pod's service account */
  readonly namespace?: string
  /** what the kubeconfig calls the account, for messages */
  readonly user: string
  /** Read again (token file, exec plugin) when the last reading is older than 10 s. Rejects when that fails. */
  current(): Promise<Credential>
  /** Forgets all and reads the kubeconfig again: to be called after a 401. */
  reload(): void
}

interface Dependencies {
  /** default: KUBECONFIG, ~/.kube/config, the pod's service account, in this order */
  readonly kubeconfigPath?: string | undefined
  /** default: the kubeconfig's current one */
  readonly context?: string | undefined
  /** bearer token instead of what the kubeconfig says of its user */
  readonly token?: string | undefined
  readonly monotonic?: () => number
}

const freshMs = 10_000

/** Failure reason `InvalidKubeconfig` when there is no cluster to be found, or a token would travel in the clear. */
export const loadCredentials = (dependencies: Dependencies = {}): Result<Credentials> => {
  const { kubeconfigPath, context, token, monotonic = () => performance.now() } = dependencies
  const read = () => readConfig(kubeconfigPath, context)
  try {
    const config = read()
    const current = config.getContextObject(config.getCurrentContext())
    if (context !== undefined && !current) return invalid(kubeconfigPath, unknownContext(config, context))
    const cluster = config.getCurrentCluster()
    if (!cluster) return invalid(kubeconfigPath, `its current context "${config.getCurrentContext()}" names no cluster`)
    const unfit = unfitServer(cluster)
    if (unfit) return invalid(kubeconfigPath, unfit)
    return success({
      server: cluster.server,
      user: current?.user ?? '',
      ...(cluster.proxyUrl ? { proxyUrl: cluster.proxyUrl } : {}),
      ...(current?.namespace ? { namespace: current.namespace } : {}),
      ...keptFresh(config, { read, token, monotonic }),
    })
  } catch (error) {
    return invalid(kubeconfigPath, (error as Error).message)
  }
}

const invalid = (path: string | undefined, what: string): Result<never> =>
  failure({ reason: 'InvalidKubeconfig', message: `kubeconfig ${path ?? '(default)'}: ${what}`, retry: false })

const unknownContext = (config: KubeConfig, context: string): string => {
  const names = config.contexts.map(({ name }) => name).join(', ') || 'none'
  return `expected one of its contexts (${names}), found "${context}"`
}

const readConfig = (path: string | undefined, context: string | undefined): KubeConfig => {
  const config = new KubeConfig()
  if (path === undefined) config.loadFromDefault()
  else config.loadFromFile(path)
  if (context !== undefined) config.setCurrentContext(context)
  return config
}

const unfitServer = ({ server, skipTLSVerify, proxyUrl }: ClusterPart): string | undefined => {
  if (!URL.canParse(server)) return `server: expected a URL, found "${server}"`
  const { protocol, hostname } = new URL(server)
  if (protocol === 'http:' && !isLoopback(hostname) && !skipTLSVerify) {
    return `server: expected https, found "${server}" (http is for loopback addresses)`
  }
  if (proxyUrl && !/^https?:/.test(proxyUrl)) return `proxy-url: expected http or https, found "${proxyUrl}"`
  return undefined
}

interface ClusterPart {
  readonly server: string
  readonly skipTLSVerify?: boolean
  readonly proxyUrl?: string
}

interface Freshness {
  readonly read: () => KubeConfig
  readonly token: string | undefined
  readonly monotonic: () => number
}

const keptFresh = (first: KubeConfig, { read, token, monotonic }: Freshness) => {
  let config: KubeConfig | undefined = first
  let credential: Credential | undefined
  let readAt = Number.NEGATIVE_INFINITY
  let reading: Promise<Credential> | undefined

  const refresh = async (): Promise<Credential> => {
    config ??= read()
    const next = await credentialOf(config, token)
    credential = credential && sameTls(credential.tls, next.tls) ? { ...next, tls: credential.tls } : next
    readAt = monotonic()
    return credential
  }

  return {
    current: async (): Promise<Credential> => {
      if (credential && monotonic() - readAt < freshMs) return credential
      reading ??= refresh().finally(() => {
        reading = undefined
      })
      return reading
    },
    reload: (): void => {
      config = undefined
      readAt = Number.NEGATIVE_INFINITY
    },
  }
}

/** The one thing that the client library is used for: its parsers of kubeconfigs, token files and exec plugins. */
const credentialOf = async (config: KubeConfig, token: string | undefined): Promise<Credential> => {
  const found: Parameters<KubeConfig['applyToHTTPSOptions']>[0] & { auth?: string } = {}
  await applyTo(config, found)
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(found.headers ?? {})) headers[name.toLowerCase()] = String(value).trim()
  if (found.auth) headers.authorization = `Basic ${Buffer.from(found.auth).toString('base64')}`
  if (token !== undefined) headers.authorization = `Bearer ${token}`
  const tls: Record<string, unknown> = {}
  for (const name of ['ca', 'cert', 'key', 'servername', 'rejectUnauthorized'] as const) {
    if (found[name] !== undefined) tls[name] = found[name]
  }
  return { headers, tls: tls as TlsOptions }
}

/** The library refuses http unless TLS is not to be verified; which servers are fit is decided above, once. */
const applyTo = async (config: KubeConfig, options: Parameters<KubeConfig['applyToHTTPSOptions']>[0]) => {
  const cluster = config.getCurrentCluster()
  if (cluster?.server.startsWith('http:') && !cluster.skipTLSVerify) {
    config.clusters = config.clusters.map((c) => (c.name === cluster.name ? { ...c, skipTLSVerify: true } : c))
  }
  await config.applyToHTTPSOptions(options)
}

const sameTls = (left: TlsOptions, right: TlsOptions): boolean =>
  (['ca', 'cert', 'key', 'servername', 'rejectUnauthorized'] as const).every(
    (name) => String(left[name]) === String(right[name]),
  )
