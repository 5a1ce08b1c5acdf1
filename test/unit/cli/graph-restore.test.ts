import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { JsonObject } from '../../../operator/api/kinds.generated.ts'
import { restorationOf } from '../../../operator/cli/graph-restore.ts'
import { stateOf } from '../../../operator/core/change/image.ts'
import { wishedBy } from '../../../operator/core/change/wished.ts'
import { type Wanted, wantedOf } from '../../../operator/core/component/wanted.ts'
import { aChangeRequest, aComponent, aWorld } from '../../support/builders.ts'

describe('kubectl karma graph: restoration', () => {
  const anyValue = fc.oneof(
    fc.integer({ min: 0, max: 2 }),
    fc.constantFrom('x', [1], [], {}),
    fc.dictionary(
      fc.constantFrom('x', 'y', '~/'),
      fc.oneof(fc.integer({ max: 2 }), fc.constant({ z: 1 }), fc.constant({})),
    ),
  )
  const anyWanted: fc.Arbitrary<Wanted> = fc
    .record({
      config: fc.dictionary(fc.constantFrom('a', 'b/c', 'toString'), anyValue, {
        noNullPrototype: true,
      }) as fc.Arbitrary<JsonObject>,
      references: fc.uniqueArray(
        fc.record({
          name: fc.constantFrom('r', 's', 't'),
          component: fc.constantFrom('site/a', 'site/b'),
          outputs: fc.subarray(['url', 'arn']),
        }),
        { selector: ({ name }) => name, maxLength: 3 },
      ),
    })
    .map(wantedOf)

  it('leads to exactly what was', () => {
    const seed = process.env.SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(process.env.SEED)
    let changed = 0
    fc.assert(
      fc.property(anyWanted, anyWanted, (is, was) => {
        const restoration = restorationOf(new Map([['dev/site/main', is]]), new Map([['dev/site/main', was]]), 'dev')
        assert.ok(restoration.ok)
        const { changes } = restoration.value
        const component = aComponent('site/main', is)
        if (changes.length === 0) return assert.deepEqual(plain(stateOf(is)), plain(stateOf(was)))
        changed++
        const wished = wishedBy(aChangeRequest({ changes: [...changes] }), aWorld({ components: [component] }))
        assert.ok(wished.ok, wished.ok ? '' : wished.failure.message)
        assert.deepEqual(wished.value.warnings, [])
        assert.deepEqual(plain(stateOf(wished.value.items[0]!.after!)), plain(stateOf(was)))
      }),
      { seed, numRuns: 500 },
    )
    console.log(`      seed ${seed}, ${changed} changed`)
    assert.ok(changed > 100)
  })

  const plain = (state: object) => JSON.parse(JSON.stringify(state))
  const changesOf = (is: Wanted, was: Wanted | undefined) => {
    const restoration = restorationOf(
      new Map([['dev/site/main', is]]),
      new Map(was ? [['dev/site/main', was]] : []),
      'dev',
    )
    assert.ok(restoration.ok, restoration.ok ? '' : restoration.failure.message)
    return plain(restoration.value)
  }

  it('takes away by pointer, merges the rest, and names references', () => {
    const is = { config: { a: 1, deep: { x: 1, 'y/z': 2 } }, references: [{ name: 'r', component: 'site/a' }] }
    const was = { config: { a: 2, deep: { x: 1 } }, references: [{ name: 's', component: 'site/b', outputs: ['url'] }] }
    assert.deepEqual(changesOf(is, was).changes, [
      {
        component: 'site/main',
        proposedChange: { a: 2 },
        remove: ['/deep/y~1z'],
        proposedReferences: [
          { name: 'r', remove: true },
          { name: 's', component: 'site/b', outputs: ['url'] },
        ],
      },
    ])
  })

  it('deletes what came since', () => {
    assert.deepEqual(changesOf({}, undefined).changes, [{ component: 'site/main', operation: 'Delete' }])
  })

  it('says what no request changes', () => {
    const { changes, beyond } = changesOf({ project: 'p' }, { allowedNamespaces: ['web'] })
    assert.deepEqual([changes, beyond], [[], [{ component: 'site/main', fields: ['allowedNamespaces', 'project'] }]])
  })

  it('replaces as a whole where too much goes', () => {
    const many = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`k${i}`, i]))
    const is = { config: { deep: { ...many, kept: 1 }, a: 1 } }
    assert.deepEqual(changesOf(is, { config: { deep: { kept: 1 }, a: 2 } }).changes, [
      { component: 'site/main', proposedChange: { deep: { kept: 1 }, a: 2 }, remove: ['/deep'] },
    ])
  })

  it('refuses what does not fit into one request', () => {
    const many = Array.from({ length: 101 }, (_, i) => [`dev/site/${i}`, {}] as const)
    const tooMany = restorationOf(new Map(many), new Map(), 'dev')
    assert.match(
      tooMany.ok ? '' : tooMany.failure.message,
      /spec.changes: expected at most 100 Components, found 101 that are other than they were; go back to a newer version first/,
    )
    const config = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`k${i}`, i]))
    const tooWide = restorationOf(new Map([['dev/site/main', { config }]]), new Map([['dev/site/main', {}]]), 'dev')
    assert.match(tooWide.ok ? '' : tooWide.failure.message, /Component site\/main: expected at most 64 fields/)
  })
})
