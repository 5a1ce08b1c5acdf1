import assert from 'node:assert/strict'
import { type KubernetesClient, makeKubernetesClient } from '../../operator/adapters/kubernetes/client.ts'
import { makeCluster } from '../../operator/adapters/kubernetes/cluster.ts'
import { loadCredentials } from '../../operator/adapters/kubernetes/credentials.ts'
import { parseJson } from '../../operator/api/json.ts'
import type { ChangeRequest, ChangeRequestStatus } from '../../operator/api/kinds.generated.ts'
import type { Result } from '../../operator/api/result.ts'
import type { Cluster } from '../../operator/ports/cluster.ts'
import { operatorKubeconfig } from '../cluster/install.ts'
import { waitForAdmission } from '../support/admission.ts'
import { type Api, apiOf } from '../support/api.ts'
import { controlPlane, temporaryFolder } from '../support/control-plane.ts'
import { changeRequest } from '../support/karma-objects.ts'
import { must } from './runtime-world.ts'

const namespace = 'cluster'
const path = `/apis/usekarma.dev/v1alpha1/namespaces/${namespace}/changerequests`

describe('the status of a request, which is written whole', () => {
  let api: Api
  let client: KubernetesClient
  let cluster: Cluster

  before(async () => {
    const shared = controlPlane()
    await waitForAdmission(shared.kubeconfig)
    api = apiOf(shared.kubeconfig)
    await api.create('/api/v1/namespaces', { metadata: { name: namespace } })
    const kubeconfigPath = await operatorKubeconfig({ controlPlane: shared, dir: temporaryFolder() })
    client = makeKubernetesClient({ credentials: must(loadCredentials({ kubeconfigPath })), parse: parseJson })
    cluster = makeCluster({ client, observe: () => {} })
  })
  after(async () => {
    await client?.close()
    await api?.close()
  })

  const create = async (name: string): Promise<void> => {
    const answer = await api.create(path, changeRequest(name, { component: 'host/one', proposedChange: { size: 2 } }))
    assert.equal(answer.status, 201, answer.message)
  }
  const read = async (name: string) => {
    const found = must(await cluster.read('ChangeRequest', `${namespace}/${name}`))
    assert.ok(found)
    return found
  }
  const write = (request: ChangeRequest, status: ChangeRequestStatus) =>
    cluster.writeStatus('ChangeRequest', request, status)
  const isConflict = (written: Result<unknown>): void =>
    assert.equal(written.ok ? 'written' : written.failure.reason, 'Conflict')

  it('has what it says and nothing that was there before; all else of the request stays', async () => {
    await create('whole')
    const made = await read('whole')
    const first = must(await write(made, { phase: 'Queued', seq: 1, warnings: ['soon'] }))
    assert.deepEqual(first.status?.warnings, ['soon'])
    const labels = { metadata: { labels: { team: 'a' } } }
    assert.equal((await api.mergePatch(`${path}/whole`, labels)).status, 200)
    const second = must(await write(await read('whole'), { phase: 'Cancelled', seq: 2 }))
    assert.deepEqual(second.status, { phase: 'Cancelled', seq: 2 })
    assert.deepEqual(
      [second.spec, second.metadata.finalizers, second.metadata.labels?.team, second.metadata.generation],
      [made.spec, made.metadata.finalizers, 'a', 1],
    )
  })

  it('is a Conflict when the request was written since, and when it is another one of that name', async () => {
    await create('since')
    const old = await read('since')
    must(await write(old, { phase: 'Queued', seq: 1 }))
    isConflict(await write(old, { phase: 'Cancelled', seq: 1 }))
    const current = await read('since')
    await api.mergePatch(`${path}/since`, { metadata: { finalizers: null } })
    await api.remove(`${path}/since`)
    await create('since')
    isConflict(await write(current, { phase: 'Cancelled', seq: 2 }))
    const { metadata } = await read('since')
    isConflict(
      await write({ ...current, metadata: { ...current.metadata, resourceVersion: metadata.resourceVersion! } }, {}),
    )
    assert.equal((await read('since')).status?.phase, undefined)
  })
})
