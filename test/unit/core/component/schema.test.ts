// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are the topic
import assert from 'node:assert/strict'
import { faultMessage } from '../../../../operator/api/free-form.ts'
import type { Json, JsonObject } from '../../../../operator/api/kinds.generated.ts'
import { checkConfig, makeSchemaCache, type SchemaCache } from '../../../../operator/core/component/schema.ts'

const bare = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(bare)
  if (typeof value !== 'object' || value === null) return value
  return Object.assign(Object.create(null), Object.fromEntries(Object.entries(value).map(([k, v]) => [k, bare(v)])))
}
const shared = makeSchemaCache()
const check = (schema: Json, config: Json, cache: SchemaCache = shared) => {
  const type = { metadata: { name: 'vpc' }, spec: { configSchema: bare(schema) as JsonObject } }
  return checkConfig(type, bare(config) as JsonObject, cache)
}
const messages = (schema: Json, config: Json): string[] => {
  const result = check(schema, config)
  assert.ok(result.ok, result.ok ? '' : result.failure.message)
  return result.value.map((fault) => {
    assert.equal(fault.reason, 'InvalidConfig')
    return faultMessage('vpc/main', fault).slice('vpc/main: '.length)
  })
}
const props = (properties: JsonObject, rest: JsonObject = {}): JsonObject => ({ type: 'object', properties, ...rest })

describe('config against configSchema: messages', () => {
  const cidr = { type: 'string', pattern: '^[0-9./]+$' }
  const cases: [string, Json, Json, string[]][] = [
    ['fits', props({ cidr }), { cidr: '10.0.0.0/16' }, []],
    [
      'wrong type and pattern',
      props({ cidr }),
      { cidr: 42 },
      ['config.cidr: expected string matching "^[0-9./]+$", found 42'],
    ],
    ['pattern', props({ cidr }), { cidr: 'x' }, ['config.cidr: expected string matching "^[0-9./]+$", found "x"']],
    ['missing', props({ cidr }, { required: ['cidr'] }), {}, ['config.cidr: expected a value, found nothing']],
    [
      'missing, although every object inherits it',
      { required: ['toString', 'constructor'] },
      {},
      ['config.toString: expected a value, found nothing', 'config.constructor: expected a value, found nothing'],
    ],
    [
      'unknown key',
      props({ cidr }, { additionalProperties: false }),
      { cdir: 1 },
      ['config.cdir: expected only keys the schema knows (["cidr"]), found 1'],
    ],
    [
      'in a list',
      props({ l: { items: { enum: ['a', 'b'] } } }),
      { l: ['a', 'c'] },
      ['config.l[1]: expected one of ["a","b"], found "c"'],
    ],
    [
      'a key that is a number',
      { patternProperties: { '^[0-9]+$': { minimum: 3 } } },
      { 7: 2 },
      ['config["7"]: expected at least 3, found 2'],
    ],
    [
      'several types',
      props({ n: { type: ['integer', 'null'] } }),
      { n: 'x' },
      ['config.n: expected integer or null, found "x"'],
    ],
    [
      'format',
      props({ ip: { format: 'ipv4' } }),
      { ip: '1.2.3' },
      ['config.ip: expected string in format ipv4, found "1.2.3"'],
    ],
    [
      'const of objects',
      props({ o: { const: { a: [1] } } }),
      { o: { a: [2] } },
      ['config.o: expected {"a":[1]}, found an object with 1 keys'],
    ],
    ['const of equal objects', props({ o: { const: { a: [{}] } } }), { o: { a: [{}] } }, []],
    [
      'unique objects',
      props({ l: { uniqueItems: true } }),
      { l: [{ a: 1 }, { a: 1 }] },
      ['config.l: expected items that differ (0 and 1 are alike), found a list of 2'],
    ],
    [
      'limits',
      props({ s: { maxLength: 1 }, l: { minItems: 2 } }),
      { s: 'ab', l: [] },
      ['config.s: expected at most 1 characters, found "ab"', 'config.l: expected at least 2 items, found a list of 0'],
    ],
    [
      'draft-07',
      { $schema: 'http://json-schema.org/draft-07/schema#', properties: { t: { items: [{ type: 'string' }] } } },
      { t: [1] },
      ['config.t[0]: expected string, found 1'],
    ],
    [
      'draft 2020-12',
      {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        properties: { t: { prefixItems: [{ type: 'string' }] } },
      },
      { t: [1] },
      ['config.t[0]: expected string, found 1'],
    ],
    [
      '$ref',
      { $ref: '#/$defs/o', $defs: { o: props({ n: { type: 'integer' } }) } },
      { n: 'x' },
      ['config.n: expected integer, found "x"'],
    ],
    [
      'unevaluated',
      { allOf: [props({ a: {} })], unevaluatedProperties: false },
      { a: 1, b: 2 },
      ['config.b: expected no such key, found 2'],
    ],
    ['words of other vocabularies', { 'x-kubernetes-int-or-string': true, example: 1 }, { a: 1 }, []],
  ]
  for (const [name, schema, config, expected] of cases) {
    it(name, () => assert.deepEqual(messages(schema, config), expected))
  }

  it('a type without schema takes everything', () => {
    const result = checkConfig({ metadata: { name: 'vpc' }, spec: {} }, undefined, makeSchemaCache())
    assert.deepEqual(result, { ok: true, value: [] })
  })
})

describe('config against configSchema: placeholders', () => {
  const oneOf = { oneOf: [{ type: 'integer' }, { type: 'string', pattern: '^arn:' }] }
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  const ifThen = { if: { properties: { mode: { const: 'a' } } }, then: { required: ['x'] } }
  const cases: [string, Json, Json, string[]][] = [
    ['fit any type', props({ n: { type: 'integer', minimum: 3 } }), { n: '${r.o}' }, []],
    ['fit any pattern', props({ s: { pattern: '^arn:', maxLength: 2 } }), { s: '${r.o}' }, []],
    ['fit enum and const', props({ e: { enum: ['a'] }, c: { const: 1 } }), { e: '${r.o}', c: '${r.o}' }, []],
    [
      'within a text are a string',
      props({ n: { type: 'integer' } }),
      { n: 'x-${r.o}' },
      ['config.n: expected integer, found "x-${r.o}"'],
    ],
    ['within a text fit any pattern', props({ s: { type: 'string', pattern: '^arn:' } }), { s: 'x-${r.o}' }, []],
    [
      'that are escaped are text',
      props({ n: { type: 'integer' } }),
      { n: '$${r.o}' },
      ['config.n: expected integer, found "$${r.o}"'],
    ],
    [
      'leave the rest to be judged',
      props({ a: { type: 'integer' }, b: { type: 'integer' } }),
      { a: '${r.o}', b: 'x' },
      ['config.b: expected integer, found "x"'],
    ],
    ['under oneOf', props({ v: oneOf }), { v: '${r.o}' }, []],
    ['under oneOf by $ref', { ...props({ v: { $ref: '#/$defs/v' } }), $defs: { v: oneOf } }, { v: '${r.o}' }, []],
    ['under if', ifThen, { mode: '${r.o}' }, []],
    [
      'beside if that fails anyway',
      { ...props({ n: { type: 'integer' } }), ...ifThen },
      { mode: '${r.o}', n: 'x' },
      ['config.n: expected integer, found "x"'],
    ],
    ['under not', props({ v: { not: { type: 'string' } } }), { v: '${r.o}' }, []],
    ['in a list that must contain', props({ l: { contains: { const: 1 } } }), { l: ['${r.o}'] }, []],
    [
      'elsewhere than the combinator',
      props({ v: oneOf, w: {} }),
      { v: true, w: '${r.o}' },
      [
        'config.v: expected integer, found true',
        'config.v: expected string matching "^arn:", found true',
        'config.v: expected a value that fits exactly one of "oneOf", found true',
      ],
    ],
  ]
  for (const [name, schema, config, expected] of cases) {
    it(name, () => assert.deepEqual(messages(schema, config), expected))
  }
})

describe('configSchema that cannot be used', () => {
  const doubling = (levels: number): JsonObject => {
    const $defs: JsonObject = { d0: { type: 'object' } }
    for (let i = 1; i <= levels; i++)
      $defs[`d${i}`] = { allOf: [{ $ref: `#/$defs/d${i - 1}` }, { $ref: `#/$defs/d${i - 1}` }] }
    return { $defs, $ref: `#/$defs/d${levels}` }
  }
  const cases: [string, Json, Json, RegExp][] = [
    ['unknown type', { type: 'strnig' }, {}, /ComponentType vpc: spec.configSchema: .*type/],
    ['reference to nowhere', { $ref: '#/$defs/none' }, {}, /can't resolve reference #\/\$defs\/none/],
    ['reference to elsewhere', { $ref: 'https://schemas.example/x.json' }, {}, /can't resolve reference/],
    ['other draft', { $schema: 'http://json-schema.org/draft-04/schema#' }, {}, /expected draft-07 or draft\/2020-12/],
    ['pattern that is none', props({ a: { pattern: '(' } }), {}, /missing closing \)/],
    ['lookahead', props({ a: { pattern: '^(?!x)' } }), {}, /pattern "\^\(\?!x\)": .*\(\?!/],
    ['huge pattern', props({ a: { pattern: 'x{0,1000}' } }), {}, /2002 instructions, at most 1000/],
    ['asynchronous', { $async: true }, {}, /\$async/],
    ['endless reference', { $ref: '#' }, {}, /spec.configSchema: /],
    ['references that double', doubling(40), {}, /costs too much/],
    [
      'patterns without end',
      props({ a: { allOf: Array.from({ length: 60 }, (_, i) => ({ pattern: `(x+x+){${i + 1}}y` })) } }),
      { a: 'x'.repeat(30_000) },
      /costs too much/,
    ],
  ]
  for (const [name, schema, config, text] of cases) {
    it(name, () => {
      const result = check(schema, config)
      assert.ok(!result.ok)
      assert.equal(result.failure.reason, 'InvalidSchema')
      assert.match(result.failure.message, text)
    })
  }

  it('is refused when the edge found a fault in it', () => {
    const fault = { reason: 'ReservedKey', path: 'spec.configSchema.constructor', expected: 'x', found: 'y' } as const
    const result = checkConfig(
      { metadata: { name: 'vpc' }, spec: {}, faults: [fault] },
      {} as JsonObject,
      makeSchemaCache(),
    )
    assert.ok(!result.ok && result.failure.message.includes('spec.configSchema.constructor'))
  })

  it('does not harm the next schema, nor do two schemas with one $id', () => {
    const cache = makeSchemaCache({ size: 2 })
    const named = (type: string) => ({
      $id: 'https://x.example/s',
      $defs: { v: { $id: 'v', type } },
      properties: { v: { $ref: 'v' } },
    })
    for (const type of ['string', 'integer', 'boolean', 'string', 'none', 'integer']) {
      const result = check(named(type), { v: 'text' }, cache)
      assert.equal(result.ok, type !== 'none', result.ok ? type : result.failure.message)
      if (result.ok) assert.equal(result.value.length, type === 'string' ? 0 : 1)
    }
  })
})

describe('texts that are hard for JavaScript', () => {
  const evil: [string, string][] = [
    ['^(a+)+$', `${'a'.repeat(5000)}!`],
    ['^(a|aa)+$', `${'a'.repeat(5000)}!`],
    ['(.*)(.*)(.*)(.*)x$', 'a'.repeat(5000)],
    ['^([a-z]+)*@', 'a'.repeat(5000)],
  ]
  for (const [pattern, text] of evil) {
    it(`answers for ${pattern}`, () => assert.equal(messages(props({ a: { pattern } }), { a: text }).length, 1))
  }

  const hostile = ['a'.repeat(2000), 'a.'.repeat(1000), '1'.repeat(2000), ':'.repeat(2000), 'a:'.repeat(1000)]
  const tails = ['', '!', '@', '%', '\u0000', '{']
  for (const format of [
    'email',
    'uri',
    'uri-reference',
    'uri-template',
    'url',
    'hostname',
    'ipv4',
    'ipv6',
    'regex',
    'uuid',
    'json-pointer',
    'relative-json-pointer',
    'json-pointer-uri-fragment',
    'date',
    'time',
    'date-time',
    'iso-time',
    'duration',
    'byte',
    'int32',
    'double',
    'password',
    'binary',
  ]) {
    it(`answers for format ${format}, and refuses what is longer than 2048`, () => {
      const texts = hostile.flatMap((text) => tails.map((tail) => `${text}${tail}`))
      const schema = props({ l: { items: { format } } })
      messages(schema, { l: texts })
      if (['int32', 'double', 'password', 'binary'].includes(format)) return
      assert.equal(messages(schema, { l: ['/'.repeat(2049)] }).length, 1)
    })
  }
})
