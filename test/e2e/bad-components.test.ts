import assert from 'node:assert/strict'
import type { Component, ComponentSpec } from '../../operator/api/kinds.generated.ts'
import type { Karma } from '../support/installed-karma.ts'
import { karma } from '../support/karma.ts'
import { conditionOf, type Namespace, openNamespace } from '../support/karma-namespace.ts'
import { component, componentType, environment, refersTo } from '../support/karma-objects.ts'

const raw = (text: string) => JSON.parse(text) as NonNullable<ComponentSpec['config']>
const typeName = 'bad-bucket'

/** A Component that must not be committed: with this reason and message. `fix`: a spec with which it passes. */
interface Case {
  readonly id: string
  readonly spec: Partial<ComponentSpec>
  readonly reason: string
  readonly message: string
  readonly fix?: object
}

const cases: readonly Case[] = [
  {
    id: `${typeName}/schema`,
    spec: { config: { name: 7 } },
    reason: 'InvalidConfig',
    message: 'Component bad-bucket/schema: config.name: expected string, found 7',
    fix: { config: { name: 'seven' } },
  },
  {
    id: 'bad-open/null',
    spec: { config: { a: { b: null } } },
    reason: 'NullValue',
    message:
      'Component bad-open/null: spec.config.a.b: expected a value (to take a key away, leave it out, or name it in spec.remove of a ChangeRequest), found null',
  },
  {
    id: 'bad-open/reserved',
    spec: { config: raw('{"a": {"__proto__": {"b": 1}}}') },
    reason: 'ReservedKey',
    message:
      'Component bad-open/reserved: spec.config.a.__proto__: expected a key other than __proto__, constructor, prototype, found __proto__',
  },
  {
    id: 'bad-open/large',
    spec: { config: { a: 'x'.repeat(40_000) } },
    reason: 'TooLarge',
    message: 'Component bad-open/large: spec.config: expected at most 32768 bytes of JSON, found 40008 bytes',
  },
  {
    id: 'bad-open/lonely',
    spec: { references: refersTo('bad-open/nowhere') },
    reason: 'MissingReference',
    message:
      'Component bad-open/lonely: spec.references[bad-open-nowhere].component: expected a committed Component, found none named bad-open/nowhere',
    fix: { references: [] },
  },
  {
    id: 'bad-open/output',
    spec: { references: [{ name: 'bucket', component: `${typeName}/good`, outputs: ['url'] }] },
    reason: 'MissingReference',
    message:
      'Component bad-open/output: spec.references[bucket].outputs: expected an output of ComponentType bad-bucket (arn), found url; Component bad-bucket/good: status.outputs: expected url to be reported (bad-open/output reads it as bucket), found none',
    fix: { references: [{ name: 'bucket', component: `${typeName}/good` }] },
  },
  {
    id: 'bad-open/placeholder',
    spec: { config: { a: [`x-\${disk.id}`] } },
    reason: 'MissingReference',
    message: `Component bad-open/placeholder: spec.config/a/0: expected one of its references (none), found \${disk.id}`,
    fix: { config: { a: [`x-$\${disk.id}`] } },
  },
  {
    id: 'bad-open/foreign-namespace',
    spec: { references: [{ name: 'bucket', component: `default/${typeName}/good` }] },
    reason: 'ForeignReference',
    message:
      'Component bad-open/foreign-namespace: spec.references[bucket].component: expected a Component that lets namespace bad-components refer to it (spec.allowedNamespaces), found none named default/bad-bucket/good',
  },
  {
    id: 'bad-open/self',
    spec: { references: refersTo('bad-open/self') },
    reason: 'Cycle',
    message: 'Component bad-open/self: spec.references: expected no way back, found bad-open/self -> bad-open/self',
    fix: { references: [] },
  },
]

describe('a bad Component', () => {
  let tools: Karma
  let here: Namespace

  before(async () => {
    tools = karma()
    here = await openNamespace(tools.api, 'bad-components')
    const configSchema = { type: 'object', properties: { name: { type: 'string' } } }
    await here.commit(
      componentType(typeName, { configSchema, outputs: [{ name: 'arn' }] }),
      component(`${typeName}/good`, { config: { name: 'good' } }),
    )
  })

  const isHeldBack = async (id: string, reason: string, message: string): Promise<Component> => {
    const name = id.replace('/', '.')
    const held = await here.until('Component', name, `Committed=False, ${reason}`, ({ status }) => {
      const committed = conditionOf(status, 'Committed')
      return committed?.reason === reason && committed.message === message
    })
    assert.equal(held.status?.committed, undefined)
    for (const [type, value] of [
      ['Committed', 'False'],
      ['Ready', 'False'],
      ['Stalled', 'True'],
      ['Reconciling', 'False'],
    ] as const) {
      assert.equal(conditionOf(held.status, type)?.status, value, type)
    }
    const event = await here.told(name, reason)
    assert.deepEqual([event.type, event.note], ['Warning', message])
    return held
  }

  for (const { id, spec, reason, message, fix } of cases) {
    it(`is held back: ${id}, ${reason}${fix ? ', and passes once it is set right' : ''}`, async () => {
      const before = await here.snapshot()
      await here.create(component(id, spec))
      await isHeldBack(id, reason, message)
      const name = id.replace('/', '.')
      const { [name]: _, ...others } = (await here.snapshot()).components
      assert.deepEqual(others, before.components)
      assert.equal((await here.snapshot()).environments.dev, before.environments.dev)
      if (!fix) return
      await here.patch('Component', name, { spec: fix })
      await here.committed(name)
    })
  }

  it('is held back: a whole number beyond 2^53, by kubectl', async () => {
    const path = tools.file(`
apiVersion: usekarma.dev/v1alpha1
kind: Component
metadata: {name: bad-open.number, namespace: bad-components}
spec: {type: bad-open, nickname: number, environment: dev, config: {account: 123456789012345678}}
`)
    await tools.kubectl('apply', '-f', path)
    const message =
      'Component bad-open/number: spec.config.account: expected a number within ±(2^53-1) (write a larger one as a string), found 123456789012345678'
    await isHeldBack('bad-open/number', 'UnsafeInteger', message)
  })

  it('is held back: two and three that refer to each other in a circle, and who needs one of them', async () => {
    await here.create(
      component('bad-ring/one', { references: refersTo('bad-ring/two') }),
      component('bad-ring/two', { references: refersTo('bad-ring/three') }),
      component('bad-ring/three', { references: refersTo('bad-ring/one') }),
      component('bad-ring/rider', { references: refersTo('bad-ring/one') }),
    )
    for (const [one, way] of [
      ['one', 'bad-ring/one -> bad-ring/two -> bad-ring/three -> bad-ring/one'],
      ['two', 'bad-ring/one -> bad-ring/two -> bad-ring/three -> bad-ring/one'],
      ['three', 'bad-ring/one -> bad-ring/two -> bad-ring/three -> bad-ring/one'],
    ]) {
      const message = `Component bad-ring/${one}: spec.references: expected no way back, found ${way}`
      await isHeldBack(`bad-ring/${one}`, 'Cycle', message)
    }
    const message =
      'Component bad-ring/rider: spec.references[bad-ring-one].component: expected a committed Component, found none named bad-ring/one'
    await isHeldBack('bad-ring/rider', 'MissingReference', message)
    // The ring is opened: all of them pass.
    await here.patch('Component', 'bad-ring.three', { spec: { references: [] } })
    await here.committed('bad-ring.one', 'bad-ring.two', 'bad-ring.three', 'bad-ring.rider')
  })

  it('is held back by a guard of its Environment, and passes when the guard goes', async () => {
    const guards = [{ name: 'named', expression: "'owner' in after", message: 'every Component has an owner' }]
    await here.create(environment('owned', { guards }))
    await here.create(component('bad-open/owned', { environment: 'owned' }))
    const message =
      "Component bad-open/owned: every Component has an owner (guard named of Environment bad-components/owned: expected 'owner' in after, found false)"
    await isHeldBack('bad-open/owned', 'GuardFailed', message)
    await here.patch('Environment', 'owned', { spec: { guards: [] } })
    await here.committed('bad-open.owned')
  })

  it('is held back by a schema that cannot be used, and passes when it can', async () => {
    await here.create(componentType('bad-schema', { configSchema: { type: 'objekt' } }))
    const type = await here.until('ComponentType', 'bad-schema', 'Ready=False', ({ status }) => {
      return conditionOf(status, 'Ready')?.status === 'False'
    })
    await here.create(component('bad-schema/one', { config: { a: 1 } }))
    const ready = conditionOf(type.status, 'Ready')
    const message =
      'ComponentType bad-schema: spec.configSchema: expected a JSON Schema that can be used, found: schema is invalid: data/type must be equal to one of the allowed values, data/type must be array, data/type must match a schema in anyOf'
    assert.deepEqual([ready?.reason, ready?.message], ['InvalidSchema', message])
    assert.equal((await here.told('bad-schema', 'InvalidSchema', 'Warning')).note, message)
    await isHeldBack('bad-schema/one', 'InvalidSchema', message)
    await here.patch('ComponentType', 'bad-schema', { spec: { configSchema: { type: 'object' } } })
    await here.committed('bad-schema.one')
    await here.told('bad-schema', 'Ready', 'Normal')
  })
})
