import assert from 'node:assert/strict'
import type { ComponentSpec } from '../../../../operator/api/kinds.generated.ts'
import { hashOf, wantedOf } from '../../../../operator/core/component/wanted.ts'

const identity = { type: 'vpc', nickname: 'main', environment: 'dev' }
const hash = (spec: Partial<ComponentSpec>): string => hashOf(wantedOf({ ...identity, ...spec }))

describe('wanted', () => {
  it('holds what passes the gate and nothing else', () => {
    const spec = { ...identity, config: { a: 1 }, project: 'p', source: { repository: 'https://git.example/infra' } }
    assert.deepEqual(wantedOf(spec), {
      config: { a: 1 },
      project: 'p',
      source: { repository: 'https://git.example/infra' },
    })
  })

  const a = { name: 'a', component: 'vpc/main', outputs: ['id', 'cidr'] }
  const b = { name: 'b', component: 'vpc/other' }
  const same: [string, Partial<ComponentSpec>, Partial<ComponentSpec>][] = [
    ['absent and empty', {}, { config: {}, references: [], allowedNamespaces: [], project: '' }],
    ['any order of keys', { config: { x: 1, y: { p: 1, q: 2 } } }, { config: { y: { q: 2, p: 1 }, x: 1 } }],
    ['any order of references', { references: [a, b] }, { references: [b, a] }],
    ['any order of outputs', { references: [a] }, { references: [{ ...a, outputs: ['cidr', 'id'] }] }],
    ['absent and empty outputs', { references: [b] }, { references: [{ ...b, outputs: [] }] }],
    ['any order of namespaces', { allowedNamespaces: ['x', 'y'] }, { allowedNamespaces: ['y', 'x'] }],
  ]
  for (const [name, one, other] of same) it(`hashes alike: ${name}`, () => assert.equal(hash(one), hash(other)))

  const different: [string, Partial<ComponentSpec>, Partial<ComponentSpec>][] = [
    ['order of a list in config', { config: { l: [1, 2] } }, { config: { l: [2, 1] } }],
    ['text and number', { config: { l: 1 } }, { config: { l: '1' } }],
    ['an empty member of config', { config: { l: {} } }, { config: {} }],
    ['source', { source: { repository: 'r', revision: '1' } }, { source: { repository: 'r', revision: '2' } }],
    ['outputs', { references: [a] }, { references: [{ ...a, outputs: ['id'] }] }],
    ['project', { project: 'p' }, { project: 'q' }],
  ]
  for (const [name, one, other] of different) {
    it(`hashes differently: ${name}`, () => assert.notEqual(hash(one), hash(other)))
  }

  it('never changes its form: committed hashes live in the cluster', () => {
    assert.equal(hash({}), 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a')
    assert.equal(
      hash({ config: { cidr: '10.0.0.0/16' }, references: [b, a], project: 'p' }),
      'sha256:f38780e7884cc72706501561a40f381cb5314f910f1713e3128ba9321f212432',
    )
  })
})
