import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer, Api } from '../support/api.ts'
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
