import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { waitForAdmission } from '../support/admission.ts'
import { type Api, apiOf } from '../support/api.ts'
import { commandLine } from '../support/command-line.ts'
import { controlPlane } from '../support/control-plane.ts'
import { eventually, karma, makeHome, startTelling } from './telling-world.ts'

const namespace = 'telling'
const requests = `/apis/usekarma.dev/v1alpha1/namespaces/${namespace}/changerequests`
const placePath = '/api/v1/namespaces/karma-system/configmaps/karma-relay'

/** From a status write on the API server to what a user reads of it. */
describe('telling', function () {
  this.timeout(60_000)
  let api: Api
  let home: Awaited<ReturnType<typeof makeHome>>
  let telling: Awaited<ReturnType<typeof startTelling>>
  let admin: string

  const create = async (name: string): Promise<string> => {
    const answer = await api.create(requests, {
      apiVersion: 'usekarma.dev/v1alpha1',
      kind: 'ChangeRequest',
      metadata: { name },
      spec: { component: 's3-bucket/shared', proposedChange: { a: 1 }, reason: 'tell me' },
    })
    assert.equal(answer.status, 201, answer.message)
    return answer.body.metadata.uid
  }
  const told = (uid: string, count: number) =>
    eventually(`${count} events of ${uid}`, async () => {
      const events = await telling.ledger.query({ correlationId: uid, limit: 1000 })
      return events.length >= count ? events : undefined
    })

  before(async () => {
    const shared = controlPlane()
    admin = shared.kubeconfig
    await waitForAdmission(admin)
    api = apiOf(admin)
    await api.create('/api/v1/namespaces', { metadata: { name: namespace } })
    for (const name of ['reader', 'stranger']) {
      await api.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } })
    }
    await api.create(`/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`, {
      metadata: { name: 'reader' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace }],
    })
    home = await makeHome(shared)
    telling = await startTelling(home.kubeconfig, home.data)
  })
  after(async () => {
    await telling?.stop()
    home?.clear()
    const { body } = await api.get(requests)
    for (const { metadata } of body.items) {
      await api.mergePatch(`${requests}/${metadata.name}`, { metadata: { finalizers: null } })
      await api.remove(`${requests}/${metadata.name}`)
    }
    await api.close()
  })

  it('a transition becomes a row, and kubectl karma log shows it', async () => {
    const uid = await create('story')
    await telling.transit(namespace, 'story', { type: 'change.requested' })
    await telling.transit(
      namespace,
      'story',
      { type: 'change.planned', attrs: { hash: 'sha256:1' } },
      { type: 'change.rejected', reason: 'UnknownComponent', message: 'no s3-bucket/shared in namespace telling' },
    )
    await told(uid, 3)
    const { code, out, err } = await commandLine({ KUBECONFIG: admin, KARMA_API: telling.address }, [
      'log',
      `${namespace}/story`,
    ])
    assert.equal(err, '')
    assert.equal(code, 0)
    const lines = out.trimEnd().split('\n')
    assert.match(lines[0] ?? '', /^TIME +EVENT +OBJECT +MESSAGE$/)
    assert.match(lines[1] ?? '', /Z +change.requested +changerequest\/story +by admin of s3-bucket\/shared "tell me"$/)
    assert.match(lines[2] ?? '', /Z +change.planned +changerequest\/story$/)
    assert.match(
      lines[3] ?? '',
      /change.rejected +changerequest\/story +UnknownComponent: no s3-bucket\/shared in namespace telling$/,
    )
    assert.equal(lines.length, 4)
  })

  it('the place follows, and then rests', async () => {
    const uid = await create('place')
    const { metadata } = await telling.transit(namespace, 'place', { type: 'change.requested' })
    await told(uid, 1)
    const noted = await eventually('the place', async () => {
      const place = (await api.get(placePath)).body
      return Number(place.data?.ChangeRequest) >= Number(metadata.resourceVersion) ? place : undefined
    })
    await new Promise((resolve) => setTimeout(resolve, 2500))
    assert.equal((await api.get(placePath)).body.metadata.resourceVersion, noted.metadata.resourceVersion)
  })

  it('who may read is the cluster’s to say', async () => {
    const reader = await home.accountKubeconfig(namespace, 'reader')
    const stranger = await home.accountKubeconfig(namespace, 'stranger')
    const by = (kubeconfig: string, ...args: string[]) => karma(kubeconfig, telling.address, 'log', ...args)
    const [story, latest, refused, everything, all, unknown, forged] = await Promise.all([
      by(reader, 'story'),
      by(reader, '-o', 'json'),
      by(stranger, 'story'),
      by(reader, '-A'),
      by(admin, '-A'),
      by(reader, 'nothing'),
      by(reader, 'story', '--token', 'forged'),
    ])
    assert.equal(story.code, 0)
    assert.match(latest.out, /"entity_id": "telling\/changerequest\/place"/)
    assert.equal(refused.code, 1)
    assert.match(
      refused.err,
      /^error: \S+:stranger may not get changerequests.usekarma.dev story in namespace telling \(Forbidden\)\n$/,
    )
    assert.match(everything.err, /may not list changerequests.usekarma.dev in all namespaces \(Forbidden\)/)
    assert.match(all.out, /telling\/changerequest\/place/)
    assert.match(unknown.err, /ChangeRequest telling\/nothing: the ledger has no events of it.* \(NotFound\)/)
    assert.match(forged.err, /bearer token: .* \(Unauthorized\)/)
  })

  it('restarted it tells what came meanwhile, and nothing twice', async () => {
    const uid = await create('restart')
    await telling.transit(namespace, 'restart', { type: 'change.requested' })
    await told(uid, 1)
    await telling.relay.stop()
    await telling.transit(namespace, 'restart', { type: 'change.queued' }, { type: 'change.cancelled' })
    await telling.stop()
    telling = await startTelling(home.kubeconfig, home.data)
    const events = await told(uid, 3)
    assert.deepEqual(
      events.map(({ event_type, attrs }) => `${attrs.seq} ${event_type}`),
      ['1 change.requested', '2 change.queued', '3 change.cancelled'],
    )
  })

  // The API server proxies to no loopback address, and a machine without a network has no other.
  const [own] = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
  if (own) {
    it('through the API server’s service proxy, with the token in the other header', async () => {
      const { address } = own
      await telling.stop()
      telling = await startTelling(home.kubeconfig, home.data, address)
      const { port } = new URL(telling.address)
      const made = await serveAsPod(address, Number(port))
      try {
        const answer = await karma(admin, undefined, 'log', `${namespace}/story`)
        assert.equal(answer.err, '')
        assert.match(answer.out, /change.rejected/)
        const again = await karma(admin, undefined, 'events', 'replay', '-n', namespace, '--to', '2199-01-01T00:00:00Z')
        assert.match(again.out, /^\d\d? events replayed\n$/)
      } finally {
        for (const path of made) await api.remove(path)
      }
    })
  }

  /** The API server proxies only to what a Pod of the namespace says of itself. Returns the paths of what it made. */
  const serveAsPod = async (ip: string, port: number): Promise<string[]> => {
    const path = (plural: string) => `/api/v1/namespaces/karma-system/${plural}`
    const make = async (plural: string, more: object) => {
      const answer = await api.create(path(plural), { metadata: { name: 'karma' }, ...more })
      assert.equal(answer.status, 201, answer.message)
      return `${path(plural)}/karma`
    }
    const made = [
      await make('pods', {
        spec: {
          serviceAccountName: 'karma',
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              name: 'karma',
              image: 'karma',
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
            },
          ],
        },
      }),
      await make('services', { spec: { ports: [{ name: 'http', port: 80 }] } }),
      await make('endpoints', {
        subsets: [
          {
            addresses: [{ ip, targetRef: { kind: 'Pod', name: 'karma', namespace: 'karma-system' } }],
            ports: [{ name: 'http', port }],
          },
        ],
      }),
    ]
    const patched = await api.mergePatch(`${path('pods')}/karma/status`, { status: { podIP: ip, podIPs: [{ ip }] } })
    assert.equal(patched.status, 200, patched.message)
    return made
  }
})
