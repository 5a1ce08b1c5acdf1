import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSession } from '../../operator/cli/kubeconfig.ts'
import { operatorKubeconfig } from '../cluster/install.ts'
import { type Circumstances, type Said, typed } from './command-line.ts'
import type { Karma } from './installed-karma.ts'
import { eventually } from './karma-namespace.ts'

/** Somebody who runs `kubectl karma` with a kubeconfig, within this process. */
export interface User {
  readonly kubeconfig: string
  readonly type: (args: readonly string[], circumstances?: Circumstances) => Promise<Said>
  readonly forget: () => void
}

const real: Circumstances = { now: Date.now, monotonic: () => performance.now() }

/** `-n` is `namespace` unless it is said. */
const typing =
  (kubeconfig: string, namespace: string): User['type'] =>
  (args, circumstances = {}) => {
    const place = args.some((arg) => arg === '-n' || arg === '-A') ? [] : ['-n', namespace]
    return typed([...args, ...place, '--kubeconfig', kubeconfig], {
      ...real,
      sleep: (ms) => new Promise((next) => setTimeout(next, ms)),
      opened: async (options) => openSession(options, undefined),
      ...circumstances,
    })
  }

export const admin = ({ controlPlane }: Karma, namespace: string): User => ({
  kubeconfig: controlPlane.kubeconfig,
  type: typing(controlPlane.kubeconfig, namespace),
  forget: () => {},
})

/** A ServiceAccount with one of the cluster's roles in one namespace, and no other right. */
export async function userOf(
  { controlPlane, api }: Karma,
  { namespace, name, role }: { namespace: string; name: string; role: string },
): Promise<User> {
  const made = [
    await api.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } }),
    await api.create(`/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    }),
  ]
  for (const { status, message } of made) assert.equal(status, 201, message)
  const dir = mkdtempSync(join(tmpdir(), 'karma-user-'))
  const kubeconfig = await operatorKubeconfig({ controlPlane, dir, namespace, account: name })
  const type = typing(kubeconfig, namespace)
  // The role is put together of its parts by the controller manager.
  await eventually(`${name} to have the role ${role}`, async () => {
    const said = await type(['queue'])
    return { found: said.code === 0 ? true : undefined, last: said }
  })
  return { kubeconfig, type, forget: () => rmSync(dir, { recursive: true, force: true }) }
}
