import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseJson } from '../../../operator/api/json.ts'
import {
  type Fault,
  faultMessage,
  limits,
  type Parsed,
  parseChangeApproval,
  parseChangeRequest,
  parseComponent,
  parseComponentType,
  parseEnvironment,
} from '../../../operator/api/parse.ts'
import { reasons } from '../../../operator/api/reasons.ts'
import type { Result } from '../../../operator/api/result.ts'

const metadata = { name: 'widen', namespace: 'dev', uid: 'u1', resourceVersion: '7', generation: 1 }
const request = (spec: object): unknown => ({ metadata, spec: { component: 'vpc/main', ...spec } })
const component = (spec: object, status?: object): unknown => ({
  metadata: { ...metadata, name: 'vpc.main' },
  spec: { type: 'vpc', nickname: 'main', environment: 'dev', ...spec },
  ...(status ? { status } : {}),
})

const objectOf = <T>(result: Result<Parsed<T>>): Parsed<T> => {
  assert.ok(result.ok, result.ok ? '' : result.failure.message)
  return result.value
}
const nested = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`)

describe('parse: what is kept', () => {
  it('keeps metadata without managedFields and without the second copy that kubectl makes', () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', 'usekarma.dev/change': 'u' }
    const raw = { metadata: { ...metadata, managedFields: [{}], annotations, labels: { constructor: 'x' } } }
    const parsed = objectOf(parseEnvironment(raw))
    assert.deepEqual(Object.keys(parsed.metadata).sort(), [
      'annotations',
      'generation',
      'labels',
      'name',
      'namespace',
      'resourceVersion',
      'uid',
    ])
    assert.deepEqual(Object.entries(parsed.metadata.annotations ?? {}), [['usekarma.dev/change', 'u']])
    assert.deepEqual(Object.entries(parsed.metadata.labels ?? {}), [['constructor', 'x']])
    assert.equal(parsed.metadata.labels?.toString, undefined)
    assert.deepEqual([parsed.kind, parsed.apiVersion, parsed.spec], ['Environment', 'usekarma.dev/v1alpha1', {}])
  })

  it('makes every free-form object one without prototype, and leaves the raw object alone', () => {
    const free = { a: { b: [{ c: 1.5 }] }, z: 'text', f: false }
    const raw = component(
      { config: free },
      { outputs: free, runtime: { state: 'running', config: free }, committed: { config: free, hash: 'h' } },
    )
    const { spec, status, faults } = objectOf(parseComponent(raw))
    assert.deepEqual(faults, [])
    for (const copy of [spec.config, status?.outputs, status?.runtime?.config, status?.committed?.config]) {
      assert.deepEqual(JSON.parse(JSON.stringify(copy)), free)
      const inner = (copy as { a: { b: object[] } }).a
      for (const object of [copy, inner, inner.b[0]]) assert.equal(Object.getPrototypeOf(object), null)
    }
    assert.equal(status?.runtime?.state, 'running')
    assert.equal(Object.getPrototypeOf(free.a), Object.prototype)
  })

  it('holds once what is committed as spec says it, and apart what is not', () => {
    const [config, references] = [{ a: { b: [1] } }, [{ name: 'r', component: 'vpc/main' }]]
    const read = (committed: object) =>
      objectOf(
        parseComponent(component({ config, references }, { committed: { ...structuredClone(committed), hash: 'h' } })),
      )
    const same = read({ config, references })
    assert.equal(same.status?.committed?.config, same.spec.config)
    assert.equal(same.status?.committed?.references, same.spec.references)
    const other = read({ config: { a: { b: [2] } }, references: [...references, { name: 's', component: 'vpc/b' }] })
    assert.deepEqual(JSON.parse(JSON.stringify(other.status?.committed?.config)), { a: { b: [2] } })
    assert.equal(other.status?.committed?.references?.length, 2)
    assert.deepEqual(Object.keys(read({}).status?.committed ?? {}), ['hash'])
  })

  it('lets null be a value where nobody merges it: outputs, runtime, configSchema', () => {
    const status = { outputs: { arn: null }, runtime: { config: { x: null } } }
    assert.deepEqual(objectOf(parseComponent(component({}, status))).faults, [])
    const type = objectOf(parseComponentType({ metadata, spec: { configSchema: { const: null } } }))
    assert.deepEqual([type.faults, type.spec.configSchema?.const], [[], null])
  })

  it('adds no member that was not there', () => {
    assert.deepEqual(Object.keys(objectOf(parseComponent(component({})))), [
      'apiVersion',
      'kind',
      'metadata',
      'spec',
      'faults',
    ])
    assert.deepEqual(Object.keys(objectOf(parseChangeRequest(request({}))).spec), ['component'])
  })
})

describe('parse: faults', () => {
  const huge = 'x'.repeat(limits.config.bytes)
  const inRequest: [string, unknown, string, string][] = [
    ['null', { a: null }, 'NullValue', 'spec.proposedChange.a: expected a value'],
    ['null in a list', { a: [1, null] }, 'NullValue', 'spec.proposedChange.a[1]: expected a value'],
    ['a huge integer', parseJson('{"a":9007199254740993}'), 'UnsafeInteger', 'found 9007199254740993'],
    ['a rounded integer', { a: 2 ** 53 }, 'UnsafeInteger', 'found 9007199254740992'],
    ['an infinite number', JSON.parse('{"a":1e999}'), 'UnsafeInteger', 'found Infinity'],
    ['__proto__', JSON.parse('{"x":{"__proto__":{"y":1}}}'), 'ReservedKey', 'spec.proposedChange.x.__proto__: '],
    ['constructor', { constructor: 1 }, 'ReservedKey', 'spec.proposedChange.constructor: '],
    ['prototype in a list', { l: [{ prototype: 1 }] }, 'ReservedKey', 'spec.proposedChange.l[0].prototype: '],
    ['a key with dots', { 'a.b': null }, 'NullValue', 'spec.proposedChange["a.b"]: '],
    ['a key that forges a line', { 'a\nb\u202e': null }, 'NullValue', 'spec.proposedChange["a\\nb\\u202e"]: '],
    [
      'too many bytes',
      { a: huge },
      'TooLarge',
      'spec.proposedChange: expected at most 32768 bytes of JSON, found 32776',
    ],
    ['1 MiB', { a: 'é'.repeat(512 * 1024) }, 'TooLarge', 'found 1048584 bytes'],
    ['deep nesting', nested(65), 'TooLarge', 'expected at most 64 levels of nesting'],
    ['a list', [1], 'InvalidObject', 'spec.proposedChange: expected an object, found a list of 1'],
    ['a text', 'x\n', 'InvalidObject', 'spec.proposedChange: expected an object, found "x\\n"'],
  ]
  for (const [name, proposedChange, reason, text] of inRequest) {
    it(`of proposedChange: ${name}`, () => {
      const parsed = objectOf(parseChangeRequest(request({ proposedChange, reason: 'kept' })))
      assert.equal(parsed.spec.reason, 'kept')
      assert.deepEqual(
        parsed.faults.map((fault) => fault.reason),
        [reason],
      )
      const message = faultMessage('ChangeRequest dev/widen', parsed.faults[0] as Fault)
      assert.ok(message.startsWith('ChangeRequest dev/widen: ') && message.includes(text), message)
      assert.ok(message.length < 400)
      assert.ok(Object.hasOwn(reasons, reason))
    })
  }

  const pointers: [unknown, string | undefined][] = [
    ['/a', undefined],
    ['/a/0/~0~1', undefined],
    ['/', undefined],
    ['', 'InvalidPointer'],
    ['a', 'InvalidPointer'],
    ['/a~2', 'InvalidPointer'],
    [7, 'InvalidPointer'],
    ['/__proto__/x', 'ReservedKey'],
    ['/a/constructor', 'ReservedKey'],
  ]
  for (const [pointer, reason] of pointers) {
    it(`of remove: ${JSON.stringify(pointer)} is ${reason ?? 'taken'}`, () => {
      const parsed = objectOf(parseChangeRequest(request({ remove: ['/kept', pointer] })))
      assert.deepEqual(
        parsed.faults.map((fault) => [fault.reason, fault.path]),
        reason ? [[reason, 'spec.remove[1]']] : [],
      )
      assert.deepEqual(parsed.spec.remove, reason ? ['/kept'] : ['/kept', pointer])
    })
  }

  it('of config, of outputs and of configSchema: the faulty value is left out, its neighbours stay', () => {
    const parsed = objectOf(
      parseComponent(component({ config: { a: null, b: 1 } }, { outputs: { constructor: 1, o: 2 } })),
    )
    assert.deepEqual(
      parsed.faults.map((fault) => fault.path),
      ['spec.config.a', 'status.outputs.constructor'],
    )
    assert.deepEqual(Object.entries(parsed.spec.config ?? {}), [['b', 1]])
    assert.deepEqual(Object.entries(parsed.status?.outputs ?? {}), [['o', 2]])
    const type = objectOf(parseComponentType({ metadata, spec: { configSchema: { a: { prototype: {} } } } }))
    assert.equal(type.faults[0]?.path, 'spec.configSchema.a.prototype')
  })

  it('of configSchema as a whole: it is not left out, for a type without schema takes everything', () => {
    const configSchema = { description: 'x'.repeat(limits.configSchema.bytes) }
    const type = objectOf(parseComponentType({ metadata, spec: { configSchema } }))
    assert.equal(type.faults[0]?.reason, 'TooLarge')
    assert.ok(type.spec.configSchema)
  })

  it('are counted up to twenty', () => {
    const proposedChange = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`k${i}`, null]))
    assert.equal(objectOf(parseChangeRequest(request({ proposedChange }))).faults.length, 20)
  })

  it('take exactly the limit, in bytes of UTF-8', () => {
    const fits = (text: string) => objectOf(parseComponent(component({ config: { a: text } }))).faults.length === 0
    const room = limits.config.bytes - '{"a":""}'.length
    assert.ok(fits('x'.repeat(room)) && !fits('x'.repeat(room + 1)))
    assert.ok(fits('é'.repeat(room / 2)) && !fits(`${'é'.repeat(room / 2)}x`))
    assert.ok(fits('"'.repeat(room / 2)) && !fits(`${'"'.repeat(room / 2)}x`))
  })
})

const approval = (spec: object): unknown => ({
  metadata,
  spec: {
    changeRequest: 'widen',
    planHash: 'sha256:1',
    decision: 'Approve',
    validForSeconds: 60,
    approver: { username: 'al', uid: '7', groups: ['g'] },
    ...spec,
  },
})

describe('parse: an approval', () => {
  it('is taken as it is', () => {
    const { spec, status, faults } = objectOf(parseChangeApproval(approval({ reason: 'fine' })))
    assert.deepEqual(spec, (approval({ reason: 'fine' }) as { spec: object }).spec)
    assert.deepEqual([status, faults], [undefined, []])
  })
})

describe('parse: objects that cannot be named', () => {
  const { name: _, ...nameless } = metadata
  const cases: [string, Result<unknown>, string][] = [
    ['null', parseComponent(null), 'Component: the object: expected an object, found null'],
    ['no metadata', parseComponent({}), 'Component: metadata: expected an object, found nothing'],
    [
      'no name',
      parseEnvironment({ metadata: nameless }),
      'Environment: metadata.name: expected a string, found nothing',
    ],
    [
      'no type',
      parseComponent({ metadata, spec: {} }),
      'Component dev/widen: spec.type: expected a string, found nothing',
    ],
    ['component is a number', parseChangeRequest({ metadata, spec: { component: 3 } }), 'expected a string, found 3'],
    ['spec is a list', parseComponentType({ metadata, spec: [] }), 'spec: expected an object, found a list of 0'],
    [
      'an approval of nothing',
      parseChangeApproval(approval({ changeRequest: undefined })),
      'ChangeApproval dev/widen: spec.changeRequest: expected a string, found nothing',
    ],
    [
      'an approval of no plan',
      parseChangeApproval(approval({ planHash: 7 })),
      'spec.planHash: expected a string, found 7',
    ],
    [
      'an approval that says nothing',
      parseChangeApproval(approval({ decision: 'approve' })),
      'spec.decision: expected Approve or Deny, found "approve"',
    ],
    [
      'an approval by nobody',
      parseChangeApproval(approval({ approver: {} })),
      'spec.approver.username: expected a string, found nothing',
    ],
    [
      'an approval by no name',
      parseChangeApproval(approval({ approver: { username: '' } })),
      'spec.approver.username: expected a string, found ""',
    ],
    [
      'an approval by a text',
      parseChangeApproval(approval({ approver: 'al' })),
      'spec.approver.username: expected a string, found "al"',
    ],
    [
      'an approval for ever',
      parseChangeApproval(approval({ validForSeconds: undefined })),
      'spec.validForSeconds: expected a whole number, found nothing',
    ],
    ['status is a text', parseEnvironment({ metadata, status: 'x' }), 'status: expected an object, found "x"'],
  ]
  for (const [name, result, text] of cases) {
    it(name, () => {
      assert.ok(!result.ok)
      assert.equal(result.failure.reason, 'InvalidObject')
      assert.ok(result.failure.message.includes(text), result.failure.message)
    })
  }
})

describe('parse: anything', () => {
  it('never throws, never touches a prototype, and what it returns without faults is what came', () => {
    const seed = Date.now() & 0x7fffffff
    const key = fc.oneof({ weight: 9, arbitrary: fc.string() }, fc.constantFrom('__proto__', 'constructor', 'a.b'))
    const value = fc.anything({ key, withBigInt: true, withNullPrototype: true, maxDepth: 4 })
    const count = { clean: 0, faulty: 0 }
    fc.assert(
      fc.property(value, (anything) => {
        const raw = JSON.parse(JSON.stringify({ value: anything }, (_k, v) => (typeof v === 'bigint' ? Number(v) : v)))
        const result = parseChangeRequest(request({ proposedChange: { value: raw.value } }))
        const { faults, spec } = objectOf(result)
        count[faults.length > 0 ? 'faulty' : 'clean']++
        if (faults.length === 0) assert.deepEqual(JSON.parse(JSON.stringify(spec.proposedChange)), raw)
        parseComponent(anything)
      }),
      { seed, numRuns: 300 },
    )
    console.log(`      seed ${seed}: ${count.clean} clean, ${count.faulty} faulty`)
    assert.deepEqual(Object.keys(Object.prototype), [])
    assert.ok(count.clean > 0 && count.faulty > 0)
  })
})
