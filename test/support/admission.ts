import { setTimeout as sleep } from 'node:timers/promises'
import { type Api, apiOf } from './api.ts'

const karmaApi = '/apis/usekarma.dev/v1alpha1'
const probes = `${karmaApi}/namespaces/default`

/**
 * Resolves when every policy of charts/karma that is installed is at work: the API server takes up a new one within
 * seconds, and until then lets everything pass. Throws an Error that says which is not, after `timeoutMs`.
 */
export async function waitForAdmission(kubeconfig: string, { timeoutMs = 30_000 } = {}): Promise<void> {
  const api = apiOf(kubeconfig)
  const deadline = performance.now() + timeoutMs
  try {
    for (const [name, probe] of [
      ['mutating policies', mutates],
      ['validating policies', validates],
    ] as const) {
      while (!(await probe(api))) {
        if (performance.now() > deadline) throw new Error(`the ${name} of Karma are not at work after ${timeoutMs} ms`)
        await sleep(50)
      }
    }
  } finally {
    await api.close()
  }
}

const admissionApi = '/apis/admissionregistration.k8s.io/v1'

/** Forges, without creating anything. True where no mutating policy is installed. */
async function mutates(api: Api): Promise<boolean> {
  const installed = await api.get(`${admissionApi}/mutatingadmissionpolicies/components.usekarma.dev`)
  if (installed.status === 404) return true
  const request = await api.create(`${probes}/changerequests?dryRun=All`, {
    apiVersion: 'usekarma.dev/v1alpha1',
    kind: 'ChangeRequest',
    metadata: { name: 'admission-probe' },
    spec: { component: 'probe/admission', requestedBy: { username: 'somebody-else' } },
  })
  const component = await api.create(`${probes}/components?dryRun=All`, {
    apiVersion: 'usekarma.dev/v1alpha1',
    kind: 'Component',
    metadata: { name: 'probe.admission' },
    spec: { type: 'probe', nickname: 'admission', environment: 'admission-probe' },
  })
  const approval = await api.create(`${probes}/changeapprovals?dryRun=All`, {
    apiVersion: 'usekarma.dev/v1alpha1',
    kind: 'ChangeApproval',
    metadata: { name: 'admission-probe' },
    spec: {
      changeRequest: 'admission-probe',
      planHash: `sha256:${'0'.repeat(64)}`,
      decision: 'Deny',
      approver: { username: 'somebody-else' },
    },
  })
  return (
    ![undefined, 'somebody-else'].includes(approval.body.spec?.approver?.username) &&
    request.body.spec?.requestedBy?.username !== 'somebody-else' &&
    (request.body.metadata?.finalizers ?? []).includes('usekarma.dev/change') &&
    (component.body.metadata?.finalizers ?? []).includes('usekarma.dev/component')
  )
}

/**
 * Writes a status as somebody who may not. The policy that refuses this is the last of charts/karma, and the API server
 * takes them up in order, so the others are at work too. It takes an object that exists, hence the Environment.
 */
async function validates(api: Api): Promise<boolean> {
  const environment = {
    apiVersion: 'usekarma.dev/v1alpha1',
    kind: 'Environment',
    metadata: { generateName: 'admission-probe-' },
  }
  const created = await api.create(`${probes}/environments`, environment)
  if (created.status !== 201) throw new Error(`the admission probe could not create an Environment: ${created.message}`)
  const path = `${probes}/environments/${created.body.metadata.name}`
  const refused = await api.mergePatch(`${path}/status?dryRun=All`, { status: { version: 1 } })
  await api.remove(path)
  return refused.status === 403
}
