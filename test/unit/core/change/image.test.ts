import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Json, JsonObject, Reference } from '../../../../operator/api/kinds.generated.ts'
import { deepEqual } from '../../../../operator/api/merge-patch.ts'
import {
  componentFrom,
  imaged,
  imageTexts,
  readImage,
  specPatchOf,
  stateOf,
  wantedFrom,
} from '../../../../operator/core/change/image.ts'
import { hashOf, type Wanted, wantedOf } from '../../../../operator/core/component/wanted.ts'
import { aComponent } from '../../../support/builders.ts'
import { holds } from '../graph/property.ts'

const anyKey = fc.constantFrom('a', 'b', 'c', 'constructor', 'toString', '')
const anyValue: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.nat(2),
    fc.constant('x'),
    fc.array(fc.nat(1), { maxLength: 2 }),
    fc.dictionary(anyKey, tie('value'), { maxKeys: 3 }),
  ),
})).value
const anyReference = fc.record(
  { component: fc.constantFrom('net/a', 'net/b'), outputs: fc.constantFrom(['x'], ['x', 'y']) },
  { requiredKeys: ['component'] },
)
const anyWanted: fc.Arbitrary<Wanted> = fc
  .record(
    {
      config: fc.dictionary(anyKey, anyValue, { maxKeys: 3 }),
      references: fc
        .dictionary(fc.constantFrom('r', 's', 'constructor'), anyReference, { maxKeys: 2 })
        .map((map) => Object.entries(map).map(([name, rest]) => ({ name, ...rest }))),
      project: fc.constantFrom('p', 'q'),
      source: fc.record({ repository: fc.constantFrom('git', 'hg') }),
      allowedNamespaces: fc.constantFrom(['web'], ['web', 'shop']),
    },
    { requiredKeys: [] },
  )
  .map((wanted) => wantedOf(wanted as unknown as Wanted))

const anyPair = fc.oneof(
  fc.record({ before: anyWanted, after: anyWanted }),
  anyWanted.map((wanted) => ({ before: wanted, after: wanted })),
)

describe('core/change/image', () => {
  it('leads from before to after, and back', () => {
    holds(anyPair, 500, ['other', 'same', 'references'], (pair, hit) => {
      const { before, after } = pair
      const texts = imageTexts(before, after, {})
      assert.equal(hashOf(imaged(texts.after, before) ?? {}), hashOf(after))
      assert.equal(hashOf(imaged(texts.before, after) ?? {}), hashOf(before))
      const isSame = hashOf(before) === hashOf(after)
      hit(isSame ? 'same' : 'other')
      if (!deepEqual(stateOf(before).references, stateOf(after).references)) hit('references')
      // A text that changes nothing is empty.
      if (isSame) assert.deepEqual(texts, { before: '{}', after: '{}' })
    })
  })

  it('of what comes and goes holds all of it', () => {
    holds(anyWanted, 200, ['something'], (wanted, hit) => {
      const texts = imageTexts(null, wanted, { environment: 'dev' })
      assert.deepEqual(texts.before, 'null')
      assert.equal(hashOf(imaged(texts.after, null) ?? {}), hashOf(wanted))
      assert.equal(imaged(imageTexts(wanted, null, {}).after, wanted), null)
      if (Object.keys(wanted).length > 0) hit('something')
    })
  })

  it('state and wanted are two forms of the same', () => {
    holds(anyWanted, 200, ['references'], (wanted, hit) => {
      assert.equal(hashOf(wantedFrom(stateOf(wanted))), hashOf(wanted))
      if (wanted.references) hit('references')
    })
  })

  for (const [text, expected] of [
    ['null', null],
    ['{"a":1}', { a: 1 }],
    ['[1]', undefined],
    ['1', undefined],
    ['{', undefined],
  ] as const) {
    it(`reads ${text}`, () => assert.deepEqual(JSON.stringify(readImage(text)), JSON.stringify(expected)))
  }

  it('a Component that was deleted comes back with its environment and labels', () => {
    const wanted = { config: { a: 1 }, project: 'p' }
    const { after } = imageTexts(null, wanted, { environment: 'dev', labels: { team: 'net' } })
    const image = { component: 'site/main.eu', before: 'null', after }
    assert.deepEqual(JSON.parse(JSON.stringify(componentFrom(image, 'web'))), {
      apiVersion: 'usekarma.dev/v1alpha1',
      kind: 'Component',
      metadata: { namespace: 'web', name: 'site.main.eu', labels: { team: 'net' } },
      spec: { type: 'site', nickname: 'main.eu', environment: 'dev', config: { a: 1 }, project: 'p' },
    })
    for (const text of ['null', '{}', '{"environment":1}', 'x'])
      assert.equal(componentFrom({ ...image, after: text }, 'web'), undefined)
  })

  it('patches references by name and leaves the order of the others', () => {
    const references = ['a', 'b', 'c'].map((name) => ({ name, component: `net/${name}` }))
    const { spec } = aComponent('site/main', { references })
    const patch = { config: { x: 1 }, references: { b: null, c: { outputs: ['o'] }, d: { component: 'net/d' } } }
    assert.deepEqual(JSON.parse(JSON.stringify(specPatchOf(patch as JsonObject, spec))), {
      config: { x: 1 },
      references: [
        { name: 'a', component: 'net/a' },
        { name: 'c', component: 'net/c', outputs: ['o'] },
        { name: 'd', component: 'net/d' },
      ],
    })
  })

  it('takes the last reference away by its name', () => {
    const before = wantedOf({ references: [{ name: 'a', component: 'net/a' }] })
    const texts = imageTexts(before, wantedOf({}), {})
    assert.deepEqual(texts, {
      before: '{"references":{"a":{"component":"net/a"}}}',
      after: '{"references":{"a":null}}',
    })
    const references = [{ name: 'a', component: 'net/a' }]
    const edited = [...references, { name: 'b', component: 'net/b' }]
    const specWith = (list: Reference[]): JsonObject =>
      specPatchOf(JSON.parse(texts.after) as JsonObject, aComponent('web/a', { references: list }).spec)
    assert.deepEqual(specWith(references), { references: [] })
    assert.deepEqual(specWith(edited), { references: [{ name: 'b', component: 'net/b' }] })
  })
})
