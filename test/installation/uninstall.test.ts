import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { install } from '../cluster/install.ts'
import { waitForAdmission } from '../support/admission.ts'
import { installKarma, type Karma, type Operator } from '../support/installed-karma.ts'
import { eventually, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, componentType, refersTo } from '../support/karma-objects.ts'
import { type ApiProxy, heldRequests, startProxy, statusAnswer } from '../support/proxy.ts'

const main = resolve(import.meta.dirname, '../../operator/cli/main.ts')

/** Of 6 s: that of an operator that was killed is waited for. */
const lease = {
  KARMA_LEASE_DURATION_MS: '6000',
  KARMA_LEASE_RENEW_DEADLINE_MS: '4000',
  KARMA_LEASE_REQUEST_TIMEOUT_MS: '1000',
  KARMA_LEASE_RETRY_MS: '500',
}

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Karma is taken out of a cluster of its own, again and again. */
describe('kubectl karma uninstall', () => {
  let karma: Karma
  let proxy: ApiProxy
  let folder: string

  before(async function () {
    this.timeout(20 * 60_000)
    folder = mkdtempSync(join(tmpdir(), 'karma-uninstall-'))
    karma = await installKarma()
    proxy = await startProxy({ target: karma.controlPlane.url, ca: karma.controlPlane.ca })
  })
  after(async () => {
    await karma.stop()
    await proxy.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** As a process of its own, whose standard input is no terminal. */
  const uninstall = (kubeconfig: string, ...args: string[]): Promise<Ran> =>
    new Promise((done) => {
      const command = [main, 'uninstall', `--kubeconfig=${kubeconfig}`, ...args]
      const child = execFile(process.execPath, command, (error, out, err) => {
        done({ code: error ? Number(error.code ?? -1) : 0, out, err })
      })
      child.stdin?.end()
    })
  const asAdmin = (...args: string[]): Promise<Ran> => uninstall(karma.controlPlane.kubeconfig, ...args)
  /** Through the proxy, where answers can be taken away. */
  const throughProxy = (...args: string[]): Promise<Ran> => {
    const path = join(folder, 'proxied.kubeconfig')
    const names = { cluster: 'proxy', user: 'admin' }
    const kubeconfig = {
      clusters: [{ name: names.cluster, cluster: { server: proxy.url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: names.user, user: { token: karma.controlPlane.token } }],
      contexts: [{ name: 'proxied', context: names }],
      'current-context': 'proxied',
    }
    writeFileSync(path, JSON.stringify(kubeconfig))
    return uninstall(path, ...args)
  }

  /** Everything in the cluster that is Karma's, in a namespace or not. */
  const traces = async (): Promise<string[]> => {
    const found: string[] = []
    for (const [path, isKarmas] of [
      ['/apis/apiextensions.k8s.io/v1/customresourcedefinitions', /usekarma\.dev$/],
      ['/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies', /usekarma\.dev$/],
      ['/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings', /usekarma\.dev$/],
      ['/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies', /usekarma\.dev$/],
      ['/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings', /usekarma\.dev$/],
      ['/apis/rbac.authorization.k8s.io/v1/clusterroles', /karma/],
      ['/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', /karma/],
      ['/apis/rbac.authorization.k8s.io/v1/roles', /karma/],
      ['/apis/coordination.k8s.io/v1/leases', /karma/],
      ['/api/v1/namespaces', /^karma/],
    ] as const) {
      const { body } = await karma.api.get(path)
      for (const { metadata } of body.items) if (isKarmas.test(metadata.name)) found.push(`${path}/${metadata.name}`)
    }
    return found
  }
  const reinstall = async (): Promise<void> => {
    await install({ kubeconfig: karma.controlPlane.kubeconfig, program: karma.controlPlane.binaries.kubectl })
    await waitForAdmission(karma.controlPlane.kubeconfig)
  }
  const isGone = async (path: string): Promise<void> => {
    await eventually(
      `expected ${path} to be gone`,
      async () => {
        const { status, body } = await karma.api.get(path)
        return { found: status === 404 || undefined, last: body }
      },
      60_000,
    )
  }

  describe('of an operator that leads', () => {
    let operator: Operator
    let here: Namespace

    before(async function () {
      this.timeout(60_000)
      operator = await karma.startOperator({ server: proxy.url, env: lease })
      here = await openNamespace(karma.api, 'uninstall-leads')
      await here.commit(
        componentType('net', {}),
        component('net/one'),
        component('host/one', { references: refersTo('net/one') }),
      )
    })
    after(() => operator.process.stop('SIGKILL'))

    it('is refused, and nothing is touched', async () => {
      const before = await traces()
      const { code, out, err } = await asAdmin('--yes')
      assert.equal(code, 1)
      assert.equal(out, '')
      assert.match(
        err,
        /Lease karma-system\/karma-leader: expected an operator that is stopped, found that karma_\S+ renews it; stop it first .*\(StillRunning\)\n$/,
      )
      assert.deepEqual(await traces(), before)
    })

    it('leaves nothing once it was killed in the middle of everything', async function () {
      this.timeout(120_000)
      const { api, kubectl } = karma
      // A change of which the spec is written and nothing more, and one that waits.
      const write = heldRequests(proxy, ({ verb, resource, name, subresource }) => {
        return verb === 'patch' && resource === 'components' && name === 'net.one' && subresource === 'status'
      })
      await here.create(changeRequest('midway', { component: 'net/one', proposedChange: { a: 1 } }))
      await here.phase('midway', 'Applying')
      await eventually('expected a commit', async () => ({ found: write.seen() > 0 || undefined }))
      await here.create(changeRequest('waiting', { component: 'host/one', proposedChange: { a: `\${net.id}` } }))
      // A namespace that ends, one request and one Component that are being deleted.
      const doomed = await openNamespace(api, 'uninstall-doomed')
      await doomed.commit(component('net/doomed'), component('host/doomed', { references: refersTo('net/doomed') }))
      const gate = heldRequests(proxy, ({ verb, resource, namespace }) => {
        return (
          verb === 'patch' &&
          ['components', 'environments'].includes(resource) &&
          namespace?.startsWith('uninstall-') === true
        )
      })
      await kubectl('delete', 'namespace', 'uninstall-doomed', '--wait=false')
      await here.remove('ChangeRequest', 'midway')
      await here.remove('Component', 'host.one')
      await operator.process.stop('SIGKILL')
      write.release()
      gate.release()
      // Nobody is there any more to let go of these.
      await here.create(component('late/one'), componentType('late', {}))
      assert.deepEqual((await here.get('Component', 'late.one'))?.metadata.finalizers, ['usekarma.dev/component'])
      assert.equal((await here.get('ChangeRequest', 'midway'))?.status?.phase, 'Applying')

      const refused = await asAdmin()
      assert.equal(refused.code, 1)
      assert.match(
        refused.err,
        /to be deleted on https:.*: 2 changerequests, 5 components, 2 componenttypes, [12] environments, 5 kinds, \d+ policies, roles, bindings and locks, namespace karma-system\n/,
      )
      assert.match(
        refused.err,
        /expected "yes", found no terminal to ask on \(say --yes\); nothing was deleted \(NotConfirmed\)\n$/,
      )
      assert.ok((await here.get('Component', 'late.one')) !== undefined)

      const { code, out, err } = await asAdmin('--yes')
      assert.equal(code, 0, err)
      for (const line of [
        'clusterrolebinding karma deleted',
        'validatingadmissionpolicy deletions.usekarma.dev deleted',
        'finalizers taken from 5 components',
        'finalizers taken from 2 changerequests',
        'customresourcedefinition components.usekarma.dev deleted',
        'lease uninstall-leads/karma-dev deleted',
        'clusterrole karma-report deleted',
        'namespace karma-system deleted',
      ]) {
        assert.ok(out.split('\n').includes(line), `expected "${line}" in:\n${out}`)
      }
      assert.match(err, /left: rolebinding uninstall-leads\/karma-report, which names ClusterRole karma-report\n/)
      assert.deepEqual(await traces(), [])
      await isGone('/api/v1/namespaces/uninstall-doomed')
      await kubectl('delete', 'namespace', 'uninstall-leads', '--timeout=60s')
    })

    it('says so when nothing is there', async () => {
      const { code, out, err } = await asAdmin('--yes')
      assert.deepEqual([code, err], [0, ''])
      assert.match(out, /^nothing of Karma is installed on https:\/\/127.0.0.1:\d+\n$/)
    })
  })

  describe('of an operator that was stopped', () => {
    let here: Namespace
    const held = component('net/held')
    const largest = [
      (blob: string) => component('net/large', { config: { blob } }),
      (blob: string) => changeRequest('large', { component: 'net/one', proposedChange: { blob } }),
    ]

    before(async function () {
      this.timeout(120_000)
      await reinstall()
      const operator = await karma.startOperator()
      here = await openNamespace(karma.api, 'uninstall-stopped')
      await here.commit(component('net/one'), component('host/one', { references: refersTo('net/one') }))
      await operator.process.stop()
      const finalizers = ['example.com/keep', 'usekarma.dev/component']
      await here.create({ ...held, metadata: { ...held.metadata, finalizers } })
      // The largest that the API server just takes: they can be written no more, nor take the time of their deletion.
      let less = 400
      for (const make of largest) {
        while ((await here.tryCreate(make('x'.repeat(1.5 * 2 ** 20 - less)))).status !== 201) {
          less += 10
          assert.ok(less < 2_000)
        }
      }
      for (const path of [here.path('Component', 'net.large'), here.path('ChangeRequest', 'large')]) {
        assert.match((await karma.api.mergePatch(path, { metadata: { finalizers: null } })).message, /too large/)
      }
    })

    it('needs rights, and says which', async () => {
      const before = await traces()
      const token = await karma.kubectl('create', 'token', 'default', '--namespace=uninstall-stopped')
      await karma.api.create('/apis/rbac.authorization.k8s.io/v1/clusterroles', {
        metadata: { name: 'lister' },
        rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list'] }],
      })
      await karma.api.create('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
        metadata: { name: 'lister' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'lister' },
        subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'uninstall-stopped' }],
      })
      const { code, err } = await asAdmin('--yes', `--token=${token.trim()}`)
      assert.equal(code, 1)
      assert.match(
        err,
        /^error: expected the rights to uninstall, missing: patch changeapprovals.usekarma.dev, .*delete customresourcedefinitions.apiextensions.k8s.io, .*delete leases.coordination.k8s.io, .*delete namespaces \(Forbidden\)\n$/,
      )
      assert.deepEqual(await traces(), before)
    })

    it('goes on where it was interrupted, up to what others hold, and names it', async function () {
      this.timeout(180_000)
      let last = ''
      for (let allowed = 1; ; allowed *= 3) {
        let left = allowed
        const off = proxy.onRequest(({ verb, resource }) => {
          if (!['patch', 'delete'].includes(verb) || resource === '') return undefined
          return left-- > 0 ? undefined : statusAnswer(503, 'ServiceUnavailable', 'no more for today')
        })
        const { code, err } = await throughProxy('--yes')
        off()
        assert.equal(code, 1)
        last = err
        if (!err.endsWith('no more for today; repeat the command to go on (Unavailable)\n')) break
        assert.ok(allowed < 100, err)
      }
      assert.match(
        last,
        /customresourcedefinition components.usekarma.dev: expected to be gone, found objects that are held by finalizers of others: components uninstall-stopped\/net.held \(example.com\/keep\); have those take them away; repeat the command to go on \(Stuck\)\n$/,
      )
    })

    it('completes when they have let go', async function () {
      this.timeout(120_000)
      await here.patch('Component', 'net.held', { metadata: { finalizers: null } })
      const { code, err } = await asAdmin('--yes')
      assert.equal(code, 0, err)
      assert.deepEqual(await traces(), [])
      await karma.kubectl('delete', 'namespace', 'uninstall-stopped', '--timeout=60s')
    })
  })
})
