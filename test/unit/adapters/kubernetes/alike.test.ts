import assert from 'node:assert/strict'
import { makeAlike } from '../../../../operator/adapters/kubernetes/alike.ts'
import { parseComponent } from '../../../../operator/api/parse.ts'

const at = '2026-01-01T00:00:00.000Z'
const managedFields = [{ manager: 'kubectl', operation: 'Update', fieldsV1: { 'f:spec': { 'f:config': {} } } }]

/** As text, so that nothing of two of them is the same object. */
const read = (name: string, message = 'as version 7', finalizer = 'usekarma.dev/component') => {
  const raw = {
    metadata: { name, annotations: { by: 'admin' }, finalizers: [finalizer], managedFields },
    spec: { type: 'vpc', nickname: 'a', environment: 'dev', references: [{ name: 'r', component: 'vpc/main-of-all' }] },
    status: {
      committed: { hash: 'h', graphVersion: 7, at },
      conditions: [{ type: 'Reconciling', status: 'False', reason: 'Committed', message, lastTransitionTime: at }],
      history: [{ seq: 1, at, type: 'component.committed', reason: 'Created', message, attrs: '{}' }],
    },
  }
  const parsed = parseComponent(JSON.parse(JSON.stringify(raw)))
  assert.ok(parsed.ok)
  return parsed.value
}

describe('parts that are alike', () => {
  it('leaves every object equal to what it was', () => {
    const alike = makeAlike()
    for (const name of ['vpc.a', 'vpc.b']) assert.deepEqual(alike(read(name)), read(name))
  })

  it('holds them once', () => {
    const alike = makeAlike()
    const [a, b] = [alike(read('vpc.a')), alike(read('vpc.b'))]
    assert.equal(a.metadata.owners, b.metadata.owners)
    assert.equal(a.metadata.annotations, b.metadata.annotations)
    assert.equal(a.metadata.finalizers, b.metadata.finalizers)
    assert.equal(a.metadata.owners?.[0]?.manager, 'kubectl')
  })

  it('does not take a text for the part whose JSON it is', () => {
    const alike = makeAlike()
    const part = JSON.stringify(['usekarma.dev/component'])
    alike(read('vpc.a'))
    const taken = alike(read('vpc.b', part))
    assert.deepEqual([taken.status?.conditions?.[0]?.message, taken.status?.history?.[0]?.message], [part, part])
    assert.deepEqual(alike(read('vpc.c', part)).metadata.finalizers, ['usekarma.dev/component'])
  })
})
