import type { Result } from '../api/result.ts'
import type { ApiServer } from '../ports/api-server.ts'
import type { Objects } from '../ports/objects.ts'

/** Which cluster, and as whom. */
export interface SessionOptions {
  /** path; default: KUBECONFIG, ~/.kube/config, the pod's service account */
  readonly kubeconfig?: string
  readonly context?: string
  readonly token?: string
}

/** What a command may ask, all of it with the rights of the kubeconfig. */
export interface Session {
  /** of the kubeconfig's context */
  readonly namespace: string
  readonly objects: Objects
  /** objects of any kind */
  readonly apiServer: ApiServer
  /** GET from the operator's port */
  readonly operator: (path: string) => Promise<Result<unknown>>
  /** POST to it */
  readonly post: (path: string) => Promise<Result<unknown>>
  readonly close: () => Promise<void>
}
