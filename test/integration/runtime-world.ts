import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type KubernetesClient, makeKubernetesClient } from '../../operator/adapters/kubernetes/client.ts'
import { loadCredentials } from '../../operator/adapters/kubernetes/credentials.ts'
import { pathOf } from '../../operator/adapters/kubernetes/path.ts'
import { makeSource } from '../../operator/adapters/kubernetes/source.ts'
import { systemClock } from '../../operator/runtime/clock.ts'
import { type Informer, type InformerDependencies, makeInformer } from '../../operator/runtime/informer.ts'
import { compareVersions } from '../../operator/runtime/resource-version.ts'
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts'
import { writeKubeconfig } from '../cluster/control-plane-files.ts'
import { makeCollectedLog } from '../support/collected-log.ts'
import { type ApiProxy, startProxy } from '../support/proxy.ts'

export interface ConfigMap {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly resourceVersion: string
  }
  readonly data: Readonly<Record<string, string>>
}

/** An API server of its own, a proxy before it, and a client on either side of the proxy. */
export interface World {
  readonly controlPlane: ControlPlane
  readonly proxy: ApiProxy
  /** past the proxy: what is really so */
  readonly direct: KubernetesClient
  readonly through: KubernetesClient
  /** A namespace of its own for a test. */
  namespace(): Promise<string>
  stop(): Promise<void>
}

export const clientOf = (kubeconfigPath: string, timeoutMs = 5000): KubernetesClient => {
  const credentials = loadCredentials({ kubeconfigPath })
  if (!credentials.ok) throw new Error(credentials.failure.message)
  return makeKubernetesClient({ credentials: credentials.value, timeoutMs })
}

export const startWorld = async (): Promise<World> => {
  const controlPlane = await startControlPlane()
  const proxy = await startProxy({ target: controlPlane.url, ca: controlPlane.ca })
  const path = join(controlPlane.folder, 'proxied.kubeconfig')
  writeKubeconfig({ path, server: proxy.url, user: 'admin', token: controlPlane.token })
  const direct = clientOf(controlPlane.kubeconfig, 30_000)
  const through = clientOf(path)
  let namespaces = 0
  return {
    controlPlane,
    proxy,
    direct,
    through,
    namespace: async () => {
      const name = `test-${++namespaces}`
      must(await direct.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }))
      return name
    },
    stop: async () => {
      await Promise.all([direct.close(), through.close(), proxy.stop()])
      await controlPlane.stop()
    },
  }
}

export const must = <T>(
  answer: { ok: true; value: T } | { ok: false; failure: { reason: string; message: string } },
) => {
  if (!answer.ok) throw new Error(`${answer.failure.reason}: ${answer.failure.message}`)
  return answer.value
}

/** Waits until `holds` gives something; the time limit is that of the test. */
export const eventually = async <T>(
  holds: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> => {
  for (;;) {
    const found = await holds()
    if (found !== undefined && found !== false) return found
    await sleep(10)
  }
}

/** ConfigMaps of one namespace, as they are and as an informer sees them through the proxy. */
export const configMapsOf = (world: World, namespace: string) => {
  const resource = { group: '', version: 'v1', plural: 'configmaps' }
  const collection = pathOf(resource, { namespace })
  const at = (name: string) => pathOf(resource, { namespace, name })
  const { direct } = world

  const list = async (): Promise<{ version: string; objects: string[] }> => {
    const { items, resourceVersion } = must(await direct.list(collection))
    return { version: resourceVersion, objects: (items as ConfigMap[]).map(brief).sort() }
  }

  return {
    collection,
    at,
    list,
    create: async (name: string, value = 'first') => {
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } }
      return must(await direct.create(collection, body)) as ConfigMap
    },
    change: async (name: string, value: string) => must(await direct.patch(at(name), { data: { value } })) as ConfigMap,
    remove: async (name: string) => void must(await direct.remove(at(name))),
    informer: (more: Partial<InformerDependencies<ConfigMap>> = {}) => {
      const log = makeCollectedLog()
      const informer = makeInformer<ConfigMap>({
        source: makeSource({ client: world.through, path: collection }),
        parse: (raw) => raw as ConfigMap,
        clock: systemClock(),
        random: Math.random,
        log,
        ...more,
      })
      return { informer, log, changes: recorded(informer) }
    },
    /** Until the informer shows what is really so. */
    converged: async (informer: Informer<ConfigMap>) => {
      const { objects } = await list()
      await eventually(() => [...informer.list()].map(brief).sort().join() === objects.join())
    },
  }
}

const brief = ({ metadata, data }: ConfigMap): string => `${metadata.name}=${data?.value} ${metadata.uid}`

/** What handlers are told; and no object ever goes back to an older version. */
const recorded = (informer: Informer<ConfigMap>): string[] => {
  const changes: string[] = []
  const newest = new Map<string, string>()
  informer.onChange(({ before, after }) => {
    const name = (after ?? before)!.metadata.name
    changes.push(`${name}: ${before?.data.value ?? '-'} -> ${after?.data.value ?? '-'}`)
    if (!after) return
    const { uid, resourceVersion } = after.metadata
    if (compareVersions(resourceVersion, newest.get(uid)) <= 0) changes.push(`${name} WENT BACK to ${resourceVersion}`)
    newest.set(uid, resourceVersion)
  })
  return changes
}
