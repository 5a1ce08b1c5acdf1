import { makeApiServer } from '../adapters/kubernetes/api-server.ts'
import { makeKubernetesClient } from '../adapters/kubernetes/client.ts'
import { loadCredentials } from '../adapters/kubernetes/credentials.ts'
import { makeObjects } from '../adapters/kubernetes/objects.ts'
import { makeOperatorPort } from '../adapters/kubernetes/operator-port.ts'
import { parseJson } from '../api/json.ts'
import { type Result, success } from '../api/result.ts'
import type { Session, SessionOptions } from './session.ts'

/**
 * Puts the command line's connections together: what main.ts is for the operator. `address`: KARMA_API. Fails with
 * `InvalidKubeconfig`.
 */
export const openSession = (
  { kubeconfig, context, token }: SessionOptions,
  address: string | undefined,
): Result<Session> => {
  const credentials = loadCredentials({ kubeconfigPath: kubeconfig, context, token })
  if (!credentials.ok) return credentials
  const { server, namespace = 'default' } = credentials.value
  const client = makeKubernetesClient({ credentials: credentials.value, parse: parseJson, userAgent: 'kubectl-karma' })
  const operator = makeOperatorPort({ credentials: credentials.value, address })
  return success({
    namespace,
    objects: makeObjects({ client, server }),
    apiServer: makeApiServer({ client, server }),
    operator: operator.get,
    post: operator.post,
    close: async () => {
      await Promise.all([client.close(), operator.close()])
    },
  })
}
