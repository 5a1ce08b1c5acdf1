// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are the topic
import assert from 'node:assert/strict'
import type { Component } from '../../../../operator/api/kinds.generated.ts'
import { idOf } from '../../../../operator/core/component/identity.ts'
import { placeholdersOf } from '../../../../operator/core/component/placeholder.ts'
import { outputsRead, unreported, unresolvedOf } from '../../../../operator/core/component/resolution.ts'
import { aComponent } from '../../../support/builders.ts'

describe('core/component/resolution', () => {
  const to = (component: string, outputs?: string[], name = 'to') => ({ name, component, ...(outputs && { outputs }) })

  const read: [title: string, outputs: string[] | undefined, config: object, expected: string[]][] = [
    ['none', undefined, {}, []],
    ['those in its list', ['a', 'b'], {}, ['a', 'b']],
    ['those in config', undefined, { x: '${to.a} ${to.b}', y: ['${to.a}'] }, ['a', 'b']],
    ['both, each once', ['b'], { x: '${to.a} ${to.b}' }, ['b', 'a']],
    ['not those of other references, nor what is escaped', [], { x: '${other.a} $${to.b}' }, []],
  ]
  for (const [title, outputs, config, expected] of read) {
    it(`reads ${title}`, () => {
      assert.deepEqual(outputsRead(to('bucket/b', outputs), placeholdersOf(config as never)), expected)
    })
  }

  it('reported is what has a key of its own', () => {
    const bucket = aComponent('bucket/b', { outputs: { arn: 'a', url: null, no: false } })
    assert.deepEqual(unreported(bucket, ['arn', 'url', 'no', 'toString', 'name']), ['toString', 'name'])
    assert.deepEqual(unreported(aComponent('bucket/b'), ['arn']), ['arn'])
  })

  const others = [
    aComponent('bucket/b', { outputs: { arn: 'a' } }),
    aComponent('bucket/new', { outputs: { arn: 'a' }, committed: false }),
  ]
  const known = (id: string): Component | undefined => others.find((other) => idOf(other) === id)
  const cases: [title: string, component: Component, expected: string[]][] = [
    ['nothing to resolve', aComponent('web/w'), []],
    ['all is there', aComponent('web/w', { references: [to('bucket/b', ['arn']), to('dev/bucket/b', [], 'b')] }), []],
    [
      'a Component that is none, one that is not committed, a name that is none',
      aComponent('web/w', {
        references: [to('bucket/none'), to('bucket/new', undefined, 'n'), to('nonsense', undefined, 'x')],
      }),
      [
        'reference to: bucket/none is not committed',
        'reference n: bucket/new is not committed',
        'reference x: nonsense is not committed',
      ],
    ],
    [
      'outputs that are not reported',
      aComponent('web/w', { references: [to('bucket/b', ['url', 'arn'])], config: { x: '${to.name}' } }),
      ['reference to: bucket/b has not reported url, name'],
    ],
    [
      'what is committed counts, not what is wanted',
      aComponent('web/w', { references: [to('bucket/none')], committed: { references: [to('bucket/b', ['arn'])] } }),
      [],
    ],
    [
      'as long as nothing is committed, what is wanted does',
      aComponent('web/w', { references: [to('bucket/none')], committed: false }),
      ['reference to: bucket/none is not committed'],
    ],
  ]
  for (const [title, component, expected] of cases) {
    it(`lacks: ${title}`, () => assert.deepEqual(unresolvedOf(component, known), expected))
  }
})
