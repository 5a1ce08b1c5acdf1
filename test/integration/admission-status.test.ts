import assert from 'node:assert/strict'
import type { Api, Caller } from '../support/api.ts'
import {
  admin,
  agent,
  alice,
  apiVersion,
  approvals,
  changeApproval,
  changeRequest,
  component,
  components,
  environments,
  expectRefusal,
  group,
  karma,
  meddler,
  openWorld,
  requests,
  type World,
} from './admission-world.ts'

describe('admission of statuses', () => {
  let api: Api
  let world: World
  before(async function () {
    this.timeout(60_000)
    world = await openWorld()
    api = world.api
  })
  after(() => world.close())

  describe('the status', () => {
    const objects: Record<string, string> = {}
    before(async () => {
      const request = await api.create(requests, changeRequest(), alice)
      await api.create(environments, { apiVersion, kind: 'Environment', metadata: { name: 'dev' } })
      await api.create(`${group}/componenttypes`, {
        apiVersion,
        kind: 'ComponentType',
        metadata: { name: 'admission' },
        spec: {},
      })
      objects.changerequests = `${requests}/${request.body.metadata.name}`
      objects.environments = `${environments}/dev`
      const approval = await api.create(approvals, changeApproval())
      objects.changeapprovals = `${approvals}/${approval.body.metadata.name}`
      objects.componenttypes = `${group}/componenttypes/admission`
    })
    after(() => api.remove(`${group}/componenttypes/admission`))

    const kinds: Readonly<Record<string, string>> = {
      changerequests: 'ChangeRequest',
      environments: 'Environment',
      componenttypes: 'ComponentType',
      changeapprovals: 'ChangeApproval',
    }
    for (const resource of Object.keys(kinds)) {
      const write = (caller: Caller, how: 'mergePatch' | 'apply' = 'mergePatch') => {
        const kind = kinds[resource]
        return api[how](`${objects[resource]}/status`, { apiVersion, kind, status: { observedGeneration: 1 } }, caller)
      }
      it(`of ${resource} is refused to a cluster admin`, async () => {
        for (const how of ['mergePatch', 'apply'] as const) {
          expectRefusal(
            await write(admin, how),
            403,
            `status of ${resource} is written by Karma alone: expected "system:serviceaccount:karma-system:karma", ` +
              'found "admin"; ask for a change with a ChangeRequest',
          )
        }
      })
      it(`of ${resource} is not among the rights of an editor or a reporter`, async () => {
        expectRefusal(await write(alice), 403, `User "alice" cannot patch resource "${resource}/status"`)
        expectRefusal(await write(agent), 403, `cannot patch resource "${resource}/status"`)
      })
      it(`of ${resource} is Karma's`, async () => {
        const answer = await write(karma)
        assert.equal(answer.status, 200, answer.message)
      })
    }

    it('cannot be had by writing the object itself', async () => {
      const answer = await api.mergePatch(objects.changerequests!, { status: { phase: 'Applied' } }, alice)
      assert.equal(answer.status, 200, answer.message)
      assert.equal(answer.body.status?.phase, undefined)
    })

    it('does not carry a forged spec', async () => {
      const { body } = await api.get(objects.changerequests!)
      const answer = await api.put(
        `${objects.changerequests}/status`,
        { ...body, spec: { ...body.spec, mode: 'Plan' } },
        admin,
      )
      expectRefusal(answer, 403, 'status of changerequests is written by Karma alone')
    })
  })

  describe('reports', () => {
    const at = '2026-01-01T00:00:00Z'
    const path = `${components}/s3-bucket.reported`
    const status = `${path}/status`
    const committed = { hash: 'sha256:1', graphVersion: 1, at, config: { a: 1 } }
    const conditions = [{ type: 'Ready', status: 'True', reason: 'Fine', message: '', lastTransitionTime: at }]
    before(async () => {
      await api.create(components, component('reported'), alice)
      const written = { observedGeneration: 1, committed, dependents: 2, seq: 1, conditions }
      const answer = await api.mergePatch(
        status,
        { status: { ...written, history: [{ seq: 1, at, type: 'a' }] } },
        karma,
      )
      assert.equal(answer.status, 200, answer.message)
    })

    it('of outputs and runtime are taken from an account with the verb report', async () => {
      for (const report of [
        { outputs: { arn: 'a' }, runtime: { state: 'running', config: { a: 1 }, observedAt: at } },
        { outputs: { arn: 'b', other: 1 } },
        { outputs: { arn: null }, runtime: null },
      ]) {
        const answer = await api.mergePatch(status, { status: report }, agent)
        assert.equal(answer.status, 200, answer.message)
        assert.deepEqual(answer.body.status.committed, committed)
      }
    })

    for (const [field, value] of Object.entries({
      committed: { hash: 'sha256:2' },
      dependents: 0,
      seq: 7,
      observedGeneration: 9,
      history: [],
      conditions: [],
    })) {
      for (const [what, report] of [
        ['change', { outputs: { arn: 'c' }, [field]: value }],
        ['remove', { [field]: null }],
      ] as const) {
        it(`may not ${what} status.${field}`, async () => {
          for (const caller of [agent, admin]) {
            expectRefusal(
              await api.mergePatch(status, { status: report }, caller),
              403,
              'only status.outputs and status.runtime can be reported: expected the rest as it was, found another ' +
                `status.${field}; leave it out of the report`,
            )
          }
        })
      }
    }

    it('may not begin a status with what is not theirs', async () => {
      await api.create(components, component('fresh'), alice)
      const fresh = `${components}/s3-bucket.fresh/status`
      expectRefusal(
        await api.mergePatch(fresh, { status: { committed } }, agent),
        403,
        'found another status.committed',
      )
      assert.equal((await api.mergePatch(fresh, { status: { outputs: { a: 1 } } }, agent)).status, 200)
    })

    it('are refused to an account that may write the status but has not the verb', async () => {
      expectRefusal(
        await api.mergePatch(status, { status: { outputs: { arn: 'd' } } }, meddler),
        403,
        'the status of a Component is written by Karma and by accounts that report: expected an account with the verb ' +
          '"report" on components in namespace "admission", found "system:serviceaccount:admission:meddler"; bind it to ' +
          'the ClusterRole karma-report',
      )
    })

    it('are not among the rights of an editor', async () => {
      const answer = await api.mergePatch(status, { status: { outputs: { arn: 'e' } } }, alice)
      expectRefusal(answer, 403, 'User "alice" cannot patch resource "components/status"')
    })
  })
})
