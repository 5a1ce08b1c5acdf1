import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeLease } from '../../operator/adapters/kubernetes/lease.ts'
import type { LeaseTimings } from '../../operator/api/lease.ts'
import * as election from '../../operator/core/lock/election.ts'
import { systemClock } from '../../operator/runtime/clock.ts'
import { makeLeader } from '../../operator/runtime/leader.ts'
import { makeRecorder } from '../../operator/runtime/recorder.ts'
import { writeKubeconfig } from '../cluster/control-plane-files.ts'
import { makeCollectedLog } from '../support/collected-log.ts'
import { type Action, statusAnswer } from '../support/proxy.ts'
import { clientOf, configMapsOf, eventually, must, startWorld, type World } from './runtime-world.ts'

const timings: LeaseTimings = { durationMs: 1000, renewDeadlineMs: 500, retryMs: 100, requestTimeoutMs: 300 }

describe('client on a real API server', () => {
  let world: World
  let namespace: string
  let maps: ReturnType<typeof configMapsOf>
  const cleanup: (() => unknown)[] = []

  before(async function () {
    this.timeout(20 * 60_000)
    world = await startWorld()
  })
  after(async () => world?.stop())
  beforeEach(async () => {
    namespace = await world.namespace()
    maps = configMapsOf(world, namespace)
  })
  afterEach(async () => {
    for (const clean of cleanup.splice(0).reverse()) await clean()
  })

  const onWrite = (action: Action) => {
    cleanup.push(
      world.proxy.onRequest(({ method, namespace: of }) => (method !== 'GET' && of === namespace ? action : undefined)),
    )
  }

  it('keeps its connections', async () => {
    await maps.create('a')
    const before = world.proxy.connections()
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 8 }, () => world.through.get(maps.at('a'))))
    }
    const opened = world.proxy.connections() - before
    assert.ok(opened <= 16, `${opened} connections for 160 requests, 8 at a time`)
  })

  describe('a write', () => {
    const body = (text: string) => ({
      apiVersion: 'v1',
      kind: 'PodTemplate',
      metadata: { name: 'big' },
      template: { spec: { containers: [{ name: 'c', image: 'i', args: [text] }] } },
    })
    const templates = () => `/api/v1/namespaces/${namespace}/podtemplates`

    for (const [kib, what] of [
      [1700, 'etcd finds too large'],
      [2900, 'is too large for a message to etcd'],
      [3300, 'the API server would find too large'],
      [20_000, 'is far too large'],
    ] as const) {
      it(`that ${what} (${kib} KiB) is TooLarge, which is final`, async () => {
        const answer = await world.direct.create(templates(), body('x'.repeat(kib * 1024)))
        assert.ok(!answer.ok)
        assert.deepEqual(
          [answer.failure.reason, answer.failure.retry, answer.failure.outcome],
          ['TooLarge', false, 'NotDone'],
        )
      })
    }

    it('on an old resourceVersion is a Conflict; of what is there, AlreadyExists; of what is not valid, Invalid', async () => {
      const first = await maps.create('a')
      await maps.change('a', 'second')
      const stale = await world.through.put(maps.at('a'), { ...first, data: { value: 'third' } })
      const patched = await world.through.patch(maps.at('a'), {
        metadata: { resourceVersion: first.metadata.resourceVersion },
        data: { value: 'third' },
      })
      const again = await world.through.create(maps.collection, { metadata: { name: 'a' } })
      const invalid = await world.through.create(maps.collection, { metadata: { name: 'not valid!' } })
      const removed = await world.through.remove(maps.at('a'), { preconditions: { uid: 'another' } })
      const gone = await world.through.remove(maps.at('nobody'))
      assert.deepEqual(
        [stale, patched, again, invalid, removed, gone].map((answer) => !answer.ok && answer.failure.reason),
        ['Conflict', 'Conflict', 'AlreadyExists', 'Invalid', 'Conflict', 'NotFound'],
      )
    })

    it('whose answer is lost is Unknown, and has taken place', async () => {
      await maps.create('a')
      onWrite({ kind: 'cut-after' })
      const answer = await world.through.patch(maps.at('a'), { data: { value: 'second' } })
      assert.deepEqual(!answer.ok && [answer.failure.reason, answer.failure.outcome], ['Unavailable', 'Unknown'])
      assert.match((await maps.list()).objects[0]!, /^a=second /)
    })

    it('that is cut off on its way is Unknown, and has not taken place', async () => {
      await maps.create('a')
      onWrite({ kind: 'cut-before' })
      const answer = await world.through.patch(maps.at('a'), { data: { value: 'second' } })
      assert.deepEqual(!answer.ok && [answer.failure.reason, answer.failure.outcome], ['Unavailable', 'Unknown'])
      assert.match((await maps.list()).objects[0]!, /^a=first /)
    })

    it('that is refused for load tells how long to wait', async () => {
      onWrite(statusAnswer(429, 'TooManyRequests', 'slow down', { 'retry-after': '2' }))
      const answer = await world.through.create(maps.collection, { metadata: { name: 'a' } })
      assert.deepEqual(!answer.ok && [answer.failure.reason, answer.failure.retryAfterMs], ['TooManyRequests', 2000])
    })
  })

  describe('credentials', () => {
    const kubeconfigAt = (path: string, token: string) =>
      writeKubeconfig({
        path,
        server: world.controlPlane.url,
        certificateAuthority: world.controlPlane.caFile,
        user: 'admin',
        token,
      })

    it('of a kubeconfig that is written anew are taken up', async () => {
      const path = join(world.controlPlane.folder, 'rotated.kubeconfig')
      kubeconfigAt(path, 'not-valid-yet')
      const client = clientOf(path)
      cleanup.push(() => client.close())
      const refused = await client.list(maps.collection)
      assert.equal(!refused.ok && refused.failure.reason, 'Unauthorized')
      kubeconfigAt(path, world.controlPlane.token)
      must(await client.list(maps.collection))
    })

    it('of an exec plugin are asked for anew when they are refused', async () => {
      const at = (name: string) => join(world.controlPlane.folder, name)
      const say = (token: string) =>
        writeFileSync(
          at('credential.json'),
          JSON.stringify({
            apiVersion: 'client.authentication.k8s.io/v1',
            kind: 'ExecCredential',
            status: { token, expirationTimestamp: '2100-01-01T00:00:00Z' },
          }),
        )
      writeFileSync(at('plugin'), `#!/bin/sh\ncat '${at('credential.json')}'\n`)
      chmodSync(at('plugin'), 0o700)
      const { url, caFile } = world.controlPlane
      const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: at('plugin'), interactiveMode: 'Never' }
      writeFileSync(
        at('exec.kubeconfig'),
        JSON.stringify({
          'current-context': 'c',
          clusters: [{ name: 'c', cluster: { server: url, 'certificate-authority': caFile } }],
          users: [{ name: 'u', user: { exec } }],
          contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        }),
      )
      say('expired-token')
      const client = clientOf(at('exec.kubeconfig'))
      cleanup.push(() => client.close())
      const refused = await client.list(maps.collection)
      assert.equal(!refused.ok && refused.failure.reason, 'Unauthorized')
      say(world.controlPlane.token)
      must(await client.list(maps.collection))
    })
  })

  describe('Lease', () => {
    const contender = (identity: string, client = world.direct) =>
      makeLease({ client, namespace, name: 'lock', identity, timings, clock: systemClock(), election })
    const holder = async () => {
      const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/lock`
      return (must(await world.direct.get(path)) as { spec: { holderIdentity: string } }).spec.holderIdentity
    }

    it('is taken, renewed, given back and taken by the next', async () => {
      const [one, two] = [contender('one'), contender('two')]
      const held = must(await one.acquire())
      const refused = await two.acquire()
      assert.equal(!refused.ok && refused.failure.reason, 'LeaseHeld')
      const renewed = must(await one.renew(held))
      assert.ok(renewed.validUntil > held.validUntil)
      must(await one.release(renewed))
      assert.equal(await holder(), '')
      must(await two.acquire())
      assert.equal(await holder(), 'two')
    })

    it('has one holder at a time among five, and each gets it', async () => {
      const clock = systemClock()
      let holding = 0
      const turns = await Promise.all(
        ['a', 'b', 'c', 'd', 'e'].map(async (identity) => {
          const lease = contender(identity)
          let turns = 0
          while (turns < 4) {
            const answer = await lease.acquire()
            if (!answer.ok) {
              await new Promise((resolve) => setTimeout(resolve, 20))
              continue
            }
            assert.equal(++holding, 1, 'two holders at a time')
            await new Promise((resolve) => setTimeout(resolve, 5))
            assert.ok(clock.monotonic() < answer.value.validUntil)
            holding--
            await lease.release(answer.value)
            turns++
          }
          return turns
        }),
      )
      assert.deepEqual(turns, [4, 4, 4, 4, 4])
    })

    it('elects another leader when the first one is cut off, and tells the first', async () => {
      const told: string[] = []
      const leaderOf = (identity: string, client = world.direct) => {
        const leader = makeLeader({
          lease: contender(identity, client),
          retryMs: timings.retryMs,
          clock: systemClock(),
          random: Math.random,
          log: makeCollectedLog(),
          onAcquired: () => void told.push(`${identity} leads`),
          onLost: () => void told.push(`${identity} is out`),
        })
        cleanup.push(() => leader.stop())
        leader.start()
        return leader
      }
      const first = leaderOf('first', world.through)
      await eventually(() => first.isLeader())
      const second = leaderOf('second')
      const isLease = ({ resource, namespace: of }: { resource: string; namespace?: string }) =>
        resource === 'leases' && of === namespace
      let heal = () => {}
      const until = new Promise<void>((resolve) => {
        heal = resolve
      })
      cleanup.push(world.proxy.onRequest((request) => (isLease(request) ? { kind: 'delay', until } : undefined)))
      await eventually(() => {
        assert.ok(!(first.isLeader() && second.isLeader()), 'two leaders at a time')
        return second.isLeader()
      })
      heal()
      assert.deepEqual(told, ['first leads', 'first is out', 'second leads'])
      await second.stop()
      assert.equal(await holder(), '')
    })
  })

  it('Events of the recorder are accepted, and there once when told twice', async () => {
    const { name, uid } = (await maps.create('a')).metadata
    const log = makeCollectedLog()
    const events = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`
    for (const instance of ['pod-1', 'pod-2']) {
      const recorder = makeRecorder({
        create: (_namespace, event) => world.direct.create(events, event),
        controller: 'example.dev/operator',
        instance,
        clock: { now: Date.now },
        log,
      })
      const about = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name, uid }
      recorder.record({
        regarding: about,
        type: 'Warning',
        reason: 'Rejected',
        action: 'Decide',
        note: '€'.repeat(2000),
      })
      await recorder.idle()
    }
    assert.deepEqual(log.lines, [])
    const { items } = must(await world.direct.list(events))
    assert.equal(items.length, 1)
  })
})
