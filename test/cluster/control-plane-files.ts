import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the programs of a control plane read and write, all in its folder. */
export interface ControlPlaneFiles {
  readonly folder: string
  /** made by the API server at its first start, with the CA that signed it */
  readonly certificate: string
  readonly certificateFolder: string
  readonly etcdData: string
  readonly etcdSocket: string
  readonly tokens: string
  readonly serviceAccountKey: string
  readonly auditPolicy: string
  readonly auditLog: string
  readonly kubeconfig: string
  readonly controllerManagerKubeconfig: string
  /** bearer token of `admin`, group system:masters */
  readonly token: string
  readonly tokenFile: string
  readonly controllerManagerToken: string
  /** kubectl remembers a server's kinds for hours by its port, which may have been another control plane's before */
  readonly kubectlCache: string
  readonly log: (program: string) => string
}

/** Writes the files that exist before the first start: tokens, the key that signs ServiceAccount tokens, audit policy. */
export function writeControlPlaneFiles({ folder, logs }: { folder: string; logs: string }): ControlPlaneFiles {
  const at = (name: string): string => join(folder, name)
  const token = randomBytes(24).toString('base64url')
  const controllerManagerToken = randomBytes(24).toString('base64url')
  mkdirSync(logs, { recursive: true })
  writeFileSync(at('token'), token, { mode: 0o600 })
  writeFileSync(
    at('tokens.csv'),
    `${token},admin,admin,"system:masters"\n${controllerManagerToken},system:kube-controller-manager,controllers,"system:masters"\n`,
    { mode: 0o600 },
  )
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(at('service-accounts.key'), privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 })
  writeFileSync(at('audit-policy.yaml'), auditPolicy)
  return {
    folder,
    certificate: at('certificates/apiserver.crt'),
    certificateFolder: at('certificates'),
    etcdData: at('etcd'),
    etcdSocket: at('etcd.sock'),
    tokens: at('tokens.csv'),
    serviceAccountKey: at('service-accounts.key'),
    auditPolicy: at('audit-policy.yaml'),
    auditLog: join(logs, 'audit.log'),
    kubeconfig: at('kubeconfig'),
    controllerManagerKubeconfig: at('controller-manager.kubeconfig'),
    token,
    tokenFile: at('token'),
    controllerManagerToken,
    kubectlCache: at('kubectl-cache'),
    log: (program) => join(logs, `${program}.log`),
  }
}

/** One line per request, when it has been answered. */
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted, Panic]
rules:
- level: Metadata
`

/** Writes a kubeconfig of one context, as JSON, which is YAML too. `certificateAuthority` is the path of a PEM file. */
export function writeKubeconfig({
  path,
  server,
  certificateAuthority,
  user,
  token,
  namespace = 'default',
}: {
  path: string
  server: string
  certificateAuthority?: string
  user: string
  token: string
  namespace?: string
}): void {
  const name = 'karma-local'
  const cluster =
    certificateAuthority === undefined ? { server } : { server, 'certificate-authority': certificateAuthority }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name, context: { cluster: name, user, namespace } }],
  }
  writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 })
}
