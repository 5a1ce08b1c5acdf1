import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Answer, type Api, clear } from '../support/api.ts'
import {
  admin,
  alice,
  bob,
  carol,
  changeRequest,
  component,
  components,
  editedBy,
  environments,
  expectRefusal,
  karma,
  namespace,
  openWorld,
  requests,
  type World,
} from './admission-world.ts'

describe('admission of Components, Leases and clients without rights', () => {
  let api: Api
  let world: World
  before(async function () {
    this.timeout(60_000)
    world = await openWorld()
    api = world.api
  })
  after(() => world.close())

  describe('the editor of a Component', () => {
    const path = `${components}/s3-bucket.edited`
    const editorOf = ({ body }: Answer) => body.metadata.annotations?.[editedBy]
    const refusal = (caller: string, found: string) =>
      `metadata.annotations["usekarma.dev/edited-by"] must be the account that edits: expected "${caller}", found "${found}"`
    before(async () => {
      await api.create(components, component('edited', { [editedBy]: 'bob', other: 'kept' }), alice)
    })

    it('is who created it, whatever was written', async () => {
      const answer = await api.get(path)
      assert.equal(editorOf(answer), 'alice')
      assert.equal(answer.body.metadata.annotations.other, 'kept')
      assert.deepEqual(answer.body.metadata.finalizers, ['usekarma.dev/component'])
      const bare = await api.create(
        `${components}?dryRun=All`,
        { ...component('bare'), metadata: { name: 's3-bucket.bare' } },
        bob,
      )
      assert.equal(editorOf(bare), 'bob')
    })

    it('is who changed the spec, whatever was written', async () => {
      const metadata = { annotations: { [editedBy]: 'alice' } }
      const patched = await api.mergePatch(path, { metadata, spec: { config: { a: 1 } } }, bob)
      assert.equal(editorOf(patched), 'bob')
      const applied = await api.apply(path, { ...component('edited', { [editedBy]: 'bob' }, { project: 'p' }) }, alice)
      assert.equal(editorOf(applied), 'alice')
    })

    it('stays when something else changes, even if it is left out', async () => {
      const labelled = await api.mergePatch(path, { metadata: { labels: { a: 'b' } } }, bob)
      assert.equal(editorOf(labelled), 'alice')
      const { body } = await api.get(path)
      const { [editedBy]: _, ...annotations } = body.metadata.annotations
      const replaced = await api.put(path, { ...body, metadata: { ...body.metadata, annotations } }, bob)
      assert.equal(replaced.status, 200, replaced.message)
      assert.equal(editorOf(replaced), 'alice')
    })

    it('cannot be somebody else', async () => {
      const metadata = { annotations: { [editedBy]: 'carol' } }
      expectRefusal(await api.mergePatch(path, { metadata }, bob), 422, refusal('bob', 'carol'))
      expectRefusal(await api.mergePatch(path, { metadata }, admin), 422, refusal('admin', 'carol'))
      const add = [{ op: 'add', path: '/metadata/annotations/usekarma.dev~1edited-by', value: 'carol' }]
      expectRefusal(await api.jsonPatch(path, add, bob), 422, refusal('bob', 'carol'))
    })

    it('stays when Karma writes, unless Karma says so', async () => {
      const spec = { config: { a: 2 } }
      assert.equal(editorOf(await api.mergePatch(path, { spec }, karma)), 'alice')
      const metadata = { annotations: { [editedBy]: 'carol' } }
      assert.equal(editorOf(await api.mergePatch(path, { metadata }, karma)), 'carol')
    })
  })

  describe('the deletion of a Component', () => {
    const path = (nickname: string) => `${components}/s3-bucket.${nickname}`
    const master = { groups: ['system:masters'] }
    const used = async (nickname: string, dependents: number | undefined) => {
      await api.create(components, component(nickname), alice)
      const status = dependents === undefined ? { observedGeneration: 1 } : { dependents }
      const answer = await api.mergePatch(`${path(nickname)}/status`, { status }, karma)
      assert.equal(answer.status, 200, answer.message)
    }
    const refusal = (nickname: string, dependents: number) =>
      `Component s3-bucket/${nickname} has dependents: expected status.dependents 0 before it is deleted, found ${dependents}; ` +
      'delete those that refer to it first, or take their reference away'

    after(() => api.mergePatch(`${path('used')}/status`, { status: { dependents: 0 } }, karma))

    it('is refused while others depend on it, whoever asks and however', async () => {
      await used('used', 3)
      for (const caller of [admin, alice, world.tenant, { as: 'root', ...master }]) {
        expectRefusal(await api.remove(path('used'), caller), 403, refusal('used', 3))
        expectRefusal(await api.remove(`${path('used')}?propagationPolicy=Foreground`, caller), 403, refusal('used', 3))
        expectRefusal(await api.remove(`${path('used')}?gracePeriodSeconds=0`, caller), 403, refusal('used', 3))
      }
      expectRefusal(await api.remove(components), 403, refusal('used', 3))
      assert.equal((await api.get(path('used'))).body.metadata.deletionTimestamp, undefined)
    })

    for (const [what, dependents] of [
      ['nobody', 0],
      ['nobody knows yet who', undefined],
    ] as const) {
      it(`is accepted when ${what} depends on it`, async () => {
        const nickname = `unused-${dependents}`
        await used(nickname, dependents)
        assert.equal((await api.remove(path(nickname), alice)).status, 200)
      })
    }

    it('is accepted when Karma asks, and once more when it has begun', async () => {
      await used('going', 1)
      assert.equal((await api.remove(path('going'), { ...karma, ...master })).status, 200)
      assert.ok((await api.get(path('going'))).body.metadata.deletionTimestamp)
      assert.equal((await api.remove(path('going'), alice)).status, 200)
    })

    it('is accepted when its namespace ends', async () => {
      const ends = 'admission-components-end'
      const elsewhere = components.replace(namespace, ends)
      await api.create('/api/v1/namespaces', { metadata: { name: ends } })
      await api.create(elsewhere, component('used'))
      await api.mergePatch(`${elsewhere}/s3-bucket.used/status`, { status: { dependents: 1 } }, karma)
      expectRefusal(await api.remove(`${elsewhere}/s3-bucket.used`), 403, refusal('used', 1))
      await api.remove(`/api/v1/namespaces/${ends}`)
      // By the controller of namespaces, which asks the same policy.
      const isLeaving = async () =>
        (await api.get(`${elsewhere}/s3-bucket.used`)).body.metadata.deletionTimestamp !== undefined
      while (!(await isLeaving())) await sleep(100)
      await clear(api, elsewhere)
      while ((await api.get(`/api/v1/namespaces/${ends}`)).status !== 404) await sleep(100)
    })
  })

  describe('Leases', () => {
    const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`
    const lease = (name: string) => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name },
      spec: {},
    })

    it('of Karma are never deleted, others are', async () => {
      await api.create(leases, lease('karma-dev'))
      await api.create(leases, lease('other'))
      const refusal =
        'the Lease admission/karma-dev is a lock of Karma and is never deleted: expected an update, found a deletion; ' +
        'to release it, set spec.holderIdentity to ""'
      expectRefusal(await api.remove(`${leases}/karma-dev`), 403, refusal)
      expectRefusal(await api.remove(leases), 403, refusal)
      assert.equal((await api.get(`${leases}/karma-dev`)).status, 200)
      await api.remove(`${leases}/other`)
      assert.equal((await api.get(`${leases}/other`)).status, 404)
    })

    it('go with their namespace', async () => {
      const path = '/api/v1/namespaces/admission-ends'
      await api.create('/api/v1/namespaces', { metadata: { name: 'admission-ends' } })
      await api.create(leases.replace(namespace, 'admission-ends'), lease('karma-dev'))
      await api.remove(path)
      while ((await api.get(path)).status !== 404) await sleep(100)
    })
  })

  describe('a client without rights', () => {
    for (const [verb, call] of [
      ['list', () => api.get(requests, carol)],
      ['create', () => api.create(requests, changeRequest(), carol)],
      ['delete', () => api.remove(`${requests}/x`, carol)],
    ] as const) {
      it(`may not ${verb}`, async () => {
        expectRefusal(await call(), 403, `User "carol" cannot ${verb} resource "changerequests"`)
      })
    }
    it('may not write policy as an editor', async () => {
      const answer = await api.mergePatch(`${environments}/dev`, { spec: { onConflict: 'Reject' } }, alice)
      expectRefusal(answer, 403, 'User "alice" cannot patch resource "environments"')
    })
  })
})
