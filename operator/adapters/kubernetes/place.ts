import { type Result, success } from '../../api/result.ts'
import type { Place } from '../../ports/place.ts'
import type { KubernetesClient } from './client.ts'
import { pathOf } from './path.ts'

export interface PlaceDependencies {
  readonly client: Pick<KubernetesClient, 'get' | 'create' | 'patch'>
  /** the operator's own */
  readonly namespace: string
  readonly name?: string
  readonly fieldManager?: string
}

const configMaps = { group: '', version: 'v1', plural: 'configmaps' }

/** The relay's place in a ConfigMap: one key per kind, which only that kind's writes touch. */
export const makePlace = ({
  client,
  namespace,
  name = 'karma-relay',
  fieldManager = 'karma',
}: PlaceDependencies): Place => {
  const collection = pathOf(configMaps, { namespace })
  const path = pathOf(configMaps, { namespace, name })

  return {
    read: async (kind): Promise<Result<string | undefined>> => {
      const answer = await client.get(path)
      if (!answer.ok) return answer.failure.reason === 'NotFound' ? success(undefined) : answer
      const value = (answer.value as { data?: Record<string, unknown> }).data?.[kind]
      return success(typeof value === 'string' && /^\d{1,20}$/.test(value) ? value : undefined)
    },
    write: async (kind, resourceVersion): Promise<Result<void>> => {
      const data = { [kind]: resourceVersion }
      const patch = () => client.patch(path, { data }, { fieldManager })
      let answer = await patch()
      if (!answer.ok && answer.failure.reason === 'NotFound') {
        const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data }
        answer = await client.create(collection, body, { query: { fieldManager } })
        if (!answer.ok && answer.failure.reason === 'AlreadyExists') answer = await patch()
      }
      return answer.ok ? success(undefined) : answer
    },
  }
}
