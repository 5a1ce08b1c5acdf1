import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { request } from 'node:https'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts'
import { install, kubectl, operatorKubeconfig } from '../cluster/install.ts'

describe('the local control plane', function () {
  this.timeout(120_000)
  let one: ControlPlane

  before(async () => {
    one = await startControlPlane({ auditLog: true })
  })

  after(async () => {
    await one?.stop()
  })

  const run = (controlPlane: ControlPlane, ...args: string[]) =>
    kubectl({ kubeconfig: controlPlane.kubeconfig, program: controlPlane.binaries.kubectl, args })

  it('serves the Kubernetes version that go.mod names', async () => {
    const { serverVersion } = JSON.parse(await run(one, 'version', '--output=json')) as {
      serverVersion: { gitVersion: string }
    }
    const goMod = readFileSync(new URL('../cluster/go.mod', import.meta.url), 'utf8')
    assert.match(goMod, new RegExp(`k8s.io/kubernetes ${serverVersion.gitVersion}\\b`))
  })

  it('serves MutatingAdmissionPolicy v1', async () => {
    const resources = JSON.parse(await run(one, 'get', '--raw', '/apis/admissionregistration.k8s.io/v1')) as {
      resources: { kind: string }[]
    }
    assert.ok(resources.resources.some(({ kind }) => kind === 'MutatingAdmissionPolicy'))
  })

  it('runs the controllers that give a namespace its ServiceAccount and let it end', async () => {
    await run(one, 'create', 'namespace', 'short-lived')
    await run(one, 'wait', '--for=create', '--timeout=60s', '--namespace=short-lived', 'serviceaccount/default')
    await run(one, 'delete', 'namespace', 'short-lived', '--timeout=60s')
  })

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    it(`keeps URL and data when the API server ends by ${signal} and starts again`, async () => {
      const name = `kept-${signal.toLowerCase()}`
      await run(one, 'create', 'configmap', name, '--from-literal=a=b')
      await one.stopApiServer(signal)
      assert.equal(one.pids()['kube-apiserver'], undefined)
      await assert.rejects(run(one, 'get', 'configmap', name), /refused/)
      await one.startApiServer()
      assert.equal(await run(one, 'get', 'configmap', name, '--output=jsonpath={.data.a}'), 'b')
    })
  }

  it('writes an audit line per answered request', async () => {
    await run(one, 'create', 'configmap', 'audited')
    const lines = await until(() => {
      const all = readFileSync(one.auditLogPath, 'utf8').trim().split('\n')
      const parsed = all.map((line) => JSON.parse(line) as AuditLine)
      const mine = parsed.filter(({ verb, objectRef }) => verb === 'create' && objectRef?.name === 'audited')
      return mine.length > 0 ? mine : undefined
    })
    assert.deepEqual(
      lines.map(({ stage, level, responseStatus }) => ({ stage, level, code: responseStatus.code })),
      [{ stage: 'ResponseComplete', level: 'Metadata', code: 201 }],
    )
  })

  it('takes an installation, twice, and gives the operator an account of its own', async () => {
    await install({ kubeconfig: one.kubeconfig, program: one.binaries.kubectl })
    await install({ kubeconfig: one.kubeconfig, program: one.binaries.kubectl })
    const kubeconfig = await operatorKubeconfig({ controlPlane: one, dir: one.folder })
    const who = await kubectl({
      kubeconfig,
      program: one.binaries.kubectl,
      args: ['auth', 'whoami', '--output=jsonpath={.status.userInfo.username}'],
    })
    assert.equal(who, 'system:serviceaccount:karma-system:karma')
  })

  it('runs beside another one, and leaves no process and no folder', async () => {
    const [other, third] = await Promise.all([startControlPlane(), startControlPlane()])
    try {
      assert.equal(new Set([one, other, third].map(({ url }) => url)).size, 3)
      await run(other, 'create', 'configmap', 'only-here')
      for (const elsewhere of [one, third]) {
        await assert.rejects(run(elsewhere, 'get', 'configmap', 'only-here'), /not found/)
      }
    } finally {
      const pids = [other, third].flatMap((controlPlane) => Object.values(controlPlane.pids()))
      assert.equal(pids.length, 6)
      await Promise.all([other.stop(), third.stop()])
      assert.deepEqual(pids.filter(exists), [])
      assert.deepEqual([other.folder, third.folder].filter(existsSync), [])
    }
    await other.stop()
    assert.equal(await statusOf(one, '/readyz'), 200)
  })

  it('ends, and its folder goes, when the process that started it is ended with SIGKILL', async () => {
    const source = `
      import { startControlPlane } from ${JSON.stringify(new URL('../cluster/control-plane.ts', import.meta.url).href)}
      const { folder, pids } = await startControlPlane()
      console.log(JSON.stringify({ folder, pids: Object.values(pids()) }))`
    const parent = spawn(process.execPath, ['--input-type=module-typescript', '--eval', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string]
    const { folder, pids } = JSON.parse(line) as { folder: string; pids: number[] }
    assert.equal(pids.filter(exists).length, 3)
    parent.kill('SIGKILL')
    await until(() => !pids.some(exists) && !existsSync(folder))
  })
})

interface AuditLine {
  readonly stage: string
  readonly level: string
  readonly verb: string
  readonly objectRef?: { readonly name?: string }
  readonly responseStatus: { readonly code: number }
}

/** Waits for what takes a moment; mocha's own limit ends a wait for what never comes. */
async function until<T>(probe: () => T | undefined | false): Promise<T> {
  for (;;) {
    const value = probe()
    if (value !== undefined && value !== false) return value
    await sleep(50)
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** HTTP status of a GET with the control plane's CA and token, as a client without a kubeconfig sends it. */
async function statusOf({ url, ca, token }: ControlPlane, path: string): Promise<number | undefined> {
  const sent = request(`${url}${path}`, { ca, agent: false, headers: { authorization: `Bearer ${token}` } })
  sent.end()
  const [answer] = (await once(sent, 'response')) as [import('node:http').IncomingMessage]
  answer.resume()
  return answer.statusCode
}
