import assert from 'node:assert/strict'
import { readManifests } from '../../../operator/cli/manifests.ts'

const read = (text: string): unknown[] => {
  const found = readManifests(text, 'f.yaml')
  assert.ok(found.ok, found.ok ? '' : found.failure.message)
  return found.value.map(({ raw }) => raw)
}

describe('files as kubectl reads them', () => {
  // Each was tried with kubectl 1.36.3; test/e2e/cli-plan.test.ts asks the kubectl that is at hand.
  const scalars: [source: string, value: unknown][] = [
    ['on', true],
    ['No', false],
    ['y', true],
    ['tRue', 'tRue'],
    ['022', 18],
    ['0o22', 18],
    ['089', 89],
    ['-022', -18],
    ['0b101', 5],
    ['0x1F', 31],
    ['0X1f', 31],
    ['1_000', 1000],
    ['_1', '_1'],
    ['1e3', 1000],
    ['.5', 0.5],
    ['1.', 1],
    ['1e', '1e'],
    ['1e400', '1e400'],
    ['0o8', '0o8'],
    ['0x1p4', '0x1p4'],
    ['190:20:30', '190:20:30'],
    ['2001-01-01', '2001-01-01'],
    ['9007199254740993', 9007199254740993n],
    ['-9007199254740993', -9007199254740993n],
    ['~', null],
    ['"022"', '022'],
    ['! 12', '12'],
    ["!!int '022'", 18],
    ['!!float 1', 1],
    ['!!str 12', '12'],
    ['!!binary aGVsbG8=', 'hello'],
    ['!!timestamp 2001-01-01', '2001-01-01'],
    ['!!set {a, b}', { a: null, b: null }],
    ['infinity', 'infinity'],
  ]
  for (const [source, value] of scalars) {
    it(`${source} is ${typeof value === 'bigint' ? value : JSON.stringify(value)}`, () => {
      assert.deepEqual(read(`a: ${source}`), [{ a: value }])
    })
  }

  const texts: [title: string, text: string, values: unknown[]][] = [
    ['several documents, and empty ones', '---\n# nothing\n---\na: 1\n---\nb: 2\n...\n', [{ a: 1 }, { b: 2 }]],
    ['a byte order mark', '\ufeffa: 1', [{ a: 1 }]],
    ['anchors and merge keys', 'a: &x {b: 1}\nc: {<<: *x, d: 2}', [{ a: { b: 1 }, c: { b: 1, d: 2 } }]],
    ['the last of two equal keys', 'a: 1\na: 2', [{ a: 2 }]],
    ['keys that are no text', '1.50: a\non: b\n0x10: c', [{ '1.5': 'a', true: 'b', '16': 'c' }]],
    ['JSON', '{"a": 1.0, "b": "on"}', [{ a: 1, b: 'on' }]],
    ['JSON one after another', '{"a":"}"}{"b":2}\n{"c":{}}\n', [{ a: '}' }, { b: 2 }, { c: {} }]],
    ['a flow mapping that looks like JSON', '{a: on}', [{ a: true }]],
    ['whole numbers of JSON that are too large', '{"a":9007199254740993}', [{ a: 9007199254740993n }]],
    ['the items of a List', 'kind: List\nitems: [{a: 1}, {b: 2}]', [{ a: 1 }, { b: 2 }]],
    ['nothing', '', []],
  ]
  for (const [title, text, values] of texts) it(title, () => assert.deepEqual(read(text), values))

  it('keeps a key that means something to JavaScript, for the edge to refuse', () => {
    for (const text of ['__proto__: {a: 1}', '{"__proto__": {"a": 1}}']) {
      assert.deepEqual(Object.keys(read(text)[0] as object), ['__proto__'])
    }
  })

  it('says where in the file an object stands', () => {
    const found = readManifests('a: 1\n---\nb: 2', 'f.yaml')
    assert.deepEqual(found.ok && found.value.map(({ where }) => where), ['f.yaml, object 1', 'f.yaml, object 2'])
  })

  const faults: [title: string, text: string, message: RegExp][] = [
    ['a list that does not end', 'a: [1, 2\n', /^f\.yaml: .* at line 2, column 1$/],
    ['tabs', 'a:\n\tb: 1', /^f\.yaml: .*at line 2/],
    ['an anchor that is not there', 'a: *nope', /^f\.yaml: Unresolved alias.*nope$/],
    ['a null key', '~: 1', /expected keys that are text or numbers, found null/],
    ['a list as key', '? [a]\n: 1', /found a list or a map/],
    ['a number that JSON cannot hold', 'a: .inf', /expected a number that JSON can hold, found \.inf at line 1/],
    ['YAML 1.2', '%YAML 1.2\n---\na: on', /%YAML: expected 1\.1, which is what kubectl reads, found 1\.2/],
    ['JSON with a tail', '{"a":1} x', /at line 1/],
  ]
  for (const [title, text, message] of faults) {
    it(`refuses ${title}`, () => {
      const found = readManifests(text, 'f.yaml')
      assert.ok(!found.ok)
      assert.equal(found.failure.reason, 'InvalidManifest')
      assert.match(found.failure.message, message)
    })
  }
})
