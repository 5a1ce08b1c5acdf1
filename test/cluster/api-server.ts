import { readFileSync } from 'node:fs'
import { get } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Attached } from './attached.ts'
import type { ControlPlaneFiles } from './control-plane-files.ts'

/** The API server's arguments: its defaults, with RBAC, on the loopback; what takes time to stop is left out. */
export function apiServerArguments({
  files,
  port,
  auditLog,
  features,
}: {
  files: ControlPlaneFiles
  port: number
  auditLog: boolean
  features: Readonly<Record<string, boolean>>
}): string[] {
  const gates = Object.entries(features).map(([name, on]) => `${name}=${on}`)
  return [
    `--etcd-servers=unix://${files.etcdSocket}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${files.certificateFolder}`,
    '--authorization-mode=RBAC',
    `--token-auth-file=${files.tokens}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${files.serviceAccountKey}`,
    `--service-account-signing-key-file=${files.serviceAccountKey}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    '--endpoint-reconciler-type=none',
    // Else it waits for clients to leave their watches, up to a minute.
    '--shutdown-watch-termination-grace-period=1s',
    '--profiling=false',
    ...(auditLog
      ? [
          `--audit-policy-file=${files.auditPolicy}`,
          `--audit-log-path=${files.auditLog}`,
          // Never in the way of a request, and in one file however long the run.
          '--audit-log-mode=batch',
          '--audit-log-maxsize=4096',
        ]
      : []),
    ...(gates.length > 0 ? [`--feature-gates=${gates.join(',')}`] : []),
  ]
}

/** Polls /readyz until it answers 200. Undefined when the program ended first; throws after `timeoutMs`. */
export async function whenReady({
  url,
  files,
  server,
  timeoutMs = 120_000,
}: {
  url: string
  files: ControlPlaneFiles
  server: Attached
  timeoutMs?: number
}): Promise<true | undefined> {
  const deadline = Date.now() + timeoutMs
  let last = 'no answer'
  while (Date.now() < deadline) {
    if (!server.alive()) return undefined
    last = await readiness(url, files)
    if (last === '200') return true
    await sleep(50)
  }
  throw new Error(
    `kube-apiserver at ${url}: expected /readyz to answer 200 within ${timeoutMs / 1000} s, found ${last}`,
  )
}

function readiness(url: string, files: ControlPlaneFiles): Promise<string> {
  return new Promise((resolve) => {
    try {
      // Read each time: the API server writes it while it starts.
      const ca = readFileSync(files.certificate)
      const headers = { authorization: `Bearer ${files.token}` }
      const request = get(`${url}/readyz`, { ca, headers, timeout: 5_000, agent: false }, (answer) => {
        answer.resume()
        answer.on('end', () => resolve(String(answer.statusCode)))
      })
      request.on('timeout', () => request.destroy(new Error('no answer in 5 s')))
      request.on('error', (cause) => resolve(cause.message))
    } catch (cause) {
      resolve((cause as Error).message)
    }
  })
}
