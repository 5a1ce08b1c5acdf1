import assert from 'node:assert/strict'
import { kubectl } from '../cluster/install.ts'
import { waitForAdmission } from '../support/admission.ts'
import { type Answer, type Api, apiOf, clear } from '../support/api.ts'
import { controlPlane } from '../support/control-plane.ts'
import { cases, changeApproval, changeRequest, component, componentType, environment, guard } from './kinds-cases.ts'

const group = '/apis/usekarma.dev/v1alpha1'
const namespace = 'kinds'
const within = `${group}/namespaces/${namespace}`
const karma = { as: 'system:serviceaccount:karma-system:karma' }

const pathOf: Readonly<Record<string, string>> = {
  Component: `${within}/components`,
  ChangeRequest: `${within}/changerequests`,
  Environment: `${within}/environments`,
  ComponentType: `${group}/componenttypes`,
  ChangeApproval: `${within}/changeapprovals`,
}

describe('kinds', () => {
  let api: Api
  let kubeconfig: string
  before(async function () {
    this.timeout(60_000)
    kubeconfig = controlPlane().kubeconfig
    await waitForAdmission(kubeconfig)
    api = apiOf(kubeconfig)
    await api.create('/api/v1/namespaces', { metadata: { name: namespace } })
  })
  after(async () => {
    for (const path of Object.values(pathOf)) await clear(api, path)
    await api.close()
  })

  describe('what may be created', () => {
    for (const [title, object, ...refusals] of cases) {
      it(`${refusals.length === 0 ? 'accepts' : 'refuses'} ${title}`, async () => {
        const answer = await api.create(`${pathOf[object.kind]}?dryRun=All&fieldValidation=Strict`, object)
        expectRefusal(answer, refusals)
      })
    }

    it('fills in the defaults', async () => {
      const request = await api.create(`${pathOf.ChangeRequest}?dryRun=All`, changeRequest())
      const policy = await api.create(`${pathOf.Environment}?dryRun=All`, environment({ guards: [guard] }))
      const approval = await api.create(`${pathOf.ChangeApproval}?dryRun=All`, changeApproval())
      assert.equal(request.body.spec.mode, 'Apply')
      assert.equal(approval.body.spec.validForSeconds, 86_400)
      assert.deepEqual(policy.body.spec, {
        guards: [{ ...guard, verdict: 'Reject' }],
        onConflict: 'Queue',
        allowTruncatedImpact: false,
      })
    })

    it('keeps what is free-form as it is, and drops unknown fields elsewhere', async () => {
      const config = { a: { b: [null, 1, 'x', { c: 9007199254740993n.toString() }] }, toString: 'own' }
      const answer = await api.create(`${pathOf.Component}?dryRun=All`, component({ config, colour: 'red' }))
      assert.deepEqual(answer.body.spec.config, config)
      assert.equal(answer.body.spec.colour, undefined)
    })
  })

  describe('what may be changed of a Component', () => {
    before(async () => {
      assert.equal((await api.create(pathOf.Component!, component())).status, 201)
    })
    const path = `${within}/components/s3-bucket.shared`

    for (const [field, value, refusal] of [
      [
        'type',
        'vpc',
        'spec.type cannot be changed: expected "s3-bucket", found "vpc"; create another Component instead',
      ],
      [
        'nickname',
        'b',
        'spec.nickname cannot be changed: expected "shared", found "b"; create another Component instead',
      ],
      [
        'environment',
        'prod',
        'spec.environment cannot be changed: expected "dev", found "prod"; create another Component instead',
      ],
    ] as const) {
      it(`refuses another ${field}`, async () => {
        expectRefusal(await api.mergePatch(path, { spec: { [field]: value } }), [`spec.${field}`, refusal])
      })
    }

    it('accepts another config, source and references', async () => {
      const spec = {
        config: { a: 1 },
        source: { repository: 'r' },
        references: [{ name: 'k', component: 'kms-key/a' }],
      }
      expectRefusal(await api.mergePatch(`${path}?dryRun=All`, { spec }), [])
    })
  })

  describe('what may stand in a status', () => {
    const at = '2026-01-01T00:00:00.000Z'
    const condition = { type: 'Ready', status: 'True', reason: 'Fine', message: '', lastTransitionTime: at }
    const image = (before: number, after: number) => ({
      component: 'a/b',
      before: 'x'.repeat(before),
      after: 'x'.repeat(after),
    })
    const entry = { seq: 1, at, type: 'change.requested' }
    const part = (environment: string) => ({ environment, claim: '1', version: 2 })
    const ahead = { holder: 'h', environments: [part('kinds/a'), part('kinds/b')], decided: true }
    const oneOrSeveral = 'expected claim and version for one environment, or environments for several'

    for (const [title, status, ...refusals] of [
      ['conditions and history', { conditions: [condition], history: [entry], seq: 1, phase: 'Pending' }],
      [
        'two conditions of one type',
        { conditions: [condition, condition] },
        'status.conditions[1]: Duplicate value: {"type":"Ready"}',
      ],
      [
        '33 history entries',
        { history: Array.from({ length: 33 }, () => entry) },
        'status.history: Too many: 33: must have at most 32 items',
      ],
      [
        'attrs of 2049 characters',
        { history: [{ ...entry, attrs: 'x'.repeat(2049) }] },
        'status.history[0].attrs: Too long: may not be more than 2048 bytes',
      ],
      ['an unknown phase', { phase: 'Confused' }, 'status.phase: Unsupported value: "Confused"'],
      ['images of 64 KiB, names included', { images: [image(30_000, 5_530), image(0, 30_000)] }],
      [
        'images of more',
        { images: [image(30_000, 5_530), image(1, 30_000)] },
        'status.images',
        'the images are too large: expected at most 65536 characters together',
      ],
      ['a write-ahead in several environments, decided', { writeAhead: ahead }],
      ['one in several and in one', { writeAhead: { ...ahead, claim: '1', version: 2 } }, oneOrSeveral],
      ['one in none', { writeAhead: { holder: 'h' } }, oneOrSeveral],
      [
        'a decision beside one environment',
        { writeAhead: { holder: 'h', claim: '1', version: 2, decided: true } },
        oneOrSeveral,
      ],
      [
        'one in the same environment twice',
        { writeAhead: { ...ahead, environments: [part('kinds/a'), part('kinds/a')] } },
        'status.writeAhead.environments[1]: Duplicate value: {"environment":"kinds/a"}',
      ],
      [
        'a number beyond 2^53',
        { seq: 9007199254740992 },
        'status.seq',
        'should be less than or equal to 9007199254740991',
      ],
    ] as readonly (readonly [string, object, ...string[]])[]) {
      it(`${refusals.length === 0 ? 'accepts' : 'refuses'} ${title}`, async () => {
        const created = await api.create(pathOf.ChangeRequest!, {
          ...changeRequest(),
          metadata: { generateName: 'status-' },
        })
        const path = `${pathOf.ChangeRequest}/${created.body.metadata.name}/status?dryRun=All`
        expectRefusal(await api.mergePatch(path, { status }, karma), refusals)
      })
    }
  })

  describe('what may stand in applying of an Environment', () => {
    const applying = (count: number, length: number) =>
      Array.from({ length: count }, () => ({
        kind: 'Creation',
        name: 'a'.repeat(length),
        uid: 'u',
        hash: 'h'.repeat(71),
      }))

    for (const [title, entries, ...refusals] of [
      ['names and hashes of 48 KiB', applying(384, 57)],
      [
        'names and hashes of more',
        applying(384, 58),
        'the names and hashes in applying are too large: expected at most 49152',
      ],
      ['641 entries', applying(641, 1), 'status.applying: Too many: 641: must have at most 640 items'],
    ] as readonly (readonly [string, object[], ...string[]])[]) {
      it(`${refusals.length === 0 ? 'accepts' : 'refuses'} ${title}`, async () => {
        const metadata = { generateName: 'applying-' }
        const created = await api.create(pathOf.Environment!, { ...environment(), metadata })
        const path = `${pathOf.Environment}/${created.body.metadata.name}/status?dryRun=All`
        expectRefusal(await api.mergePatch(path, { status: { applying: entries } }, karma), refusals)
      })
    }
  })

  describe('what may stand in promised of an Environment', () => {
    const promised = (count: number, length: number) => {
      const components = Array.from({ length: 4 }, () => 'c'.repeat(length))
      return Array.from({ length: count }, () => ({ environment: 'n/e', resourceVersion: '1', version: 2, components }))
    }

    for (const [title, entries, ...refusals] of [
      ['environments and ids of 8 KiB', promised(16, 127)],
      ['one without ids', [{ environment: 'n/e', resourceVersion: '1', version: 2 }]],
      [
        'environments and ids of more',
        promised(16, 128),
        'the environments and ids in promised are too large: expected at most 8192',
      ],
      ['17 entries', promised(17, 1), 'status.promised: Too many: 17: must have at most 16 items'],
    ] as readonly (readonly [string, object[], ...string[]])[]) {
      it(`${refusals.length === 0 ? 'accepts' : 'refuses'} ${title}`, async () => {
        const created = await api.create(pathOf.Environment!, {
          ...environment(),
          metadata: { generateName: 'promised-' },
        })
        const path = `${pathOf.Environment}/${created.body.metadata.name}/status?dryRun=All`
        expectRefusal(await api.mergePatch(path, { status: { promised: entries } }, karma), refusals)
      })
    }
  })

  describe('what kubectl shows', () => {
    const run = (...args: string[]) => kubectl({ kubeconfig, program: controlPlane().binaries.kubectl, args })
    before(async () => {
      await api.create(pathOf.Component!, component())
      await api.create(pathOf.ChangeRequest!, changeRequest({}, 'shown'))
      await api.create(pathOf.Environment!, environment())
      await api.create(pathOf.ComponentType!, componentType({}, 'kinds-type'))
      await api.create(pathOf.ChangeApproval!, changeApproval({}, 'kinds-approval'))
    })

    for (const [path, ...said] of [
      ['component', 'A Component is one piece of infrastructure', 'What is wanted', 'What is.'],
      ['component.spec.references', 'The Components that this one depends on', 'unique in the list', 'type/nickname'],
      ['component.status', 'What Karma let through', 'Reported by an account that has the verb report'],
      ['changerequest', 'A ChangeRequest asks for a change of one Component'],
      ['changerequest.spec', 'Nothing in it can be changed but cancel', 'enum: Apply, Plan', 'Default Apply'],
      ['environment', 'An Environment is the gate through which all changes of its Components pass'],
      ['environment.spec.guards', 'A CEL expression that is true when the change may pass'],
      ['componenttype', 'A ComponentType says what holds for all Components of a type'],
      ['componenttype.spec.outputs', 'JSON pointers into config'],
      ['environment.spec.guards.verdict', 'RequireApproval makes it wait until somebody else agrees'],
      ['changeapproval', 'A ChangeApproval says that somebody agrees, or does not agree, to one plan'],
      ['changeapproval.spec', 'enum: Approve, Deny', 'Default 86400, a day', 'Filled in by the API server'],
    ] as const) {
      it(`kubectl explain ${path}`, async () => {
        const text = (await run('explain', path)).replace(/\s+/g, ' ')
        for (const words of said) assert.ok(text.includes(words), text)
        assert.ok(!text.includes('<no description>'), text)
      })
    }

    for (const [kind, columns, wide] of [
      ['kcomp', 'NAME TYPE ENV READY COMMITTED DEPENDENTS AGE', 'GRAPH-VERSION REVISION DRIFTED'],
      ['kcr', 'NAME COMPONENT ENV MODE PHASE AFFECTED SUCCEEDED AGE', 'POSITION BLOCKED-BY REQUESTED-BY HASH MESSAGE'],
      ['kenv', 'NAME VERSION LOCKED-BY QUEUED READY EVENTS-PUBLISHED AGE', ''],
      ['kct', 'NAME COMPONENTS READY AGE', ''],
      ['kca', 'NAME CHANGE DECISION APPROVER AGE', 'COUNTED REASON HASH EXPIRES'],
    ] as const) {
      it(`kubectl get ${kind}`, async () => {
        const header = async (...args: string[]) =>
          (await run('get', kind, '-n', namespace, ...args)).split('\n')[0]!.trim().split(/\s+/).join(' ')
        assert.equal(await header(), columns)
        assert.equal(await header('-o', 'wide'), `${columns} ${wide}`.trim())
      })
    }

    it('kubectl get karma -A shows all kinds', async () => {
      const names = (await run('get', 'karma', '-A', '-o', 'name')).split('\n')
      for (const name of [
        'component.usekarma.dev/s3-bucket.shared',
        'changerequest.usekarma.dev/shown',
        'environment.usekarma.dev/dev',
        'componenttype.usekarma.dev/kinds-type',
        'changeapproval.usekarma.dev/kinds-approval',
      ]) {
        assert.ok(names.includes(name), `${name} is missing in ${names.join(' ')}`)
      }
    })

    it('selects by environment, type, component and phase', async () => {
      const names = async (resource: string, selector: string) => {
        const { body } = await api.get(`${within}/${resource}?fieldSelector=${encodeURIComponent(selector)}`)
        return body.items.map((item: { metadata: { name: string } }) => item.metadata.name)
      }
      assert.deepEqual(await names('components', 'spec.environment=dev,spec.type=s3-bucket'), ['s3-bucket.shared'])
      assert.deepEqual(await names('components', 'spec.environment=prod'), [])
      assert.ok((await names('changerequests', 'spec.component=s3-bucket/shared')).includes('shown'))
      assert.deepEqual(await names('changeapprovals', 'spec.changeRequest=change,spec.decision=Approve'), [
        'kinds-approval',
      ])
      await api.mergePatch(
        `${within}/changerequests/shown/status`,
        { status: { phase: 'Queued', environment: 'dev' } },
        karma,
      )
      assert.deepEqual(await names('changerequests', 'status.phase=Queued,status.environment=dev'), ['shown'])
    })
  })
})

/** Without refusals: expects success. Otherwise expects a 422 whose message has each of them. */
function expectRefusal(answer: Answer, refusals: readonly string[]): void {
  if (refusals.length === 0) {
    assert.ok(answer.status < 300, answer.message)
    return
  }
  assert.equal(answer.status, 422, JSON.stringify(answer.body))
  for (const refusal of refusals) {
    assert.ok(answer.message.includes(refusal), `expected "${refusal}", found "${answer.message}"`)
  }
}
