import assert from 'node:assert/strict'
import { pathOf, queryText, type Resource, type Target } from '../../../../operator/adapters/kubernetes/path.ts'

const things = { group: 'example.dev', version: 'v1', plural: 'things' }
const pods = { group: '', version: 'v1', plural: 'pods' }

describe('paths of the API server', () => {
  const cases: [Resource, Target, string][] = [
    [things, {}, '/apis/example.dev/v1/things'],
    [things, { name: 'a' }, '/apis/example.dev/v1/things/a'],
    [things, { namespace: 'ns', name: 'a' }, '/apis/example.dev/v1/namespaces/ns/things/a'],
    [
      things,
      { namespace: 'ns', name: 'a', subresource: 'status' },
      '/apis/example.dev/v1/namespaces/ns/things/a/status',
    ],
    [pods, { namespace: 'ns' }, '/api/v1/namespaces/ns/pods'],
    [pods, { namespace: 'ns', name: '../../secrets/x?y' }, '/api/v1/namespaces/ns/pods/..%2F..%2Fsecrets%2Fx%3Fy'],
  ]
  for (const [resource, target, expected] of cases) it(expected, () => assert.equal(pathOf(resource, target), expected))

  it('leaves out what is undefined and escapes the rest', () => {
    assert.equal(queryText({ a: 1, b: undefined, c: 'x=y&z', d: true }), '?a=1&c=x%3Dy%26z&d=true')
    assert.equal(queryText({ a: undefined }), '')
    assert.equal(queryText(undefined), '')
  })
})
