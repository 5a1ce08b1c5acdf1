import assert from 'node:assert/strict'
import type { Answer, Api, Caller } from '../support/api.ts'
import {
  admin,
  alice,
  apiVersion,
  bob,
  changeRequest,
  expectRefusal,
  forged,
  karma,
  openWorld,
  requests,
  type Stored,
  type World,
} from './admission-world.ts'

describe('admission of ChangeRequests', () => {
  let api: Api
  let world: World
  before(async function () {
    this.timeout(60_000)
    world = await openWorld()
    api = world.api
  })
  after(() => world.close())

  describe('spec.requestedBy', () => {
    const truth = async (caller: Caller) => {
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
      const { body } = await api.create('/apis/authentication.k8s.io/v1/selfsubjectreviews', review, caller)
      const { username, uid, groups } = body.status.userInfo
      return { username, ...(uid ? { uid } : {}), groups }
    }
    const created = async (caller: Caller) => {
      const answer = await api.create(requests, changeRequest(), caller)
      assert.equal(answer.status, 201, answer.message)
      return answer.body
    }
    const pathOf = (object: { metadata: { name: string } }) => `${requests}/${object.metadata.name}`

    for (const [who, callerOf] of [
      ['a user who is impersonated', () => alice],
      ['a user with a uid', () => bob],
      ['a ServiceAccount with its token', () => world.tenant],
      ['a cluster admin', () => admin],
    ] as const) {
      describe(`of ${who}`, () => {
        for (const [how, create] of [
          ['left out', (caller) => api.create(requests, changeRequest(), caller)],
          ['forged at creation', (caller) => api.create(requests, changeRequest({ requestedBy: forged }), caller)],
          [
            'forged by server-side apply',
            (caller) =>
              api.apply(
                `${requests}/applied?dryRun=All`,
                changeRequest({ requestedBy: forged }, { name: 'applied' }),
                caller,
              ),
          ],
        ] as readonly (readonly [string, (caller: Caller) => Promise<Answer>])[]) {
          it(`is the caller when ${how}`, async () => {
            const answer = await create(callerOf())
            assert.equal(answer.status, 201, answer.message)
            assert.deepEqual(answer.body.spec.requestedBy, await truth(callerOf()))
          })
        }

        for (const [how, change] of [
          ['a merge patch', (o, c) => api.mergePatch(pathOf(o), { spec: { requestedBy: { username: 'x' } } }, c)],
          [
            'a merge patch of the groups',
            (o, c) => api.mergePatch(pathOf(o), { spec: { requestedBy: { groups: ['x'] } } }, c),
          ],
          [
            'a JSON patch that removes and adds it',
            (o, c) =>
              api.jsonPatch(
                pathOf(o),
                [
                  { op: 'remove', path: '/spec/requestedBy' },
                  { op: 'add', path: '/spec/requestedBy', value: forged },
                ],
                c,
              ),
          ],
          ['a replacement', (o, c) => api.put(pathOf(o), { ...o, spec: { ...o.spec, requestedBy: forged } }, c)],
          [
            'a server-side apply',
            (o, c) =>
              api.apply(pathOf(o), { apiVersion, kind: 'ChangeRequest', spec: { ...o.spec, requestedBy: forged } }, c),
          ],
        ] as readonly (readonly [string, (object: Stored, caller: Caller) => Promise<Answer>])[]) {
          it(`cannot be forged by ${how}`, async () => {
            const object = await created(callerOf())
            const answer = await change(object, callerOf())
            expectRefusal(
              answer,
              422,
              'spec.requestedBy cannot be changed: it names who created the request: expected "',
            )
            assert.deepEqual((await api.get(pathOf(object))).body.spec, object.spec)
          })
        }

        it('cannot be removed', async () => {
          const object = await created(callerOf())
          const answer = await api.jsonPatch(pathOf(object), [{ op: 'remove', path: '/spec/requestedBy' }], callerOf())
          expectRefusal(answer, 422, 'spec.requestedBy: Required value')
        })
      })
    }

    it('of Karma is whom it speaks for', async () => {
      // The group is for this test only: Karma's own ClusterRole does not let it create requests.
      const able = { ...karma, groups: ['system:masters'] }
      const answer = await api.create(requests, changeRequest({ requestedBy: forged }), able)
      assert.equal(answer.status, 201, answer.message)
      assert.deepEqual(answer.body.spec.requestedBy, forged)
    })

    it('may be left out again when the same is applied twice', async () => {
      const path = `${requests}/twice`
      const request = changeRequest({}, { name: 'twice' })
      assert.equal((await api.apply(path, request, alice)).status, 201)
      const again = await api.apply(path, request, alice)
      assert.equal(again.status, 200, again.message)
      assert.equal(again.body.spec.requestedBy.username, 'alice')
    })

    it('comes with the finalizer, once, beside others', async () => {
      for (const [given, expected] of [
        [[], ['usekarma.dev/change']],
        [['example.com/a'], ['example.com/a', 'usekarma.dev/change']],
        [['usekarma.dev/change'], ['usekarma.dev/change']],
      ]) {
        const answer = await api.create(`${requests}?dryRun=All`, changeRequest({}, { name: 'f', finalizers: given }))
        assert.deepEqual(answer.body.metadata.finalizers, expected)
      }
    })
  })

  describe('the spec of a ChangeRequest', () => {
    let object: Stored
    let path: string
    before(async () => {
      const spec = { mode: 'Apply', onConflict: 'Queue', reason: 'why', cancel: false }
      object = (await api.create(requests, changeRequest(spec), alice)).body
      path = `${requests}/${object.metadata.name}`
    })

    const another = {
      component: 's3-bucket/other',
      proposedChange: { a: 2, b: { c: 2 } },
      remove: ['/y'],
      mode: 'Plan',
      onConflict: 'Reject',
      reason: 'because',
    }
    const expected: Readonly<Record<keyof typeof another, string>> = {
      component: 'expected "s3-bucket/shared", found "s3-bucket/other"',
      proposedChange: 'expected what it was at creation, found something else',
      remove: 'expected [/x], found [/y]',
      mode: 'expected "Apply", found "Plan"',
      onConflict: 'expected "Queue", found "Reject"',
      reason: 'expected "why", found "because"',
    }
    for (const [field, value] of Object.entries(another)) {
      const refusal = `spec.${field} cannot be changed: ${expected[field as keyof typeof another]}; create another ChangeRequest instead`
      const spec = () => ({ ...object.spec, [field]: value })
      for (const [how, change] of [
        ['merge patch', () => api.mergePatch(path, { spec: { [field]: value } }, alice)],
        ['JSON patch', () => api.jsonPatch(path, [{ op: 'replace', path: `/spec/${field}`, value }], alice)],
        ['replacement', () => api.put(path, { ...object, spec: spec() }, alice)],
        ['server-side apply', () => api.apply(path, { apiVersion, kind: 'ChangeRequest', spec: spec() }, alice)],
        ['patch by Karma', () => api.mergePatch(path, { spec: { [field]: value } }, karma)],
      ] as const) {
        it(`keeps ${field} from a ${how}`, async () => expectRefusal(await change(), 422, refusal))
      }
      if (field === 'component' || field === 'mode') continue
      it(`keeps ${field} from being removed`, async () => {
        const answer = await api.jsonPatch(path, [{ op: 'remove', path: `/spec/${field}` }], alice)
        expectRefusal(answer, 422, `spec.${field} cannot be changed`)
      })
    }

    const single = { proposedReferences: [{ name: 'a', component: 's3-bucket/a' }], queueDeadlineSeconds: 60 }
    const set = { component: undefined, proposedChange: undefined, remove: undefined }
    const changes = [
      { component: 's3-bucket/a', proposedChange: { a: 1, b: null } },
      { component: 's3-bucket/b', operation: 'Delete' },
    ]
    for (const [field, asked, value] of [
      ['proposedReferences', single, [{ name: 'a', component: 's3-bucket/b' }]],
      ['queueDeadlineSeconds', single, 61],
      ['planHash', single, `sha256:${'0'.repeat(64)}`],
      ['changes', { ...set, changes }, [changes[0], { component: 's3-bucket/c', operation: 'Delete' }]],
      ['changes', { ...set, changes }, [{ component: 's3-bucket/a', proposedChange: { a: 1, c: null } }, changes[1]]],
      ['changes', { ...set, changes }, [changes[0]]],
      ['rollbackOf', { ...set, rollbackOf: 'one' }, 'another'],
    ] as const) {
      it(`keeps ${field} from becoming ${JSON.stringify(value)}`, async () => {
        const created = await api.create(requests, changeRequest(asked), alice)
        assert.equal(created.status, 201, created.message)
        const answer = await api.mergePatch(
          `${requests}/${created.body.metadata.name}`,
          { spec: { [field]: value } },
          alice,
        )
        expectRefusal(answer, 422, 'create another ChangeRequest instead')
      })
    }

    // A rule of the schema does not see these two: what it compares in free-form objects are the keys that both have.
    for (const [what, proposedChange] of [
      ['a key of proposedChange', { a: null, z: 1 }],
      ['all keys of proposedChange', { a: null, b: null, y: 1, z: 1 }],
    ] as const) {
      it(`keeps ${what} from being renamed`, async () => {
        const answer = await api.mergePatch(path, { spec: { proposedChange } }, alice)
        expectRefusal(
          answer,
          422,
          'spec cannot be changed but for cancel: expected it as it was at creation, found another spec.proposedChange; ' +
            'create another ChangeRequest instead',
        )
      })
    }

    it('lets cancel become true, and not false again', async () => {
      const cancelled = await api.mergePatch(path, { spec: { cancel: true } }, alice)
      assert.equal(cancelled.status, 200, cancelled.message)
      for (const answer of [
        await api.mergePatch(path, { spec: { cancel: false } }, alice),
        await api.jsonPatch(path, [{ op: 'remove', path: '/spec/cancel' }], alice),
      ]) {
        expectRefusal(answer, 422, 'spec.cancel cannot be taken back: expected true, found false; create another')
      }
    })

    it('lets labels and annotations change', async () => {
      const answer = await api.mergePatch(path, { metadata: { labels: { a: 'b' } } }, alice)
      assert.equal(answer.status, 200, answer.message)
    })
  })
})
