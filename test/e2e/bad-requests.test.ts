import assert from 'node:assert/strict'
import type { ChangeRequestSpec } from '../../operator/api/kinds.generated.ts'
import type { Karma } from '../support/installed-karma.ts'
import { karma } from '../support/karma.ts'
import { conditionOf, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { changeRequest, component, componentType } from '../support/karma-objects.ts'

/** JSON as people may send it: JavaScript itself would lose what is asked about here. */
const raw = (text: string) => JSON.parse(text) as NonNullable<ChangeRequestSpec['proposedChange']>

/** A request that must be rejected: with this reason, and with a message that begins `ChangeRequest NAME: ` or not. */
interface Case {
  readonly name: string
  readonly spec: Partial<ChangeRequestSpec>
  readonly reason: string
  readonly message: string
}

const schema = {
  type: 'object',
  required: ['cidr'],
  additionalProperties: false,
  properties: { cidr: { type: 'string', pattern: '^[0-9./]+$' }, zone: { type: 'string' }, hosts: { type: 'integer' } },
}
const subnet = 'bad-subnet/apps'
const host = 'bad-host/build'

const cases: readonly Case[] = [
  {
    name: 'wrong-pattern',
    spec: { component: subnet, proposedChange: { cidr: 'nowhere' } },
    reason: 'InvalidConfig',
    message: 'Component bad-subnet/apps: config.cidr: expected string matching "^[0-9./]+$", found "nowhere"',
  },
  {
    name: 'wrong-type',
    spec: { component: subnet, proposedChange: { hosts: 'many' } },
    reason: 'InvalidConfig',
    message: 'Component bad-subnet/apps: config.hosts: expected integer, found "many"',
  },
  {
    name: 'unknown-key',
    spec: { component: subnet, proposedChange: { cird: '10.0.0.0/8' } },
    reason: 'InvalidConfig',
    message:
      'Component bad-subnet/apps: config.cird: expected only keys the schema knows (["cidr","hosts","zone"]), found "10.0.0.0/8"',
  },
  {
    name: 'missing-key',
    spec: { component: subnet, remove: ['/cidr'] },
    reason: 'InvalidConfig',
    message: 'Component bad-subnet/apps: config.cidr: expected a value, found nothing',
  },
  {
    name: 'unknown-component',
    spec: { component: 'bad-subnet/nowhere', proposedChange: { cidr: '10.0.0.0/8' } },
    reason: 'UnknownComponent',
    message:
      'ChangeRequest unknown-component: spec.component: expected a Component in namespace bad-requests, found none named bad-subnet/nowhere',
  },
  {
    name: 'unknown-reference',
    spec: { component: host, proposedChange: { boot: `\${disk.id}` } },
    reason: 'MissingReference',
    message: `Component bad-host/build: spec.config/boot: expected one of its references (subnet), found \${disk.id}`,
  },
  {
    name: 'unknown-output',
    spec: { component: host, proposedChange: { boot: `\${subnet.nobody_knows}` } },
    reason: 'MissingReference',
    message:
      'Component bad-host/build: spec.config/boot: expected an output of ComponentType bad-subnet (subnet_id), found nobody_knows',
  },
  {
    name: 'would-wait',
    spec: { component: host, proposedChange: { net: `\${subnet.subnet_id}` }, onConflict: 'Reject' },
    reason: 'OutputsUnavailable',
    message:
      'onConflict is Reject, and it would have to wait: Component bad-subnet/apps: status.outputs: expected subnet_id to be reported (bad-host/build reads it as subnet), found none',
  },
  {
    name: 'neither',
    spec: { component: host },
    reason: 'EmptyChange',
    message:
      'ChangeRequest neither: spec: expected proposedChange, remove, proposedReferences or operation Delete to name a change, found none of them',
  },
  {
    name: 'empty-patch',
    spec: { component: host, proposedChange: {}, remove: [] },
    reason: 'EmptyChange',
    message:
      'ChangeRequest empty-patch: spec: expected proposedChange, remove, proposedReferences or operation Delete to name a change, found none of them',
  },
  {
    name: 'null',
    spec: { component: host, proposedChange: { size: null, tags: { owner: null } } },
    reason: 'NullValue',
    message:
      'ChangeRequest null: spec.proposedChange.size: expected a value (to take a key away, leave it out, or name it in spec.remove of a ChangeRequest), found null; and 1 more, at spec.proposedChange.tags.owner',
  },
  {
    name: 'proto',
    spec: { component: host, proposedChange: raw('{"__proto__": {"admin": true}}') },
    reason: 'ReservedKey',
    message:
      'ChangeRequest proto: spec.proposedChange.__proto__: expected a key other than __proto__, constructor, prototype, found __proto__',
  },
  {
    name: 'constructor',
    spec: { component: host, proposedChange: raw('{"a": [{"constructor": {"prototype": {"b": 1}}}]}') },
    reason: 'ReservedKey',
    message:
      'ChangeRequest constructor: spec.proposedChange.a[0].constructor: expected a key other than __proto__, constructor, prototype, found constructor',
  },
  {
    name: 'reserved-pointer',
    spec: { component: host, remove: ['/a/__proto__/b'] },
    reason: 'ReservedKey',
    message:
      'ChangeRequest reserved-pointer: spec.remove[0]: expected a pointer without the keys __proto__, constructor, prototype, found "/a/__proto__/b"',
  },
  {
    name: 'not-a-pointer',
    spec: { component: host, remove: ['/a/~2'] },
    reason: 'InvalidPointer',
    message:
      'ChangeRequest not-a-pointer: spec.remove[0]: expected a JSON pointer such as /subnets/0 (~ is written ~0, / is written ~1), found "/a/~2"',
  },
  {
    name: 'deep',
    spec: { component: host, proposedChange: raw(`${'{"a":'.repeat(70)}1${'}'.repeat(70)}`) },
    reason: 'TooLarge',
    message: `ChangeRequest deep: spec.proposedChange${'.a'.repeat(64)}: expected at most 64 levels of nesting, found more`,
  },
  {
    name: 'mebibyte',
    spec: { component: host, proposedChange: { blob: 'x'.repeat(2 ** 20) } },
    reason: 'TooLarge',
    message: `ChangeRequest mebibyte: spec.proposedChange: expected at most 32768 bytes of JSON, found ${2 ** 20 + 11} bytes`,
  },
  {
    name: 'large-together',
    spec: { component: 'bad-large/one', proposedChange: { more: 'x'.repeat(20_000) } },
    reason: 'TooLarge',
    message: 'Component bad-large/one: spec.config: expected at most 32768 bytes of JSON, found 40021',
  },
]

describe('a bad ChangeRequest', () => {
  let tools: Karma
  let here: Namespace

  before(async () => {
    tools = karma()
    here = await openNamespace(tools.api, 'bad-requests')
    await here.commit(
      componentType('bad-subnet', { configSchema: schema, outputs: [{ name: 'subnet_id' }] }),
      component(subnet, { config: { cidr: '10.0.1.0/24' } }),
      component(host, { config: { size: 'small' }, references: [{ name: 'subnet', component: subnet }] }),
      component('bad-large/one', { config: { much: 'x'.repeat(20_000) } }),
    )
  })

  /** Rejected with exactly this, told, and nothing else has happened. */
  const isRefused = async (name: string, reason: string, message: string, act: () => Promise<void>): Promise<void> => {
    const before = await here.snapshot()
    await act()
    const { status } = await here.finished(name)
    assert.equal(status?.phase, 'Rejected')
    for (const [type, value] of [
      ['Succeeded', 'False'],
      ['Finished', 'True'],
      ['Stalled', 'True'],
      ['Reconciling', 'False'],
    ] as const) {
      const found = conditionOf(status, type)
      const expected = { type, status: value, reason, message }
      assert.deepEqual({ type, status: found?.status, reason: found?.reason, message: found?.message }, expected)
    }
    const event = await here.told(name, reason)
    assert.deepEqual([event.type, event.note], ['Warning', message])
    assert.deepEqual(
      status?.history?.map(({ type }) => type),
      ['change.requested', 'change.rejected'],
    )
    assert.equal(status?.writeAhead, undefined)
    assert.deepEqual(await here.snapshot(), before)
  }

  for (const { name, spec, reason, message } of cases) {
    it(`is rejected: ${name}, ${reason}`, () =>
      isRefused(name, reason, message, () => here.create(changeRequest(name, spec))))
  }

  it('is rejected: a whole number beyond 2^53, by kubectl', async () => {
    const message =
      'ChangeRequest huge: spec.proposedChange.serial: expected a number within ±(2^53-1) (write a larger one as a string), found 9007199254740993'
    await isRefused('huge', 'UnsafeInteger', message, async () => {
      const path = tools.file(`
apiVersion: usekarma.dev/v1alpha1
kind: ChangeRequest
metadata: {name: huge, namespace: bad-requests}
spec: {component: ${host}, proposedChange: {serial: 9007199254740993}}
`)
      await tools.kubectl('apply', '-f', path)
    })
  })

  it('is rejected: nothing is left of it, because kubectl apply drops nulls', () =>
    isRefused(
      'dropped-null',
      'EmptyChange',
      'ChangeRequest dropped-null: spec: expected proposedChange, remove, proposedReferences or operation Delete to name a change, found none of them',
      async () => {
        const path = tools.file(`
apiVersion: usekarma.dev/v1alpha1
kind: ChangeRequest
metadata: {name: dropped-null, namespace: bad-requests}
spec: {component: ${host}, proposedChange: {size: null}}
`)
        await tools.kubectl('apply', '-f', path)
      },
    ))

  it('is refused by the API server: more than etcd takes', async () => {
    const request = changeRequest('huge-patch', { component: host, proposedChange: { blob: 'x'.repeat(2 ** 21) } })
    const { status, message } = await here.tryCreate(request)
    assert.equal(status, 500)
    assert.match(message, /message larger than max|request is too large/)
    assert.equal(await here.get('ChangeRequest', 'huge-patch'), undefined)
  })

  it('is refused by the API server: a misspelt field, a Component without type', async () => {
    for (const [spec, expected] of [
      [{ component: 'build', proposedChange: { a: 1 } }, 'spec.component must be type/nickname: expected for example'],
      [{ proposedChange: { a: 1 } }, 'expected exactly one of component, changes and rollbackOf'],
    ] as const) {
      const { status, message } = await here.tryCreate(changeRequest('misspelt', spec))
      assert.equal(status, 422)
      assert.ok(message.includes(expected), message)
    }
    const path = tools.file(`
apiVersion: usekarma.dev/v1alpha1
kind: ChangeRequest
metadata: {name: misspelt, namespace: bad-requests}
spec: {component: ${host}, proposedChanges: {size: large}}
`)
    await assert.rejects(tools.kubectl('apply', '-f', path), /unknown field "spec.proposedChanges"/)
  })
})
