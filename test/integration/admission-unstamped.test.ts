import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseAllDocuments } from 'yaml'
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts'
import { kubectl } from '../cluster/install.ts'
import { waitForAdmission } from '../support/admission.ts'
import { type Api, apiOf, type Caller } from '../support/api.ts'
import { changeApproval, changeRequest, component, editedBy, expectRefusal } from './admission-world.ts'

const root = resolve(import.meta.dirname, '../..')
const requests = '/apis/usekarma.dev/v1alpha1/namespaces/default/changerequests'
const approvals = '/apis/usekarma.dev/v1alpha1/namespaces/default/changeapprovals'
const components = '/apis/usekarma.dev/v1alpha1/namespaces/default/components'
const definition = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/changerequests.usekarma.dev'

const alice: Caller = { as: 'alice', groups: ['system:masters', 'team-a'], uid: '7' }
const self = { username: 'alice', uid: '7', groups: ['system:masters', 'team-a', 'system:authenticated'] }

// A control plane of its own, because the policies that fill things in are left out here, and later rules of a schema.
describe('admission where MutatingAdmissionPolicy is not served', () => {
  let plane: ControlPlane
  let api: Api
  before(async function () {
    this.timeout(120_000)
    plane = await startControlPlane()
    const files = [
      'crds',
      ...['account', 'rbac', 'rbac-users', 'admission-validating'].map((f) => `charts/karma/${f}.yaml`),
    ]
    const apply = files.flatMap((file) => ['-f', join(root, file)])
    const { kubeconfig, binaries } = plane
    await kubectl({ kubeconfig, program: binaries.kubectl, args: ['apply', '--server-side', ...apply] })
    await waitForAdmission(kubeconfig)
    api = apiOf(kubeconfig)
  })
  after(async function () {
    this.timeout(60_000)
    await api?.close()
    await plane?.stop()
  })

  describe('spec.requestedBy', () => {
    it('must be written', async () => {
      expectRefusal(await api.create(requests, changeRequest(), alice), 422, 'spec.requestedBy: Required value')
    })

    it('may be the caller', async () => {
      const answer = await api.create(requests, changeRequest({ requestedBy: self }), alice)
      assert.equal(answer.status, 201, answer.message)
    })

    for (const [what, lie, found] of [
      ['another name', { ...self, username: 'bob' }, 'found username "bob", uid "7", groups [system:masters, team-a, '],
      ['another uid', { ...self, uid: '8' }, 'found username "alice", uid "8"'],
      ['no uid', { ...self, uid: undefined }, 'found username "alice", uid ""'],
      [
        'a group too many',
        { ...self, groups: [...self.groups, 'team-b'] },
        'system:authenticated, team-b]; leave it out',
      ],
      ['a group too few', { ...self, groups: ['system:masters'] }, 'groups [system:masters]; leave it out'],
      ['no groups', { ...self, groups: undefined }, 'groups []; leave it out'],
    ] as const) {
      it(`may not have ${what}`, async () => {
        const answer = await api.create(requests, changeRequest({ requestedBy: lie }), alice)
        expectRefusal(
          answer,
          422,
          'spec.requestedBy must be the account that creates the request: expected username "alice", uid "7", groups ' +
            '[system:masters, team-a, system:authenticated], found',
        )
        expectRefusal(answer, 422, found)
        expectRefusal(answer, 422, 'write what "kubectl auth whoami" says')
      })
    }
  })

  describe('spec.approver', () => {
    it('must be written, and be the caller', async () => {
      expectRefusal(await api.create(approvals, changeApproval(), alice), 422, 'spec.approver: Required value')
      const answer = await api.create(approvals, changeApproval({ approver: self }), alice)
      assert.equal(answer.status, 201, answer.message)
    })

    for (const [what, lie, found] of [
      ['another name', { ...self, username: 'bob' }, 'found username "bob", uid "7", groups [system:masters, team-a, '],
      ['another uid', { ...self, uid: '8' }, 'found username "alice", uid "8"'],
      ['no uid', { ...self, uid: undefined }, 'found username "alice", uid ""'],
      ['a group too many', { ...self, groups: [...self.groups, 'team-b'] }, 'system:authenticated, team-b]; leave it'],
      ['a group too few', { ...self, groups: ['system:masters'] }, 'groups [system:masters]; leave it out'],
    ] as const) {
      it(`may not have ${what}`, async () => {
        const answer = await api.create(approvals, changeApproval({ approver: lie }), alice)
        expectRefusal(
          answer,
          422,
          'spec.approver must be the account that creates the approval: expected username "alice", uid "7", groups ' +
            '[system:masters, team-a, system:authenticated], found',
        )
        expectRefusal(answer, 422, found)
        expectRefusal(answer, 422, 'write what "kubectl auth whoami" says')
      })
    }
  })

  describe('the editor of a Component', () => {
    it('must be written, and be the caller', async () => {
      for (const [annotations, found] of [
        [{}, ''],
        [{ [editedBy]: 'bob' }, 'bob'],
      ] as const) {
        const answer = await api.create(components, component('a', annotations), alice)
        expectRefusal(answer, 422, `must be the account that edits: expected "alice", found "${found}"`)
        expectRefusal(answer, 422, 'write your own name')
      }
      const answer = await api.create(components, component('a', { [editedBy]: 'alice' }), alice)
      assert.equal(answer.status, 201, answer.message)
    })

    it('must be who changes the spec', async () => {
      const bob = { ...alice, as: 'bob' }
      const path = `${components}/s3-bucket.a`
      const spec = { config: { a: 1 } }
      expectRefusal(await api.mergePatch(path, { spec }, bob), 422, 'expected "bob", found "alice"')
      const metadata = { annotations: { [editedBy]: 'bob' } }
      const answer = await api.mergePatch(path, { spec, metadata }, bob)
      assert.equal(answer.status, 200, answer.message)
    })
  })

  describe('without the rules of the schema', () => {
    const path = `${requests}/bare`
    before(async () => {
      const [text] = parseAllDocuments(readFileSync(join(root, 'crds/changerequests.yaml'), 'utf8'))
      const crd = text!.toJS()
      delete crd.spec.versions[0].schema.openAPIV3Schema.properties.spec['x-kubernetes-validations']
      const spec = { requestedBy: self, mode: 'Apply', cancel: true }
      const created = await api.create(requests, changeRequest(spec, { name: 'bare' }), alice)
      assert.equal(created.status, 201, created.message)
      const answer = await api.mergePatch(definition, { spec: crd.spec })
      assert.equal(answer.status, 200, answer.message)
      // The rules are gone when the refusal is no longer theirs.
      const change = { spec: { mode: 'Plan' } }
      while ((await api.mergePatch(path, change, alice)).message.includes('Invalid value: spec.mode')) await sleep(50)
    })

    const another = {
      component: 's3-bucket/other',
      proposedChange: { a: 2 },
      remove: ['/y'],
      mode: 'Plan',
      onConflict: 'Reject',
      reason: 'because',
      requestedBy: { username: 'bob' },
    }
    for (const [field, value] of Object.entries(another)) {
      it(`the policy keeps ${field}`, async () => {
        expectRefusal(
          await api.mergePatch(path, { spec: { [field]: value } }, alice),
          422,
          `spec cannot be changed but for cancel: expected it as it was at creation, found another spec.${field}; create ` +
            'another ChangeRequest instead',
        )
      })
    }

    it('the policy keeps all of a ChangeApproval', async () => {
      const name = 'changeapprovals.usekarma.dev'
      const [text] = parseAllDocuments(readFileSync(join(root, 'crds/changeapprovals.yaml'), 'utf8'))
      const crd = text!.toJS()
      delete crd.spec.versions[0].schema.openAPIV3Schema.properties.spec['x-kubernetes-validations']
      const { body } = await api.create(approvals, changeApproval({ approver: self }, { name: 'bare' }), alice)
      const definitions = definition.slice(0, definition.lastIndexOf('/'))
      assert.equal((await api.mergePatch(`${definitions}/${name}`, { spec: crd.spec })).status, 200)
      const other = {
        changeRequest: 'other',
        planHash: `sha256:${'b'.repeat(64)}`,
        decision: 'Deny',
        reason: 'because',
        validForSeconds: 7,
        approver: { username: 'bob' },
      }
      const change = { spec: { decision: 'Deny' } }
      const at = `${approvals}/${body.metadata.name}`
      while ((await api.mergePatch(at, change, alice)).message.includes('Invalid value: spec.decision')) await sleep(50)
      for (const [field, value] of Object.entries(other)) {
        expectRefusal(
          await api.mergePatch(at, { spec: { [field]: value } }, alice),
          422,
          `spec cannot be changed: expected it as it was at creation, found another spec.${field}; delete this`,
        )
      }
    })

    it('the policy keeps cancel', async () => {
      expectRefusal(
        await api.mergePatch(path, { spec: { cancel: false } }, alice),
        422,
        'spec.cancel cannot be taken back: expected true, found false; create another ChangeRequest instead',
      )
    })
  })
})
