import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { Answer, Api, Caller } from '../support/api.ts'
import { eventually } from '../support/karma-namespace.ts'
import {
  admin,
  alice,
  apiVersion,
  approvals,
  bob,
  changeApproval,
  expectRefusal,
  forged,
  karma,
  openWorld,
  planHash,
  rbac,
  type Stored,
  type World,
} from './admission-world.ts'

interface Approval extends Stored {
  readonly spec: { readonly approver: object }
}
const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/admission/roles'
const pathOf = ({ metadata }: Stored): string => `${approvals}/${metadata.name}`

describe('admission of ChangeApprovals', () => {
  let api: Api
  let world: World
  before(async function () {
    this.timeout(60_000)
    world = await openWorld()
    api = world.api
  })
  after(() => world.close())

  const created = async (caller: Caller, spec: object = {}): Promise<Approval> => {
    const answer = await api.create(approvals, changeApproval(spec), caller)
    assert.equal(answer.status, 201, answer.message)
    return answer.body
  }
  const truth = async (caller: Caller) => {
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
    const { body } = await api.create('/apis/authentication.k8s.io/v1/selfsubjectreviews', review, caller)
    const { username, uid, groups } = body.status.userInfo
    return { username, ...(uid ? { uid } : {}), groups }
  }

  const rule = (resources: string[], verbs: string[], resourceNames?: string[]) => ({
    apiGroups: ['usekarma.dev'],
    resources,
    verbs,
    ...(resourceNames && { resourceNames }),
  })
  const grant = async (name: string, rules: object[], subjects: object[]): Promise<void> => {
    const role = await api.create(roles, { metadata: { name }, rules })
    assert.equal(role.status, 201, role.message)
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name }
    const binding = await api.create(rbac, { metadata: { name }, roleRef, subjects })
    assert.equal(binding.status, 201, binding.message)
  }

  describe('spec.approver cannot be forged', () => {
    // It is not for want of rights that it is refused: here they may write what no role of Karma lets them write.
    before(async () => {
      const verbs = ['create', 'update', 'patch']
      await grant(
        'write-approvals',
        [rule(['changeapprovals', 'changeapprovals/status'], verbs)],
        [
          { kind: 'User', name: 'bob' },
          { kind: 'ServiceAccount', name: 'tenant', namespace: 'admission' },
        ],
      )
    })

    let tried = 0
    const stored = { stamped: 0, refused: 0, forged: 0 }

    const callers: readonly (readonly [who: string, caller: () => Caller])[] = [
      ['a user', () => admin],
      ['a ServiceAccount of a tenant', () => world.tenant],
      ['somebody who acts as another', () => bob],
    ]
    const creations: readonly (readonly [how: string, write: (caller: Caller, name: string) => Promise<Answer>])[] = [
      ['a creation', (caller, name) => api.create(approvals, changeApproval({ approver: forged }, { name }), caller)],
      [
        'a server-side apply that creates',
        (caller, name) => api.apply(`${approvals}/${name}`, changeApproval({ approver: forged }, { name }), caller),
      ],
    ]
    const changes: readonly (readonly [how: string, write: (of: Approval, caller: Caller) => Promise<Answer>])[] = [
      ['a merge patch', (o, c) => api.mergePatch(pathOf(o), { spec: { approver: { username: 'x' } } }, c)],
      [
        'a JSON patch that removes and adds it',
        (o, c) =>
          api.jsonPatch(
            pathOf(o),
            [
              { op: 'remove', path: '/spec/approver' },
              { op: 'add', path: '/spec/approver', value: forged },
            ],
            c,
          ),
      ],
      [
        'a JSON patch that removes it',
        (o, c) => api.jsonPatch(pathOf(o), [{ op: 'remove', path: '/spec/approver' }], c),
      ],
      ['a replacement', (o, c) => api.put(pathOf(o), { ...o, spec: { ...o.spec, approver: forged } }, c)],
      [
        'a server-side apply by force',
        (o, c) =>
          api.apply(pathOf(o), { apiVersion, kind: 'ChangeApproval', spec: { ...o.spec, approver: forged } }, c),
      ],
      [
        'a write of the status that carries it',
        (o, c) => api.put(`${pathOf(o)}/status`, { ...o, spec: { ...o.spec, approver: forged } }, c),
      ],
    ]

    /** What is stored after an attempt must be the truth, whatever was answered. */
    const judge = async (name: string, answer: Answer, expected: object): Promise<void> => {
      tried++
      const { body } = await api.get(`${approvals}/${name}`)
      if (!isDeepStrictEqual(body.spec.approver, expected)) stored.forged++
      else stored[answer.status < 300 ? 'stamped' : 'refused']++
      assert.deepEqual(body.spec.approver, expected)
    }

    for (const [who, caller] of callers) {
      for (const [how, write] of creations) {
        it(`by ${how}, of ${who}: the caller is stamped over it`, async () => {
          const name = `forged-${tried}`
          const answer = await write(caller(), name)
          assert.equal(answer.status, 201, answer.message)
          await judge(name, answer, await truth(caller()))
        })
      }
      for (const [how, write] of changes) {
        it(`by ${how}, of ${who}: refused`, async () => {
          const object = await created(caller())
          const answer = await write(object, caller())
          assert.ok([403, 422].includes(answer.status), JSON.stringify(answer.body))
          await judge(object.metadata.name, answer, object.spec.approver)
        })
      }
    }

    it('24 vectors were tried, none forged', () => {
      assert.deepEqual([tried, stored], [24, { stamped: 6, refused: 18, forged: 0 }])
    })
  })

  it('is refused by the rules of the schema and by the policy', async () => {
    const object = await created(admin)
    const answer = await api.mergePatch(pathOf(object), { spec: { approver: { username: 'x' } } }, admin)
    expectRefusal(answer, 422, 'spec.approver cannot be changed: it names who created the approval: expected "admin"')
  })

  it('nobody gives it for somebody else, Karma neither', async () => {
    const able = { ...karma, groups: ['system:masters'] }
    const object = await created(able, { approver: forged })
    assert.deepEqual(object.spec.approver, await truth(able))
  })

  describe('who may', () => {
    it('is who is bound to karma-approve', async () => {
      for (const caller of [bob, world.tenant]) await created(caller)
    })

    it('is not who only asks for changes', async () => {
      const answer = await api.create(approvals, changeApproval(), alice)
      expectRefusal(answer, 403, 'User "alice" cannot create resource "changeapprovals"')
    })

    it('is not Karma', async () => {
      const answer = await api.create(approvals, changeApproval(), karma)
      expectRefusal(answer, 403, 'cannot create resource "changeapprovals"')
    })

    it('is not who may create approvals but not approve this request', async () => {
      const dora: Caller = { as: 'dora', groups: ['system:authenticated'] }
      const rules = [rule(['changeapprovals'], ['create']), rule(['changerequests'], ['approve'], ['hers'])]
      await grant('one-request', rules, [{ kind: 'User', name: 'dora' }])
      // The API server learns of new rights by a watch of its own.
      await eventually('dora to have the rights she was given', async () => {
        const { status, message } = await api.create(approvals, changeApproval({ changeRequest: 'hers' }), dora)
        return { found: status === 201 ? true : undefined, last: message }
      })
      for (const decision of ['Approve', 'Deny']) {
        expectRefusal(
          await api.create(approvals, changeApproval({ changeRequest: 'theirs', decision }), dora),
          403,
          'a ChangeApproval is given by who may approve: expected an account with the verb "approve" on changerequest ' +
            '"theirs" in namespace "admission", found "dora"; bind it to the ClusterRole karma-approve',
        )
      }
    })

    it('may take it back', async () => {
      const object = await created(bob)
      const answer = await api.remove(pathOf(object), bob)
      assert.equal(answer.status, 200, answer.message)
    })
  })

  describe('the spec of a ChangeApproval', () => {
    let object: Approval
    before(async () => {
      object = await created(admin, { validForSeconds: 60 })
    })

    const other = `sha256:${'b'.repeat(64)}`
    const cases: readonly (readonly [field: string, value: unknown, refusal: string])[] = [
      ['changeRequest', 'other', 'expected "change", found "other"'],
      ['planHash', other, `expected "${planHash}", found "${other}"`],
      ['decision', 'Deny', 'expected "Approve", found "Deny"'],
      ['reason', 'because', 'expected "why", found "because"'],
      ['validForSeconds', 61, 'expected what it was at creation, found another number'],
    ]
    for (const [field, value, said] of cases) {
      const refusal = `spec.${field} cannot be changed: ${said}; delete this ChangeApproval and create another instead`
      const spec = () => ({ ...object.spec, [field]: value })
      for (const [how, change] of [
        ['merge patch', () => api.mergePatch(pathOf(object), { spec: { [field]: value } })],
        ['JSON patch', () => api.jsonPatch(pathOf(object), [{ op: 'replace', path: `/spec/${field}`, value }])],
        ['replacement', () => api.put(pathOf(object), { ...object, spec: spec() })],
        ['server-side apply', () => api.apply(pathOf(object), { apiVersion, kind: 'ChangeApproval', spec: spec() })],
      ] as const) {
        it(`keeps ${field} from a ${how}`, async () => expectRefusal(await change(), 422, refusal))
      }
    }

    it('keeps reason from being removed', async () => {
      const answer = await api.jsonPatch(pathOf(object), [{ op: 'remove', path: '/spec/reason' }])
      expectRefusal(answer, 422, 'spec.reason cannot be changed: expected "why", found ""')
    })

    it('lets labels and annotations change', async () => {
      const answer = await api.mergePatch(pathOf(object), { metadata: { labels: { a: 'b' } } })
      assert.equal(answer.status, 200, answer.message)
    })
  })
})
