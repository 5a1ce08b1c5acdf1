import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { waitForAdmission } from '../support/admission.ts'
import { type Answer, type Api, apiOf, type Caller, clear } from '../support/api.ts'
import { controlPlane } from '../support/control-plane.ts'

export const namespace = 'admission'
export const group = '/apis/usekarma.dev/v1alpha1'
export const requests = `${group}/namespaces/${namespace}/changerequests`
export const components = `${group}/namespaces/${namespace}/components`
export const approvals = `${group}/namespaces/${namespace}/changeapprovals`
export const environments = `${group}/namespaces/${namespace}/environments`
export const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`
export const apiVersion = 'usekarma.dev/v1alpha1'
export const editedBy = 'usekarma.dev/edited-by'

export const karma: Caller = { as: 'system:serviceaccount:karma-system:karma' }
export const admin: Caller = {}
export const alice: Caller = { as: 'alice', groups: ['team-a', 'system:authenticated'] }
export const bob: Caller = { as: 'bob', groups: ['team-b', 'system:authenticated'], uid: '42' }
export const carol: Caller = { as: 'carol' }
export const agent: Caller = { as: 'system:serviceaccount:admission:agent' }
export const meddler: Caller = { as: 'system:serviceaccount:admission:meddler' }

export const forged = { username: 'somebody-else', groups: ['system:masters'] }
export const changeRequest = (spec: object = {}, metadata: object = { generateName: 'change-' }) => ({
  apiVersion,
  kind: 'ChangeRequest',
  metadata,
  spec: { component: 's3-bucket/shared', proposedChange: { a: 1, b: { c: 2 } }, remove: ['/x'], ...spec },
})
export const planHash = `sha256:${'a'.repeat(64)}`
export const changeApproval = (spec: object = {}, metadata: object = { generateName: 'approval-' }) => ({
  apiVersion,
  kind: 'ChangeApproval',
  metadata,
  spec: { changeRequest: 'change', planHash, decision: 'Approve', reason: 'why', ...spec },
})
export const component = (nickname: string, annotations: object = {}, spec: object = {}) => ({
  apiVersion,
  kind: 'Component',
  metadata: { name: `s3-bucket.${nickname}`, annotations },
  spec: { type: 's3-bucket', nickname, environment: 'dev', ...spec },
})

export interface Stored {
  readonly metadata: { readonly name: string }
  readonly spec: object
}

/** What the tests of admission share: a namespace with roles bound in it. */
export interface World {
  readonly api: Api
  /** a ServiceAccount with a token of its own, so that nothing is impersonated */
  readonly tenant: Caller
  readonly close: () => Promise<void>
}

export async function openWorld(): Promise<World> {
  const { kubeconfig } = controlPlane()
  await waitForAdmission(kubeconfig)
  const api = apiOf(kubeconfig)
  await api.create('/api/v1/namespaces', { metadata: { name: namespace } })
  await bindRoles(api)
  return {
    api,
    tenant: await tenantOf(api),
    close: async () => {
      for (const path of [approvals, requests, components, environments]) await clear(api, path)
      await api.close()
    },
  }
}

export function expectRefusal(answer: Answer, status: number, refusal: string): void {
  assert.equal(answer.status, status, JSON.stringify(answer.body))
  assert.ok(answer.message.includes(refusal), `expected "${refusal}", found "${answer.message}"`)
}

/** Editors by the cluster's own role edit, approvers, a reporter, and one that may write a status but not report. */
async function bindRoles(api: Api): Promise<void> {
  const bind = async (role: string, ...users: Caller[]) => {
    const answer = await api.create(rbac, {
      metadata: { name: role },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: users.map(({ as }) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: as })),
    })
    assert.ok(answer.status === 201 || answer.status === 409, answer.message)
  }
  await api.create('/apis/rbac.authorization.k8s.io/v1/clusterroles', {
    metadata: { name: 'admission-meddler' },
    rules: [{ apiGroups: ['usekarma.dev'], resources: ['components/status'], verbs: ['patch'] }],
  })
  await bind('edit', alice, bob, { as: 'system:serviceaccount:admission:tenant' })
  await bind('karma-report', agent)
  await bind('karma-approve', bob, { as: 'system:serviceaccount:admission:tenant' })
  await bind('admission-meddler', meddler)
  // The rights of Karma are added to the role edit by a controller, a moment after its start.
  while ((await api.get(components, alice)).status !== 200) await sleep(100)
}

async function tenantOf(api: Api): Promise<Caller> {
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`
  await api.create(accounts, { metadata: { name: 'tenant' } })
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
  const { body } = await api.create(`${accounts}/tenant/token`, request)
  return { token: body.status.token }
}
