import type { RequestOptions } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'
import { failure, type Result, success } from '../api/result.ts'

/** What the command line needs of a kubeconfig. */
export interface Session {
  /** URL of the API server */
  readonly server: string
  readonly namespace: string
  /** for node:https, to speak to the API server: CA, client certificate, headers, HTTP proxy */
  readonly tls: RequestOptions
  /** of `Authorization: Bearer …`; absent with a client certificate */
  readonly token?: string
  /** for messages */
  readonly user: string
}

export interface SessionOptions {
  /** path; default: KUBECONFIG, ~/.kube/config, the pod's service account */
  readonly kubeconfig?: string
  readonly context?: string
  readonly token?: string
}

/** Reads the kubeconfig, and runs its exec plugin if it has one. Fails with `InvalidKubeconfig`. */
export const openSession = async ({ kubeconfig, context, token }: SessionOptions): Promise<Result<Session>> => {
  try {
    const config = new KubeConfig()
    if (kubeconfig === undefined) config.loadFromDefault()
    else config.loadFromFile(kubeconfig)
    if (context !== undefined) config.setCurrentContext(context)
    const current = config.getContextObject(config.getCurrentContext())
    const cluster = config.getCurrentCluster()
    if (!current || !cluster) return invalid(kubeconfig, `context "${config.getCurrentContext()}" is not there`)
    const tls: RequestOptions = {}
    await config.applyToHTTPSOptions(tls)
    const bearer = token ?? bearerOf(tls)
    return success({
      server: cluster.server,
      namespace: current.namespace ?? 'default',
      tls,
      user: current.user,
      ...(bearer !== undefined && { token: bearer }),
    })
  } catch (error) {
    return invalid(kubeconfig, error instanceof Error ? error.message : String(error))
  }
}

const bearerOf = ({ headers }: RequestOptions): string | undefined => {
  const value = new Headers(headers as Record<string, string>).get('authorization')
  return /^bearer +(\S+)$/i.exec(value ?? '')?.[1]
}

const invalid = (path: string | undefined, what: string): Result<never> =>
  failure({
    reason: 'InvalidKubeconfig',
    message: `kubeconfig ${path ?? '(default)'}: ${what}; see kubectl config get-contexts`,
    retry: false,
  })
