import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { DeadLetter } from '../../operator/api/dead-letter.ts'
import { type Event, type Message, messageOf } from '../../operator/api/envelope.ts'
import { waitForAdmission } from '../support/admission.ts'
import { type Api, apiOf } from '../support/api.ts'
import { controlPlane } from '../support/control-plane.ts'
import { eventually, karma, makeHome, startTelling } from './telling-world.ts'

const namespace = 'telling-again'
const start = Date.UTC(2026, 0, 31, 12)
const to = '2026-02-01T00:00:00Z'
const program = resolve(import.meta.dirname, '../../operator/cli/main.ts')

const foreign = (n: number, over: Partial<Event> = {}): Event => ({
  id: `again-${n}`,
  ts: new Date(start + n * 1000).toISOString(),
  event_type: 'deploy.done',
  entity_id: `${namespace}/build/web`,
  correlation_id: 'deploy-1',
  tags: { namespace, parity: n % 2 === 0 ? 'even' : 'odd' },
  attrs: { n },
  ...over,
})

/** What the ledger has is looked for, followed and told again, by commands and with rights of the cluster. */
describe('telling again', function () {
  this.timeout(60_000)
  let api: Api
  let home: Awaited<ReturnType<typeof makeHome>>
  let telling: Awaited<ReturnType<typeof startTelling>>
  let admin: string
  const by = (kubeconfig: string, ...args: string[]) => karma(kubeconfig, telling.address, ...args)
  const count = () => telling.ledger.count({ namespace })

  before(async () => {
    const shared = controlPlane()
    admin = shared.kubeconfig
    await waitForAdmission(admin)
    api = apiOf(admin)
    await api.create('/api/v1/namespaces', { metadata: { name: namespace } })
    for (const [name, role] of Object.entries({ reader: 'view', owner: 'admin' })) {
      await api.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } })
      await api.create(`/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`, {
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [{ kind: 'ServiceAccount', name, namespace }],
      })
    }
    home = await makeHome(shared)
    telling = await startTelling(home.kubeconfig, home.data)
    // A member that no event has, as a newer publisher may add it.
    const raw = (event: Event) => `{"more":"kept", ${JSON.stringify(event).slice(1)}`
    const events = Array.from({ length: 7 }, (_, n) => foreign(n))
    await telling.bus.republish(
      'events.normalized',
      events.map((event) => ({ event, raw: raw(event) })),
    )
  })
  after(async () => {
    await telling?.stop()
    home?.clear()
    await api.close()
  })

  it('query', async () => {
    const ids = async (...args: string[]) => {
      const { code, out, err } = await by(admin, 'events', 'query', '-n', namespace, '-o', 'ndjson', ...args)
      assert.deepEqual([code, err], [0, ''], args.join(' '))
      return out.split('\n').flatMap((line) => (line === '' ? [] : Number((JSON.parse(line) as Event).attrs.n)))
    }
    assert.deepEqual(await ids(), [0, 1, 2, 3, 4, 5, 6])
    assert.deepEqual(await ids('--tag', 'parity=even'), [0, 2, 4, 6])
    assert.deepEqual(await ids('--from', '2026-01-31T13:00:02+01:00', '--to', '2026-01-31T12:00:04Z'), [2, 3])
    assert.deepEqual(
      await ids('--entity', 'build/web', '--type', 'deploy.done', 'else', '--correlation', 'deploy-1'),
      [0, 1, 2, 3, 4, 5, 6],
    )
    assert.deepEqual(await ids('--tag', "parity=' OR 1=1 --"), [])
    assert.deepEqual(await ids('--entity', "build/web' OR ''='"), [])
  })

  it('tail: what is there, what comes, what comes late, and what is told again only once; Ctrl-C ends it with 0', async () => {
    const env = { ...process.env, KUBECONFIG: admin, KARMA_API: telling.address }
    const args = [program, 'events', 'tail', '-n', namespace, '-o', 'ndjson']
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = new Promise<number | null>((done) => child.once('exit', done))
    const seen: string[] = []
    createInterface({ input: child.stdout }).on('line', (line) => void seen.push((JSON.parse(line) as Event).id))
    const until = (length: number) =>
      eventually(`${length} lines`, async () => (seen.length >= length ? seen : undefined))
    try {
      await until(7)
      await telling.bus.publish('events.normalized', [
        foreign(0),
        foreign(7),
        foreign(8, { ts: '2020-01-01T00:00:00.000Z' }),
      ])
      await until(9)
      await telling.bus.publish('events.normalized', [foreign(1), foreign(9)])
      await until(10)
    } finally {
      child.kill('SIGINT')
    }
    assert.equal(await ended, 0)
    assert.deepEqual(
      seen.toSorted(),
      Array.from({ length: 10 }, (_, n) => `again-${n}`),
    )
    assert.equal(seen.at(-1), 'again-9')
  })

  it('replay: subscribers see them again, as they came and in order; the ledger has no event more', async () => {
    const taken: Message[] = []
    await telling.bus.subscribe('events.normalized', 'other', async (messages) => void taken.push(...messages))
    const before = await count()
    const { code, out, err } = await by(admin, 'events', 'replay', '-n', namespace, '--to', to, '--tag', 'parity=even')
    assert.deepEqual([code, out, err], [0, '5 events replayed\n', '5/5 events 100%\n'])
    assert.deepEqual(
      taken.map(({ event }) => event.id),
      // 8 happened long before.
      ['again-8', 'again-0', 'again-2', 'again-4', 'again-6'],
    )
    assert.match(taken[2]!.raw, /^{"more":"kept", /)
    assert.equal(await count(), before)
    const again = await telling.ledger.happened({ namespace, tags: { parity: 'even' } }, { limit: 10 })
    assert.match(again.items[2]!.raw, /^{"more":"kept", /)
  })

  it('who may replay is the cluster’s to say', async () => {
    const reader = await home.accountKubeconfig(namespace, 'reader')
    const owner = await home.accountKubeconfig(namespace, 'owner')
    // The role is put together of its parts by the controller manager.
    const own = await eventually('the right of the admin role', async () => {
      const said = await by(owner, 'events', 'replay', '-n', namespace, '--to', to)
      return said.code === 0 ? said : undefined
    })
    assert.match(own.out, /^10 events replayed\n$/)
    assert.equal((await by(reader, 'events', 'query', '-n', namespace)).code, 0)
    const refused: [kubeconfig: string, args: string[], message: RegExp][] = [
      [
        reader,
        ['events', 'replay', '-n', namespace],
        /reader may not replay changerequests.usekarma.dev in namespace telling-again; it takes the verb replay on changerequests, which the role admin has \(Forbidden\)\n$/,
      ],
      [
        owner,
        ['events', 'replay', '-A'],
        /owner may not replay changerequests.usekarma.dev in all namespaces; it takes/,
      ],
      [owner, ['events', 'query', '-A'], /owner may not list changerequests.usekarma.dev in all namespaces/],
      [reader, ['events', 'tail', '-A'], /reader may not list changerequests.usekarma.dev in all namespaces/],
      [owner, ['dead-letters', 'list'], /owner may not list changerequests.usekarma.dev in all namespaces/],
      [
        owner,
        ['dead-letters', 'replay', '--all'],
        /owner may not replay changerequests.usekarma.dev in all namespaces/,
      ],
    ]
    for (const [kubeconfig, args, message] of refused) {
      const { code, err } = await by(kubeconfig, ...args)
      assert.equal(code, 1, args.join(' '))
      assert.match(err, message)
    }
  })

  it('dead letters: listed, shown, and replayed when they are events', async () => {
    const mended = foreign(20)
    const letter = (over: Partial<DeadLetter>): DeadLetter => ({
      at: new Date(start).toISOString(),
      topic: 'events.normalized',
      reason: 'EventInvalid',
      message: 'refused by an older version',
      raw: Buffer.from('no event\u0000'),
      ...over,
    })
    await telling.bus.putAside([
      letter({ raw: Buffer.from(JSON.stringify(mended)), partition: 0, offset: '7', key: mended.entity_id }),
      letter({ reason: 'NotJson' }),
    ])
    const list = async (...args: string[]) => {
      const { code, out } = await by(admin, 'dead-letters', 'list', '-o', 'json', ...args)
      assert.equal(code, 0)
      return (JSON.parse(out) as { letters: { id: string; reason: string; replayedAt?: string }[] }).letters
    }
    assert.equal((await list()).length, 2)
    const [good] = await list('--reason', 'EventInvalid')
    const [bad] = await list('--reason', 'NotJson', '--topic', 'events.normalized')
    assert.ok(good && bad)

    const shown = await by(admin, 'dead-letters', 'show', good.id.slice(0, 8))
    assert.match(shown.out, new RegExp(`^ID: +${good.id}\n`))
    assert.ok(shown.out.endsWith(`\n\n${JSON.stringify(mended)}\n`))
    assert.match((await by(admin, 'dead-letters', 'show', bad.id)).out, /00000000 {2}6e 6f 20 65 .* \|no event\.\|\n$/)

    const taken: Message[] = []
    await telling.bus.subscribe('events.normalized', 'letters', async (messages) => void taken.push(...messages))
    const replayed = await by(admin, 'dead-letters', 'replay', '--all')
    assert.deepEqual([replayed.code, replayed.err], [1, '1 replayed, 1 stay\n'])
    assert.match(replayed.out, new RegExp(`${good.id.slice(0, 12)} +events.normalized +Replayed\n`))
    assert.match(
      replayed.out,
      new RegExp(`${bad.id.slice(0, 12)} +events.normalized +NotJson +Event: the message: expected JSON`),
    )
    assert.deepEqual(taken, [messageOf(mended)])
    assert.equal(
      (await telling.ledger.query({ correlationId: 'deploy-1', limit: 100 })).some(({ id }) => id === mended.id),
      true,
    )
    assert.notEqual((await list('--reason', 'EventInvalid'))[0]?.replayedAt, undefined)
    assert.equal((await list('--reason', 'NotJson'))[0]?.replayedAt, undefined)
    const rest = await by(admin, 'dead-letters', 'replay', '--all')
    assert.equal(rest.err, '0 replayed, 1 stay\n')
    const unknown = await by(admin, 'dead-letters', 'show', '0'.repeat(8))
    assert.match(unknown.err, /dead letter 00000000: the ledger has none whose id begins so/)
  })
})
