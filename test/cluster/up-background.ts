import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { waitForAdmission } from '../support/admission.ts'
import type { Attached } from './attached.ts'
import { type ControlPlane, startControlPlane } from './control-plane.ts'
import { freePort } from './free-port.ts'
import { install, operatorKubeconfig } from './install.ts'
import { startOperator, whenListening } from './operator.ts'
import { serveUp, type UpState } from './up-channel.ts'

/** What `npm run up` leaves running, in the folder .karma: it ends when `npm run down` or a signal says so. */
const root = resolve(import.meta.dirname, '../..')
const folder = join(root, '.karma')
const withOperator = !process.argv.includes('--no-operator')
const startedFolders = ['control-plane', 'data', 'bin']

async function main(): Promise<void> {
  const stopping = Promise.withResolvers<void>()
  const state = Promise.withResolvers<UpState>()
  const channel = await serveUp({ state: state.promise, onStop: stopping.resolve })
  if (channel === undefined) return
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopping.resolve())
  for (const name of startedFolders) rmSync(name, { recursive: true, force: true })
  let stop = async (): Promise<void> => {}
  try {
    const controlPlane = await startControlPlane({ dir: join(folder, 'control-plane'), log: folder, auditLog: true })
    stop = controlPlane.stop
    await install({ kubeconfig: controlPlane.kubeconfig, program: controlPlane.binaries.kubectl })
    writeCommands(controlPlane)
    // Before, kinds may not be served everywhere yet, and nobody would be asked who they are.
    await waitForAdmission(controlPlane.kubeconfig)
    if (withOperator) {
      const operator = await runOperator(controlPlane)
      stop = async () => {
        await operator.stop()
        await controlPlane.stop()
      }
      state.resolve({ kubeconfig: controlPlane.kubeconfig, api: operator.api, metrics: operator.metrics })
    } else {
      state.resolve({ kubeconfig: controlPlane.kubeconfig })
    }
    await stopping.promise
  } catch (cause) {
    console.error(cause)
    state.resolve({ kubeconfig: '', failed: (cause as Error).message })
    // For `up` to read.
    await Promise.race([stopping.promise, sleep(500)])
  }
  await stop()
  for (const name of startedFolders) rmSync(name, { recursive: true, force: true })
  channel.close()
}

/** What the exported PATH leads to: the kubectl of this release, and Karma's plugin for it. */
function writeCommands({ binaries }: ControlPlane): void {
  mkdirSync('bin')
  symlinkSync(binaries.kubectl, 'bin/kubectl')
  const command = [process.execPath, join(root, 'operator/cli/main.ts')].map(
    (word) => `'${word.replaceAll("'", `'\\''`)}'`,
  )
  writeFileSync('bin/kubectl-karma', `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`, { mode: 0o755 })
}

/** Runs the operator as a Deployment would: another one when it ends, after a pause that grows to 10 s. */
async function runOperator(
  controlPlane: ControlPlane,
): Promise<{ readonly api: string; readonly metrics: string; readonly stop: () => Promise<void> }> {
  const kubeconfig = await operatorKubeconfig({ controlPlane, dir: controlPlane.folder })
  const http = `127.0.0.1:${await freePort()}`
  const probes = `127.0.0.1:${await freePort()}`
  const log = join(folder, 'operator.log')
  rmSync(log, { force: true })
  const start = (): Attached =>
    startOperator({ kubeconfig, data: join(folder, 'data'), http, log, env: { KARMA_PROBES: probes } })
  let operator = start()
  let wanted = true
  const stop = async (): Promise<void> => {
    wanted = false
    await operator.stop('SIGTERM', 20_000)
  }
  if (!(await whenListening({ http, process: operator }))) {
    await stop()
    const end = readFileSync(log, 'utf8').trim().split('\n').slice(-8).join('\n')
    throw new Error(
      `the operator: expected it to listen on ${http}, found that it does not; the end of its log:\n${end}`,
    )
  }
  void (async () => {
    for (let pause = 1_000; ; pause = Math.min(pause * 2, 10_000)) {
      const code = await operator.ended
      if (!wanted) return
      console.error(`the operator ended (exit code ${code}); the next one starts in ${pause / 1000} s`)
      await sleep(pause)
      if (!wanted) return
      operator = start()
    }
  })()
  return { api: `http://${http}`, metrics: `http://${probes}/metrics`, stop }
}

await main()
process.exit(0)
