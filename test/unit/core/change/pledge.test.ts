import assert from 'node:assert/strict'
import { newlyReferred, pledgesOf } from '../../../../operator/core/change/pledge.ts'
import type { Wanted } from '../../../../operator/core/component/wanted.ts'

describe('core/change/pledge', () => {
  const to = (component: string, outputs?: string[], name = 'to') => ({
    references: [{ name, component, ...(outputs && { outputs }) }],
  })
  const both = { references: [...to('a/x').references, ...to('web/a/y', ['o'], 'other').references] }
  const placed = { config: { text: `\${to.b}` } }
  const table: readonly (readonly [string, Wanted | null, Wanted | null, readonly string[]])[] = [
    ['all that a new one refers to', null, both, ['dev/a/x', 'web/a/y']],
    ['nothing of one that goes', both, null, []],
    ['what is added', to('a/x'), both, ['web/a/y']],
    ['nothing that stays, under whatever name', to('a/x'), to('a/x', undefined, 'else'), []],
    ['nothing that stays, also written in full', to('a/x'), to('dev/a/x'), []],
    ['another target under the same name', to('a/x'), to('a/z'), ['dev/a/z']],
    ['an output that was not read', to('a/x', ['a']), to('a/x', ['a', 'b']), ['dev/a/x']],
    ['an output that config names', to('a/x', ['a']), { ...to('a/x', ['a']), ...placed }, ['dev/a/x']],
    ['no output that may have been read before: it named none', to('a/x'), to('a/x', ['b']), []],
    ['all outputs, where it read some', to('a/x', ['a']), to('a/x'), ['dev/a/x']],
    ['nothing of an output that is read no more', to('a/x', ['a', 'b']), to('a/x', ['b']), []],
    ['nothing of what is no id', null, to('nonsense'), []],
  ]
  for (const [title, before, after, expected] of table) {
    it(`newly referred to is ${title}`, () => assert.deepEqual(newlyReferred(before, after, 'dev'), expected))
  }

  it('a batch promises once in each environment, in their order', () => {
    const pledge = (environment: string, ...components: string[]) => ({ environment, resourceVersion: '7', components })
    const members = [
      { refers: [pledge('n/b', 'n/t/2'), pledge('n/c', 'n/t/3')] },
      {},
      { refers: [pledge('n/a', 'n/t/0'), pledge('n/b', 'n/t/1', 'n/t/2')] },
    ]
    const expected = [pledge('n/a', 'n/t/0'), pledge('n/b', 'n/t/1', 'n/t/2'), pledge('n/c', 'n/t/3')]
    assert.deepEqual(pledgesOf(members), expected)
    assert.deepEqual(pledgesOf([{}]), [])
  })
})
