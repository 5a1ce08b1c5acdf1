import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Json, JsonObject } from '../../../../operator/api/kinds.generated.ts'
import { deepEqual, emptyObject, isObject, mergePatch, patchBetween } from '../../../../operator/api/merge-patch.ts'
import {
  changedPaths,
  mergeConfig,
  patchOfUntouched,
  pointerTokens,
  removeAt,
  valueAt,
} from '../../../../operator/core/change/patch.ts'
import { holds } from '../graph/property.ts'

/** Objects without prototype, as the edge makes them: a hostile key is a key like any other. */
const bare = (text: string): JsonObject => JSON.parse(text, bareValue) as JsonObject
const bareValue = (_key: string, value: Json): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.assign(emptyObject(), value) : value
/** `Object.assign` sets the prototype for a key `__proto__` on a plain object, and on these a member. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** Few keys, so that two configs meet; some of them are names that every object has. */
const anyKey = fc.constantFrom(
  'a',
  'b',
  'c',
  '',
  'a/b',
  'm~n',
  'constructor',
  'toString',
  'hasOwnProperty',
  '0',
  'länge',
)
const anyConfig: fc.Arbitrary<JsonObject> = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
  object: fc
    .array(fc.tuple(anyKey, tie('value')), { maxLength: 4 })
    .map((entries) => Object.assign(emptyObject(), Object.fromEntries(entries)) as JsonObject),
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<Json>(0, 1, 'x', '', true, false),
    tie('object'),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
})).object

/** Of every member of every object, down to the lists. */
const pointersIn = (config: JsonObject, at: readonly string[] = []): string[] =>
  Object.entries(config).flatMap(([key, value]) => {
    const tokens = [...at, key]
    return [pointerOf(tokens), ...(isObject(value) ? pointersIn(value, tokens) : [])]
  })

const pointerOf = (tokens: readonly string[]): string =>
  tokens.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

describe('core/change/patch: any config', () => {
  it('merging the patch between two leads from one to the other, and back', () => {
    holds(fc.tuple(anyConfig, anyConfig), 1000, ['equal', 'empty patch', 'null', 'nested'], ([before, after], hit) => {
      const patch = patchBetween(before, after)
      const text = JSON.stringify([before, after])
      assert.ok(deepEqual(mergePatch(before, patch), after))
      assert.ok(deepEqual(mergeConfig(after, patchBetween(after, before)), before))
      assert.equal(JSON.stringify([before, after]), text, 'neither was changed')
      assert.equal(Object.keys(patch).length === 0, deepEqual(before, after))
      if (deepEqual(before, after)) hit('equal')
      if (Object.keys(patch).length === 0) hit('empty patch')
      if (Object.values(patch).includes(null)) hit('null')
      if (Object.values(patch).some((value) => typeof value === 'object' && value !== null)) hit('nested')
    })
  })

  it('changed paths are none when nothing changed, and each leads to a difference', () => {
    holds(fc.tuple(anyConfig, anyConfig), 1000, ['equal', 'deep', 'escaped'], ([before, after], hit) => {
      const paths = changedPaths(before, after)
      assert.equal(paths.length === 0, deepEqual(before, after))
      assert.deepEqual(paths, paths.toSorted())
      for (const path of paths) {
        assert.equal(pointerOf(pointerTokens(path)), path)
        assert.ok(!deepEqual(valueAt(before, path), valueAt(after, path)), path)
        if (path.includes('/', 1)) hit('deep')
        if (path.includes('~')) hit('escaped')
      }
      if (paths.length === 0) hit('equal')
    })
  })

  it('what nobody touched is patched whole, and what others edited stays theirs', () => {
    holds(
      fc.tuple(anyConfig, anyConfig, anyConfig),
      1500,
      ['nothing left', 'all', 'part'],
      ([before, after, current], hit) => {
        const patch = patchBetween(before, after)
        assert.ok(deepEqual(patchOfUntouched(patch, before, before), patch))
        const kept = patchOfUntouched(patch, before, current)
        const merged = mergeConfig(current, kept)
        // Whatever differs between what somebody made of it and the outcome had been left alone by them.
        for (const path of changedPaths(current, merged)) {
          const [was, is] = [valueAt(before, path), valueAt(current, path)]
          assert.ok(deepEqual(was, is), `${path} was edited`)
        }
        if (Object.keys(patch).length === 0) return
        hit(Object.keys(kept).length === 0 ? 'nothing left' : deepEqual(kept, patch) ? 'all' : 'part')
      },
    )
  })

  it('removing at a pointer takes exactly that away', () => {
    const anyPointer = fc.array(anyKey, { minLength: 1, maxLength: 3 }).map(pointerOf)
    const anyCase = fc.tuple(anyConfig, anyPointer, fc.nat())
    holds(anyCase, 1500, ['there', 'not there', 'nested'], ([config, anywhere, place], hit) => {
      const known = pointersIn(config)
      const pointer = place % 4 === 0 ? anywhere : (known[place % known.length] ?? anywhere)
      const text = JSON.stringify(config)
      const shorter = removeAt(config, pointer)
      assert.equal(JSON.stringify(config), text)
      if (shorter === undefined) return hit('not there')
      hit(pointer.includes('/', 1) ? 'nested' : 'there')
      assert.equal(valueAt(shorter, pointer), undefined)
      assert.deepEqual(changedPaths(config, shorter), [pointer])
    })
  })
})

describe('core/change/patch: cases', () => {
  const config = (): JsonObject => ({ a: { b: [1, { c: 2 }], 'x/y': 3, 'm~n': 4, '': 5 }, list: ['p', 'q'] })

  const values: [pointer: string, expected: Json | undefined][] = [
    ['', config()],
    ['/a/x~1y', 3],
    ['/a/m~0n', 4],
    ['/a/', 5],
    ['/a/b/1/c', 2],
    ['/list/0', 'p'],
    ['/list/2', undefined],
    ['/list/-', undefined],
    ['/list/-1', undefined],
    ['/list/', undefined],
    ['/list/00', undefined],
    ['/list/1e0', undefined],
    ['/list/length', undefined],
    ['/list/constructor', undefined],
    ['/constructor', undefined],
    ['/__proto__', undefined],
    ['/a/toString/name', undefined],
    ['/a/b/c', undefined],
  ]
  for (const [pointer, expected] of values) {
    it(`at ${pointer || 'the root'} stands ${JSON.stringify(expected) ?? 'nothing'}`, () =>
      assert.deepEqual(valueAt(config(), pointer), expected))
  }

  const removals: [pointer: string, expected: Json | undefined][] = [
    ['/list', { a: config().a! }],
    ['/a/x~1y', { a: { b: [1, { c: 2 }], 'm~n': 4, '': 5 }, list: ['p', 'q'] }],
    ['/a/', { a: { b: [1, { c: 2 }], 'x/y': 3, 'm~n': 4 }, list: ['p', 'q'] }],
    ['/list/0', undefined],
    ['/a/b/1/c', undefined],
    ['/a/none', undefined],
    ['/none/b', undefined],
    ['/constructor', undefined],
    ['/a/hasOwnProperty', undefined],
    ['', undefined],
  ]
  for (const [pointer, expected] of removals) {
    it(`removing ${pointer || 'the root'} ${expected === undefined ? 'finds nothing' : 'leaves the rest'}`, () => {
      const left = removeAt(config(), pointer)
      assert.deepEqual(left && plain(left), expected)
    })
  }

  const merges: [before: string, patch: string, after: string][] = [
    ['{"a":1}', '{"a":null}', '{}'],
    ['{"a":1}', '{"b":null}', '{"a":1}'],
    ['{"a":{"b":1}}', '{"a":{"c":2}}', '{"a":{"b":1,"c":2}}'],
    ['{"a":{"b":1}}', '{"a":[1]}', '{"a":[1]}'],
    ['{"a":[1,2]}', '{"a":[3]}', '{"a":[3]}'],
    ['{"a":"x"}', '{"a":{"b":{"c":null}}}', '{"a":{"b":{}}}'],
    ['{}', '{"__proto__":{"polluted":1}}', '{"__proto__":{"polluted":1}}'],
    ['{"a":1}', '{"constructor":{"prototype":{"polluted":1}}}', '{"a":1,"constructor":{"prototype":{"polluted":1}}}'],
  ]
  for (const [before, patch, after] of merges) {
    it(`${before} with ${patch} is ${after}`, () => {
      const merged = mergeConfig(bare(before), bare(patch))
      assert.equal(JSON.stringify(merged), after)
      assert.equal(Object.getPrototypeOf(merged), null)
      assert.equal((Object.prototype as unknown as { polluted?: number }).polluted, undefined)
    })
  }

  it('what was edited under a change is left to its editor, key by key', () => {
    const before = { a: 1, deep: { x: 1, y: 1 }, gone: 1, list: [1] }
    const patch = { a: 2, deep: { x: 2, y: 2 }, gone: null, list: [2], fresh: 1 }
    const current = { a: 9, deep: { x: 1, y: 9 }, gone: 1, list: [1], fresh: 7 }
    assert.deepEqual(plain(patchOfUntouched(patch, before, current)), { deep: { x: 2 }, gone: null, list: [2] })
  })

  it('names that every object has are keys like any other, also between plain objects', () => {
    assert.deepEqual(plain(patchBetween({ toString: 1, valueOf: {} }, {})), { toString: null, valueOf: null })
    assert.deepEqual(plain(patchBetween({}, { toString: 1 })), { toString: 1 })
    assert.deepEqual(changedPaths({ toString: 1 }, {}), ['/toString'])
    assert.deepEqual(plain(patchOfUntouched({ toString: 1 }, {}, bare('{"x":1}'))), { toString: 1 })
  })
})
