// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are the topic
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Component, ComponentTypeSpec, Json, JsonObject } from '../../../../operator/api/kinds.generated.ts'
import { mergePatch } from '../../../../operator/api/merge-patch.ts'
import type { Parsed } from '../../../../operator/api/parse.ts'
import { type Drift, differencesBetween, driftOf, type Outputs } from '../../../../operator/core/component/drift.ts'
import { idOf } from '../../../../operator/core/component/identity.ts'
import { aComponent, aComponentType, at, noon } from '../../../support/builders.ts'
import { holds } from '../graph/property.ts'

/** `r.arn`, `r.n`, `r.o` and the secret `r.key` are known, everything else is not. */
const values: Readonly<Record<string, Json>> = { arn: 'arn:1', n: 3, o: { x: 1, y: [2] }, nil: null, key: 'hush' }
const outputs: Outputs = {
  value: (reference, output) => (reference === 'r' ? values[output] : undefined),
  isSensitive: (_, output) => output === 'key',
}
const differ = (committed: JsonObject, found: JsonObject): string[] =>
  differencesBetween(committed, found, outputs).map(({ pointer, ...texts }) => {
    return `${pointer}: ${texts.expected} -> ${texts.found}`
  })

describe('core/component/drift: differences', () => {
  type Row = readonly [title: string, committed: JsonObject, found: JsonObject, expected: readonly string[]]
  const table: readonly Row[] = [
    ['nothing and nothing', {}, {}, []],
    ['the same', { a: 1, b: { c: ['x', true] } }, { b: { c: ['x', true] }, a: 1 }, []],
    ['another value', { a: 1 }, { a: 2 }, ['/a: 1 -> 2']],
    ['another type', { a: 1 }, { a: '1' }, ['/a: 1 -> "1"']],
    ['what is not there', { a: 1, b: 2 }, { b: 2 }, ['/a: 1 -> nothing']],
    ['what is null', { a: 1 }, { a: null }, ['/a: 1 -> null']],
    ['a default of the cloud: a key that is only found', { a: 1 }, { a: 1, b: 2 }, []],
    ['the same, deep down', { a: { b: 1 } }, { a: { b: 1, c: 2 }, d: {} }, []],
    ['the same, in an item of a list', { a: [{ b: 1 }] }, { a: [{ b: 1, id: 'x' }] }, []],
    ['deep down', { a: { b: { c: 1, d: 2 } } }, { a: { b: { c: 3, d: 2 } } }, ['/a/b/c: 1 -> 3']],
    ['a branch that is not there', { a: { b: 1, c: 2 } }, {}, ['/a/b: 1 -> nothing', '/a/c: 2 -> nothing']],
    ['a value in place of a branch', { a: { b: 1 } }, { a: 'x' }, ['/a: an object with 1 keys -> "x"']],
    ['a branch in place of a value', { a: 'x' }, { a: { b: 1 } }, ['/a: "x" -> an object with 1 keys']],
    ['a list in place of a branch', { a: { b: 1 } }, { a: [1] }, ['/a: an object with 1 keys -> a list of 1']],
    ['a branch in place of a list', { a: [1] }, { a: { 0: 1 } }, ['/a: a list of 1 -> an object with 1 keys']],
    ['an item of a list', { a: [1, 2, 3] }, { a: [1, 4, 3] }, ['/a/1: 2 -> 4']],
    ['another order of a list', { a: ['x', 'y'] }, { a: ['y', 'x'] }, ['/a/0: "x" -> "y"', '/a/1: "y" -> "x"']],
    ['a list with one more', { a: [1] }, { a: [1, 2] }, ['/a: a list of 1 -> a list of 2']],
    ['a list with one less', { a: [1, 2] }, { a: [1] }, ['/a: a list of 2 -> a list of 1']],
    ['empty is as good as absent', { a: {}, b: [], c: { d: {} } }, {}, []],
    ['empty is not what is there', { a: [] }, { a: [1] }, ['/a: a list of 0 -> a list of 1']],
    ['an empty list is no empty object', { a: [] }, { a: {} }, ['/a: a list of 0 -> an object with 0 keys']],
    ['false and 0 are values', { a: false, b: 0 }, {}, ['/a: false -> nothing', '/b: 0 -> nothing']],
    ['keys that a pointer escapes', { 'a/b': { '~': 1 } }, { 'a/b': {} }, ['/a~1b/~0: 1 -> nothing']],
    ['keys that every object has', { toString: 'x' }, {}, ['/toString: "x" -> nothing']],
    ['an empty key', { '': 1 }, {}, ['/: 1 -> nothing']],

    ['a placeholder, by its value', { a: '${r.arn}', b: '${r.n}' }, { a: 'arn:1', b: 3 }, []],
    ['a placeholder, by another value', { a: '${r.arn}' }, { a: 'arn:2' }, ['/a: "arn:1" -> "arn:2"']],
    ['a placeholder that was never filled in', { a: '${r.arn}' }, { a: '${r.arn}' }, ['/a: "arn:1" -> "${r.arn}"']],
    ['a placeholder in a text', { a: 'x/${r.arn}?${r.n}' }, { a: 'x/arn:1?4' }, ['/a: "x/arn:1?3" -> "x/arn:1?4"']],
    ['a placeholder for an object', { a: '${r.o}' }, { a: { x: 1, y: [3], z: 0 } }, ['/a/y/0: 2 -> 3']],
    ['a placeholder for null', { a: '${r.nil}' }, {}, []],
    ['an output that is not known', { a: '${r.none}', b: ['${s.arn}'] }, { a: 'x', b: ['y'] }, []],
    ['an output that is not known, and nothing found', { a: '${r.none}' }, {}, []],
    ['an output that is not known, among texts', { a: 'x/${r.none}', b: 1 }, { a: 'y', b: 2 }, ['/b: 1 -> 2']],
    ['an escaped placeholder', { a: '$${r.arn}' }, { a: '${r.arn}' }, []],

    ['a secret as it should be', { a: '${r.key}' }, { a: 'hush' }, []],
    ['a secret that is another', { a: '${r.key}' }, { a: 'leak' }, ['/a: "${r.key}" -> another value']],
    ['a secret in a text', { a: 'u:${r.key}@${r.arn}' }, { a: 'leak' }, ['/a: "u:${r.key}@${r.arn}" -> another value']],
    ['a secret that is not there', { a: '${r.key}' }, {}, ['/a: "${r.key}" -> nothing']],
    ['an object in place of a secret', { a: '${r.key}' }, { a: { b: 'leak' } }, ['/a: "${r.key}" -> another value']],
  ]
  for (const [title, committed, found, expected] of table) {
    it(title, () => assert.deepEqual(differ(committed, found), expected))
  }

  it('tells nothing of a secret that is an object', () => {
    const hidden: Outputs = { value: () => ({ user: 'hush', list: ['hush'] }), isSensitive: () => true }
    const found = { a: { user: 'leak', list: ['leak'] } }
    assert.deepEqual(differencesBetween({ a: '${r.o}' }, found, hidden), [
      { pointer: '/a/user', expected: '"${r.o}"', found: 'another value' },
      { pointer: '/a/list/0', expected: '"${r.o}"', found: 'another value' },
    ])
  })

  it('shortens what it shows, and shows nothing that forges a line', () => {
    const [long, forged] = differencesBetween({ a: 'x'.repeat(1_000), b: '' }, { a: 'y', b: 'a\n\u202eb' }, outputs)
    assert.ok(long!.expected.length <= 48, long!.expected)
    assert.equal(forged!.found, '"a\\n\\u202eb"')
  })
})

/** Few keys and values, so that two of them have something in common. */
const anyJson = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<Json>(0, 1, 'x', true),
    fc.array(tie('value'), { maxLength: 2 }),
    tie('object'),
  ),
  object: fc.dictionary(fc.constantFrom('a', 'b', '~/'), tie('value'), { maxKeys: 3 }) as fc.Arbitrary<JsonObject>,
})).object

const stepsOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))

const valueAt = (config: Json, pointer: string): Json | undefined =>
  stepsOf(pointer).reduce<Json | undefined>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step)
        ? (value as JsonObject)[step]
        : undefined,
    config,
  )

const pointersOf = (committed: JsonObject, found: JsonObject): string[] =>
  differencesBetween(committed, found, outputs).map(({ pointer }) => pointer)

/** `found` with what is committed put in its place there, on the way too. */
const mended = (found: Json | undefined, steps: readonly string[], value: Json, like: Json): Json => {
  const [step, ...rest] = steps
  if (step === undefined) return value
  const inner = (like as JsonObject)[step]!
  if (Array.isArray(like)) {
    const list = [...(found as Json[])]
    list[Number(step)] = mended(list[Number(step)], rest, value, inner)
    return list
  }
  const object = (found ?? {}) as JsonObject
  return { ...object, [step]: mended(object[step], rest, value, inner) }
}

describe('core/component/drift: for any two configs', () => {
  it('none is another than itself, nor than itself with more in it', () => {
    holds(fc.tuple(anyJson, anyJson), 500, ['more'], ([config, other], hit) => {
      assert.deepEqual(pointersOf(config, config), [])
      // What is added stands beside what is there.
      const beside = Object.fromEntries(Object.entries(other).filter(([key]) => !Object.hasOwn(config, key)))
      if (Object.keys(beside).length > 0) hit('more')
      assert.deepEqual(pointersOf(config, mergePatch(config, beside) as JsonObject), [])
    })
  })

  it('where both have something, they differ the one way as the other', () => {
    holds(fc.tuple(anyJson, anyJson), 2_000, ['differ', 'same'], ([one, other], hit) => {
      const both = (pointer: string): boolean =>
        valueAt(one, pointer) !== undefined && valueAt(other, pointer) !== undefined
      const there = pointersOf(one, other).filter(both).sort()
      hit(there.length > 0 ? 'differ' : 'same')
      assert.deepEqual(there, pointersOf(other, one).filter(both).sort())
    })
  })

  it('every difference stands in what is committed, and with all of them mended none is left', () => {
    holds(fc.tuple(anyJson, anyJson), 2_000, ['mended'], ([committed, found], hit) => {
      const pointers = pointersOf(committed, found)
      assert.equal(new Set(pointers).size, pointers.length)
      if (pointers.length > 0) hit('mended')
      let now: Json = found
      for (const pointer of pointers) {
        const value = valueAt(committed, pointer)
        assert.notEqual(value, undefined, pointer)
        now = mended(now, stepsOf(pointer), value!, committed)
      }
      assert.deepEqual(pointersOf(committed, now as JsonObject), [])
    })
  })
})

describe('core/component/drift: a Component', () => {
  const database = aComponent('db/main', { outputs: { host: 'db.example', password: 'hush' } })
  const types: Readonly<Record<string, ComponentTypeSpec>> = {
    db: { outputs: [{ name: 'host' }, { name: 'password', sensitive: true }] },
  }
  const surroundings = {
    known: (id: string) => (id === idOf(database) ? database : undefined),
    type: (name: string) => (types[name] ? aComponentType(name, types[name]) : undefined),
  }
  const references = [{ name: 'db', component: 'db/main' }]
  const found = (config: unknown, observedAt?: string): Parsed<Component> =>
    aComponent('web/w', {
      config: { size: 1, url: 'https://${db.host}', key: '${db.password}' },
      references,
      status: { runtime: { ...(config !== undefined && { config }), ...(observedAt && { observedAt }) } as never },
    })
  const same = { size: 1, url: 'https://db.example', key: 'hush' }
  const drift = (component: Parsed<Component>): Drift | undefined => driftOf(component, surroundings)
  const before = at(noon - 1_000)
  const told = 'Component web/w: status.runtime.config is not as committed in version 1: '
  const todo = '; set it right, or ask for what was found with a ChangeRequest'

  type Row = readonly [title: string, component: Parsed<Component>, expected: Partial<Drift> | undefined]
  const table: readonly Row[] = [
    ['without reports', aComponent('web/w'), undefined],
    ['with a state alone', aComponent('web/w', { state: 'running' }), undefined],
    [
      'that is not committed',
      aComponent('web/w', { committed: false, status: { runtime: { config: {} } } }),
      undefined,
    ],
    [
      'as committed',
      found(same),
      { status: 'False', reason: 'AsCommitted', message: 'found as committed in version 1' },
    ],
    [
      'that differs',
      found({ ...same, size: 2, url: 'https://x' }),
      {
        status: 'True',
        reason: 'ConfigDiffers',
        message: `${told}/size: expected 1, found 2; /url: expected "https://db.example", found "https://x"${todo}`,
        pointers: ['/size', '/url'],
      },
    ],
    [
      'that differs in a secret',
      found({ ...same, key: 'leak' }),
      { message: `${told}/key: expected "\${db.password}", found another value${todo}` },
    ],
    [
      'of which nothing was found',
      found({}),
      {
        message: `${told}/size: expected 1, found nothing; /url: expected "https://db.example", found nothing; /key: expected "\${db.password}", found nothing${todo}`,
      },
    ],
    ['looked at before the commit', found({ ...same, size: 2 }, before), { status: 'Unknown', reason: 'Outdated' }],
    ['looked at before, and the same', found(same, before), { status: 'False' }],
    ['looked at in the second of the commit', found({}, at(noon)), { status: 'True' }],
    ['looked at afterwards', found({}, '2026-02-01T00:00:00+01:00'), { status: 'True' }],
    ['looked at nobody knows when', found({}, 'lately'), { status: 'True' }],
    [
      'whose report cannot be read whole',
      found({ ...same, size: 2 ** 60 }),
      { status: 'Unknown', reason: 'UnsafeInteger' },
    ],
    ['whose report is too large', found({ size: 'x'.repeat(40_000) }), { status: 'Unknown', reason: 'TooLarge' }],
  ]
  for (const [title, component, expected] of table) {
    it(title, () => {
      const is = drift(component)
      assert.deepEqual(
        is && Object.fromEntries(Object.keys(expected ?? {}).map((key) => [key, is[key as keyof Drift]])),
        expected,
      )
    })
  }

  it('names the first three places, and counts the rest', () => {
    const config = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, i]))
    const is = drift(aComponent('web/w', { config, status: { runtime: { config: {} } } }))
    assert.equal(is?.pointers.length, 40)
    assert.ok(is?.message.includes('/k2: expected 2, found nothing; and 37 more; set it right'), is?.message)
  })

  it('no word of a secret, wherever it was found', () => {
    for (const config of [{}, { ...same, key: 'leak' }, { ...same, key: ['leak'] }, { ...same, size: 3 }]) {
      assert.doesNotMatch(JSON.stringify(drift(found(config))), /hush|leak/)
    }
  })

  it('an output that nobody has reported, or a reference that leads nowhere, is no drift', () => {
    const lost = aComponent('web/w', {
      config: { a: '${db.port}', b: '${other.x}', c: '${none.x}' },
      references: [...references, { name: 'other', component: 'db/other' }],
      status: { runtime: { config: {} } },
    })
    assert.equal(drift(lost)?.status, 'False')
  })
})
