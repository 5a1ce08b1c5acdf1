import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts'
import { install } from '../cluster/install.ts'

let shared: ControlPlane | undefined
let folder: string | undefined

// A test file that imports this gets, once per run of mocha, one control plane for all its files. The hooks belong to
// the root suite, because an import at the top of a file runs outside every describe.
before('start the shared control plane', async function () {
  // The first run on a machine builds the programs.
  this.timeout(20 * 60_000)
  shared = await startControlPlane({ auditLog: true })
  await install({ kubeconfig: shared.kubeconfig, program: shared.binaries.kubectl })
})

after('stop the shared control plane', async function () {
  this.timeout(60_000)
  await shared?.stop()
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

/**
 * The control plane that all tests of this run share, with Karma's kinds and policies installed. Call it in a hook or
 * a test. Tests keep out of each other's way by namespaces of their own; who stops or restarts an API server starts a
 * control plane of its own.
 */
export function controlPlane(): ControlPlane {
  if (shared === undefined)
    throw new Error('controlPlane() was called before the tests began: call it in a hook or a test')
  return shared
}

/** A folder for files of tests, such as kubeconfigs, that goes at the end of the run. */
export function temporaryFolder(): string {
  folder ??= mkdtempSync(join(tmpdir(), 'karma-tests-'))
  return mkdtempSync(join(folder, 'test-'))
}
