// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are the topic
import assert from 'node:assert/strict'
import type { Json } from '../../../../operator/api/kinds.generated.ts'
import {
  filledIn,
  isWholePlaceholder,
  placeholdersIn,
  placeholdersOf,
} from '../../../../operator/core/component/placeholder.ts'

describe('placeholders', () => {
  const cases: [string, string[]][] = [
    ['plain', []],
    ['${bucket.arn}', ['bucket.arn']],
    ['arn:${a.b}/${c.d}:${a.b}', ['a.b', 'c.d', 'a.b']],
    ['$${bucket.arn}', []],
    ['$${x.y} ${bucket.arn}', ['bucket.arn']],
    ['$$${bucket.arn}', []],
    ['${my-bucket.domain_name}', ['my-bucket.domain_name']],
    ['${HOME} ${AWS::Region} ${a.b.c} ${ a.b } ${a.} ${.b} ${a.b', []],
    ['${a.${b.c}}', ['b.c']],
  ]
  for (const [text, names] of cases) {
    it(`finds [${names}] in ${text}`, () => {
      assert.deepEqual(
        placeholdersIn(text).map(({ reference, output }) => `${reference}.${output}`),
        names,
      )
    })
  }

  it('says where, as a JSON pointer, and does not look at keys', () => {
    const config = { '${k.k}': 1, 'a/b': { '~': ['x', '${r.o}'] }, n: null, origin: 'https://${cdn.domain}/${r.o}' }
    assert.deepEqual(placeholdersOf(config), [
      { reference: 'r', output: 'o', pointer: '/a~1b/~0/1' },
      { reference: 'cdn', output: 'domain', pointer: '/origin' },
      { reference: 'r', output: 'o', pointer: '/origin' },
    ])
    assert.deepEqual(placeholdersOf(undefined), [])
  })

  it('knows a string that is nothing but one placeholder', () => {
    assert.ok(isWholePlaceholder('${a.b}'))
    for (const text of ['${a.b}${a.b}', '$${a.b}', ' ${a.b}', 'a']) assert.ok(!isWholePlaceholder(text))
  })

  const values: Readonly<Record<string, Json>> = {
    'b.arn': 'a:b',
    'b.n': 3,
    'b.on': true,
    'b.o': { x: 1 },
    'b.nil': null,
  }
  const filled: [text: string, value: Json | undefined][] = [
    ['plain', 'plain'],
    ['${b.arn}', 'a:b'],
    ['${b.n}', 3],
    ['${b.o}', { x: 1 }],
    ['${b.nil}', null],
    ['${b.none}', undefined],
    ['${b.arn}/${b.n}/${b.on}', 'a:b/3/true'],
    ['${b.arn} ${b.none}', undefined],
    ['in ${b.o}', undefined],
    ['in ${b.nil}', undefined],
    ['$${b.arn}', '${b.arn}'],
    ['$$${b.arn}', '$${b.arn}'],
    ['$${x.y} ${b.arn}', '${x.y} a:b'],
    ['${HOME} $${HOME} ${AWS::Region}', '${HOME} $${HOME} ${AWS::Region}'],
    ['${a.${b.arn}}', '${a.a:b}'],
  ]
  for (const [text, value] of filled) {
    it(`fills in ${text}`, () => {
      assert.deepEqual(
        filledIn(text, (reference, output) => values[`${reference}.${output}`]),
        value,
      )
    })
  }

  it('fills in what it finds, and nothing else', () => {
    const read: string[] = []
    for (const [text] of cases) {
      filledIn(text, (reference, output) => {
        read.push(`${reference}.${output}`)
        return ''
      })
    }
    assert.deepEqual(
      read,
      cases.flatMap(([, names]) => names),
    )
  })
})
