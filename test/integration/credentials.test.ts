import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { loadCredentials } from '../../operator/adapters/kubernetes/credentials.ts'

describe('credentials from a kubeconfig', () => {
  let folder: string
  let path: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'karma-kubeconfig-'))
    path = join(folder, 'config')
    const user = (name: string, auth: object) => ({ name, user: auth })
    const context = (name: string, more: object = {}) => ({ name, context: { cluster: 'c', user: name, ...more } })
    await writeFile(
      path,
      JSON.stringify({
        clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:6443' } }],
        users: [
          user('token', { token: 'abc' }),
          user('certificate', { 'client-certificate-data': 'eA==', 'client-key-data': 'eA==' }),
          user('exec', {
            exec: {
              apiVersion: 'client.authentication.k8s.io/v1',
              command: process.execPath,
              args: [
                '-e',
                'console.log(JSON.stringify({apiVersion:"client.authentication.k8s.io/v1",kind:"ExecCredential",status:{token:"from-plugin"}}))',
              ],
              interactiveMode: 'Never',
            },
          }),
        ],
        contexts: [context('token', { namespace: 'team' }), context('certificate'), context('exec')],
        'current-context': 'token',
      }),
    )
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const cases: [
    context: string | undefined,
    token: string | undefined,
    expected: [string | undefined, string | undefined],
  ][] = [
    [undefined, undefined, ['Bearer abc', 'team']],
    ['exec', undefined, ['Bearer from-plugin', undefined]],
    ['certificate', undefined, [undefined, undefined]],
    ['certificate', 'given', ['Bearer given', undefined]],
  ]
  for (const [context, token, expected] of cases) {
    it(`${context ?? 'current context'}${token ? ' and --token' : ''}`, async () => {
      const result = loadCredentials({ kubeconfigPath: path, context, token })
      assert.ok(result.ok, result.ok ? '' : result.failure.message)
      const { headers } = await result.value.current()
      assert.deepEqual([headers.authorization, result.value.namespace], expected)
    })
  }

  it('says what is missing', () => {
    const missing = loadCredentials({ kubeconfigPath: path, context: 'nowhere' })
    assert.match(
      missing.ok ? '' : missing.failure.message,
      /expected one of its contexts \(token, certificate, exec\), found "nowhere"/,
    )
    const unread = loadCredentials({ kubeconfigPath: join(folder, 'none') })
    assert.match(unread.ok ? '' : unread.failure.message, /ENOENT/)
  })

  it('shows a token over http to this machine only', async () => {
    const to = async (server: string) => {
      const file = join(folder, 'plain')
      const config = {
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'c',
        clusters: [{ name: 'c', cluster: { server } }],
        users: [{ name: 'u', user: { token: 'secret' } }],
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      }
      await writeFile(file, JSON.stringify(config))
      return loadCredentials({ kubeconfigPath: file })
    }
    assert.ok((await to('http://127.0.0.1:8080')).ok)
    for (const server of ['http://127.0.0.1.example:8080', 'http://10.0.0.1:8080']) {
      const refused = await to(server)
      assert.match(refused.ok ? '' : refused.failure.message, /server: expected https, found "http:.*loopback/)
    }
  })

  it('are read without loading the clients of every API', () => {
    const credentials = resolve(import.meta.dirname, '../../operator/adapters/kubernetes/credentials.ts')
    const program = `
      import { registerHooks } from 'node:module'
      let [config, clients] = [0, 0]
      registerHooks({
        load: (url, context, next) => {
          if (url.endsWith('/client-node/dist/config.js')) config++
          if (url.includes('/client-node/dist/gen/')) clients++
          return next(url, context)
        },
      })
      await import(${JSON.stringify(credentials)})
      console.log(config, clients)`
    const printed = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
    const [config, clients] = printed.trim().split(' ').map(Number)
    assert.equal(config, 1)
    assert.ok(clients! < 10, `${clients} files of the generated clients are loaded: see kube-config.ts`)
  })
})
